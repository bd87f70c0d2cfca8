"""A service of its own that keeps rows until it is killed: the victim of the tests that do so."""

import asyncio
import sys
from pathlib import Path

from storage.database import Database
from storage.embedded import EmbeddedPostgres


async def serve(directory: Path) -> None:
    """Print the number of each row after its commit was confirmed."""
    own = EmbeddedPostgres(directory)
    async with await Database.open(await own.start()) as database:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS kept (number serial)")
        print("serving", flush=True)
        while True:
            async with database.transaction() as connection:
                cursor = await connection.execute(
                    "INSERT INTO kept DEFAULT VALUES RETURNING number"
                )
                row = await cursor.fetchone()
            print(row["number"] if row else "nothing", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
