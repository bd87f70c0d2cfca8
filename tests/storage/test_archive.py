"""The archive on a real database and a real directory: keep, list, fetch, check."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from storage.archive import Archive, ArchiveRecord, PageRequest, RecordKind
from storage.database import Database
from storage.errors import DigestMismatch, ObjectCorrupt, ObjectMissing, RecordMissing
from storage.objects.directory import DirectoryStore
from storage.ports import Digest, digest_of, object_key

KEPT_AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


def a_record(content: bytes, **changes: object) -> ArchiveRecord:
    values: dict[str, object] = {
        "record_id": uuid4(),
        "digest": digest_of(content),
        "size_bytes": len(content),
        "media_type": "application/pdf",
        "kind": RecordKind.DOCUMENT,
        "message_id": "m-1",
        "owner": "000.00.01.H56",
        "title": "Quyết định về việc ban hành Quy chế",
        "kept_at": KEPT_AT,
    }
    return ArchiveRecord(**{**values, **changes})  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def archive(
    database: Database, directory_store: DirectoryStore
) -> AsyncIterator["KeepingArchive"]:
    yield KeepingArchive(database, directory_store)


class KeepingArchive(Archive):
    """An archive with the two steps of a careful caller in one."""

    async def keep_content(self, content: bytes, **changes: object) -> ArchiveRecord:
        record = a_record(content, **changes)
        await self._objects.put_new(record.digest, content)
        async with self._database.transaction() as connection:
            await self.keep(connection, record)
        return record


def object_file(objects_root: Path, digest: Digest) -> Path:
    return objects_root / object_key(digest)


async def test_what_was_kept_comes_back_as_it_was(archive: KeepingArchive) -> None:
    record = await archive.keep_content(b"%PDF-1.7 ...")
    assert await archive.get(record.record_id) == record
    assert await archive.fetch(record.record_id) == b"%PDF-1.7 ..."


async def test_a_record_without_its_object_is_refused_and_leaves_no_row(
    archive: KeepingArchive, database: Database
) -> None:
    record = a_record(b"never stored")
    with pytest.raises(ObjectMissing):
        async with database.transaction() as connection:
            await archive.keep(connection, record)
    async with database.transaction() as connection:
        cursor = await connection.execute("SELECT count(*) AS n FROM object")
        assert await cursor.fetchone() == {"n": 0}


async def test_a_record_of_the_wrong_size_is_refused(
    archive: KeepingArchive, directory_store: DirectoryStore, database: Database
) -> None:
    await directory_store.put_new(digest_of(b"four"), b"four")
    with pytest.raises(DigestMismatch):
        async with database.transaction() as connection:
            await archive.keep(connection, a_record(b"four", size_bytes=5))


async def test_a_transaction_undone_leaves_an_orphan_object_and_no_record(
    archive: KeepingArchive, directory_store: DirectoryStore, database: Database
) -> None:
    record = a_record(b"undone")
    await directory_store.put_new(record.digest, b"undone")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await archive.keep(connection, record)
            raise ZeroDivisionError
    with pytest.raises(RecordMissing):
        await archive.get(record.record_id)
    report = await archive.check()
    assert (report.orphans, report.is_whole) == ((record.digest,), True)


async def test_keeping_a_record_again_changes_nothing_and_another_one_is_refused(
    archive: KeepingArchive, database: Database
) -> None:
    record = await archive.keep_content(b"once")
    await archive.keep_content(b"once", record_id=record.record_id)
    with pytest.raises(ValueError, match="taken by another record"):
        await archive.keep_content(b"once", record_id=record.record_id, title="another")
    assert (await archive.get(record.record_id)).title == record.title


async def test_two_owners_share_an_object_and_have_their_own_records(
    archive: KeepingArchive,
) -> None:
    mine = await archive.keep_content(b"shared")
    theirs = await archive.keep_content(b"shared", owner="000.00.02.H56")
    assert [r.record_id for r in (await archive.list(PageRequest(owner=mine.owner))).records] == [
        mine.record_id
    ]
    assert (await archive.get(theirs.record_id)).digest == mine.digest
    assert (await archive.check()).checked == 1


async def test_listing_by_pages_gives_every_record_once_newest_first(
    archive: KeepingArchive,
) -> None:
    # Several share an instant: the page marker must not skip or repeat any of them.
    kept = [
        await archive.keep_content(b"%d" % i, kept_at=KEPT_AT + timedelta(seconds=i // 4))
        for i in range(17)
    ]
    seen: list[ArchiveRecord] = []
    after = None
    while True:
        page = await archive.list(PageRequest(size=5, after=after))
        seen += page.records
        assert len(page.records) <= 5
        if (after := page.next_after) is None:
            break
    assert seen == sorted(kept, key=lambda r: (r.kept_at, r.record_id.int), reverse=True)


async def test_listing_goes_by_message_and_refuses_an_unknown_place(
    archive: KeepingArchive,
) -> None:
    await archive.keep_content(b"a", message_id=None)
    wanted = await archive.keep_content(b"b", message_id="m-2")
    page = await archive.list(PageRequest(message_id="m-2"))
    assert (page.records, page.next_after) == ((wanted,), None)
    with pytest.raises(RecordMissing):
        await archive.list(PageRequest(after=uuid4()))


async def test_the_check_names_each_kind_of_damage_and_each_orphan(
    archive: KeepingArchive, directory_store: DirectoryStore, tmp_path: Path
) -> None:
    good, gone, rotten, short = [
        await archive.keep_content(content * 50)
        for content in (b"good", b"gone", b"rotten", b"short")
    ]
    orphan = digest_of(b"orphan")
    await directory_store.put_new(orphan, b"orphan")
    root = tmp_path / "objects-root"
    object_file(root, gone.digest).unlink()
    flip_last_byte(object_file(root, rotten.digest))
    path = object_file(root, short.digest)
    path.chmod(0o600)
    path.write_bytes(b"short")
    report = await archive.check()
    assert report.checked == 4
    assert report.intact == 1
    assert not report.is_whole
    assert report.missing == (gone.digest,)
    assert set(report.corrupt) == {rotten.digest, short.digest}
    assert report.orphans == (orphan,)
    assert (report.checked_bytes, good.size_bytes) == (200, 200)
    with pytest.raises(ObjectCorrupt):
        await archive.fetch(rotten.record_id)
    with pytest.raises(ObjectMissing):
        await archive.fetch(gone.record_id)


async def test_the_check_finds_a_row_whose_size_is_not_the_objects(
    archive: KeepingArchive, directory_store: DirectoryStore, database: Database
) -> None:
    digest = digest_of(b"content")
    await directory_store.put_new(digest, b"content")
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO object VALUES (%s, 3, 'text/plain', %s)", (digest, KEPT_AT)
        )
    assert (await archive.check()).wrong_size == (digest,)


async def test_the_check_of_more_than_one_batch_sees_all_of_it(
    archive: KeepingArchive, database: Database
) -> None:
    kept = await archive.keep_content(b"there")
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO object SELECT encode(sha256(n::text::bytea), 'hex'), 1, 'text/plain', %s"
            " FROM generate_series(1, 2500) AS n",
            (KEPT_AT,),
        )
    report = await archive.check()
    assert (report.checked, len(report.missing), report.intact) == (2501, 2500, 1)
    assert kept.digest not in report.missing
    assert list(report.missing) == sorted(report.missing)


async def test_a_report_is_not_a_truth_value(archive: KeepingArchive) -> None:
    with pytest.raises(TypeError):
        bool(await archive.check())


@pytest.mark.parametrize("table", ["object", "archive_record"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET kept_at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_the_database_itself_refuses_to_change_or_delete_what_is_kept(
    archive: KeepingArchive, database: Database, table: str, statement: str
) -> None:
    record = await archive.keep_content(b"for ever")
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with database.transaction() as connection:
            await connection.execute(statement.format(table).encode())
    assert await archive.get(record.record_id) == record


@pytest.mark.parametrize(
    "changes",
    [
        {"size_bytes": -1},
        {"owner": ""},
        {"media_type": ""},
        {"kept_at": KEPT_AT.replace(tzinfo=None)},
        {"kind": "LETTER"},
    ],
)
def test_a_record_that_makes_no_sense_can_not_be_made(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        a_record(b"x", **changes)


def flip_last_byte(path: Path) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
