# ruff: noqa: ASYNC220, ASYNC222, ASYNC240 - a test has nothing else to do meanwhile
"""Our own PostgreSQL, killed: no confirmed row is lost, and the next start finds its way."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.errors import StorageUnavailable
from storage.leftovers import processes_in
from tests.storage import serve_until_killed
from tests.support.own_postgres import one, start_and_stop
from tests.support.postgres import NOT_DURABLE

PROJECT = Path(__file__).parents[2]


def start_service(directory: Path) -> subprocess.Popen[str]:
    service = subprocess.Popen(
        [sys.executable, serve_until_killed.__file__, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
    )
    assert service.stdout is not None
    assert service.stdout.readline() == "serving\n"
    return service


def confirmed_rows(service: subprocess.Popen[str]) -> list[int]:
    assert service.stdout is not None
    with service.stdout:
        return [int(line) for line in service.stdout if line.endswith("\n")]


async def test_a_start_that_is_cancelled_leaves_nothing(directory: Path) -> None:
    for delay in (0.0, 0.005, 0.02, 0.05):
        own = EmbeddedPostgres(directory, NOT_DURABLE)
        starting = asyncio.create_task(own.start())
        await asyncio.sleep(delay)
        starting.cancel()
        await asyncio.wait({starting})
        await own.stop()
        assert not processes_in(directory / "data")
    await start_and_stop(directory)


async def test_a_first_start_that_was_killed_leaves_no_half_cluster(
    postgres_directory: Path,
) -> None:
    (postgres_directory / "data-unfinished-0123").mkdir(parents=True)
    (postgres_directory / "data-unfinished-0123" / "PG_VERSION").write_text("18\n")
    await start_and_stop(postgres_directory)
    assert not list(postgres_directory.glob("data-unfinished-*"))


async def test_a_server_killed_with_all_its_processes_keeps_every_confirmed_row(
    directory: Path,
) -> None:
    confirmed = 0
    for _ in range(2):
        own = EmbeddedPostgres(directory)
        async with await Database.open(await own.start(), connect_timeout_seconds=1) as database:
            async with database.transaction() as connection:
                await connection.execute("CREATE TABLE IF NOT EXISTS survivor (x integer)")
            group = own.process_group
            asyncio.get_running_loop().call_later(0.3, os.killpg, group, signal.SIGKILL)
            with pytest.raises(StorageUnavailable):
                while True:
                    async with database.transaction() as connection:
                        await connection.execute("INSERT INTO survivor VALUES (1)")
                    confirmed += 1
        await own.stop()
    async with EmbeddedPostgres(directory) as own:
        kept = await one(own.dsn, "SELECT count(*) FROM survivor")
    assert isinstance(kept, int)
    # The last row of each round may have been committed without its answer arriving.
    assert confirmed <= kept <= confirmed + 2
    assert confirmed > 0


async def test_backends_that_lost_their_postmaster_do_not_stop_the_next_start(
    directory: Path,
) -> None:
    own = EmbeddedPostgres(directory, NOT_DURABLE)
    dsn = await own.start()
    connection = await psycopg.AsyncConnection.connect(dsn)
    busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 1e12)"))
    await asyncio.sleep(0.1)
    postmaster = own.process_group
    os.kill(postmaster, signal.SIGKILL)
    os.waitpid(postmaster, 0)
    assert processes_in(directory / "data")
    forget(own)
    async with EmbeddedPostgres(directory, NOT_DURABLE) as again:
        assert await one(again.dsn, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError):
        await busy
    await connection.close()


def forget(own: EmbeddedPostgres) -> None:
    """What the end of the service's process does: its lock is gone, and nothing else."""
    assert own._lock is not None
    os.close(own._lock)
    own._lock = None
    own._process = None


async def test_a_killed_service_leaves_a_server_that_the_next_one_replaces(
    directory: Path,
) -> None:
    service = await asyncio.to_thread(start_service, directory)
    await asyncio.sleep(0.3)
    service.kill()
    confirmed = await asyncio.to_thread(confirmed_rows, service)
    service.wait()
    left = processes_in(directory / "data")
    assert left
    async with EmbeddedPostgres(directory) as own:
        assert not left & processes_in(directory / "data")
        kept = await one(own.dsn, "SELECT count(*) FROM kept")
    assert isinstance(kept, int)
    assert len(confirmed) <= kept <= len(confirmed) + 1
    assert confirmed


async def test_a_killed_service_with_a_long_path_leaves_no_socket_folder(
    deep_directory: Path,
) -> None:
    service = await asyncio.to_thread(start_service, deep_directory)
    service.kill()
    await asyncio.to_thread(confirmed_rows, service)
    service.wait()
    left_behind = (deep_directory / "socket").readlink()
    assert left_behind.exists()
    await start_and_stop(deep_directory)
    assert not left_behind.exists()


async def test_a_process_number_given_to_a_stranger_is_not_taken_for_the_server(
    directory: Path,
) -> None:
    own = EmbeddedPostgres(directory, NOT_DURABLE)
    await own.start()
    os.killpg(own.process_group, signal.SIGKILL)
    os.waitpid(own.process_group, 0)
    forget(own)
    pid_file = directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        await start_and_stop(directory)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
