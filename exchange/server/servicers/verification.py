"""VerificationService: documents judged against this service's trust store, reports kept."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certs.identity import fingerprint
from certs.trust.anchors import TrustAnchor
from congvan.v1 import verification_pb2, verification_pb2_grpc
from exchange import reports
from exchange.agency import parse_organ_id
from exchange.assessments import Assessment
from exchange.evidence import SIGNATURE_ALGORITHM, is_genuine
from exchange.server.batches import answer_each
from exchange.server.content import working_copy
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.server.streams import TimedStream, header_of, streamed_document
from exchange.services import Services
from exchange.use_cases.assessing import assess_copy, assess_for
from exchange.use_cases.rendering import rendered
from exchange.wire.messages import tells_the_same
from exchange.wire.report_forms import MAX_RENDERING_BYTES, read_form, write_rendering
from exchange.wire.reports import write_anchor, write_report
from exchange.wire.values import from_wire, resource_uuid
from exchange.working_copies import WorkingCopy
from signer.policy.values import DocumentKind
from storage.database import Connection

Copying = AbstractAsyncContextManager[WorkingCopy]


class VerificationServicer(verification_pb2_grpc.VerificationServiceServicer):
    """Judges documents however they come, and says by which policy and whom it trusts."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def VerifyDocument(  # noqa: N802
        self, request: verification_pb2.VerifyDocumentRequest, context: Context
    ) -> verification_pb2.VerificationReport:
        """Judge one document. A bad document is an answer, not an error."""
        return await self._verify(request, self._copy(request))

    async def VerifyDocumentStream(  # noqa: N802
        self,
        request_iterator: AsyncIterator[verification_pb2.VerifyDocumentStreamRequest],
        context: Context,
    ) -> verification_pb2.VerificationReport:
        """Judge a document that comes in chunks."""
        seconds = self._services.limits.max_stream_seconds
        messages = TimedStream(request_iterator, seconds=seconds)
        header = await header_of(messages)
        async with streamed_document(self._services, messages, named=header) as working:
            return await self._verify(header, working)

    async def BatchVerifyDocuments(  # noqa: N802
        self, request: verification_pb2.BatchVerifyDocumentsRequest, context: Context
    ) -> verification_pb2.BatchVerifyDocumentsResponse:
        """Judge many documents; one that is refused costs the others nothing."""
        reports, statuses = await answer_each(
            self._services,
            request.requests,
            batch_id=request.request_id,
            answer=self._verify_briefly,
            refused=verification_pb2.VerificationReport(),
        )
        return verification_pb2.BatchVerifyDocumentsResponse(reports=reports, statuses=statuses)

    async def GetVerificationReport(  # noqa: N802
        self, request: verification_pb2.GetVerificationReportRequest, context: Context
    ) -> verification_pb2.VerificationReport:
        """Show a kept report to whoever asked for it, or sent or received the document."""
        form = read_form(request.form)
        async with self._services.database.transaction() as connection:
            kept = await reports.get_report(
                connection,
                resource_uuid(request.name, "reports"),
                reader=current_caller().code,
            )
        answer = write_report(kept)
        if form is not None:
            made = await rendered(self._services, kept, form=form, max_bytes=MAX_RENDERING_BYTES)
            write_rendering(answer, form=request.form, made=made)
        return answer

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

    async def GetVerificationPolicy(  # noqa: N802
        self, request: verification_pb2.GetVerificationPolicyRequest, context: Context
    ) -> verification_pb2.VerificationPolicy:
        """Show the policy that this service judges by, as its file has it."""
        assessing = self._services.assessing
        return verification_pb2.VerificationPolicy(
            version=assessing.policy.label, document=assessing.policy_document
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

    def _copy(self, request: verification_pb2.VerifyDocumentRequest) -> Copying:
        return working_copy(
            self._services, content=request.content, blob_sha256=request.blob_sha256
        )

    async def _verify(
        self, request: verification_pb2.VerifyDocumentRequest, working: Copying
    ) -> verification_pb2.VerificationReport:
        services = self._services

        async def prepare() -> Commit[verification_pb2.VerificationReport]:
            async with working as copy:
                assessment = await _assess(services, copy, request=request)

            async def commit(connection: Connection) -> verification_pb2.VerificationReport:
                kept = await reports.keep_report(
                    connection, assessment, report_id=uuid4(), requested_by=current_caller().code
                )
                return write_report(kept)

            return commit

        return await answer_once(
            services, request, answer_type=verification_pb2.VerificationReport, prepare=prepare
        )

    async def _verify_briefly(
        self, request: verification_pb2.VerifyDocumentRequest
    ) -> verification_pb2.VerificationReport:
        """Judge one of many: their reports go out in one message, each without its own JSON."""
        report = await self._verify(request, self._copy(request))
        report.ClearField("json")
        return report


async def _assess(
    services: Services, copy: WorkingCopy, *, request: verification_pb2.VerifyDocumentRequest
) -> Assessment:
    """Assess as the request asks: as a document of this kind, and as one endpoint's or nobody's."""
    kind = (
        from_wire(
            request.document_kind,
            verification_pb2.DocumentKind,
            words=DocumentKind,
            field="document_kind",
        )
        if request.document_kind
        else None
    )
    if request.on_behalf_of:
        code = parse_organ_id(request.on_behalf_of)
        return await assess_for(services, copy, code=code, kind=kind)
    policy = services.assessing.policy
    return await assess_copy(services, copy, policy=policy.for_kind(kind) if kind else policy)
