"""Fixtures that give each test its own PostgreSQL database on one cluster of the test process."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import pytest_asyncio

from storage.binaries import postgres_account, programs_for
from storage.cluster import DATABASE_NAME, SUPERUSER_NAME, identity_of
from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedSettings

NOT_DURABLE = EmbeddedSettings(durable=False, stop_timeout_seconds=5)
_numbers = count(1)
T = TypeVar("T")


def run_apart(coroutine: Coroutine[object, object, T]) -> T:
    """Run to its end in a thread and loop of its own: fixtures of the session have no loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED_BYTES = 1 << 30


def quick_folder() -> Path | None:
    """Memory to put databases of tests into where there is enough; None stands for the disk.

    Copying a database is a matter of some hundred files, thirty times as quick in memory.
    """
    if not os.access(_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_MEMORY)
    fits = found.f_bavail * found.f_frsize >= _MEMORY_NEEDED_BYTES
    return _MEMORY if fits and not found.f_flag & os.ST_NOEXEC else None


@contextlib.contextmanager
def reachable_directory(prefix: str, *, within: Path | None = None) -> Iterator[Path]:
    """A temporary directory that an account without rights may pass: pytest's tmp_path is not."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
    try:
        directory.chmod(0o711)
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def postgres_directory() -> Iterator[Path]:
    """A directory for a test's own `EmbeddedPostgres`."""
    with reachable_directory("congvan-test-") as directory:
        yield directory / "postgres"


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL for this test process; gone with its files at the end."""
    with reachable_directory("congvan-test-", within=quick_folder()) as directory:
        cluster = EmbeddedPostgres(directory / "postgres", NOT_DURABLE)
        run_apart(cluster.start())
        try:
            yield cluster
        finally:
            run_apart(cluster.stop())


@pytest.fixture(scope="session")
def migrated_template(postgres_cluster: EmbeddedPostgres) -> str:
    """Name of the database that all tests' databases are copies of: all migrations applied."""

    async def migrate() -> None:
        async with await Database.open(postgres_cluster.dsn) as database:
            await database.migrate()

    run_apart(migrate())
    return DATABASE_NAME


@pytest.fixture
def dsn(postgres_cluster: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """Address of a fresh, migrated database, owned by the service's ordinary role."""
    name = f"test_{next(_numbers)}"
    superuser = postgres_cluster.dsn_of(user=SUPERUSER_NAME, database="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} OWNER {DATABASE_NAME} TEMPLATE {migrated_template}"
            " STRATEGY file_copy".encode()
        )
        yield postgres_cluster.dsn_of(user=DATABASE_NAME, database=name)
        with contextlib.suppress(psycopg.OperationalError):  # a test may have ended the server
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@dataclass(frozen=True, kw_only=True)
class ExternalCluster:
    """A cluster that somebody else runs: reached over TCP, with a password."""

    port: int
    password: str = field(repr=False)
    process: int

    def dsn_of(self, database: str, *, password: str | None = None) -> str:
        """Address as an operator would write it into the configuration."""
        word = self.password if password is None else password
        return f"postgresql://operator:{word}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def external_cluster() -> Iterator[ExternalCluster]:
    """PostgreSQL as a data centre has it; of $TEST_PG_BIN, the system, or our own wheel."""
    with reachable_directory("congvan-test-", within=quick_folder()) as directory:
        programs, account = external_programs(directory), postgres_account()
        password, port = secrets.token_hex(16), free_port()
        (directory / "password").write_text(password)
        data = directory / "data"
        data.mkdir(mode=0o700)
        for path in (data, directory / "password"):
            os.chown(path, account.uid, account.gid)
        initdb = [f"{programs}/initdb", f"--pgdata={data}", "--no-sync", "--encoding=UTF8"]
        initdb += ["--locale=C", "--username=operator", "--auth=scram-sha-256"]
        subprocess.run(
            [*initdb, f"--pwfile={directory}/password"],
            check=True,
            capture_output=True,
            cwd="/",
            **identity_of(account),
        )
        options = {"port": port, "listen_addresses": "127.0.0.1", "fsync": "off"}
        options |= {"unix_socket_directories": ""}
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [f"{programs}/postgres", "-D", str(data)]
                + [part for name, value in options.items() for part in ("-c", f"{name}={value}")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **identity_of(account),
            )
        try:
            cluster = ExternalCluster(port=port, password=password, process=process.pid)
            wait_until_it_answers(cluster, process)
            yield cluster
        finally:
            process.send_signal(signal.SIGINT)  # killed, it would leave its shared memory behind
            process.wait(10)


def external_programs(directory: Path) -> Path:
    """Programs of a PostgreSQL for the external cluster, the newest that the machine has."""
    if given := os.environ.get("TEST_PG_BIN"):
        return Path(given)
    installed = [
        path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parent.parent.name.isdigit() and int(path.parent.parent.name) >= 15
    ]
    if installed:
        return max(installed, key=lambda path: int(path.parent.name))
    return programs_for(postgres_account(), directory)


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(cluster: ExternalCluster, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(cluster.dsn_of("postgres")).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def external_dsn(external_cluster: ExternalCluster) -> Iterator[str]:
    """Address of a fresh, empty database on the external cluster."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(external_cluster.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield external_cluster.dsn_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def embedded_dsn(postgres_cluster: EmbeddedPostgres) -> Iterator[str]:
    """Address of a fresh, empty database on the cluster of our own."""
    name = f"test_{next(_numbers)}"
    superuser = postgres_cluster.dsn_of(user=SUPERUSER_NAME, database="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {DATABASE_NAME}".encode())
        yield postgres_cluster.dsn_of(user=DATABASE_NAME, database=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """An open `Database` on a fresh, migrated database."""
    async with await Database.open(dsn, max_connections=5) as database:
        yield database
