"""Rows: one pool of PostgreSQL connections, transactions on it, and numbered SQL migrations."""

import asyncio
import contextlib
import hashlib
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.errors import (
    DataVersionUnsupported,
    StorageError,
    StorageFull,
    StorageUnavailable,
    StorageUrlInvalid,
)

Connection = AsyncConnection[DictRow]
"""A connection inside a transaction; its rows are dictionaries, its instants UTC."""

RESTED_SECONDS = 0.25
"""A connection is asked whether it is alive once it has not been used for so long."""
OLDEST_SERVER_VERSION = 150_000  # PostgreSQL 15, that of Debian 12
_MIGRATION_LOCK = 0x636F6E6776616E  # "congvan": the advisory lock that migrating processes take
_MIGRATION_NAME = re.compile(r"(?P<number>[0-9]{4})_[a-z0-9_]+\.sql", re.ASCII)
# A server that vanished from the network is noticed within about half a minute (TCP only).
_DEAD_PEER_SETTINGS = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
_APPLIED_TABLE = """
    CREATE TABLE IF NOT EXISTS schema_migration (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        sha256     text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema: `NNNN_what_it_does.sql`, applied once, never altered."""

    number: int
    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        """What the database remembers of the text it was given."""
        return hashlib.sha256(self.sql).hexdigest()


def read_migrations() -> tuple[Migration, ...]:
    """The migrations that ship with this version, in order; their numbers have no gap."""
    found = []
    for entry in files("storage").joinpath("migrations").iterdir():
        if (named := _MIGRATION_NAME.fullmatch(entry.name)) is not None:
            number = int(named["number"])
            found.append(Migration(number=number, name=entry.name, sql=entry.read_bytes()))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise DataVersionUnsupported("the migrations of this version have a gap or a double number")
    return tuple(found)


def pending_migrations(
    known: Sequence[Migration], applied: Sequence[tuple[int, str]]
) -> tuple[Migration, ...]:
    """What is left to do, given the (number, sha256) of what was done.

    Raises `DataVersionUnsupported` where the database went another way than this version would.
    """
    known_sums = {migration.number: migration.sha256 for migration in known}
    for number, sha256 in applied:
        if number not in known_sums:
            raise DataVersionUnsupported(f"migration {number:04} is newer than this version")
        if known_sums[number] != sha256:
            raise DataVersionUnsupported(f"migration {number:04} was applied with another text")
    done = {number for number, _ in applied}
    if done != set(range(1, len(done) + 1)):
        raise DataVersionUnsupported("the database has a gap in its migrations")
    return tuple(migration for migration in known if migration.number not in done)


class Database:
    """A pool of connections to one PostgreSQL database. Get one from `Database.open`."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        min_connections: int = 1,
        max_connections: int = 10,
        connect_timeout_seconds: int = 5,
        statement_timeout_seconds: float = 60,
    ) -> Self:
        """Connect. `dsn` is a PostgreSQL address (URL or key=value); it never reaches a message.

        Raises `StorageUrlInvalid`, `StorageUnavailable` within the connect timeout, and
        `DataVersionUnsupported` for a server older than `OLDEST_SERVER_VERSION`. A statement that
        takes longer than its timeout ends as `StorageUnavailable`; so does waiting for a free
        connection longer than the connect timeout.
        """
        settings = _connection_settings(
            dsn,
            connect_timeout_seconds=connect_timeout_seconds,
            statement_timeout_seconds=statement_timeout_seconds,
        )
        with _translated():
            # Once without the pool: a pool would only say that it timed out, not why.
            async with await AsyncConnection.connect(dsn, **settings) as probe:
                version = probe.info.server_version
        if version < OLDEST_SERVER_VERSION:
            raise DataVersionUnsupported(f"PostgreSQL {version // 10_000}, 15 or newer is needed")
        pool = AsyncConnectionPool(
            dsn,
            connection_class=Connection,
            kwargs=settings,
            min_size=min_connections,
            max_size=max_connections,
            timeout=connect_timeout_seconds,
            # A connection that died while idle must not cost a caller its transaction.
            check=_check_after_rest,
            open=False,
            name="congvan",
        )
        try:
            with _translated():
                await pool.open(wait=True, timeout=connect_timeout_seconds)
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction (READ COMMITTED): committed when the block ends, undone when it raises.

        Lost connections, timeouts, conflicts with another transaction and a server without room
        leave as our errors; what the caller's own SQL did wrong stays a `psycopg.Error`.
        `StorageUnavailable` at the end of the block may mean that the commit arrived and its answer
        was lost: repeat under the same request_id.
        """
        with _translated():
            async with self._pool.connection() as connection, connection.transaction():
                yield connection

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection whose statements only read, each of them by itself: no transaction.

        A single statement takes one exchange with the server instead of three. Errors leave as
        those of `transaction` do.
        """
        with _translated():
            async with self._pool.connection() as connection:
                yield connection

    async def ready(self, *, timeout_seconds: float = 5) -> bool:
        """Whether a statement gets through now, and its answer back in time."""
        asking = asyncio.create_task(self._ask())
        # Not asyncio.timeout(): cancelling waits for the server to confirm, and a frozen one never
        # does. The abandoned question keeps its connection until the server answers or dies.
        done, _ = await asyncio.wait({asking}, timeout=timeout_seconds)
        if not done:
            asking.cancel()
        return asking in done and asking.result()

    async def _ask(self) -> bool:
        try:
            async with self.transaction() as connection:
                await connection.execute("SELECT 1")
        except StorageError:
            return False
        return True

    async def migrate(self, migrations: Sequence[Migration] | None = None) -> None:
        """Bring the schema to this version; any number of processes may do it at once.

        Each migration is one transaction under one advisory lock, so that a crash leaves a whole
        number of them. Raises `DataVersionUnsupported` (see `pending_migrations`).
        """
        known = read_migrations() if migrations is None else migrations
        while await self._apply_next(known):
            pass

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    async def _apply_next(self, known: Sequence[Migration]) -> bool:
        async with self.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            await connection.execute(_APPLIED_TABLE)
            rows = await connection.execute(
                "SELECT number, sha256 FROM schema_migration ORDER BY number"
            )
            applied = [(row["number"], row["sha256"]) async for row in rows]
            pending = pending_migrations(known, applied)
            if not pending:
                return False
            await _apply(connection, pending[0])
            return True


_used_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


async def _check_after_rest(connection: Connection) -> None:
    """Ask a connection whether it is alive, unless it was so a moment ago."""
    now = time.monotonic()
    if now - _used_at.get(connection, -RESTED_SECONDS) >= RESTED_SECONDS:
        await AsyncConnectionPool.check_connection(connection)
    _used_at[connection] = now


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        detail = f"{migration.name} does not fit this database: {error.diag.message_primary}"
        raise DataVersionUnsupported(detail) from error
    await connection.execute(
        "INSERT INTO schema_migration (number, name, sha256) VALUES (%s, %s, %s)",
        (migration.number, migration.name, migration.sha256),
    )


def _connection_settings(
    dsn: str, *, connect_timeout_seconds: int, statement_timeout_seconds: float
) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # The parser's message quotes the address, and with it perhaps the password.
        raise StorageUrlInvalid("expected postgresql://… or key=value pairs") from None
    options = (
        f"{given.get('options') or ''} -c timezone=UTC"
        f" -c statement_timeout={int(statement_timeout_seconds * 1000)}"
        f" -c idle_in_transaction_session_timeout={int(statement_timeout_seconds * 1000)}"
    )
    return {
        **_DEAD_PEER_SETTINGS,
        "row_factory": dict_row,
        # Transactions are begun where one is asked for; what only reads goes without.
        "autocommit": True,
        "connect_timeout": connect_timeout_seconds,
        "options": options.strip(),
        "application_name": given.get("application_name") or "congvan",
    }


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable("no connection to the database came free in time") from error
    except errors.DiskFull as error:
        raise StorageFull(_detail(error)) from error
    except psycopg.OperationalError as error:
        raise StorageUnavailable(_detail(error)) from error


def _detail(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip().partition("\n")[0]
