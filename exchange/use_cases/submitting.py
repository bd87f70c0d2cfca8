"""Submitting: route and signatures are judged, then a message is accepted for delivery, at once.

Objects are kept before any row names them; all rows of a submission (message, deliveries, mailbox
items, evidence, archive, the fact for the rate) are written in one transaction.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from exchange import deliveries as delivery_rows
from exchange import registry, uploads
from exchange.agency import Endpoint, OrganId
from exchange.compliance.facts import DocumentFact
from exchange.deliveries import Delivery
from exchange.delivery import DeliveryState
from exchange.envelope import Envelope
from exchange.errors import (
    EtagMismatch,
    MessageIncomplete,
    MessageUnknown,
    RecipientUnknown,
    RouteForbidden,
    TransitionForbidden,
)
from exchange.evidence import Evidence, EvidenceEvent, Occurrence
from exchange.facts import keep_fact
from exchange.gate import Judgement, judge_attachment, kinds_of, main_document
from exchange.mailboxes import rows as mailbox
from exchange.messages import BlobName, Message, MessageState, get_message, mark_submitted
from exchange.reports import keep_report
from exchange.services import Services
from exchange.use_cases.drafting import missing_attachments
from exchange.use_cases.edxml_content import keep_written
from signer.policy.values import DocumentKind
from signer.verdicts import SignatureKind
from storage.archive import ArchiveRecord, RecordKind
from storage.database import Connection
from storage.ports import Digest, digest_of

EDXML_MEDIA_TYPE = "application/xml"
# The forms of copies (NĐ 30/2020 art. 25), which lawfully bear the body's signature only.
_COPIES = frozenset({"sao y", "sao lục", "trích sao", "bản sao y", "bản sao lục", "bản trích sao"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """All that accepting a message will write."""

    message: Message
    sender: Endpoint
    deliveries: tuple[Delivery, ...]
    judgements: tuple[Judgement, ...]
    evidence: tuple[Evidence, ...]
    report_blobs: tuple[BlobName, ...]


async def prepare_submission(
    services: Services, sender: Endpoint, *, message_id: UUID, etag: str
) -> Submission:
    """Do everything that may refuse or take long: nothing that is visible to others yet.

    Raises:
        MessageUnknown, EtagMismatch, TransitionForbidden: not a draft of the caller's.
        MessageIncomplete: attachments are missing.
        EnvelopeIncomplete: a field that every official document needs is missing.
        RecipientUnknown, RouteForbidden, ClassifiedContentRefused: it may not go there.

    """
    async with services.database.transaction() as connection:
        message = await own_draft(connection, sender, message_id=message_id, etag=etag)
        missing = await missing_attachments(connection, message)
        if missing:
            raise MessageIncomplete(", ".join(each.digest for each in missing))
        recipients = await _routed_recipients(
            services, connection, sender=sender, envelope=message.envelope
        )
    judgements = await _judge(services, sender, envelope=message.envelope)
    edxml = message.edxml or await keep_written(services, message.envelope)
    reports = [await _keep_report_object(services, each) for each in judgements]
    submitted = replace(
        message,
        state=MessageState.SUBMITTED,
        edxml=edxml,
        submitted_at=services.clock(),
        gate=tuple(each.finding for each in judgements),
    )
    sent = _deliveries(services, submitted, recipients=recipients)
    return Submission(
        message=submitted,
        sender=sender,
        deliveries=sent,
        judgements=judgements,
        evidence=_state(services, submitted, sent=sent, judgements=judgements),
        report_blobs=tuple(blob for blob in reports if blob is not None),
    )


async def commit_submission(
    services: Services, connection: Connection, *, submission: Submission
) -> None:
    """Write all rows of a submission in the caller's transaction.

    Raises:
        TransitionForbidden: another request submitted the message in the meantime.
        DocumentIdReused: the sender has sent another message with this DocumentId.

    """
    message = submission.message
    present = await get_message(connection, message.message_id, for_update=True)
    if present.state is not MessageState.DRAFT:
        raise TransitionForbidden("the message was submitted already")
    for judgement in submission.judgements:
        if judgement.assessment is not None and judgement.finding.report_id is not None:
            await keep_report(
                connection,
                judgement.assessment,
                report_id=judgement.finding.report_id,
                requested_by=message.sender,
            )
    await mark_submitted(connection, message)
    await _archive(services, connection, submission=submission)
    for delivery in submission.deliveries:
        await _deliver(connection, message, delivery=delivery)
    for evidence in submission.evidence:
        await delivery_rows.add_evidence(connection, evidence)
    await keep_fact(connection, fact_of(submission), subject=message.envelope.subject)


async def own_draft(
    connection: Connection, sender: Endpoint, *, message_id: UUID, etag: str = ""
) -> Message:
    """Read a draft of the caller's; a stranger's message looks like an unknown one."""
    message = await get_message(connection, message_id)
    if message.sender != sender.code:
        raise MessageUnknown(str(message_id))
    if etag and etag != message.etag:
        raise EtagMismatch(str(message_id))
    if message.state is not MessageState.DRAFT:
        raise TransitionForbidden("the message was submitted already")
    return message


def fact_of(submission: Submission) -> DocumentFact:
    """What the signature rate will count of a submission: its main document."""
    message, main = submission.message, main_document(submission.judgements)
    issued_on = message.envelope.promulgation.date
    return DocumentFact(
        message_id=str(message.message_id),
        document_id=message.envelope.document_id,
        sender=message.sender,
        block=submission.sender.block,
        level=submission.sender.level,
        issued_on=issued_on or message.created_at.date(),
        type_name=message.envelope.document_type.name,
        kind=_kind_of(message.envelope.document_type.name),
        verdict=main.verdict,
        leader_signed=main.signed_by(SignatureKind.SIGNATURE),
        seal_signed=main.signed_by(SignatureKind.SEAL),
        reason=main.finding.reason,
    )


def _kind_of(type_name: str) -> DocumentKind:
    copy = type_name.strip().casefold() in _COPIES
    return DocumentKind.COPY if copy else DocumentKind.ORIGINAL


async def _routed_recipients(
    services: Services, connection: Connection, *, sender: Endpoint, envelope: Envelope
) -> list[Endpoint]:
    codes = list(dict.fromkeys(party.organ_id for party in envelope.recipients))
    found = await registry.find_endpoints(connection, codes)
    now = services.clock()
    unknown = [
        code for code in codes if code not in found or not found[code].endpoint.is_valid_at(now)
    ]
    if unknown:
        raise RecipientUnknown(", ".join(unknown))
    recipients = [found[code].endpoint for code in codes]
    services.routing.refuse_classified(envelope)
    for recipient in recipients:
        decision = services.routing.decide(
            sender,
            recipient,
            document_type=envelope.document_type.name,
            priority=envelope.priority,
        )
        if not decision.allowed:
            raise RouteForbidden(
                f"{sender.code} to {recipient.code}: {decision.reason_en}", rule=decision.rule
            )
    return recipients


async def _judge(
    services: Services, sender: Endpoint, *, envelope: Envelope
) -> tuple[Judgement, ...]:
    kinds = kinds_of(envelope.attachments, main=_kind_of(envelope.document_type.name))
    return tuple(
        await asyncio.gather(
            *(
                judge_attachment(services, attachment, position=position, sender=sender, kind=kind)
                for position, (attachment, kind) in enumerate(
                    zip(envelope.attachments, kinds, strict=True)
                )
            )
        )
    )


async def _keep_report_object(services: Services, judgement: Judgement) -> BlobName | None:
    if judgement.report is None:
        return None
    content = json.dumps(judgement.report.to_json(), ensure_ascii=False, sort_keys=True).encode()
    digest = digest_of(content)
    await services.objects.put_new(digest, content)
    return BlobName(digest=digest, size_bytes=len(content))


def _deliveries(
    services: Services, message: Message, *, recipients: list[Endpoint]
) -> tuple[Delivery, ...]:
    now = services.clock()
    return tuple(
        Delivery(
            delivery_id=uuid4(),
            message_id=message.message_id,
            sender=message.sender,
            recipient=recipient.code,
            state=DeliveryState.SENT,
            delivered_at=now,
        )
        for recipient in recipients
    )


def _state(
    services: Services,
    message: Message,
    *,
    sent: tuple[Delivery, ...],
    judgements: tuple[Judgement, ...],
) -> tuple[Evidence, ...]:
    passed = all(each.passed for each in judgements)
    gate = EvidenceEvent.SIGNATURE_GATE_PASSED if passed else EvidenceEvent.SIGNATURE_GATE_MARKED
    reasons = tuple(sorted({each.finding.reason for each in judgements if each.finding.reason}))
    whole = occurrence_of(message, EvidenceEvent.SUBMISSION_ACCEPTANCE)
    occurrences = [
        whole,
        replace(whole, event=gate, reasons=reasons),
        *(
            replace(
                whole,
                event=EvidenceEvent.CONTENT_CONSIGNMENT,
                delivery_id=each.delivery_id,
                recipient=each.recipient,
            )
            for each in sent
        ),
    ]
    now = services.clock()
    return tuple(services.evidence_signer.state(each, at=now) for each in occurrences)


def occurrence_of(message: Message, event: EvidenceEvent) -> Occurrence:
    """Tie an event to a submitted message by the digests of its edXML and its attachments."""
    assert message.edxml is not None  # noqa: S101 - a submitted message has its edXML
    return Occurrence(
        event=event,
        message_id=message.message_id,
        sender=message.sender,
        document_id=message.envelope.document_id,
        edxml_digest=message.edxml.digest,
        document_digests=tuple(each.digest for each in message.envelope.attachments),
    )


async def _deliver(connection: Connection, message: Message, *, delivery: Delivery) -> None:
    assert message.edxml is not None  # noqa: S101 - a submitted message has its edXML
    await delivery_rows.add_delivery(connection, delivery)
    await mailbox.append(
        connection,
        delivery.recipient,
        lane=message.lane,
        delivery_id=delivery.delivery_id,
        at=delivery.delivered_at,
    )
    for digest in (message.edxml.digest, *(each.digest for each in message.envelope.attachments)):
        await uploads.grant(connection, delivery.recipient, digest=digest, at=delivery.delivered_at)


async def _archive(services: Services, connection: Connection, *, submission: Submission) -> None:
    message = submission.message
    await archive_message(services, connection, message=message, owner=message.sender)
    if message.edxml is not None:
        await uploads.grant(
            connection, message.sender, digest=message.edxml.digest, at=services.clock()
        )
    for blob in submission.report_blobs:
        await services.archive.keep(
            connection,
            ArchiveRecord(
                record_id=uuid4(),
                digest=Digest(blob.digest),
                size_bytes=blob.size_bytes,
                media_type="application/json",
                kind=RecordKind.REPORT,
                message_id=str(message.message_id),
                owner=message.sender,
                title=f"Phiếu kiểm tra chữ ký số: {message.envelope.subject}",
                kept_at=services.clock(),
            ),
        )


async def archive_message(
    services: Services, connection: Connection, *, message: Message, owner: OrganId
) -> None:
    """Keep the edXML and each attachment of a submitted message in an owner's archive."""
    assert message.edxml is not None  # noqa: S101 - a submitted message has its edXML
    kept = [(message.edxml.digest, message.edxml.size_bytes, EDXML_MEDIA_TYPE, RecordKind.ENVELOPE)]
    kept += [
        (each.digest, each.size_bytes, each.media_type, RecordKind.DOCUMENT)
        for each in message.envelope.attachments
    ]
    for digest, size_bytes, media_type, kind in kept:
        await services.archive.keep(
            connection,
            ArchiveRecord(
                record_id=uuid4(),
                digest=Digest(digest),
                size_bytes=size_bytes,
                media_type=media_type,
                kind=kind,
                message_id=str(message.message_id),
                owner=owner,
                title=message.envelope.subject,
                kept_at=services.clock(),
            ),
        )
