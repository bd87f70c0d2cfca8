"""A document's bytes, in memory or in a file, read in pieces so that large ones cost no memory."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
from typing import IO, TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from hashlib import _Hash
    from pathlib import Path
    from types import TracebackType

    from _typeshed import WriteableBuffer

CHUNK_BYTES: Final = 1 << 18
_BUFFER_BYTES: Final = 64 * 1024
"""What a parser's many small reads of a file are served from."""


class Hasher(Protocol):
    """What digests: hashlib's objects are such."""

    def update(self, data: memoryview, /) -> None:
        """Digest more bytes."""
        ...


class Source:
    """A document that does not change while it is used: make one with `of_bytes` or `of_file`.

    sha256: SHA-256 over all of it, where whoever received the document has it already.
    """

    __slots__ = ("_file", "_sha256", "_start", "_tail")

    def __init__(
        self,
        start: bytes | None,
        file: IO[bytes] | None,
        *,
        tail: bytes,
        sha256: _Hash | None = None,
    ) -> None:
        self._start = start
        self._file = file
        self._tail = tail
        self._sha256 = sha256

    @classmethod
    def of_bytes(cls, document: bytes, *, sha256: _Hash | None = None) -> Self:
        """Return a document that lies in memory."""
        return cls(document, None, tail=b"", sha256=sha256)

    @classmethod
    def of_file(cls, path: Path, *, sha256: _Hash | None = None) -> Self:
        """Open a document that stays on disk. Raises OSError."""
        return cls(None, path.open("rb", buffering=0), tail=b"", sha256=sha256)

    def followed_by(self, tail: bytes) -> Source:
        """Return the document with an update after it; the file, if any, is shared."""
        sha256 = None
        if self._sha256 is not None:
            sha256 = self._sha256.copy()
            sha256.update(tail)
        return Source(self._start, self._file, tail=self._tail + tail, sha256=sha256)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self._start_size + len(self._tail)

    @property
    def in_memory(self) -> bool:
        """Whether all of it lies in memory already."""
        return self._file is None

    @property
    def _start_size(self) -> int:
        if self._file is not None:
            return os.fstat(self._file.fileno()).st_size
        return len(self._start or b"")

    def open(self) -> IO[bytes]:
        """Return a stream of its own position, for reading only; several may be open at once."""
        if self._file is None:
            whole = self._start or b""
            return io.BytesIO(whole + self._tail if self._tail else whole)
        return io.BufferedReader(_Pieces(self), _BUFFER_BYTES)

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from start to end, by default all."""
        end = self.size if end is None else min(end, self.size)
        size = self._start_size
        if self._file is None:
            whole = self._start or b""
            first = whole if (start, end) == (0, size) else whole[start : min(end, size)]
        else:
            first = _pread(self._file, start=start, length=min(end, size) - start)
        if end <= size:
            return first
        return first + self._tail[max(0, start - size) : end - size]

    def every(self, step: int) -> bytes:
        """Return one byte in each `step`, the first included."""
        if self._file is None:
            whole = self._start or b""
            return (whole + self._tail if self._tail else whole)[::step]
        file, size = self._file.fileno(), self._start_size
        of_file = b"".join(os.pread(file, 1, at) for at in range(0, size, step))
        return of_file + self._tail[-size % step :: step]

    def feed(self, hasher: Hasher, *, start: int, end: int) -> None:
        """Digest the bytes from start to end without copying or keeping them."""
        size = self._start_size
        if self._file is None:
            hasher.update(memoryview(self._start or b"")[start:end])
        else:
            _feed_file(self._file, hasher, start=start, end=min(end, size))
        if end > size:
            hasher.update(memoryview(self._tail)[max(0, start - size) : end - size])

    def hasher(self, digest_algorithm: str) -> _Hash:
        """Return a digest over all of it, by hashlib's name, to be continued or read."""
        if self._sha256 is not None and digest_algorithm == "sha256":
            return self._sha256.copy()
        hasher = hashlib.new(digest_algorithm)
        self.feed(hasher, start=0, end=self.size)
        return hasher

    def map(self) -> bytes | mmap.mmap:
        """Return something to scan that has the methods of bytes, for a document in a file too."""
        if self._file is None or self._tail or not self.size:
            return self.read()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Pieces(io.RawIOBase):
    """A position in a source, for a buffered reader above it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._source.read(self._at, self._at + len(view))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        if origin + offset < 0:
            raise ValueError("a position before the beginning")
        self._at = origin + offset
        return self._at


def _feed_file(file: IO[bytes], hasher: Hasher, *, start: int, end: int) -> None:
    # One buffer that stays in the processor's cache. A mapping begins with a page; a bytearray does
    # not where malloc maps pieces of this size, as in the service's workers, and there the kernel
    # copies so much slower that 50 MB took 1.6 times as long (new memory for each piece: 1.9).
    buffer = memoryview(mmap.mmap(-1, CHUNK_BYTES))
    while start < end:
        count = os.preadv(file.fileno(), [buffer[: min(CHUNK_BYTES, end - start)]], start)
        if not count:
            return
        hasher.update(buffer[:count])
        start += count


def _pread(file: IO[bytes], *, start: int, length: int) -> bytes:
    """Read exactly so many bytes, fewer only where the file ends."""
    pieces = []
    while length > 0:
        piece = os.pread(file.fileno(), length, start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
