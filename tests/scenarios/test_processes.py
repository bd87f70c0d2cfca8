"""The service as processes: starts, refuses to start, survives kills, drains, leaves nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import grpc
import psutil
import pytest

from certs.practice.authority import Issued
from congvan.v1 import (
    blobs_pb2,
    blobs_pb2_grpc,
    common_pb2,
    registry_pb2,
    registry_pb2_grpc,
    signing_pb2,
    signing_pb2_grpc,
)
from tests.support.clients import chunks, reason_of
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice
from tests.support.service import (
    PROVINCE,
    REGISTRAR,
    RunningService,
    Variation,
    launch,
    register,
    running,
    start_service,
    stop_service,
    write_configuration,
)
from tests.support.signing_calls import B_T, sign_request

WAIT = 30


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory("congvan-test-service-") as made:
        yield made


def endpoints(service: RunningService) -> set[str]:
    """List the registry, trying again while a worker is being replaced."""
    deadline = time.monotonic() + WAIT
    while True:
        with service.channel(REGISTRAR) as channel:
            stub = registry_pb2_grpc.RegistryServiceStub(channel)
            try:
                answer = stub.ListEndpoints(registry_pb2.ListEndpointsRequest(), timeout=5)
            except grpc.RpcError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
                continue
        return {endpoint.code for endpoint in answer.endpoints}


def said(directory: Path) -> str:
    return (directory / "service.log").read_text(encoding="utf8", errors="replace")


def exit_code(process: subprocess.Popen[bytes]) -> int:
    return process.wait(WAIT)


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=WAIT)
    return not alive


def workers(service: RunningService) -> list[psutil.Process]:
    """The worker processes: those children of the supervisor that run a spawned main."""
    found = []
    for child in psutil.Process(service.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("spawn_main" in part for part in child.cmdline()):
                found.append(child)
    return found


def family_of(service: RunningService, *, without: str = "\n") -> list[psutil.Process]:
    """All processes below the supervisor but those with a word in their name; some may just end."""
    found = []
    for member in psutil.Process(service.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if without not in member.name():
                found.append(member)
    return found


def test_a_killed_worker_is_replaced_and_a_killed_service_starts_again_with_all_it_knew(
    directory: Path, practice: Practice, seal: Issued
) -> None:
    identities = write_configuration(directory, practice, seal, variation=Variation(workers=2))
    with running(directory, practice, identities) as service:
        register(service)
        known = endpoints(service)
        assert len(workers(service)) == 2
        victim = workers(service)[0]
        victim.kill()
        assert gone([victim])
        assert endpoints(service) == known
        python = family_of(service, without="postgres")
        assert len(python) > 2
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait(WAIT)
        assert gone(python), python
    (directory / "data" / "address").unlink()
    with running(directory, practice, identities) as service:
        assert endpoints(service) == known
        family = family_of(service)
        assert stop_service(service.process) == 0
        assert gone(family), family


def test_a_port_that_somebody_else_has_is_named(
    directory: Path, practice: Practice, seal: Issued
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        write_configuration(directory, practice, seal, variation=Variation(listen=listen))
        assert exit_code(launch(directory / "congvan.toml")) != 0
    assert "PORT_IN_USE" in said(directory)
    assert listen in said(directory)


def test_data_of_another_version_are_left_alone(
    directory: Path, practice: Practice, seal: Issued
) -> None:
    write_configuration(directory, practice, seal)
    (directory / "data").mkdir()
    (directory / "data" / "version").write_text("99\n")
    assert exit_code(launch(directory / "congvan.toml")) != 0
    assert "DATA_VERSION_UNSUPPORTED" in said(directory)
    assert [each.name for each in (directory / "data").iterdir()] == ["version"]


def test_two_services_do_not_work_on_the_same_data(
    directory: Path, practice: Practice, seal: Issued
) -> None:
    identities = write_configuration(directory, practice, seal)
    with running(directory, practice, identities) as service:
        assert exit_code(launch(directory / "congvan.toml")) != 0
        assert "DATA_DIRECTORY_IN_USE" in said(directory)
        assert endpoints(service)


def test_the_service_runs_on_a_postgresql_of_the_province(
    directory: Path, practice: Practice, seal: Issued, dsn: str
) -> None:
    identities = write_configuration(directory, practice, seal, variation=Variation(dsn=dsn))
    with running(directory, practice, identities) as service:
        register(service)
        assert PROVINCE in endpoints(service)
        assert not (directory / "data" / "postgresql").exists()


def test_a_time_stamping_authority_that_is_down_is_a_named_state_and_no_lower_level(
    directory: Path, practice: Practice, seal: Issued, one_page_pdf: bytes, dsn: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    variation = Variation(dsn=dsn, tsa_url=f"http://127.0.0.1:{port}/tsa")
    identities = write_configuration(directory, practice, seal, variation=variation)
    with running(directory, practice, identities) as service:
        register(service)
        with service.channel(PROVINCE) as channel, pytest.raises(grpc.RpcError) as caught:
            signing_pb2_grpc.SigningServiceStub(channel).SignDocument(
                sign_request(one_page_pdf, signing_pb2.SigningOptions(level=B_T)), timeout=WAIT
            )
        assert reason_of(caught.value) == "TSA_UNAVAILABLE"


def test_a_full_disk_refuses_an_upload_by_name_and_harms_nothing_else(
    directory: Path, practice: Practice, seal: Issued, dsn: str
) -> None:
    identities = write_configuration(directory, practice, seal, variation=Variation(dsn=dsn))
    process = start_service(directory / "congvan.toml", largest_file=1 << 20)
    try:
        service = RunningService(
            address=(directory / "data" / "address").read_text().strip(),
            directory=directory,
            root_pem=(directory / "root.crt").read_bytes(),
            identities=identities,
            process=process,
        )
        register(service)
        with service.channel(PROVINCE) as channel:
            stub = blobs_pb2_grpc.BlobServiceStub(channel)
            assert upload(stub, b"%PDF-" + os.urandom(100_000)).complete
            with pytest.raises(grpc.RpcError) as caught:
                upload(stub, b"%PDF-" + os.urandom(3 << 20))
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert reason_of(caught.value) == "STORAGE_FULL"
            assert upload(stub, b"%PDF-" + os.urandom(100_000)).complete
    finally:
        assert stop_service(process) == 0


def upload(stub: blobs_pb2_grpc.BlobServiceStub, content: bytes) -> blobs_pb2.Upload:
    blob = common_pb2.BlobRef(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    begun = stub.StartUpload(
        blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
    )
    return stub.WriteBlob(chunks(begun.name, content), timeout=WAIT)
