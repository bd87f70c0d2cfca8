"""Content by its SHA-256: uploads that resume after a cut, downloads that are proved whole."""

import contextlib
import hashlib
import io
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

import grpc
import stamina

from congvan.v1 import blobs_pb2, common_pb2
from exchange.client.connection import Connection, is_unavailable
from exchange.client.errors import ContentUnreadable, DownloadCorrupt, ServiceAnswerInvalid
from exchange.client.refusals import from_rpc_error

CHUNK_BYTES = 256 * 1024
"""Size of one message of a stream; the service takes up to 1 MiB."""
STREAM_SECONDS = 600.0
"""Deadline of one stream."""
_ATTEMPTS = 5
_REQUESTS = uuid.UUID("6d0f4f7e-3a55-4d2b-8d39-6a5b2f6f1f0e")


def request_id_for(*parts: str) -> str:
    """Derive the UUID of a request from its content, so that a repeat is the same request."""
    return str(uuid.uuid5(_REQUESTS, "\n".join(parts)))


def describe(
    content: bytes | Path, *, media_type: str = "", file_name: str = ""
) -> common_pb2.BlobRef:
    """Name content by SHA-256 and size, reading a file piece by piece."""
    digest, size = hashlib.sha256(), 0
    with _opened(content) as source:
        while piece := source.read(CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
    return common_pb2.BlobRef(
        sha256=digest.hexdigest(),
        size_bytes=size,
        media_type=media_type or "application/octet-stream",
        file_name=file_name or (content.name if isinstance(content, Path) else ""),
    )


async def upload(
    connection: Connection, content: bytes | Path, *, media_type: str = "", file_name: str = ""
) -> common_pb2.BlobRef:
    """Bring content to the service; after a cut it goes on from the committed offset.

    Content that the service may show us already is not sent again. Raises ClientError.
    """
    blob = describe(content, media_type=media_type, file_name=file_name)
    start = blobs_pb2.StartUploadRequest(request_id=str(uuid.uuid4()), blob=blob)
    state = await connection.call(connection.blobs.StartUpload, start)
    repeats = stamina.retry_context(
        on=is_unavailable, attempts=_ATTEMPTS, timeout=None, wait_max=2.0
    )
    try:
        async for attempt in repeats:
            with attempt:
                if attempt.num > 1:
                    query = blobs_pb2.QueryUploadRequest(name=state.name)
                    state = await connection.blobs.QueryUpload(query, timeout=STREAM_SECONDS)
                if not state.complete:
                    pieces = _pieces(content, state)
                    state = await connection.blobs.WriteBlob(pieces, timeout=STREAM_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    if not state.complete:
        raise ServiceAnswerInvalid(
            f"upload ended at {state.committed_size} of {blob.size_bytes} bytes"
        )
    return blob


async def download(connection: Connection, sha256: str, *, target: Path) -> int:
    """Fetch content to a file that appears only when its SHA-256 is right; gives its size.

    What an earlier cut left (`<target>.part`) is taken up again. An existing target is replaced:
    the caller decides beforehand. Raises DownloadCorrupt, ClientError.
    """
    partial = target.with_name(target.name + ".part")
    repeats = stamina.retry_context(
        on=is_unavailable, attempts=_ATTEMPTS, timeout=None, wait_max=2.0
    )
    try:
        async for attempt in repeats:
            with attempt:
                await _fetch(connection, sha256, partial=partial)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    return _finish(partial, target, sha256=sha256)


async def download_bytes(connection: Connection, sha256: str, *, max_bytes: int) -> bytes:
    """Fetch content of at most `max_bytes` into memory. Raises DownloadCorrupt, ClientError."""
    content = bytearray()
    request = blobs_pb2.DownloadBlobRequest(sha256=sha256)
    try:
        async for piece in connection.blobs.DownloadBlob(request, timeout=STREAM_SECONDS):
            content += piece.data
            if len(content) > max_bytes:
                raise ServiceAnswerInvalid(f"more than {max_bytes} bytes for {sha256}")
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DownloadCorrupt(sha256)
    return bytes(content)


async def _fetch(connection: Connection, sha256: str, *, partial: Path) -> None:
    with _appending(partial) as sink:
        offset = sink.tell()
        request = blobs_pb2.DownloadBlobRequest(sha256=sha256, read_offset=offset)
        async for piece in connection.blobs.DownloadBlob(request, timeout=STREAM_SECONDS):
            if piece.offset != offset:
                raise ServiceAnswerInvalid(f"bytes from {piece.offset} where {offset} was due")
            sink.write(piece.data)
            offset += len(piece.data)


async def _pieces(
    content: bytes | Path, state: blobs_pb2.Upload
) -> AsyncIterator[blobs_pb2.WriteBlobRequest]:
    offset = state.committed_size
    with _opened(content) as source:
        source.seek(offset)
        # The upload is named in the first message only.
        yield blobs_pb2.WriteBlobRequest(upload=state.name, write_offset=offset)
        while piece := source.read(CHUNK_BYTES):
            yield blobs_pb2.WriteBlobRequest(write_offset=offset, data=piece)
            offset += len(piece)


@contextlib.contextmanager
def _opened(content: bytes | Path) -> Iterator[BinaryIO]:
    if isinstance(content, Path):
        try:
            source = content.open("rb")
        except OSError as error:
            raise ContentUnreadable(f"{content}: {error.strerror}") from error
        with source:
            yield source
    else:
        yield io.BytesIO(content)


@contextlib.contextmanager
def _appending(partial: Path) -> Iterator[BinaryIO]:
    with partial.open("ab") as sink:
        yield sink
        sink.flush()
        os.fsync(sink.fileno())


def _finish(partial: Path, target: Path, *, sha256: str) -> int:
    blob = describe(partial)
    if blob.sha256 != sha256:
        partial.unlink()
        raise DownloadCorrupt(sha256)
    partial.replace(target)
    _sync_directory(target.parent)
    return blob.size_bytes


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
