"""What a disk without room does to rows and objects: an error that says so, and nothing lost.

Needs a small file system of its own, which takes the right to mount one. What every user can test
of it (limits of a file's size, errors injected into single calls, the server's own error) is in the
tests of the two drivers and of the database.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.embedded import EmbeddedPostgres
from storage.errors import StorageFull
from storage.objects.directory import DirectoryStore
from storage.ports import PutOutcome, digest_of
from tests.support.postgres import NOT_DURABLE

pytestmark = pytest.mark.mounts

SMALL_BYTES = 110 << 20
BALLAST_BYTES = 8 << 20


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="congvan-test-") as folder:
        subprocess.run(["mount", "-ttmpfs", f"-osize={SMALL_BYTES}", "tmpfs", folder], check=True)
        try:
            Path(folder).chmod(0o711)
            (Path(folder) / "ballast").write_bytes(b"\0" * BALLAST_BYTES)
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_is_told_and_loses_nothing_that_was_confirmed(small_disk: Path) -> None:
    store = DirectoryStore(small_disk / "objects-root")
    await store.check()
    own = EmbeddedPostgres(small_disk / "postgres", NOT_DURABLE)
    async with own, await Database.open(own.dsn) as database:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE kept (number integer, filling bytea)")
            await connection.execute("ALTER TABLE kept ALTER filling SET STORAGE external")
        confirmed = 0
        with pytest.raises(StorageFull):
            while True:
                async with database.transaction() as connection:
                    await connection.execute(
                        "INSERT INTO kept SELECT %s, convert_to(repeat('x', 2000000), 'UTF8')",
                        (confirmed,),
                    )
                confirmed += 1
        assert await database.ready()
        content = os.urandom(BALLAST_BYTES)
        with pytest.raises(StorageFull):
            await store.put_new(digest_of(content), content)
        assert list((small_disk / "objects-root" / "incoming").iterdir()) == []
        assert await store.stat(digest_of(content)) is None

        (small_disk / "ballast").unlink()
        async with database.transaction() as connection:
            cursor = await connection.execute("SELECT count(*) AS n FROM kept")
            assert await cursor.fetchone() == {"n": confirmed}
            await connection.execute("INSERT INTO kept VALUES (-1, '')")
        small = b"there is room again"
        assert await store.put_new(digest_of(small), small) is PutOutcome.STORED


async def test_a_first_start_on_a_full_disk_is_told_and_works_when_there_is_room(
    small_disk: Path,
) -> None:
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space"), filling.open("wb", 0) as file:
        while True:
            file.write(b"\0" * 65536)
    with pytest.raises(StorageFull, match="No space left"):
        await EmbeddedPostgres(small_disk / "postgres", NOT_DURABLE).start()
    assert not (small_disk / "postgres" / "data").exists()
    filling.unlink()
    async with EmbeddedPostgres(small_disk / "postgres", NOT_DURABLE) as own:
        assert own.dsn
