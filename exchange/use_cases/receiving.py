"""Receiving: a mailbox is read from a cursor, its items acknowledged, statuses reported."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from exchange import deliveries as delivery_rows
from exchange import uploads
from exchange.agency import Endpoint
from exchange.deliveries import Delivery, ReportedStatus
from exchange.delivery import Effect, next_state
from exchange.edxml.writer import write_edxml_status
from exchange.envelope import Party, StatusCode, StatusMessage
from exchange.errors import ArgumentInvalid, DeliveryUnknown
from exchange.evidence import Evidence, EvidenceEvent
from exchange.mailboxes import rows as mailbox
from exchange.mailboxes.lanes import Lane
from exchange.mailboxes.rows import AckOutcome, MailboxItem
from exchange.messages import BlobName, Message, get_message
from exchange.services import Services
from exchange.use_cases.submitting import EDXML_MEDIA_TYPE, archive_message, occurrence_of
from storage.archive import ArchiveRecord, RecordKind
from storage.database import Connection
from storage.ports import Digest, digest_of

# Statuses that a recipient reports about a document; 13, 15 and 16 belong to recalls.
REPORTABLE = frozenset(
    {
        StatusCode.ARRIVED,
        StatusCode.REFUSED,
        StatusCode.ACCEPTED,
        StatusCode.ASSIGNED,
        StatusCode.IN_PROGRESS,
        StatusCode.DONE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxEntry:
    """An item with what it stands for. `status` is None for a document's own delivery."""

    item: MailboxItem
    delivery: Delivery
    message: Message
    status: ReportedStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AckRequest:
    """What a recipient says of one item."""

    lane: Lane
    sequence: int
    outcome: AckOutcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AckAnswer:
    """What came of it: whether it was said before, and the evidence of the first time."""

    item: MailboxItem
    repeated: bool
    evidence: Evidence | None


async def pull(
    services: Services, recipient: Endpoint, *, cursor: str, lanes: Sequence[Lane], limit: int
) -> tuple[list[MailboxEntry], str]:
    """Read a mailbox from a cursor: entries, and the cursor behind them.

    Raises:
        ArgumentInvalid: the cursor was not made by this service.

    """
    places = mailbox.read_cursor(cursor)
    async with services.database.transaction() as connection:
        items = await mailbox.read(
            connection, recipient.code, after=places, lanes=lanes, limit=limit
        )
        entries = [await entry_of(connection, item) for item in items]
        for entry in entries:
            if entry.status is None and entry.delivery.fetched_at is None:
                await delivery_rows.mark_fetched(
                    connection, entry.delivery.delivery_id, at=services.clock()
                )
    for item in items:
        places[item.lane] = max(item.sequence, places.get(item.lane, 0))
    return entries, mailbox.write_cursor(places)


async def entry_of(connection: Connection, item: MailboxItem) -> MailboxEntry:
    """Read what a mailbox item stands for."""
    delivery = await delivery_rows.get_delivery(connection, item.delivery_id)
    message = await get_message(connection, delivery.message_id)
    status = next((each for each in delivery.statuses if each.status_id == item.status_id), None)
    return MailboxEntry(item=item, delivery=delivery, message=message, status=status)


async def acknowledge(
    services: Services, connection: Connection, *, recipient: Endpoint, request: AckRequest
) -> AckAnswer:
    """Note that the recipient holds, or rejects, an item of its own mailbox.

    Raises:
        DeliveryUnknown: no such item.
        ArgumentInvalid: a rejection without a reason.

    """
    item = await mailbox.find_item(
        connection, recipient.code, lane=request.lane, sequence=request.sequence
    )
    now = services.clock()
    acknowledged = await mailbox.acknowledge(
        connection,
        recipient.code,
        item=item,
        outcome=request.outcome,
        reason=request.reason,
        at=now,
    )
    if acknowledged.repeated or item.status_id is not None:
        known = acknowledged.evidence_id
        evidence = await delivery_rows.find_evidence(connection, known) if known else None
        return AckAnswer(item=item, repeated=acknowledged.repeated, evidence=evidence)
    entry = await entry_of(connection, item)
    evidence = _handover(services, entry, request=request)
    await delivery_rows.add_evidence(connection, evidence)
    await mailbox.tie_evidence(
        connection, recipient.code, item=item, evidence_id=evidence.evidence_id
    )
    if request.outcome is AckOutcome.STORED:
        await delivery_rows.mark_acknowledged(connection, item.delivery_id, at=now)
        await archive_message(services, connection, message=entry.message, owner=recipient.code)
    return AckAnswer(item=item, repeated=False, evidence=evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A status ready to be written: its edXML is kept already."""

    status: ReportedStatus
    message: Message


async def prepare_status(
    services: Services, recipient: Endpoint, *, delivery_id: UUID, said: StatusMessage
) -> StatusReport:
    """Check a status and keep its edXML. `said` carries code, description, staff and time.

    Raises:
        DeliveryUnknown: not a delivery to the caller.
        ArgumentInvalid: not a status that recipients report, or 02 without its reason.

    """
    if said.status not in REPORTABLE:
        raise ArgumentInvalid("statuses 01 to 06 are reported here", field="status.code")
    if said.status is StatusCode.REFUSED and not said.description.strip():
        raise ArgumentInvalid("a refusal needs its reason", field="status.description")
    async with services.database.transaction() as connection:
        delivery = await delivery_to(connection, recipient, delivery_id=delivery_id)
        message = await get_message(connection, delivery.message_id)
    complete = _about(message, recipient, said=said)
    edxml = await asyncio.to_thread(write_edxml_status, complete)
    blob = BlobName(digest=digest_of(edxml), size_bytes=len(edxml))
    await services.objects.put_new(Digest(blob.digest), edxml)
    status = ReportedStatus(
        status_id=uuid4(),
        delivery_id=delivery_id,
        code=said.status,
        description=said.description,
        staff=said.staff,
        reported_at=complete.reported_at or services.clock(),
        received_at=services.clock(),
        edxml=blob,
    )
    return StatusReport(status=status, message=message)


async def commit_status(
    services: Services, connection: Connection, *, report: StatusReport
) -> tuple[Delivery, Evidence | None]:
    """Move the delivery on and put the status into the sender's mailbox.

    A status that changes nothing (a repetition, or one after the end) leaves no trace.

    Raises:
        TransitionForbidden: the delivery's state does not allow the status.

    """
    status = report.status
    present = await delivery_rows.get_delivery(connection, status.delivery_id, for_update=True)
    transition = next_state(present.state, status.code)
    if transition.effect in (Effect.NOOP, Effect.IGNORED):
        return present, None
    await delivery_rows.add_status(connection, status, state=transition.state)
    await mailbox.append(
        connection,
        present.sender,
        lane=Lane.CONTROL,
        delivery_id=status.delivery_id,
        status_id=status.status_id,
        at=status.received_at,
    )
    await _keep_status(
        services, connection, report=report, owners=(present.sender, present.recipient)
    )
    occurrence = replace(
        occurrence_of(report.message, EvidenceEvent.STATUS_REPORTED),
        delivery_id=present.delivery_id,
        recipient=present.recipient,
        reasons=(status.code.value,),
    )
    evidence = services.evidence_signer.state(occurrence, at=status.received_at)
    await delivery_rows.add_evidence(connection, evidence)
    return await delivery_rows.get_delivery(connection, status.delivery_id), evidence


async def delivery_to(
    connection: Connection, recipient: Endpoint, *, delivery_id: UUID
) -> Delivery:
    """Read a delivery to the caller; a stranger's looks like an unknown one."""
    delivery = await delivery_rows.get_delivery(connection, delivery_id)
    if delivery.recipient != recipient.code:
        raise DeliveryUnknown(str(delivery_id))
    return delivery


def _handover(services: Services, entry: MailboxEntry, *, request: AckRequest) -> Evidence:
    stored = request.outcome is AckOutcome.STORED
    event = EvidenceEvent.CONTENT_HANDOVER if stored else EvidenceEvent.CONTENT_HANDOVER_FAILURE
    occurrence = replace(
        occurrence_of(entry.message, event),
        delivery_id=entry.delivery.delivery_id,
        recipient=entry.delivery.recipient,
        reasons=(request.reason,) if request.reason else (),
    )
    return services.evidence_signer.state(occurrence, at=services.clock())


def _about(message: Message, recipient: Endpoint, *, said: StatusMessage) -> StatusMessage:
    envelope = message.envelope
    return replace(
        said,
        sender=Party(organ_id=recipient.code, name=recipient.name),
        addressee=message.sender,
        document_id=envelope.document_id,
        document_code=str(envelope.code),
        promulgated_on=envelope.promulgation.date,
    )


async def _keep_status(
    services: Services, connection: Connection, *, report: StatusReport, owners: Sequence[str]
) -> None:
    status = report.status
    for owner in owners:
        await uploads.grant(connection, owner, digest=status.edxml.digest, at=status.received_at)
        await services.archive.keep(
            connection,
            ArchiveRecord(
                record_id=uuid4(),
                digest=Digest(status.edxml.digest),
                size_bytes=status.edxml.size_bytes,
                media_type=EDXML_MEDIA_TYPE,
                kind=RecordKind.STATUS,
                message_id=str(report.message.message_id),
                owner=owner,
                title=f"Trạng thái {status.code.value}: {report.message.envelope.subject}",
                kept_at=status.received_at,
            ),
        )
