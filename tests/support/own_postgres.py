"""Our own PostgreSQL for a moment, and one question to it."""

from pathlib import Path

from storage.database import Database
from storage.embedded import EmbeddedPostgres
from tests.support.postgres import NOT_DURABLE


async def start_and_stop(directory: Path) -> None:
    async with EmbeddedPostgres(directory, NOT_DURABLE):
        pass


async def one(dsn: str, query: str) -> object:
    async with await Database.open(dsn) as database, database.transaction() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
        return next(iter(row.values())) if row else None
