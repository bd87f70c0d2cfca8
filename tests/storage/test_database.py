"""The pool, its transactions and the migrations, on a real server."""

from storage.database import Database


async def test_a_fresh_database_is_ready(database: Database) -> None:
    assert await database.ready()
