"""SigningService: documents signed with keys of the service, or in two steps with the caller's."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from congvan.v1 import operations_pb2, signing_pb2, signing_pb2_grpc
from exchange import uploads
from exchange.messages import BlobName
from exchange.operations import add_operation
from exchange.server.batches import answer_each
from exchange.server.content import inline_bytes, working_copy
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.server.streams import TimedStream, header_of, streamed_document
from exchange.services import ServerKey, Services
from exchange.signing_sessions import add_session, complete_session
from exchange.use_cases.augmenting import plan_augmenting
from exchange.use_cases.preparing import prepare_fields
from exchange.use_cases.signing import (
    SignedDocument,
    key_of,
    keys_of,
    sign_unkept,
    sign_with,
)
from exchange.use_cases.signing_elsewhere import complete_elsewhere, prepare_elsewhere
from exchange.wire.office_fields import read_fields
from exchange.wire.operations import write_operation
from exchange.wire.signing import (
    read_certificates,
    read_level,
    read_order,
    write_document,
    write_key,
    write_session,
    write_signed,
)
from exchange.wire.values import resource_id, resource_uuid
from exchange.working_copies import KeptDocument, WorkingCopy
from storage.database import Connection
from storage.ports import Digest

Copying = AbstractAsyncContextManager[WorkingCopy]


class SigningServicer(signing_pb2_grpc.SigningServiceServicer):
    """Signs with keys of the service at once, and with keys of callers in two steps."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListSigningKeys(  # noqa: N802
        self, request: signing_pb2.ListSigningKeysRequest, context: Context
    ) -> signing_pb2.ListSigningKeysResponse:
        """Show the caller's keys."""
        keys = keys_of(self._services, current_caller())
        return signing_pb2.ListSigningKeysResponse(keys=[write_key(each) for each in keys])

    async def SignDocument(  # noqa: N802
        self, request: signing_pb2.SignDocumentRequest, context: Context
    ) -> signing_pb2.SignDocumentResponse:
        """Sign one document with one of the caller's keys."""
        if not request.request_id:
            return await _sign_unkept(self._services, self._key(request), request=request)
        signed: list[SignedDocument] = []
        answer = await self._sign(request, self._copy(request.document), signed=signed)
        return await self._with_bytes(answer, signed)

    async def SignDocumentStream(  # noqa: N802
        self,
        request_iterator: AsyncIterator[signing_pb2.SignDocumentStreamRequest],
        context: Context,
    ) -> AsyncIterator[signing_pb2.SignDocumentStreamResponse]:
        """Sign a document that comes in chunks, and give it back in chunks."""
        seconds = self._services.limits.max_stream_seconds
        messages = TimedStream(request_iterator, seconds=seconds)
        header = await header_of(messages)
        self._key(header)  # a wrong name is refused before anything is received
        document = header.document
        async with streamed_document(self._services, messages, named=document) as working:
            answer = await self._sign(header, working, signed=[])
        yield signing_pb2.SignDocumentStreamResponse(result=answer)
        async for chunk in self._services.objects.stream(Digest(answer.document.sha256)):
            messages.check()
            yield signing_pb2.SignDocumentStreamResponse(chunk=chunk)

    async def PrepareSigning(  # noqa: N802
        self, request: signing_pb2.PrepareSigningRequest, context: Context
    ) -> signing_pb2.SigningSession:
        """Prepare a signature that is made elsewhere."""
        return await self._prepare(request)

    async def CompleteSigning(  # noqa: N802
        self, request: signing_pb2.CompleteSigningRequest, context: Context
    ) -> signing_pb2.SignDocumentResponse:
        """Put a signature made elsewhere into its document."""
        signed: list[SignedDocument] = []
        answer = await self._complete(request, signed)
        return await self._with_bytes(answer, signed)

    async def BatchPrepareSigning(  # noqa: N802
        self, request: signing_pb2.BatchPrepareSigningRequest, context: Context
    ) -> signing_pb2.BatchPrepareSigningResponse:
        """Prepare many signatures; one that is refused costs the others nothing."""
        sessions, statuses = await answer_each(
            self._services,
            request.requests,
            batch_id=request.request_id,
            answer=self._prepare,
            refused=signing_pb2.SigningSession(),
        )
        return signing_pb2.BatchPrepareSigningResponse(sessions=sessions, statuses=statuses)

    async def BatchCompleteSigning(  # noqa: N802
        self, request: signing_pb2.BatchCompleteSigningRequest, context: Context
    ) -> signing_pb2.BatchCompleteSigningResponse:
        """Complete many signatures; one that is refused costs the others nothing."""
        responses, statuses = await answer_each(
            self._services,
            request.requests,
            batch_id=request.request_id,
            answer=lambda each: self._complete(each, []),
            refused=signing_pb2.SignDocumentResponse(),
        )
        return signing_pb2.BatchCompleteSigningResponse(responses=responses, statuses=statuses)

    async def PrepareDocument(  # noqa: N802
        self, request: signing_pb2.PrepareDocumentRequest, context: Context
    ) -> signing_pb2.SignDocumentResponse:
        """Add empty fields for number, date, leaders and seal, before anyone signs."""
        services = self._services
        made: list[KeptDocument] = []

        async def prepare() -> Commit[signing_pb2.SignDocumentResponse]:
            places, leaders = read_fields(request.fields), tuple(request.leaders)
            async with self._copy(request.document) as copy:
                kept = await prepare_fields(services, copy, places=places, leaders=leaders)
            made.append(kept)

            async def commit(connection: Connection) -> signing_pb2.SignDocumentResponse:
                await self._grant(connection, kept.blob)
                return write_document(kept.blob)

            return commit

        answer = await answer_once(
            services, request, answer_type=signing_pb2.SignDocumentResponse, prepare=prepare
        )
        return await self._with_bytes(answer, made)

    async def AugmentSignature(  # noqa: N802
        self, request: signing_pb2.AugmentSignatureRequest, context: Context
    ) -> operations_pb2.Operation:
        """Begin to bring a document's signatures to a higher level; an operation does it."""
        services = self._services

        async def prepare() -> Commit[operations_pb2.Operation]:
            level = read_level(request.level, field="level")
            async with self._copy(request.document) as copy:
                work = plan_augmenting(services, current_caller(), copy=copy, level=level)
            work = replace(work, document=request.document.content or None)

            async def commit(connection: Connection) -> operations_pb2.Operation:
                added = await add_operation(connection, work=work, at=services.clock())
                return write_operation(added)

            return commit

        return await answer_once(
            services, request, answer_type=operations_pb2.Operation, prepare=prepare
        )

    async def _sign(
        self,
        request: signing_pb2.SignDocumentRequest,
        working: Copying,
        *,
        signed: list[SignedDocument],
    ) -> signing_pb2.SignDocumentResponse:
        """Sign once; `signed` gets the document where it was signed now and not before."""
        services = self._services

        async def prepare() -> Commit[signing_pb2.SignDocumentResponse]:
            key = self._key(request)
            order = read_order(request.options, signed_at=services.clock())
            async with working as copy:
                made = await sign_with(services, key, copy=copy, order=order)
            signed.append(made)

            async def commit(connection: Connection) -> signing_pb2.SignDocumentResponse:
                await self._grant(connection, made.blob)
                return write_signed(made)

            return commit

        return await answer_once(
            services, request, answer_type=signing_pb2.SignDocumentResponse, prepare=prepare
        )

    async def _prepare(
        self, request: signing_pb2.PrepareSigningRequest
    ) -> signing_pb2.SigningSession:
        services = self._services

        async def prepare() -> Commit[signing_pb2.SigningSession]:
            certificates = read_certificates(list(request.certificate_chain))
            order = read_order(request.options, signed_at=services.clock())
            async with self._copy(request.document) as copy:
                session, prepared = await prepare_elsewhere(
                    services,
                    current_caller(),
                    copy=copy,
                    certificates=certificates,
                    order=order,
                )
            session = replace(session, document=request.document.content or None)

            async def commit(connection: Connection) -> signing_pb2.SigningSession:
                await add_session(connection, session)
                return write_session(session, prepared)

            return commit

        return await answer_once(
            services, request, answer_type=signing_pb2.SigningSession, prepare=prepare
        )

    async def _complete(
        self, request: signing_pb2.CompleteSigningRequest, signed: list[SignedDocument]
    ) -> signing_pb2.SignDocumentResponse:
        services = self._services

        async def prepare() -> Commit[signing_pb2.SignDocumentResponse]:
            session, made = await complete_elsewhere(
                services,
                current_caller(),
                session_id=resource_uuid(request.session, "signingSessions"),
                value=request.signature_value,
                at=services.clock(),
            )
            signed.append(made)

            async def commit(connection: Connection) -> signing_pb2.SignDocumentResponse:
                await complete_session(connection, session, at=services.clock())
                await self._grant(connection, made.blob)
                return write_signed(made)

            return commit

        return await answer_once(
            services, request, answer_type=signing_pb2.SignDocumentResponse, prepare=prepare
        )

    def _key(self, request: signing_pb2.SignDocumentRequest) -> ServerKey:
        key_id = resource_id(request.key, "signingKeys")
        return key_of(self._services, current_caller(), key_id=key_id)

    def _copy(self, document: signing_pb2.DocumentContent) -> Copying:
        return working_copy(
            self._services, content=document.content, blob_sha256=document.blob_sha256
        )

    async def _grant(self, connection: Connection, document: BlobName) -> None:
        await uploads.grant(
            connection, current_caller().code, digest=document.digest, at=self._services.clock()
        )

    async def _with_bytes(
        self,
        answer: signing_pb2.SignDocumentResponse,
        made: Sequence[SignedDocument | KeptDocument],
    ) -> signing_pb2.SignDocumentResponse:
        """Add the document where it fits; what is kept with the request_id only names it."""
        if answer.document.size_bytes > self._services.limits.max_inline_bytes:
            return answer
        sha256 = answer.document.sha256
        fresh = [each.content for each in made if each.blob.digest == sha256]
        answer.content = (fresh and fresh[0]) or await self._services.objects.read(Digest(sha256))
        return answer


async def _sign_unkept(
    services: Services, key: ServerKey, *, request: signing_pb2.SignDocumentRequest
) -> signing_pb2.SignDocumentResponse:
    """Sign what the request holds and forget it: without request_id nothing can be repeated."""
    document = inline_bytes(
        services, content=request.document.content, blob_sha256=request.document.blob_sha256
    )
    order = read_order(request.options, signed_at=services.clock())
    made = await sign_unkept(services, key, document=document, order=order)
    answer: signing_pb2.SignDocumentResponse = write_signed(made)
    answer.content = made.content or b""
    return answer
