"""What keeps a service from starting is told by its own reason, and nothing is left running."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
import pytest

from certs.practice.authority import Issued
from congvan.v1 import registry_pb2, registry_pb2_grpc
from exchange.cli.exits import ExitCode
from signer.policy.files import shipped_policies
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice
from tests.support.service import (
    PROVINCE,
    REGISTRAR,
    RunningService,
    Variation,
    launch,
    running,
    write_configuration,
)
from tests.support.tokens import make_box

WAIT = 60
TWO_WORKERS = Variation(workers=2)
IN_TOKEN = f"""
[[signing_keys]]
id = "hsm-seal"
endpoint = "{PROVINCE}"
module = "{{module}}"
token_label = "con-dau"
key_id = "10"
pin_file = "hsm.pin"
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory("congvan-test-service-") as made:
        yield made


@dataclass(frozen=True)
class End:
    """How a service that did not start ended, and what it said."""

    exit_code: int
    said: str


def refused_start(
    directory: Path, *, meanwhile: Callable[[psutil.Process], None] = lambda _: None
) -> End:
    """Start a service that can't start, and look that none of its processes is left."""
    with launch(directory / "congvan.toml") as process:
        meanwhile(psutil.Process(process.pid))
        exit_code = process.wait(WAIT)
    assert not (directory / "data" / "address").exists()
    assert left_of(process.pid, directory) == []
    return End(exit_code, said(directory))


def left_of(session: int, directory: Path) -> list[psutil.Process]:
    """What still runs in the service's session, and what of its own PostgreSQL, in another."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess, ProcessLookupError):
            its_own = each.pid == session or str(directory) in " ".join(each.cmdline())
            if its_own or session in (parent.pid for parent in each.parents()):
                found.append(each)
    return found


def said(directory: Path) -> str:
    return (directory / "service.log").read_text(encoding="utf8", errors="replace")


def worker_of(service: psutil.Process) -> psutil.Process:
    """One worker process, as soon as there is one."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        for child in service.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if any("spawn_main" in part for part in child.cmdline()):
                    return child
        time.sleep(0.01)
    raise AssertionError("no worker was started")


def damaged_key(directory: Path) -> None:
    (directory / "seal.p12").write_bytes(b"this is no PKCS#12 file")


def missing_key(directory: Path) -> None:
    (directory / "seal.p12").unlink()


def wrong_passphrase(directory: Path) -> None:
    (directory / "seal.pass").write_bytes(b"another passphrase\n")


def damaged_tls(directory: Path) -> None:
    (directory / "server.key").write_bytes(b"this is no key")


@dataclass(frozen=True, kw_only=True)
class Spoilt:
    """A file that was made unusable, and what the operator is told of it."""

    spoil: Callable[[Path], None]
    reason: str
    code: ExitCode
    names: str


def broken_policy(directory: Path) -> None:
    file = directory / "congvan.toml"
    (directory / "policy.toml").write_text('name = "mine"\n[rules]\nleast = "B-B"\n')
    file.write_text(file.read_text("utf8") + '\n[verification]\npolicy = "policy.toml"\n', "utf8")


def future_policy(directory: Path) -> None:
    broken_policy(directory)
    text = shipped_policies()["default"].read_text("utf-8")
    (directory / "policy.toml").write_text(text.replace("valid_from = 2025", "valid_from = 2999"))


SPOILT = [
    Spoilt(
        spoil=damaged_key,
        reason="KEY_FILE_UNREADABLE",
        code=ExitCode.INVALID,
        names=f"signing_keys seal-{PROVINCE}",
    ),
    Spoilt(
        spoil=missing_key,
        reason="SETTING_INVALID",
        code=ExitCode.USAGE,
        names=f"signing_keys seal-{PROVINCE}: file",
    ),
    Spoilt(
        spoil=wrong_passphrase,
        reason="PASSPHRASE_WRONG",
        code=ExitCode.AUTHENTICATION,
        names=f"seal-{PROVINCE}",
    ),
    Spoilt(
        spoil=broken_policy,
        reason="POLICY_INVALID",
        code=ExitCode.USAGE,
        names="rules.least: unknown",
    ),
    Spoilt(
        spoil=future_policy,
        reason="POLICY_NOT_IN_FORCE",
        code=ExitCode.USAGE,
        names="valid_from = 2999-08-15",
    ),
    Spoilt(spoil=damaged_tls, reason="SETTING_INVALID", code=ExitCode.USAGE, names="tls"),
]


@pytest.mark.parametrize("case", SPOILT, ids=lambda case: case.spoil.__name__)
def test_what_a_worker_can_not_open_is_told_by_its_own_reason(
    directory: Path, practice: Practice, seal: Issued, dsn: str, case: Spoilt
) -> None:
    write_configuration(directory, practice, seal, variation=Variation(workers=2, dsn=dsn))
    case.spoil(directory)
    end = refused_start(directory)
    assert end.exit_code == case.code
    # The last words, for people: the reason, its sentence in both languages, and the detail.
    first, second, detail = end.said.splitlines()[-3:]
    assert first.startswith(f"{case.reason}: ")
    assert second.strip()
    assert case.names in detail
    assert "STORAGE_UNAVAILABLE" not in end.said
    assert "Traceback" not in end.said


@pytest.mark.judge("softhsm2-util")
def test_a_token_that_is_missing_is_told_with_the_seal_that_is_in_it(
    directory: Path, practice: Practice, seal: Issued
) -> None:
    box = make_box(directory)
    pin = directory / "hsm.pin"
    pin.touch(0o600)
    pin.write_text("240168\n")
    variation = Variation(workers=2, extra=IN_TOKEN.format(module=box.module))
    write_configuration(directory, practice, seal, variation=variation)
    with box.as_configured():
        end = refused_start(directory)  # on a PostgreSQL of its own, which is not left either
    assert end.exit_code == ExitCode.SERVICE
    assert "TOKEN_UNAVAILABLE: " in end.said
    assert "signing_keys hsm-seal" in end.said.splitlines()[-1]


def test_a_worker_that_is_killed_while_it_starts_is_told_with_its_exit_code(
    directory: Path, practice: Practice, seal: Issued, dsn: str
) -> None:
    write_configuration(directory, practice, seal, variation=Variation(workers=2, dsn=dsn))
    end = refused_start(directory, meanwhile=lambda service: worker_of(service).kill())
    assert end.exit_code == ExitCode.INTERNAL
    assert "WORKER_NOT_STARTED: " in end.said
    assert "exit code -9" in end.said.splitlines()[-1]


def test_a_worker_that_can_not_start_anew_is_tried_until_it_can(
    directory: Path, practice: Practice, seal: Issued, dsn: str
) -> None:
    identities = write_configuration(directory, practice, seal, variation=Variation(dsn=dsn))
    with running(directory, practice, identities) as service:
        assert answers(service)
        good = (directory / "seal.p12").read_bytes()
        damaged_key(directory)
        worker_of(psutil.Process(service.process.pid)).kill()
        deadline = time.monotonic() + WAIT
        while "no worker in its place" not in said(directory):
            assert time.monotonic() < deadline, said(directory)
            time.sleep(0.05)
        assert f"signing_keys seal-{PROVINCE}" in said(directory)
        (directory / "seal.p12").write_bytes(good)
        assert answers(service)


def answers(service: RunningService) -> bool:
    """Ask until the service answers."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        with service.channel(REGISTRAR) as channel:
            stub = registry_pb2_grpc.RegistryServiceStub(channel)
            with contextlib.suppress(grpc.RpcError):
                stub.ListEndpoints(registry_pb2.ListEndpointsRequest(), timeout=5)
                return True
        time.sleep(0.1)
    return False
