"""Objects in one bucket of an S3 server: the store of several machines.

An object goes up in one conditional request (`If-None-Match: *`), so that the server itself
refuses to overwrite, and readers see it whole or not at all. Its SHA-256 is the key, stands in the
user metadata, and is computed again on every read: an ETag says nothing about it.

The service needs the rights to read, write and list, not to delete.
"""

import asyncio
import hashlib
import mmap
import secrets
import tempfile
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from urllib3.exceptions import ProtocolError
from urllib3.response import BaseHTTPResponse

from storage.errors import (
    DigestInvalid,
    DigestMismatch,
    ObjectCorrupt,
    ObjectMissing,
    StorageUnavailable,
    StorageUnsuitable,
)
from storage.objects.s3_requests import (
    CLIENT_ERRORS,
    Body,
    Bucket,
    S3Credentials,
    S3Limits,
    S3Requests,
    translated,
)
from storage.ports import (
    STREAM_CHUNK_BYTES,
    Content,
    Digest,
    PutOutcome,
    StoredObject,
    digest_of,
    object_key,
    parse_digest,
)
from storage.system_errors import storage_errors

_PREFIX = "objects/"
_CANARY_KEY = "canary"
_SHA256_METADATA = "x-amz-meta-sha256"
_LIST_BATCH = 1000
_PART_BYTES = 1 << 16
T = TypeVar("T")


class S3Store:
    """The `ObjectStore` in one bucket; the module says how."""

    def __init__(
        self, bucket: Bucket, credentials: S3Credentials, *, limits: S3Limits | None = None
    ) -> None:
        self._bucket = bucket
        self._limits = limits or S3Limits()
        self._requests = S3Requests(bucket, credentials, limits=self._limits)
        # Threads of its own: a server that hangs must not take those of everybody else.
        self._threads = ThreadPoolExecutor(self._limits.connections, "s3")

    def __repr__(self) -> str:
        return f"S3Store({self._bucket.endpoint}/{self._bucket.name})"

    async def put_new(self, digest: Digest, content: Content) -> PutOutcome:
        """See `ObjectStore.put_new`."""
        body = await self._body_of(content)
        if await asyncio.to_thread(_sha256, body) != digest:
            raise DigestMismatch(f"announced as {digest}")
        headers = {"Content-Type": "application/octet-stream", _SHA256_METADATA: digest}
        written = await self._call(
            lambda: self._requests.put_new(object_key(digest), body, headers=headers),
            size_bytes=len(body),
        )
        if written:
            return PutOutcome.STORED
        async for _ in self.stream(digest):  # vouch for what is there
            pass
        return PutOutcome.ALREADY_THERE

    async def read(self, digest: Digest) -> bytes:
        """See `ObjectStore.read`."""
        return b"".join([chunk async for chunk in self.stream(digest)])

    async def stream(
        self, digest: Digest, *, offset: int = 0, chunk_bytes: int = STREAM_CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """See `ObjectStore.stream`."""
        if offset < 0 or chunk_bytes < 1:
            raise ValueError("offset must not be negative, chunk_bytes at least 1")
        if offset > 0:  # no server gives a range that begins behind the end
            stored = await self.stat(digest)
            if stored is not None and offset >= stored.size_bytes:
                return
        download = _Download(self._requests, digest, offset=offset, limits=self._limits)
        sha256 = hashlib.sha256()
        read = partial(download.read, chunk_bytes)
        try:
            chunk = await self._call(read, size_bytes=chunk_bytes)
            while following := await self._call(read, size_bytes=chunk_bytes):
                sha256.update(chunk)
                yield chunk
                chunk = following
            sha256.update(chunk)
            if offset == 0 and sha256.hexdigest() != digest:
                raise ObjectCorrupt(digest)
            if chunk:
                yield chunk
        finally:
            download.close()

    async def stat(self, digest: Digest) -> StoredObject | None:
        """See `ObjectStore.stat`."""
        found = await self._call(lambda: self._requests.head(object_key(digest)))
        return None if found is None else StoredObject(digest=digest, size_bytes=found[0])

    async def list(self) -> AsyncIterator[StoredObject]:
        """See `ObjectStore.list`."""
        last: str | None = None
        while True:
            found = await self._call(
                partial(self._requests.list_after, _PREFIX, last, count=_LIST_BATCH)
            )
            for key, size_bytes in found:
                if (stored := _listed_object(key, size_bytes)) is not None:
                    yield stored
            if len(found) < _LIST_BATCH:
                return
            last = found[-1][0]

    async def check(self) -> None:
        """See `ObjectStore.check`. Proves the bucket, our rights, and that nothing overwrites.

        Some servers answer 200 to a conditional write and overwrite all the same. A canary of our
        own stays in the bucket, so that no right to delete is needed.
        """
        if not await self._call(self._requests.bucket_exists):
            raise StorageUnsuitable(f"the bucket {self._bucket.name} does not exist")
        first, second = (f"canary {secrets.token_hex(16)}".encode() for _ in range(2))
        await self._put_canary(first)
        if await self._put_canary(second):
            raise StorageUnsuitable("the server overwrites an existing object when told not to")
        found = await self._call(lambda: self._requests.head(_CANARY_KEY))
        if found is None:
            raise StorageUnsuitable("the server does not find what it has just accepted")
        if not found[1].get(_SHA256_METADATA):
            raise StorageUnsuitable("the server drops user metadata")

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._requests.close()

    async def _put_canary(self, content: bytes) -> bool:
        headers = {_SHA256_METADATA: digest_of(content)}
        return await self._call(
            lambda: self._requests.put_new(_CANARY_KEY, content, headers=headers)
        )

    async def _body_of(self, content: Content) -> Body:
        if isinstance(content, bytes):
            return content
        if isinstance(content, Path):
            return await asyncio.to_thread(_map_path, content)
        return await _map_stream(content)

    async def _call(self, request: Callable[[], T], *, size_bytes: int = 0) -> T:
        seconds = self._limits.deadline_seconds(size_bytes)
        try:
            async with asyncio.timeout(seconds):
                return await self._in_thread(request)
        except TimeoutError:
            raise StorageUnavailable(f"no answer of the S3 server within {seconds:.0f} s") from None

    async def _in_thread(self, request: Callable[[], T]) -> T:
        try:
            answer = asyncio.get_running_loop().run_in_executor(self._threads, request)
        except RuntimeError as error:
            raise StorageUnavailable("this store is closed") from error
        return await answer


class _Download:
    """An object being read in steps, each in a thread; goes on where a connection broke.

    The calls exclude each other, as a cancelled task leaves its thread running.
    """

    def __init__(
        self, requests: S3Requests, digest: Digest, *, offset: int, limits: S3Limits
    ) -> None:
        self._requests = requests
        self._digest = digest
        self._position = offset
        self._limits = limits
        self._reopenings_left = limits.attempts - 1
        self._response: BaseHTTPResponse | None = None
        self._end_at: int | None = None
        self._deadline = 0.0
        self._closed = False
        self._lock = threading.Lock()

    def read(self, size_bytes: int) -> bytes:
        """Exactly `size_bytes` unless the object ends."""
        with self._lock:
            end_at = min(self._position + size_bytes, self._open_to_the_end())
            parts = []
            while self._position < end_at:
                part = self._read_some(end_at - self._position)
                parts.append(part)
                self._position += len(part)
            if self._closed:
                self._drop_response()
            return b"".join(parts)

    def close(self) -> None:
        """Give up what was not read. Never waits: a thread that still reads drops the answer."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._drop_response()
            finally:
                self._lock.release()

    def _open_to_the_end(self) -> int:
        """Where the object ends; asks for it at the first read."""
        if self._end_at is None:
            rest = int(self._opened().headers.get("content-length", "-1"))
            if rest < 0:
                raise StorageUnavailable("the S3 server does not say how much it sends")
            self._end_at = self._position + rest
            self._deadline = time.monotonic() + self._limits.deadline_seconds(rest)
        return self._end_at

    def _read_some(self, wanted: int) -> bytes:
        """At least one byte: what has arrived by now, so that a slow server meets the deadline."""
        while True:
            if self._closed or time.monotonic() > self._deadline:
                raise StorageUnavailable("the S3 server sends too slowly")
            try:
                if part := self._opened().read1(min(wanted, _PART_BYTES)):
                    return part
                raise ProtocolError("the answer ends before the object does")
            except CLIENT_ERRORS as error:
                self._drop_response()
                if self._reopenings_left == 0:
                    raise translated(error) from error
                self._reopenings_left -= 1

    def _opened(self) -> BaseHTTPResponse:
        if self._response is None:
            self._response = self._requests.get(object_key(self._digest), offset=self._position)
            if self._response is None:
                raise ObjectMissing(self._digest)
        return self._response

    def _drop_response(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response.release_conn()
            self._response = None


async def _map_stream(content: AsyncIterable[bytes]) -> Body:
    """Wait in an unnamed temporary file until all is there: S3 wants the size first."""
    with storage_errors():
        file: IO[bytes] = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        async for chunk in content:
            with storage_errors():
                await asyncio.to_thread(file.write, chunk)
        return await asyncio.to_thread(_map_file, file)
    finally:
        await asyncio.shield(asyncio.to_thread(file.close))


def _map_path(path: Path) -> Body:
    with storage_errors(), path.open("rb") as file:
        return _map_file(file)


def _map_file(file: IO[bytes]) -> Body:
    with storage_errors():
        file.flush() if file.writable() else None
        size = file.seek(0, 2)
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""


def _sha256(body: Body) -> str:
    return hashlib.sha256(body).hexdigest()


def _listed_object(key: str, size_bytes: int) -> StoredObject | None:
    """None for what is not ours."""
    try:
        digest = parse_digest(key.rpartition("/")[2])
    except DigestInvalid:
        return None
    return StoredObject(digest=digest, size_bytes=size_bytes) if key == object_key(digest) else None
