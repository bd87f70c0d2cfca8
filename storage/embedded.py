"""Our own PostgreSQL in a data directory: made, started, recovered and stopped with the service.

    <directory>/lock            held while a service works here
    <directory>/data/           PostgreSQL's data, 0700, owned by the account that it runs as
    <directory>/socket          folder of its Unix socket, 0700, or a link to a short one in /tmp
    <directory>/access.conf     who may connect: this service's account only, through the socket
    <directory>/accounts.conf   and under which names
    <directory>/postgres.log    what PostgreSQL says
    <directory>/programs-…/     a copy of its programs, only where it can't reach the installed ones

PostgreSQL leads its own session, so that a signal to the service's terminal does not reach it and
its whole group can be ended at once. It does not die with a killed service: the next start finds
it by its working directory, stops it and starts anew.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from psycopg.conninfo import make_conninfo

from storage.binaries import Account, postgres_account, programs_for
from storage.cluster import (
    CHILD_ENVIRONMENT,
    DATABASE_NAME,
    PORT,
    identity_of,
    judge_data,
    make_data,
    make_socket_folder,
    prepare_directory,
    remove_socket_folder,
    take_lock,
    write_access_rules,
)
from storage.errors import DataDirectoryInUse, StorageError, StorageFull, StorageUnavailable
from storage.leftovers import forget_reused_process_id, processes_in, stop_leftovers
from storage.system_errors import storage_errors

_LOG_MAX_BYTES = 1 << 20
_POLL_SECONDS = 0.01
_CUT_SHORT_SECONDS = 5.0
_STATUS_LINE = 7  # of postmaster.pid, as pg_ctl reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How our own PostgreSQL runs."""

    durable: bool = True
    """False only for tests: a power cut may then lose everything."""
    max_connections: int = 100
    shared_buffers_mb: int = 64
    start_timeout_seconds: float = 120
    """Replaying the log after a crash takes its time."""
    stop_timeout_seconds: float = 20
    """A fast shutdown writes what is in memory; cut short after this long, it loses nothing."""


class EmbeddedPostgres:
    """One PostgreSQL server: `async with EmbeddedPostgres(directory) as own: … own.dsn`."""

    def __init__(self, directory: Path, settings: EmbeddedSettings | None = None) -> None:
        self._directory = directory.absolute()
        self._settings = settings or EmbeddedSettings()
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    @property
    def dsn(self) -> str:
        """Address for `Database.open`: an ordinary role that owns the database `congvan`."""
        return self.dsn_of(user=DATABASE_NAME, database=DATABASE_NAME)

    @property
    def process_group(self) -> int:
        """The running server's process group, for those who test its sudden end."""
        if self._process is None:
            raise StorageUnavailable("this PostgreSQL is not running")
        return self._process.pid

    def dsn_of(self, *, user: str, database: str) -> str:
        """Address for another role or database; `postgres` is the superuser."""
        if self._socket_folder is None:
            raise StorageUnavailable("this PostgreSQL is not running")
        return make_conninfo(host=str(self._socket_folder), port=PORT, user=user, dbname=database)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> str:
        """Start, making the data on first use; answers `dsn` once statements are accepted.

        Raises `DataDirectoryInUse`, `DataDirectoryUnsafe` or `DataVersionUnsupported` before any
        data are touched, `StorageFull` where there is no room for them, and `StorageUnavailable`
        with PostgreSQL's last words where it does not start.
        """
        if self._lock is not None:
            raise DataDirectoryInUse("by this very service")
        account = postgres_account()
        prepare_directory(self._directory, account)
        self._lock = take_lock(self._directory / "lock")
        launching = asyncio.create_task(asyncio.to_thread(self._prepare_and_launch, account))
        try:
            await self._wait_until_ready(await asyncio.shield(launching))
        except BaseException:
            await asyncio.wait({launching})  # it ends by itself; then what it launched is known
            await asyncio.shield(self.stop())
            raise
        return self.dsn

    async def stop(self) -> None:
        """Stop within the settings' time; no process and no socket stay. Harmless when repeated."""
        if self._lock is None:
            return
        try:
            if self._process is not None:
                await asyncio.to_thread(self._end, self._process)
        finally:
            self._process = None
            self._socket_folder = None
            remove_socket_folder(self._directory)
            os.close(self._lock)
            self._lock = None

    def _prepare_and_launch(self, account: Account) -> subprocess.Popen[bytes]:
        with storage_errors():
            self._process = self._launch(account, self._prepare(account))
            return self._process

    def _prepare(self, account: Account) -> Path:
        """Bring everything into the state in which `postgres` starts; answers its programs."""
        data = self._directory / "data"
        if data.exists():
            judge_data(data, account)
            stop_leftovers(data, self._settings.stop_timeout_seconds)
            forget_reused_process_id(data)
        programs = programs_for(account, self._directory)
        if not data.exists():
            make_data(data, account=account, programs=programs, durable=self._settings.durable)
        remove_socket_folder(self._directory)
        self._socket_folder = make_socket_folder(self._directory, account)
        write_access_rules(self._directory, account)
        return programs

    def _launch(self, account: Account, programs: Path) -> subprocess.Popen[bytes]:
        with contextlib.suppress(FileNotFoundError):
            if self._log.stat().st_size > _LOG_MAX_BYTES:
                self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program and arguments
                [str(programs / "postgres"), "-D", str(self._directory / "data"), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=CHILD_ENVIRONMENT,
                start_new_session=True,
                umask=0o077,
                **identity_of(account),
            )

    @property
    def _log(self) -> Path:
        return self._directory / "postgres.log"

    def _options(self) -> list[str]:
        """Settings on the command line win over postgresql.conf, so that no edit weakens them."""
        switch = "on" if self._settings.durable else "off"
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": f'"{self._socket_folder}"',
            "unix_socket_permissions": "0700",
            "hba_file": self._directory / "access.conf",
            "ident_file": self._directory / "accounts.conf",
            "fsync": switch,
            "full_page_writes": switch,
            "synchronous_commit": switch,
            "max_connections": self._settings.max_connections,
            "shared_buffers": f"{self._settings.shared_buffers_mb}MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            "logging_collector": "off",
            # Values in statements may be personal data or secrets; the log shows none.
            "log_parameter_max_length_on_error": 0,
            "log_min_error_statement": "panic",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    async def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        try:
            async with asyncio.timeout(self._settings.start_timeout_seconds):
                while not self._is_ready(process.pid):
                    if process.poll() is not None:
                        raise self._failure_to_start()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise self._failure_to_start() from None

    def _is_ready(self, process: int) -> bool:
        with contextlib.suppress(OSError, UnicodeDecodeError, ValueError, IndexError):
            lines = (self._directory / "data" / "postmaster.pid").read_text("utf-8").splitlines()
            return int(lines[0]) == process and lines[_STATUS_LINE].strip() == "ready"
        return False

    def _failure_to_start(self) -> StorageError:
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - 4096))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
        last_words = " | ".join(lines[-3:])
        if "No space left on device" in last_words:
            return StorageFull(last_words)
        return StorageUnavailable(f"PostgreSQL did not start: {last_words}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Blocking: fast shutdown, then at once, then by force; in each case the whole group."""
        for how, seconds in (
            (signal.SIGINT, self._settings.stop_timeout_seconds),
            (signal.SIGQUIT, _CUT_SHORT_SECONDS),
        ):
            if process.poll() is None:
                process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
        # Only while somebody of the group lives: then its number can't have been given away.
        if processes_in(self._directory / "data"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
