"""The archive: what was kept, of which message, for whom; and the proof that all of it is whole.

Bytes lie in the object store under their SHA-256, records in the database. A record is written only
when its object is there (invariant 2), and nothing of either is changed or deleted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from storage.database import Connection, Database
from storage.errors import DigestMismatch, ObjectMissing, RecordMissing
from storage.integrity import IntegrityReport, check_integrity
from storage.ports import Digest, ObjectStore, parse_digest

PAGE_SIZE_MAX = 1000
_RECORD_COLUMNS = """
    record_id, digest, size_bytes, archive_record.media_type, kind, message_id, owner, title,
    archive_record.kept_at
"""


class RecordKind(StrEnum):
    """What a record holds (thành phần hồ sơ): one message leaves one or more of each."""

    DOCUMENT = "DOCUMENT"
    ENVELOPE = "ENVELOPE"
    STATUS = "STATUS"
    REPORT = "REPORT"
    EVIDENCE = "EVIDENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRecord:
    """One kept thing (tài liệu lưu trữ): where its bytes are and what they belong to."""

    record_id: UUID
    digest: Digest
    size_bytes: int
    media_type: str
    kind: RecordKind
    message_id: str | None
    owner: str
    """Code of the endpoint in whose archive the record is."""
    title: str
    kept_at: datetime

    def __post_init__(self) -> None:
        parse_digest(self.digest)
        if self.size_bytes < 0 or not self.media_type or not self.owner:
            raise ValueError("a record needs a size, a media type and an owner")
        if self.kept_at.utcoffset() != timedelta(0):
            raise ValueError("kept_at must be UTC")
        object.__setattr__(self, "kind", RecordKind(self.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which records to list, newest first: all, or those of an owner or a message."""

    owner: str | None = None
    message_id: str | None = None
    size: int = 100
    after: UUID | None = None
    """Go on after this record: the last one of the page before."""

    def __post_init__(self) -> None:
        if not 1 <= self.size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page has 1 to {PAGE_SIZE_MAX} records")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Some records, newest first. `next_after` continues the listing; None: that was all."""

    records: tuple[ArchiveRecord, ...]
    next_after: UUID | None


async def note_object(
    connection: Connection, digest: Digest, *, size_bytes: int, media_type: str, at: datetime
) -> None:
    """Write the row of an object that is in the store already, so that other rows may name it."""
    await connection.execute(
        "INSERT INTO object (digest, size_bytes, media_type, kept_at)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (digest) DO NOTHING",
        (digest, size_bytes, media_type, at),
    )


class Archive:
    """Keeps, lists, fetches and checks. Safe to use from many tasks at once."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def keep(self, connection: Connection, record: ArchiveRecord) -> None:
        """Write a record in the caller's transaction; its object must be in the store already.

        The same record again changes nothing. Raises `ObjectMissing`, `DigestMismatch` where the
        kept object has another size than the record says, and ValueError where the identifier is
        taken by another record.
        """
        stored = await self._objects.stat(record.digest)
        if stored is None:
            raise ObjectMissing(record.digest)
        if stored.size_bytes != record.size_bytes:
            raise DigestMismatch(f"announced {record.size_bytes} bytes, kept {stored.size_bytes}")
        await note_object(
            connection,
            record.digest,
            size_bytes=record.size_bytes,
            media_type=record.media_type,
            at=record.kept_at,
        )
        inserted = await connection.execute(
            "INSERT INTO archive_record"
            " (record_id, digest, media_type, kind, message_id, owner, title, kept_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (record_id) DO NOTHING",
            (
                record.record_id,
                record.digest,
                record.media_type,
                record.kind,
                record.message_id,
                record.owner,
                record.title,
                record.kept_at,
            ),
        )
        if inserted.rowcount == 0 and await _find(connection, record.record_id) != record:
            raise ValueError(f"record identifier {record.record_id} is taken by another record")

    async def get(self, record_id: UUID) -> ArchiveRecord:
        """One record. Raises `RecordMissing`."""
        async with self._database.transaction() as connection:
            return await _require(connection, record_id)

    async def list(self, request: PageRequest) -> RecordPage:
        """One page of records, newest first. Raises `RecordMissing` for an unknown `after`."""
        conditions, values = ["TRUE"], {"owner": request.owner, "message_id": request.message_id}
        conditions += [
            f"{name} = %({name})s" for name, value in values.items() if value is not None
        ]
        async with self._database.transaction() as connection:
            position: dict[str, object] = {}
            if request.after is not None:
                last = await _require(connection, request.after)
                position = {"at": last.kept_at, "id": last.record_id}
                conditions.append("(archive_record.kept_at, record_id) < (%(at)s, %(id)s)")
            cursor = connection.cursor(row_factory=class_row(ArchiveRecord))
            await cursor.execute(
                f"SELECT {_RECORD_COLUMNS} FROM archive_record JOIN object USING (digest)"  # noqa: S608
                f" WHERE {' AND '.join(conditions)}"
                " ORDER BY archive_record.kept_at DESC, record_id DESC LIMIT %(limit)s".encode(),
                {**values, **position, "limit": request.size + 1},
            )
            found = await cursor.fetchall()
        records = tuple(found[: request.size])
        return RecordPage(
            records=records,
            next_after=records[-1].record_id if len(found) > request.size else None,
        )

    async def fetch(self, record_id: UUID) -> bytes:
        """The bytes of a record, as received, verified against their digest.

        Raises `RecordMissing`, `ObjectMissing`, `ObjectCorrupt`.
        """
        return await self._objects.read((await self.get(record_id)).digest)

    async def check(self) -> IntegrityReport:
        """Read every object again and compare it; see `storage.integrity.check_integrity`."""
        return await check_integrity(self._database, self._objects)


async def _find(connection: Connection, record_id: UUID) -> ArchiveRecord | None:
    cursor = connection.cursor(row_factory=class_row(ArchiveRecord))
    await cursor.execute(
        f"SELECT {_RECORD_COLUMNS} FROM archive_record JOIN object USING (digest)"  # noqa: S608
        " WHERE record_id = %s".encode(),
        (record_id,),
    )
    return await cursor.fetchone()


async def _require(connection: Connection, record_id: UUID) -> ArchiveRecord:
    if (record := await _find(connection, record_id)) is None:
        raise RecordMissing(str(record_id))
    return record
