"""Documents at work: small ones in memory, large ones as a private file of the spool.

Memory does not grow with a document. A file of the spool ends with the work on it, however that
ends; what a killed process left is removed after a day.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from exchange.errors import ArgumentInvalid
from exchange.messages import BlobName
from exchange.services import Services
from exchange.uploads import CHUNK_LIMIT_BYTES
from signer import Source
from signer.errors import DocumentTooLarge
from storage.errors import ObjectMissing, StorageFull
from storage.ports import Digest

if TYPE_CHECKING:
    from hashlib import _Hash

LEFT_BEHIND_AFTER = timedelta(days=1)
_FOLDER = "working"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopy:
    """A document that is being worked on.

    path: its file, None where it is in memory. The source knows its SHA-256, from which that of
    the document with an update is had without reading it again.
    """

    source: Source
    digest: Digest
    path: Path | None

    def for_sandbox(self) -> bytes | Path:
        """Give what a sandbox process reads: the bytes, or the file, which nobody reads here."""
        return self.source.read() if self.path is None else self.path


@contextlib.asynccontextmanager
async def copy_of_bytes(content: bytes) -> AsyncIterator[WorkingCopy]:
    """Work on a document that is in memory."""
    hashed = hashlib.sha256(content)
    digest = Digest(hashed.hexdigest())
    yield WorkingCopy(source=Source.of_bytes(content, sha256=hashed), digest=digest, path=None)


@contextlib.asynccontextmanager
async def copy_of_object(services: Services, digest: Digest) -> AsyncIterator[WorkingCopy]:
    """Work on a kept object. Raises ObjectMissing, ObjectCorrupt, StorageFull."""
    stored = await services.objects.stat(digest)
    if stored is None:
        raise ObjectMissing(digest)
    if stored.size_bytes <= services.limits.max_inline_bytes:
        working = copy_of_bytes(await services.objects.read(digest))
    else:
        working = copy_of_chunks(services, services.objects.stream(digest))
    async with working as copy:
        yield copy


def copy_of_kept(
    services: Services, digest: Digest, *, content: bytes | None
) -> AbstractAsyncContextManager[WorkingCopy]:
    """Work on a document of a row: its bytes lie there, or it is an object."""
    return copy_of_object(services, digest) if content is None else copy_of_bytes(content)


@contextlib.asynccontextmanager
async def copy_of_chunks(
    services: Services, chunks: AsyncIterable[bytes], *, max_bytes: int | None = None
) -> AsyncIterator[WorkingCopy]:
    """Work on a document that comes in pieces.

    max_bytes: what it may have together; by default what a stranger's document may have.

    Raises:
        ArgumentInvalid: a piece is over 1 MiB.
        DocumentTooLarge: all of them are over the limit.
        StorageFull: the spool has no room.

    """
    largest = services.limits.max_document_bytes if max_bytes is None else max_bytes
    path = services.spool / _FOLDER / uuid4().hex
    hashed, size = hashlib.sha256(), 0
    try:
        # Written through one descriptor: a write that a cancelled call left to its thread can't
        # bring the file back.
        with _begin(path) as spool:
            async for chunk in chunks:
                size += len(chunk)
                _check_size(chunk, size=size, largest=largest)
                with _disk_errors():
                    await asyncio.to_thread(_append, spool, chunk, hashed=hashed)
        with Source.of_file(path, sha256=hashed) as source:
            yield WorkingCopy(source=source, digest=Digest(hashed.hexdigest()), path=path)
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFull(f"spool: {error.strerror}") from error


def _begin(path: Path) -> BinaryIO:
    with _disk_errors():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return path.open("xb", buffering=0)


def _check_size(chunk: bytes, *, size: int, largest: int) -> None:
    if len(chunk) > CHUNK_LIMIT_BYTES:
        raise ArgumentInvalid("a chunk over 1 MiB", field="chunk")
    if size > largest:
        raise DocumentTooLarge(f"the limit is {largest} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument:
    """A document that is an object now; its bytes too where they are in memory."""

    blob: BlobName
    content: bytes | None = field(repr=False)


async def keep_with(services: Services, copy: WorkingCopy, *, tail: bytes) -> KeptDocument:
    """Keep the document with an update after it as an object of its own; a file's copy is spent."""
    whole = copy.source.hasher("sha256")
    whole.update(tail)
    digest = Digest(whole.hexdigest())
    size = copy.source.size + len(tail)
    content = None
    if copy.path is None:
        content = copy.source.read() + tail
        await services.objects.put_new(digest, content)
    else:
        with _disk_errors():
            await asyncio.to_thread(_lengthen, copy.path, tail)
        await services.objects.put_new(digest, copy.path)
    return KeptDocument(blob=BlobName(digest=digest, size_bytes=size), content=content)


def remove_left_behind(spool: Path, *, at: datetime) -> int:
    """Remove the copies of processes that were killed; gives how many. Blocks on the disk."""
    removed = 0
    oldest = (at - LEFT_BEHIND_AFTER).timestamp()
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(spool / _FOLDER):
            with contextlib.suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def _append(spool: BinaryIO, chunk: bytes, *, hashed: "_Hash") -> None:
    view = memoryview(chunk)
    while view:
        view = view[spool.write(view) :]
    hashed.update(chunk)


def _lengthen(path: Path, tail: bytes) -> None:
    # Not "ab": that would make a file anew whose call has gone away.
    with path.open("r+b") as spool:
        spool.seek(0, os.SEEK_END)
        spool.write(tail)
