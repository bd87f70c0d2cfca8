"""Content on its way in: announced by digest, spooled to disk, kept once its SHA-256 is right."""

import asyncio
import os
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from exchange.agency import OrganId
from exchange.errors import ArgumentInvalid, BlobUnknown, UploadOffsetWrong, UploadUnknown
from exchange.services import Services
from signer.errors import DocumentTooLarge
from storage.database import Connection
from storage.errors import DigestMismatch, StorageFull
from storage.ports import Digest, parse_digest

_Outcome = TypeVar("_Outcome")

UPLOAD_LIFE = timedelta(days=14)
# A crash loses at most this much of a stream: the committed offset moves on after each fsync.
COMMIT_EVERY_BYTES = 8 << 20
CHUNK_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload. `committed_size` bytes survive a crash; it never decreases."""

    upload_id: UUID
    caller: OrganId
    digest: Digest
    size_bytes: int
    media_type: str
    file_name: str
    expires_at: datetime
    committed_size: int = 0
    complete: bool = False


def announce(
    services: Services, caller: OrganId, *, sha256: str, size_bytes: int, names: tuple[str, str]
) -> Upload:
    """Check an announcement against the limits. `names` are media type and file name.

    Raises:
        ArgumentInvalid: the digest or the size is not one.
        DocumentTooLarge: the size is over the limit.

    """
    if size_bytes <= 0:
        raise ArgumentInvalid("a positive size is needed", field="blob.size_bytes")
    if size_bytes > services.limits.max_document_bytes:
        raise DocumentTooLarge(
            f"{size_bytes} bytes, the limit is {services.limits.max_document_bytes}"
        )
    return Upload(
        upload_id=uuid4(),
        caller=caller,
        digest=parse_digest(sha256),
        size_bytes=size_bytes,
        media_type=names[0] or "application/octet-stream",
        file_name=names[1],
        expires_at=services.clock() + UPLOAD_LIFE,
    )


async def add_upload(connection: Connection, upload: Upload) -> Upload:
    """Store an upload; complete at once where the caller may refer to the content already."""
    if await may_read(connection, upload.caller, digest=upload.digest):
        upload = replace(upload, committed_size=upload.size_bytes, complete=True)
    await connection.execute(
        "INSERT INTO upload (upload_id, caller, digest, size_bytes, media_type, file_name,"
        " committed_size, complete, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            upload.upload_id,
            upload.caller,
            upload.digest,
            upload.size_bytes,
            upload.media_type,
            upload.file_name,
            upload.committed_size,
            upload.complete,
            upload.expires_at,
        ),
    )
    return upload


async def get_upload(connection: Connection, caller: OrganId, *, upload_id: UUID) -> Upload:
    """Read one of the caller's uploads; raises UploadUnknown."""
    cursor = await connection.execute(
        "SELECT * FROM upload WHERE upload_id = %s AND caller = %s", (upload_id, caller)
    )
    row = await cursor.fetchone()
    if row is None:
        raise UploadUnknown(str(upload_id))
    return _upload(row)


async def write(
    services: Services, upload: Upload, *, offset: int, chunks: AsyncIterable[bytes]
) -> Upload:
    """Append chunks at the committed offset; keeps the object once all is there.

    Raises:
        UploadOffsetWrong: `offset` is not where the upload stands.
        ArgumentInvalid: more bytes than were announced, or a chunk over 1 MiB.
        DigestMismatch: all is there, but it is other content; the upload starts again.
        StorageFull: the spool has no room.

    """
    if upload.complete or offset != upload.committed_size:
        raise UploadOffsetWrong(committed_size_bytes=upload.committed_size)
    path = _spool_path(services, upload.upload_id)
    written, pending = offset, 0
    if not await _spool(_rewind, path, offset):
        await _begin_again(services, upload)
        raise UploadOffsetWrong(committed_size_bytes=0)
    async for chunk in chunks:
        if len(chunk) > CHUNK_LIMIT_BYTES or written + len(chunk) > upload.size_bytes:
            raise ArgumentInvalid("larger than announced, or a chunk over 1 MiB", field="data")
        await _spool(_append, path, chunk)
        written, pending = written + len(chunk), pending + len(chunk)
        if pending >= COMMIT_EVERY_BYTES:
            upload, pending = await _commit(services, upload, path=path, size=written), 0
    upload = await _commit(services, upload, path=path, size=written)
    return await _finish(services, upload, path=path) if written == upload.size_bytes else upload


async def cancel(services: Services, connection: Connection, *, upload: Upload) -> None:
    """Forget an upload and what was spooled of it; content that is kept already stays."""
    await connection.execute("DELETE FROM upload WHERE upload_id = %s", (upload.upload_id,))
    await asyncio.to_thread(_spool_path(services, upload.upload_id).unlink, missing_ok=True)


async def may_read(connection: Connection, endpoint: str, *, digest: str) -> bool:
    """Tell whether an endpoint may read or refer to content."""
    cursor = await connection.execute(
        "SELECT 1 FROM blob_access WHERE digest = %s AND endpoint = %s", (digest, endpoint)
    )
    return await cursor.fetchone() is not None


async def require_access(connection: Connection, endpoint: str, *, digest: str) -> Digest:
    """The same, for callers who must; raises BlobUnknown, which does not tell what exists."""
    parsed = parse_digest(digest)
    if not await may_read(connection, endpoint, digest=parsed):
        raise BlobUnknown(digest)
    return parsed


async def grant(connection: Connection, endpoint: str, *, digest: str, at: datetime) -> None:
    """Let an endpoint read content from now on."""
    await connection.execute(
        "INSERT INTO blob_access (digest, endpoint, granted_at) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (digest, endpoint, at),
    )


async def _commit(services: Services, upload: Upload, *, path: Path, size: int) -> Upload:
    if size == upload.committed_size:
        return upload
    await _spool(_sync, path)
    async with services.database.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE upload SET committed_size = %s WHERE upload_id = %s AND committed_size = %s",
            (size, upload.upload_id, upload.committed_size),
        )
        if cursor.rowcount != 1:  # another stream writes the same upload
            raise UploadOffsetWrong(committed_size_bytes=upload.committed_size)
    return replace(upload, committed_size=size)


async def _finish(services: Services, upload: Upload, *, path: Path) -> Upload:
    try:
        await services.objects.put_new(upload.digest, path)
    except DigestMismatch:
        await _begin_again(services, upload)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    async with services.database.transaction() as connection:
        await grant(connection, upload.caller, digest=upload.digest, at=services.clock())
        await connection.execute(
            "UPDATE upload SET complete = true WHERE upload_id = %s", (upload.upload_id,)
        )
    await asyncio.to_thread(path.unlink, missing_ok=True)
    return replace(upload, complete=True)


async def _begin_again(services: Services, upload: Upload) -> None:
    async with services.database.transaction() as connection:
        await connection.execute(
            "UPDATE upload SET committed_size = 0 WHERE upload_id = %s", (upload.upload_id,)
        )


async def _spool(act: Callable[..., _Outcome], *arguments: object) -> _Outcome:
    try:
        return await asyncio.to_thread(act, *arguments)
    except OSError as error:
        raise StorageFull(f"spool: {error.strerror}") from error


def _rewind(path: Path, size: int) -> bool:
    """Cut off what a broken call left behind the committed offset; False where less is there.

    Less is there when the spool was lost, or when the upload began on another machine.
    """
    with path.open("ab") as spool:
        if spool.tell() < size:
            return False
        spool.truncate(size)
    return True


def _append(path: Path, chunk: bytes) -> None:
    with path.open("ab") as spool:
        spool.write(chunk)


def _sync(path: Path) -> None:
    """Bring the file and its name to the disk: what is committed survives a power cut."""
    for place, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _spool_path(services: Services, upload_id: UUID) -> Path:
    return services.spool / upload_id.hex


def _upload(row: dict[str, Any]) -> Upload:
    return Upload(
        upload_id=row["upload_id"],
        caller=OrganId(row["caller"]),
        digest=Digest(row["digest"]),
        size_bytes=row["size_bytes"],
        media_type=row["media_type"],
        file_name=row["file_name"],
        expires_at=row["expires_at"],
        committed_size=row["committed_size"],
        complete=row["complete"],
    )
