"""VerificationService: documents judged against this service's trust store, reports kept."""

from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certs.anchors import TrustAnchor
from certs.identity import fingerprint
from congvan.v1 import verification_pb2, verification_pb2_grpc
from exchange import reports
from exchange.evidence import SIGNATURE_ALGORITHM, is_genuine
from exchange.server.content import document_bytes
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.wire.messages import tells_the_same
from exchange.wire.reports import write_anchor, write_report
from exchange.wire.values import resource_uuid
from signer import assess_with_evidence
from storage.database import Connection


class VerificationServicer(verification_pb2_grpc.VerificationServiceServicer):
    """Streams, batches and the policy document are not built yet and answer so."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def VerifyDocument(  # noqa: N802
        self, request: verification_pb2.VerifyDocumentRequest, context: Context
    ) -> verification_pb2.VerificationReport:
        """Judge one document. A bad document is an answer, not an error."""
        services = self._services

        async def prepare() -> Commit[verification_pb2.VerificationReport]:
            content = await document_bytes(
                services, content=request.content, blob_sha256=request.blob_sha256
            )
            report = await assess_with_evidence(
                content,
                sandbox=services.sandbox,
                store=services.trust,
                fetcher=services.fetcher,
                at=services.clock(),
            )

            async def commit(connection: Connection) -> verification_pb2.VerificationReport:
                kept = await reports.keep_report(
                    connection, report, report_id=uuid4(), requested_by=current_caller().code
                )
                return write_report(kept)

            return commit

        return await answer_once(
            services, request, answer_type=verification_pb2.VerificationReport, prepare=prepare
        )

    async def GetVerificationReport(  # noqa: N802
        self, request: verification_pb2.GetVerificationReportRequest, context: Context
    ) -> verification_pb2.VerificationReport:
        """Show a kept report to whoever asked for it, or sent or received the document."""
        async with self._services.database.transaction() as connection:
            kept = await reports.get_report(
                connection,
                resource_uuid(request.name, "reports"),
                reader=current_caller().code,
            )
        return write_report(kept)

    async def ListTrustAnchors(  # noqa: N802
        self, request: verification_pb2.ListTrustAnchorsRequest, context: Context
    ) -> verification_pb2.ListTrustAnchorsResponse:
        """Show whom this service trusts, and for what."""
        store = self._services.trust
        anchors: list[TrustAnchor] = sorted(
            store.anchors, key=lambda each: fingerprint(each.certificate)
        )
        return verification_pb2.ListTrustAnchorsResponse(
            anchors=[write_anchor(each) for each in anchors], trust_version=store.version
        )

    async def VerifyEvidence(  # noqa: N802
        self, request: verification_pb2.VerifyEvidenceRequest, context: Context
    ) -> verification_pb2.VerifyEvidenceResponse:
        """Tell whether this service signed a statement, and the fields beside it say the same."""
        signer = self._services.evidence_signer
        evidence = request.evidence
        if evidence.signature_algorithm != SIGNATURE_ALGORITHM or evidence.key_id != signer.key_id:
            return verification_pb2.VerifyEvidenceResponse(valid=False, reason="KEY_UNKNOWN")
        key: Ed25519PublicKey = signer.public_key
        reason = ""
        if not is_genuine(evidence.statement, evidence.signature, key=key):
            reason = "SIGNATURE_BROKEN"
        elif not tells_the_same(evidence):
            reason = "FIELDS_DIFFER"
        return verification_pb2.VerifyEvidenceResponse(valid=not reason, reason=reason)
