"""Sign through the whole service, over gRPC with mutual TLS: documents per second of server CPU."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import grpc
from pyhanko.pdf_utils.reader import PdfFileReader

from bench.harness import Effort, Entry, Gauge, WrongResult
from bench.material import DOCUMENT_BYTES, document_of_size, now
from certs.fetching.fetcher import FetchLimits, FetchPolicy
from congvan.v1 import signing_pb2, signing_pb2_grpc
from tests.support.practice import AuthorityThread, Practice
from tests.support.service import (
    PROVINCE,
    RunningService,
    register,
    running,
    write_configuration,
)

_TICKS = os.sysconf("SC_CLK_TCK")
_OURS, _THEIRS = 300, 8
"""Documents in one round of each."""
_IN_FLIGHT = 4
"""Calls at a time: what a document costs a server is asked of one that has work."""
_ROUNDS = 5
_CALL_SECONDS = 60

SignOne = Callable[[], bytes]


@contextmanager
def _prepare() -> Iterator[Gauge]:
    with tempfile.TemporaryDirectory(prefix="congvan-bench-") as place:
        directory = Path(place)
        directory.chmod(0o711)  # the service's own PostgreSQL may run as another user
        with AuthorityThread(directory / "authority") as served:
            practice = Practice(
                authority=served.authority,
                base_url=served.base_url,
                trust=served.authority.trust,
                fetch_policy=FetchPolicy(
                    allowed=frozenset({("127.0.0.1", served.port)}), limits=FetchLimits()
                ),
            )
            seal = served.authority.issue_seal("Bench", identifier="GOVVN-000.00.00.H56")
            identities = write_configuration(directory, practice, seal)
            with running(directory, practice, identities) as service:
                register(service)
                yield Gauge(measure=lambda effort: _measure(service, effort))


def _measure(service: RunningService, effort: Effort) -> float:
    plain = subprocess.Popen(  # noqa: S603 - a module of the bench
        [sys.executable, "-m", "bench.plain_service", str(service.directory)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert plain.stdout is not None
        port = plain.stdout.readline().strip()
        credentials = service.credentials(service.identities[PROVINCE])
        with (
            grpc.secure_channel(service.address, credentials) as ours,
            grpc.secure_channel(f"127.0.0.1:{port}", credentials) as theirs,
        ):
            one, other = _signing(ours), _signing(theirs)
            for sign in (one, other):
                _require_signed(sign())
            ratios = [
                _cpu_each(other, times=_THEIRS, processes=[plain.pid])
                / _cpu_each(one, times=_OURS, processes=_processes(service))
                for _ in range(min(_ROUNDS, effort.rounds))
            ]
        return statistics.median(ratios)
    finally:
        plain.terminate()
        plain.wait(10)


def _signing(channel: grpc.Channel) -> SignOne:
    stub = signing_pb2_grpc.SigningServiceStub(channel)
    document = document_of_size(DOCUMENT_BYTES)

    def sign() -> bytes:
        request = signing_pb2.SignDocumentRequest(
            key=f"signingKeys/seal-{PROVINCE}",
            document=signing_pb2.DocumentContent(content=document),
            options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_B),
        )
        return stub.SignDocument(request, timeout=_CALL_SECONDS).content

    return sign


def _require_signed(signed: bytes) -> None:
    found = PdfFileReader(BytesIO(signed)).embedded_regular_signatures
    if len(found) != 1:
        raise WrongResult(f"{len(found)} signatures instead of one, at {now()}")
    found[0].compute_integrity_info()
    if not found[0].coverage.name == "ENTIRE_FILE":
        raise WrongResult("the signature does not cover the file")


def _cpu_each(sign: SignOne, *, times: int, processes: list[int]) -> float:
    before = _cpu_seconds(processes)
    with ThreadPoolExecutor(_IN_FLIGHT) as callers:
        for call in [callers.submit(sign) for _ in range(times)]:
            call.result()
    return (_cpu_seconds(processes) - before) / times


def _processes(service: RunningService) -> list[int]:
    """Return all processes of the service: its workers, its sandboxes and its PostgreSQL."""
    parents: dict[int, int] = {}
    own = {service.process.pid}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int(_stat(int(entry.name))[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(service.directory) in command:
            own.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in own} - own:
        own |= more
    return sorted(own - {os.getpid()})


def _cpu_seconds(processes: list[int]) -> float:
    ticks = 0
    for pid in processes:
        try:
            stat = _stat(pid)
        except OSError:
            continue
        ticks += int(stat[11]) + int(stat[12])
    return ticks / _TICKS


def _stat(pid: int) -> list[str]:
    """Return the fields after the program's name, which may hold anything (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()


ENTRY = Entry(
    name="sign-service",
    goal=60,
    against="plain pyHanko, server CPU",
    prepare=_prepare,
)
