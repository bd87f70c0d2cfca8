"""Fixtures that give each test its own PostgreSQL database on one cluster of the test process."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import pytest_asyncio

from storage.cluster import DATABASE_NAME, SUPERUSER_NAME
from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedSettings

NOT_DURABLE = EmbeddedSettings(durable=False, stop_timeout_seconds=5)
_numbers = count(1)
T = TypeVar("T")


def run_apart(coroutine: Coroutine[object, object, T]) -> T:
    """Run to its end in a thread and loop of its own: fixtures of the session have no loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextlib.contextmanager
def reachable_directory(prefix: str) -> Iterator[Path]:
    """A temporary directory that an account without rights may pass: pytest's tmp_path is not."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
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
    with reachable_directory("congvan-test-") as directory:
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
            f"CREATE DATABASE {name} OWNER {DATABASE_NAME} TEMPLATE {migrated_template}".encode()
        )
        yield postgres_cluster.dsn_of(user=DATABASE_NAME, database=name)
        with contextlib.suppress(psycopg.OperationalError):  # a test may have ended the server
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """An open `Database` on a fresh, migrated database."""
    async with await Database.open(dsn, max_connections=5) as database:
        yield database
