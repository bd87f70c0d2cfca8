"""SigningService: documents signed with keys that the service keeps."""

from certs.identity import fingerprint
from congvan.v1 import common_pb2, signing_pb2, signing_pb2_grpc
from exchange import uploads
from exchange.errors import ArgumentInvalid
from exchange.server.content import document_bytes
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import ServerKey, Services
from exchange.use_cases.signing import SignedDocument, key_of, keys_of, sign_with
from exchange.wire.values import blob, resource_id, timestamp
from signer import Level, SigningRequest
from signer.appearance import Appearance, Box
from storage.database import Connection

_LEVELS = {
    signing_pb2.SIGNATURE_LEVEL_B_B: Level.B_B,
    signing_pb2.SIGNATURE_LEVEL_B_T: Level.B_T,
    signing_pb2.SIGNATURE_LEVEL_B_LT: Level.B_LT,
    signing_pb2.SIGNATURE_LEVEL_B_LTA: Level.B_LTA,
}


class SigningServicer(signing_pb2_grpc.SigningServiceServicer):
    """Streams, two-step and batch signing, prepared fields and extension are not built yet."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ListSigningKeys(  # noqa: N802
        self, request: signing_pb2.ListSigningKeysRequest, context: Context
    ) -> signing_pb2.ListSigningKeysResponse:
        """Show the caller's keys."""
        keys = keys_of(self._services, current_caller())
        return signing_pb2.ListSigningKeysResponse(keys=[_write_key(each) for each in keys])

    async def SignDocument(  # noqa: N802
        self, request: signing_pb2.SignDocumentRequest, context: Context
    ) -> signing_pb2.SignDocumentResponse:
        """Sign one document with one of the caller's keys."""
        services = self._services

        async def prepare() -> Commit[signing_pb2.SignDocumentResponse]:
            key = key_of(services, current_caller(), key_id=resource_id(request.key, "signingKeys"))
            content = await document_bytes(
                services,
                content=request.document.content,
                blob_sha256=request.document.blob_sha256,
            )
            asked = self._read_request(request.options)
            signed = await sign_with(services, key, document=content, request=asked)

            async def commit(connection: Connection) -> signing_pb2.SignDocumentResponse:
                await uploads.grant(
                    connection,
                    current_caller().code,
                    digest=signed.blob.digest,
                    at=services.clock(),
                )
                return self._write_signed(signed, asked)

            return commit

        return await answer_once(
            services, request, answer_type=signing_pb2.SignDocumentResponse, prepare=prepare
        )

    def _read_request(self, options: signing_pb2.SigningOptions) -> SigningRequest:
        if options.level not in _LEVELS:
            raise ArgumentInvalid("a level is needed", field="options.level")
        return SigningRequest(
            level=_LEVELS[options.level],
            signed_at=self._services.clock(),
            field_name=options.field_name or None,
            appearance=_read_appearance(options.appearance)
            if options.HasField("appearance")
            else None,
            reason=options.reason or None,
            location=options.location or None,
        )

    def _write_signed(
        self, signed: SignedDocument, request: SigningRequest
    ) -> signing_pb2.SignDocumentResponse:
        fits = len(signed.content) <= self._services.limits.max_inline_bytes
        document: common_pb2.BlobRef = blob(
            signed.blob.digest, signed.blob.size_bytes, media_type="application/pdf"
        )
        return signing_pb2.SignDocumentResponse(
            document=document,
            content=signed.content if fits else b"",
            field_name=request.field_name or "",
            signed_at=timestamp(request.signed_at),
        )


def _read_appearance(message: signing_pb2.Appearance) -> Appearance:
    return Appearance(
        picture=message.picture or None,
        box=Box(
            page=message.box.page or 1,
            left_mm=message.box.left_mm,
            bottom_mm=message.box.bottom_mm,
            width_mm=message.box.width_mm,
            height_mm=message.box.height_mm,
        ),
        lines=tuple(message.lines),
    )


def _write_key(key: ServerKey) -> signing_pb2.SigningKeyInfo:
    certificate = key.key.certificate
    return signing_pb2.SigningKeyInfo(
        name=f"signingKeys/{key.key_id}",
        subject=certificate.subject.rfc4514_string(),
        seal=key.seal,
        not_after=timestamp(certificate.not_valid_after_utc),
        certificate_sha256=fingerprint(certificate),
    )
