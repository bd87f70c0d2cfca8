"""A running service with practice authority and registered endpoints, for whole-service tests."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.practice.authority import Issued
from certs.practice.profiles import Validity
from congvan.v1 import common_pb2, registry_pb2, registry_pb2_grpc
from tests.support.postgres import reachable_directory
from tests.support.practice import PASSPHRASE, Practice

REGISTRAR, AUDITOR = "H56.88", "H56.89"
PROVINCE, COMMUNE, PARTY, FRONT, COMPANY = "H56.90", "H56.95", "A56.90", "A56.80", "2800000009"
ENDPOINTS = {
    PROVINCE: ("Sở Khoa học và Công nghệ", common_pb2.BLOCK_STATE),
    COMMUNE: ("Ủy ban nhân dân phường Hạc Thành", common_pb2.BLOCK_STATE),
    PARTY: ("Văn phòng Tỉnh ủy", common_pb2.BLOCK_PARTY),
    FRONT: ("Ủy ban Mặt trận Tổ quốc", common_pb2.BLOCK_FRONT),
    COMPANY: ("Công ty Thực hành", common_pb2.BLOCK_BUSINESS),
}
START_SECONDS = 60


@dataclass(frozen=True)
class RunningService:
    """Where the service listens and with which certificates it can be called."""

    address: str
    directory: Path
    root_pem: bytes
    identities: dict[str, Issued]
    process: subprocess.Popen[bytes]

    def credentials(self, issued: Issued) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            self.root_pem, issued.private_key_pem, issued.certificate_pem + _chain(issued)
        )

    def channel(self, code: str) -> grpc.Channel:
        return self.channel_with(self.identities[code])

    def channel_with(self, issued: Issued) -> grpc.Channel:
        return grpc.secure_channel(self.address, self.credentials(issued))

    def aio_channel(self, code: str) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(self.address, self.credentials(self.identities[code]))


def _chain(issued: Issued) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in issued.chain)


@dataclass(frozen=True)
class Variation:
    """What one service has otherwise than the others."""

    workers: int = 1
    listen: str = "127.0.0.1:0"
    dsn: str = ""
    tsa_url: str = ""
    extra: str = ""
    """More lines below [timestamping], then more sections."""


def write_configuration(
    directory: Path, practice: Practice, seal: Issued, *, variation: Variation = Variation()
) -> dict[str, Issued]:
    """Write congvan.toml and all files that it names; gives the endpoints' identities."""
    codes = (REGISTRAR, AUDITOR, *ENDPOINTS)
    identities = {code: practice.authority.issue_endpoint(code) for code in codes}
    for code in (REGISTRAR, AUDITOR):
        (directory / f"{code}.crt").write_bytes(identities[code].certificate_pem)
    (directory / "seal.p12").write_bytes(seal.pkcs12(PASSPHRASE))
    (directory / "seal.pass").write_bytes(PASSPHRASE + b"\n")
    _write_bad_seals(directory, practice)
    _write_tls(directory, practice)
    text = _configuration(practice, variation)
    (directory / "congvan.toml").write_text(text, encoding="utf8")
    return identities


def _write_bad_seals(directory: Path, practice: Practice) -> None:
    """Write seals that must not be used any more: one revoked, one expired."""
    now = datetime.now(UTC)
    past = Validity(not_before=now - timedelta(days=40), not_after=now - timedelta(days=10))
    issue = practice.authority.issue_seal
    revoked = issue("Cơ quan cũ", identifier="GOVVN-REVOKED", key="p256")
    practice.authority.revoke(revoked.certificate)
    expired = issue("Cơ quan cũ", identifier="GOVVN-EXPIRED", key="p256", validity=past)
    (directory / "revoked.p12").write_bytes(revoked.pkcs12(PASSPHRASE))
    (directory / "expired.p12").write_bytes(expired.pkcs12(PASSPHRASE))


def _write_tls(directory: Path, practice: Practice) -> None:
    authority = practice.authority
    authority.write_trust(directory / "trust")
    server = authority.issue_server(("localhost",), ("127.0.0.1",))
    (directory / "server.crt").write_bytes(server.certificate_pem + _chain(server))
    key = directory / "server.key"
    key.touch(0o600)
    key.write_bytes(server.private_key_pem)
    (directory / "root.crt").write_bytes(authority.root.public_bytes(Encoding.PEM))


def _configuration(practice: Practice, variation: Variation) -> str:
    host = practice.base_url.removeprefix("http://")
    tsa_host = urlsplit(variation.tsa_url or practice.tsa_url).netloc
    return f"""
[service]
data_dir = "data"
listen = "{variation.listen}"
workers = {variation.workers}
reflection = true

[database]
dsn = "{variation.dsn}"

[tls]
certificate = "server.crt"
key = "server.key"
client_ca = "root.crt"

[trust]
directory = "trust"
allow_practice = true

[fetching]
allowed = ["{host}", "{tsa_host}"]

[timestamping]
url = "{variation.tsa_url or practice.tsa_url}"
{variation.extra}

[[signing_keys]]
id = "seal-{PROVINCE}"
endpoint = "{PROVINCE}"
file = "seal.p12"
passphrase_file = "seal.pass"

[[signing_keys]]
id = "revoked"
endpoint = "{PROVINCE}"
file = "revoked.p12"
passphrase_file = "seal.pass"

[[signing_keys]]
id = "expired"
endpoint = "{PROVINCE}"
file = "expired.p12"
passphrase_file = "seal.pass"

[[bootstrap]]
code = "{REGISTRAR}"
name = "Trung tâm tích hợp dữ liệu (thực hành)"
block = "STATE"
level = "PROVINCE"
roles = ["REGISTRAR"]
certificate = "{REGISTRAR}.crt"

[[bootstrap]]
code = "{AUDITOR}"
name = "Thanh tra (thực hành)"
block = "STATE"
level = "PROVINCE"
roles = ["AUDITOR", "OPERATOR"]
certificate = "{AUDITOR}.crt"
"""


def launch(configuration: Path, *, largest_file: int | None = None) -> subprocess.Popen[bytes]:
    """Start `congvan serve`; no file it writes may get larger than `largest_file` bytes."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    with (configuration.parent / "service.log").open("ab") as log:
        return subprocess.Popen(
            [Path(sys.executable).with_name("congvan"), "serve", "--config", str(configuration)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "LANG": "C.UTF-8"},
            preexec_fn=limit,  # noqa: PLW1509 - the child only sets a limit before exec
        )


def start_service(
    configuration: Path, *, seconds: float = START_SECONDS, largest_file: int | None = None
) -> subprocess.Popen[bytes]:
    """Start the service and wait until it says where it listens."""
    process = launch(configuration, largest_file=largest_file)
    address = configuration.parent / "data" / "address"
    deadline = time.monotonic() + seconds
    while not address.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            text = (configuration.parent / "service.log").read_text(errors="replace")
            raise AssertionError(f"the service did not start ({process.poll()}):\n{text[-4000:]}")
        time.sleep(0.05)
    return process


def stop_service(process: subprocess.Popen[bytes]) -> int:
    """Ask the service to end and wait for it."""
    process.terminate()
    return process.wait(45)


def register(service: RunningService) -> None:
    with service.channel(REGISTRAR) as channel:
        stub = registry_pb2_grpc.RegistryServiceStub(channel)
        for code, (name, block) in ENDPOINTS.items():
            level = (
                common_pb2.ADMINISTRATIVE_LEVEL_COMMUNE
                if code == COMMUNE
                else common_pb2.ADMINISTRATIVE_LEVEL_PROVINCE
            )
            endpoint = registry_pb2.Endpoint(code=code, display_name=name, block=block, level=level)
            stub.CreateEndpoint(
                registry_pb2.CreateEndpointRequest(request_id=str(uuid4()), endpoint=endpoint)
            )
            certificate = service.identities[code].certificate.public_bytes(Encoding.DER)
            stub.BindCertificate(
                registry_pb2.BindCertificateRequest(
                    request_id=str(uuid4()), name=f"endpoints/{code}", certificate=certificate
                )
            )


@contextlib.contextmanager
def running(
    directory: Path, practice: Practice, identities: dict[str, Issued]
) -> Iterator[RunningService]:
    """Start the service that a directory configures; stop it in the end if it still runs."""
    process = start_service(directory / "congvan.toml")
    try:
        yield RunningService(
            address=(directory / "data" / "address").read_text().strip(),
            directory=directory,
            root_pem=practice.authority.root.public_bytes(Encoding.PEM),
            identities=identities,
            process=process,
        )
    finally:
        stop_service(process)


@pytest.fixture(scope="session")
def service(practice: Practice, seal: Issued) -> Iterator[RunningService]:
    """One service for all tests of a test process; tests use documents and ids of their own."""
    with reachable_directory("congvan-test-service-") as directory:
        identities = write_configuration(directory, practice, seal)
        with running(directory, practice, identities) as started:
            register(started)
            yield started
