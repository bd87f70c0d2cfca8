"""The check of everything kept: every row has its object, and every object its digest."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from psycopg.rows import class_row

from storage.database import Database
from storage.errors import ObjectCorrupt, ObjectMissing
from storage.ports import Digest, ObjectStore, StoredObject

_BATCH_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityReport:
    """What a check of every kept object found. Digests are in ascending order.

    Orphans are objects that no row points at: usually uploads that were never sent. They are
    reported, not counted as damage, and never removed here.
    """

    checked: int
    checked_bytes: int
    missing: tuple[Digest, ...]
    wrong_size: tuple[Digest, ...]
    corrupt: tuple[Digest, ...]
    orphans: tuple[Digest, ...]

    @property
    def intact(self) -> int:
        """How many of the checked objects match their rows and their digests."""
        return self.checked - len(self.missing) - len(self.wrong_size) - len(self.corrupt)

    @property
    def is_whole(self) -> bool:
        """Whether every row's object is there and matches."""
        return self.intact == self.checked

    def __bool__(self) -> bool:
        raise TypeError("ask is_whole: a report that exists is not a report that is good")


async def check_integrity(database: Database, objects: ObjectStore) -> IntegrityReport:
    """Read every object again; compare it with its row and its digest. Nothing is changed.

    Rows and objects are walked side by side in order of digest, so that memory holds only what was
    found wrong. Raises `StorageUnavailable` rather than report on what could not be seen.
    """
    rows, stored = _rows(database), objects.list()
    findings = _Findings(objects)
    row, kept = await anext(rows, None), await anext(stored, None)
    while row is not None or kept is not None:
        if row is None or (kept is not None and kept.digest < row.digest):
            assert kept is not None  # noqa: S101 - or the loop had ended
            findings.orphans.append(kept.digest)
            kept = await anext(stored, None)
        else:
            await findings.judge(row)
            if kept is not None and kept.digest == row.digest:
                kept = await anext(stored, None)
            row = await anext(rows, None)
    return findings.report(orphans=await _still_orphans(database, findings.orphans))


class _Findings:
    """What the check has seen so far."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._checked = 0
        self._checked_bytes = 0
        self._missing: list[Digest] = []
        self._wrong_size: list[Digest] = []
        self._corrupt: list[Digest] = []
        self.orphans: list[Digest] = []

    async def judge(self, row: StoredObject) -> None:
        """Look at the object itself, not at the listing: it may have arrived since."""
        self._checked += 1
        size_bytes = 0
        try:
            async for chunk in self._objects.stream(row.digest):
                size_bytes += len(chunk)
        except ObjectMissing:
            self._missing.append(row.digest)
        except ObjectCorrupt:
            self._corrupt.append(row.digest)
        else:
            if size_bytes != row.size_bytes:
                self._wrong_size.append(row.digest)
        self._checked_bytes += size_bytes

    def report(self, *, orphans: tuple[Digest, ...]) -> IntegrityReport:
        return IntegrityReport(
            checked=self._checked,
            checked_bytes=self._checked_bytes,
            missing=tuple(self._missing),
            wrong_size=tuple(self._wrong_size),
            corrupt=tuple(self._corrupt),
            orphans=orphans,
        )


async def _rows(database: Database) -> AsyncIterator[StoredObject]:
    """All rows of `object` by digest, in short transactions: a check may take hours."""
    last = ""
    while True:
        async with database.transaction() as connection:
            cursor = connection.cursor(row_factory=class_row(StoredObject))
            await cursor.execute(
                "SELECT digest, size_bytes FROM object WHERE digest > %s ORDER BY digest LIMIT %s",
                (last, _BATCH_ROWS),
            )
            rows = await cursor.fetchall()
        for row in rows:
            yield row
        if len(rows) < _BATCH_ROWS:
            return
        last = rows[-1].digest


async def _still_orphans(database: Database, digests: list[Digest]) -> tuple[Digest, ...]:
    """Those that have no row now either: some were on their way in while we looked."""
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "SELECT digest FROM object WHERE digest = ANY(%s)", (digests,)
        )
        arrived = {row["digest"] async for row in cursor}
    return tuple(digest for digest in digests if digest not in arrived)
