"""The pool, its transactions and the migrations, on our own server and on somebody else's."""

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest
import pytest_asyncio
from psycopg.pq import TransactionStatus

from storage.database import Database, Migration, pending_migrations, read_migrations
from storage.errors import (
    DataVersionUnsupported,
    StorageFull,
    StorageUnavailable,
    StorageUrlInvalid,
)
from tests.support.postgres import ExternalCluster, free_port


@pytest.fixture(params=["embedded", "external"])
def empty_dsn(request: pytest.FixtureRequest) -> str:
    dsn: str = request.getfixturevalue(f"{request.param}_dsn")
    return dsn


@pytest_asyncio.fixture
async def empty(empty_dsn: str) -> AsyncIterator[Database]:
    async with await Database.open(empty_dsn, max_connections=4) as database:
        yield database


def migration(number: int, sql: str) -> Migration:
    return Migration(number=number, name=f"{number:04}_step.sql", sql=sql.encode())


TWO_STEPS = (
    migration(1, "CREATE TABLE a (x integer); INSERT INTO a VALUES (1);"),
    migration(2, "ALTER TABLE a ADD y integer DEFAULT 2;"),
)


async def rows(database: Database, query: str) -> list[dict[str, object]]:
    async with database.transaction() as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_rows_are_dictionaries_and_instants_are_utc(empty: Database) -> None:
    found = await rows(empty, "SELECT timestamptz '2026-11-23 08:00+07' AS at, 'Đà Nẵng' AS name")
    assert found == [{"at": datetime(2026, 11, 23, 1, tzinfo=UTC), "name": "Đà Nẵng"}]
    at = found[0]["at"]
    assert isinstance(at, datetime)
    assert str(at.tzinfo) == "UTC"


async def test_a_block_that_raises_undoes_all_of_its_work(empty: Database) -> None:
    await empty.migrate(TWO_STEPS)
    with pytest.raises(ZeroDivisionError):
        async with empty.transaction() as connection:
            await connection.execute("INSERT INTO a VALUES (3)")
            raise ZeroDivisionError
    assert await rows(empty, "SELECT x, y FROM a") == [{"x": 1, "y": 2}]


async def test_what_the_callers_own_sql_did_wrong_stays_its_own(empty: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await rows(empty, "SELECT * FROM nowhere")
    assert await empty.ready()


async def test_no_room_on_the_servers_disk_is_full(empty: Database) -> None:
    with pytest.raises(StorageFull):
        await rows(empty, "DO $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$")


async def test_a_statement_that_takes_too_long_is_cut(empty_dsn: str) -> None:
    async with await Database.open(empty_dsn, statement_timeout_seconds=0.1) as database:
        with pytest.raises(StorageUnavailable):
            await rows(database, "SELECT pg_sleep(30)")
        assert await database.ready()


async def test_waiting_for_a_free_connection_ends(empty_dsn: str) -> None:
    async with await Database.open(
        empty_dsn, max_connections=1, connect_timeout_seconds=1
    ) as database:
        async with database.transaction():
            with pytest.raises(StorageUnavailable, match="no connection"):
                await rows(database, "SELECT 1")
        assert await database.ready()


async def test_a_connection_that_died_idle_costs_nobody_a_transaction(empty: Database) -> None:
    found = await rows(empty, "SELECT pg_backend_pid() AS process")
    with pytest.raises(StorageUnavailable):
        await rows(empty, f"SELECT pg_terminate_backend({found[0]['process']})")
    for _ in range(5):
        assert await rows(empty, "SELECT 1 AS one") == [{"one": 1}]


async def test_reading_needs_no_transaction_and_sees_what_is_committed(empty: Database) -> None:
    await empty.migrate(TWO_STEPS)
    async with empty.reading() as connection:
        status = connection.info.transaction_status
        cursor = await connection.execute("SELECT x, y FROM a")
        assert await cursor.fetchall() == [{"x": 1, "y": 2}]
        assert connection.info.transaction_status is status is TransactionStatus.IDLE
    with pytest.raises(StorageUnavailable):
        async with empty.reading() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with empty.transaction() as connection:
        await connection.execute("DELETE FROM a")
        async with empty.reading() as other:
            cursor = await other.execute("SELECT count(*) AS n FROM a")
            assert await cursor.fetchone() == {"n": 1}


async def test_migrations_are_applied_once_and_in_order(empty: Database) -> None:
    await empty.migrate(TWO_STEPS[:1])
    await empty.migrate(TWO_STEPS)
    await empty.migrate(TWO_STEPS)
    assert await rows(empty, "SELECT x, y FROM a") == [{"x": 1, "y": 2}]
    applied = await rows(empty, "SELECT number, name, sha256 FROM schema_migration ORDER BY 1")
    assert [(row["number"], row["sha256"]) for row in applied] == [
        (step.number, hashlib.sha256(step.sql).hexdigest()) for step in TWO_STEPS
    ]


async def test_any_number_of_workers_may_migrate_at_once(empty_dsn: str) -> None:
    steps = tuple(
        migration(number, f"CREATE TABLE t{number} (x integer); SELECT pg_sleep(0.01);")
        for number in range(1, 6)
    )

    async def worker() -> None:
        async with await Database.open(empty_dsn, max_connections=1) as database:
            await database.migrate(steps)

    await asyncio.gather(*(worker() for _ in range(8)))
    async with await Database.open(empty_dsn) as database:
        assert await rows(database, "SELECT count(*) AS n FROM schema_migration") == [{"n": 5}]


async def test_a_migration_that_fails_leaves_the_ones_before_it(empty: Database) -> None:
    broken = (*TWO_STEPS, migration(3, "CREATE TABLE b (x integer); SELECT * FROM nowhere;"))
    with pytest.raises(DataVersionUnsupported, match="0003_step"):
        await empty.migrate(broken)
    assert await rows(empty, "SELECT to_regclass('b') AS b") == [{"b": None}]
    mended = (*TWO_STEPS, migration(3, "CREATE TABLE b (x integer);"))
    await empty.migrate(mended)
    assert await rows(empty, "SELECT count(*) AS n FROM b") == [{"n": 0}]


async def test_a_database_of_a_newer_version_is_refused(empty: Database) -> None:
    await empty.migrate(TWO_STEPS)
    with pytest.raises(DataVersionUnsupported, match="0002 is newer"):
        await empty.migrate(TWO_STEPS[:1])


async def test_a_migration_altered_after_it_was_applied_is_refused(empty: Database) -> None:
    await empty.migrate(TWO_STEPS)
    altered = (replace(TWO_STEPS[0], sql=TWO_STEPS[0].sql + b" "), TWO_STEPS[1])
    with pytest.raises(DataVersionUnsupported, match="0001 was applied with another text"):
        await empty.migrate(altered)


async def test_the_schema_of_this_version_fits_both_servers(empty: Database) -> None:
    await empty.migrate()
    await empty.migrate()
    found = await rows(empty, "SELECT count(*) AS n FROM schema_migration")
    assert found == [{"n": len(read_migrations())}]


def test_gaps_in_what_was_applied_are_refused() -> None:
    applied = [(2, TWO_STEPS[1].sha256)]
    with pytest.raises(DataVersionUnsupported, match="gap"):
        pending_migrations(TWO_STEPS, applied)


def test_the_migrations_ship_with_the_package() -> None:
    names = [entry.name for entry in files("storage").joinpath("migrations").iterdir()]
    assert "0001_objects_and_archive.sql" in names
    numbers = [step.number for step in read_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "dsn",
    [
        "nonsense very-secret-word",
        "postgresql://who:very-secret-word@[/db",
        "host=127.0.0.1 pasword=very-secret-word",
    ],
)
async def test_a_bad_address_is_refused_without_being_repeated(dsn: str) -> None:
    with pytest.raises(StorageUrlInvalid) as refused:
        await Database.open(dsn)
    assert "very-secret-word" not in f"{refused.value} {refused.value.__cause__}"


async def test_a_wrong_password_is_told_and_not_shown(external_cluster: ExternalCluster) -> None:
    dsn = external_cluster.dsn_of("postgres", password="very-secret-word")
    with pytest.raises(StorageUnavailable, match="password authentication failed") as refused:
        await Database.open(dsn)
    assert "very-secret-word" not in f"{refused.value} {refused.value.__cause__}"


async def test_no_server_is_unavailable_at_once() -> None:
    before = time.monotonic()
    with pytest.raises(StorageUnavailable):
        await Database.open(f"postgresql://who@127.0.0.1:{free_port()}/db")
    assert time.monotonic() - before < 5


async def test_a_frozen_server_is_unavailable_within_the_timeout(
    external_cluster: ExternalCluster, external_dsn: str
) -> None:
    os.killpg(external_cluster.process, signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await Database.open(external_dsn, connect_timeout_seconds=2)
        assert time.monotonic() - before < 4
    finally:
        os.killpg(external_cluster.process, signal.SIGCONT)
    async with await Database.open(external_dsn) as database:
        assert await database.ready()


async def test_a_server_that_freezes_later_is_not_ready_and_is_so_again(
    external_cluster: ExternalCluster, external_dsn: str
) -> None:
    async with await Database.open(external_dsn) as database:
        found = await rows(database, "SELECT pg_backend_pid() AS process")
        backend = int(str(found[0]["process"]))
        os.kill(backend, signal.SIGSTOP)
        try:
            assert not await database.ready(timeout_seconds=0.5)
        finally:
            os.kill(backend, signal.SIGCONT)
        assert await database.ready()


async def test_nothing_of_the_address_shows_in_what_the_database_prints(
    external_cluster: ExternalCluster, external_dsn: str
) -> None:
    async with await Database.open(external_dsn) as database, database.transaction() as connection:
        shown = f"{database!r} {connection!r}"
    assert external_cluster.password not in shown
