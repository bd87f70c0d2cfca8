"""The signature gate: every PDF is judged before delivery, and the verdict travels with it.

The gate classifies and does not stop: a document without a valid signature is delivered marked,
"for information only" (QĐ 28/2018/QĐ-TTg), and counts against the signature rate with its reason.
So is a valid document that its sender has sent before with more signatures.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from exchange.agency import Endpoint
from exchange.assessments import Assessment
from exchange.envelope import AttachmentRef
from exchange.grown_documents import later_signatures
from exchange.messages import GateFinding
from exchange.services import Services
from exchange.signing_for import document_for
from exchange.use_cases.assessing import assess_for
from exchange.working_copies import copy_of_object
from signer import Report
from signer.policy.values import DocumentKind
from signer.verdicts import Indication, SignatureKind, Verdict
from storage.ports import Digest

NOT_APPLICABLE = "NOT_APPLICABLE"
EARLIER_REVISION = "EARLIER_REVISION"
"""The sender has sent this document before, with more signatures on it."""
_PDF_MAGIC = b"%PDF-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the gate found in one attachment; `assessment` is None for what is not a PDF."""

    finding: GateFinding
    assessment: Assessment | None

    @property
    def report(self) -> Report | None:
        """The report on its signatures; None for what is not a PDF."""
        return self.assessment.report if self.assessment is not None else None

    @property
    def passed(self) -> bool:
        """Whether nothing needs marking: a valid PDF, or an attachment that is no PDF."""
        return self.report is None or self.verdict is Verdict.VALID

    @property
    def verdict(self) -> Verdict:
        """What the gate makes of the attachment, UNSIGNED where it is no PDF."""
        return Verdict(self.finding.verdict) if self.report is not None else Verdict.UNSIGNED

    def signed_by(self, kind: SignatureKind) -> bool:
        """Tell whether a signature of this kind passed in full."""
        return self.report is not None and any(
            entry.kind is kind and entry.indication is Indication.TOTAL_PASSED
            for entry in self.report.signatures
        )


async def judge_attachment(
    services: Services,
    attachment: AttachmentRef,
    *,
    position: int,
    sender: Endpoint,
    kind: DocumentKind,
) -> Judgement:
    """Judge one attachment by its bytes, never by its label, as a document of the sender's."""
    async with copy_of_object(services, Digest(attachment.digest)) as copy:
        begins_as_pdf = copy.source.read(0, len(_PDF_MAGIC)) == _PDF_MAGIC
        if not begins_as_pdf and not _claims_pdf(attachment):
            return Judgement(
                finding=_finding(position, attachment, verdict=NOT_APPLICABLE), assessment=None
            )
        assessment = await assess_for(services, copy, code=sender.code, kind=kind)
    async with services.database.reading() as connection:
        later = await later_signatures(connection, sender.code, parts=assessment.parts)
    verdict, reason = assessment.report.verdict, assessment.report.reason
    if later:
        verdict, reason = Verdict.INDETERMINATE, EARLIER_REVISION
    finding = _finding(
        position, attachment, verdict=verdict.value, reason=reason, report_id=uuid4()
    )
    signed_for = document_for(assessment.report, assessment.signed_for)
    return Judgement(finding=replace(finding, signed_for=signed_for), assessment=assessment)


def main_document(judgements: tuple[Judgement, ...]) -> Judgement:
    """The document itself among its annexes: the first PDF, else the first attachment."""
    return next((each for each in judgements if each.report is not None), judgements[0])


def kinds_of(
    attachments: tuple[AttachmentRef, ...], *, main: DocumentKind
) -> tuple[DocumentKind, ...]:
    """Tell as what each attachment is judged: all that may be the document itself as that.

    Which one it is depends on bytes nobody has read yet: none behind the first that says it is a
    PDF, so those are annexes.
    """
    claims = [_claims_pdf(attachment) for attachment in attachments]
    first = claims.index(True) if True in claims else len(claims)
    return tuple(
        main if position <= first else DocumentKind.ANNEX for position in range(len(claims))
    )


def _claims_pdf(attachment: AttachmentRef) -> bool:
    return attachment.media_type == "application/pdf" or attachment.file_name.lower().endswith(
        ".pdf"
    )


def _finding(
    position: int,
    attachment: AttachmentRef,
    *,
    verdict: str,
    reason: str = "",
    report_id: UUID | None = None,
) -> GateFinding:
    return GateFinding(
        position=position,
        attachment=attachment,
        verdict=verdict,
        reason=reason,
        report_id=report_id,
    )
