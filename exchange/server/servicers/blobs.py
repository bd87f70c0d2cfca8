"""BlobService: content by SHA-256, in and out."""

from collections.abc import AsyncIterator

from google.protobuf.empty_pb2 import Empty

from congvan.v1 import blobs_pb2, blobs_pb2_grpc
from exchange import uploads
from exchange.errors import ArgumentInvalid
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.uploads import Upload
from exchange.wire.values import blob, resource_uuid, timestamp
from storage.database import Connection

DOWNLOAD_CHUNK_BYTES = 1 << 20


class BlobServicer(blobs_pb2_grpc.BlobServiceServicer):
    """Uploads resume at the committed offset; downloads start at any."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def StartUpload(  # noqa: N802
        self, request: blobs_pb2.StartUploadRequest, context: Context
    ) -> blobs_pb2.Upload:
        """Announce content."""

        async def prepare() -> Commit[blobs_pb2.Upload]:
            upload = uploads.announce(
                self._services,
                current_caller().code,
                sha256=request.blob.sha256,
                size_bytes=request.blob.size_bytes,
                names=(request.blob.media_type, request.blob.file_name),
            )

            async def commit(connection: Connection) -> blobs_pb2.Upload:
                return write_upload(await uploads.add_upload(connection, upload))

            return commit

        return await answer_once(
            self._services, request, answer_type=blobs_pb2.Upload, prepare=prepare
        )

    async def WriteBlob(  # noqa: N802
        self, request_iterator: AsyncIterator[blobs_pb2.WriteBlobRequest], context: Context
    ) -> blobs_pb2.Upload:
        """Take chunks of one upload in order."""
        first = await anext(request_iterator, None)
        if first is None:
            raise ArgumentInvalid("at least one message is needed", field="upload")
        upload = await self._upload(first.upload)
        written = await uploads.write(
            self._services,
            upload,
            offset=first.write_offset,
            chunks=_chunks(first, request_iterator),
        )
        return write_upload(written)

    async def WriteChunk(  # noqa: N802
        self, request: blobs_pb2.WriteChunkRequest, context: Context
    ) -> blobs_pb2.Upload:
        """Take one chunk. A repeat of the last one finds its bytes committed and says so."""
        upload = await self._upload(request.upload)
        if request.write_offset < 0:
            raise ArgumentInvalid("not negative", field="write_offset")
        if request.write_offset + len(request.data) <= upload.committed_size:
            return write_upload(upload)
        written = await uploads.write(
            self._services, upload, offset=request.write_offset, chunks=_one(request.data)
        )
        return write_upload(written)

    async def QueryUpload(  # noqa: N802
        self, request: blobs_pb2.QueryUploadRequest, context: Context
    ) -> blobs_pb2.Upload:
        """Tell how far an upload is."""
        return write_upload(await self._upload(request.name))

    async def CancelUpload(  # noqa: N802
        self, request: blobs_pb2.CancelUploadRequest, context: Context
    ) -> Empty:
        """Forget an upload and what was spooled of it; content that is kept already stays."""

        async def prepare() -> Commit[Empty]:
            upload = await self._upload(request.name)

            async def commit(connection: Connection) -> Empty:
                await uploads.cancel(self._services, connection, upload=upload)
                return Empty()

            return commit

        return await answer_once(self._services, request, answer_type=Empty, prepare=prepare)

    async def DownloadBlob(  # noqa: N802
        self, request: blobs_pb2.DownloadBlobRequest, context: Context
    ) -> AsyncIterator[blobs_pb2.BlobChunk]:
        """Give content that the caller may read, from an offset on."""
        async with self._services.database.transaction() as connection:
            digest = await uploads.require_access(
                connection, current_caller().code, digest=request.sha256
            )
        offset, left = request.read_offset, request.read_limit or None
        stored = await self._services.objects.stat(digest)
        if offset < 0 or request.read_limit < 0 or (stored and offset > stored.size_bytes):
            raise ArgumentInvalid("outside the content", field="read_offset")
        stream = self._services.objects.stream(
            digest, offset=offset, chunk_bytes=DOWNLOAD_CHUNK_BYTES
        )
        async for chunk in stream:
            data = chunk if left is None else chunk[:left]
            yield blobs_pb2.BlobChunk(offset=offset, data=data)
            offset += len(data)
            if left is not None and (left := left - len(data)) <= 0:
                return

    async def _upload(self, name: str) -> Upload:
        async with self._services.database.transaction() as connection:
            return await uploads.get_upload(
                connection, current_caller().code, upload_id=resource_uuid(name, "uploads")
            )


def write_upload(upload: Upload) -> blobs_pb2.Upload:
    """Show an upload."""
    return blobs_pb2.Upload(
        name=f"uploads/{upload.upload_id}",
        blob=blob(
            upload.digest,
            upload.size_bytes,
            media_type=upload.media_type,
            file_name=upload.file_name,
        ),
        committed_size=upload.committed_size,
        complete=upload.complete,
        expire_time=timestamp(upload.expires_at),
    )


async def _chunks(
    first: blobs_pb2.WriteBlobRequest, rest: AsyncIterator[blobs_pb2.WriteBlobRequest]
) -> AsyncIterator[bytes]:
    expected = first.write_offset + len(first.data)
    yield first.data
    async for message in rest:
        if message.write_offset and message.write_offset != expected:
            raise ArgumentInvalid(f"expected {expected}", field="write_offset")
        expected += len(message.data)
        yield message.data


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data
