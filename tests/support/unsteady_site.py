"""A service of two workers whose time-stamping authority goes away and comes back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from certs.practice.authority import Issued
from storage.cluster import DATABASE_NAME, PORT
from tests.support.clients import WAIT, Client, client_of
from tests.support.failing_tsa import FailingTsa
from tests.support.service import PROVINCE, RunningService, start_service, stop_service

ALWAYS = 10**9
TSA_SECONDS = 2
LEASE_SECONDS = 1
CONFIGURATION = f"""
seconds = {TSA_SECONDS}

[operations]
lease_seconds = {LEASE_SECONDS}
"""


@dataclass
class Site:
    """A service of two workers, its time-stamping authority, and clients that come back."""

    directory: Path
    identities: dict[str, Issued]
    root_pem: bytes
    tsa: FailingTsa
    running: RunningService

    @contextlib.contextmanager
    def client(self, code: str = PROVINCE) -> Iterator[Client]:
        with self.running.channel(code) as channel:
            yield client_of(code, channel)

    def restart(self) -> None:
        stop_service(self.running.process)
        self.running = started(self.directory, self.identities, root_pem=self.root_pem)

    def workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.running.process.pid).children()
        lines = {each: " ".join(each.cmdline()) for each in children}
        return [
            each
            for each, line in lines.items()
            if "spawn_main" in line and "resource_tracker" not in line
        ]

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        (pid_file,) = (self.directory / "data" / "postgresql").rglob("postmaster.pid")
        folder = pid_file.read_text().splitlines()[4]  # the fifth line, as PostgreSQL writes it
        return psycopg.connect(
            host=folder, port=PORT, user=DATABASE_NAME, dbname=DATABASE_NAME, autocommit=True
        )


def started(directory: Path, identities: dict[str, Issued], *, root_pem: bytes) -> RunningService:
    process = start_service(directory / "congvan.toml")
    return RunningService(
        address=(directory / "data" / "address").read_text().strip(),
        directory=directory,
        root_pem=root_pem,
        identities=identities,
        process=process,
    )


def stop_answering(tsa: FailingTsa, *, hangs: bool) -> None:
    tsa.ended.clear()
    tsa.answers, tsa.hangs = 0, hangs


def answer_again(tsa: FailingTsa) -> None:
    tsa.answers = ALWAYS


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
