"""Envelopes and statuses on the wire. Pure."""

from datetime import UTC, datetime
from uuid import uuid4

from congvan.v1 import common_pb2, envelope_pb2
from exchange.agency import OrganId
from exchange.deliveries import ReportedStatus
from exchange.envelope import (
    AttachmentRef,
    DocumentCode,
    DocumentType,
    Envelope,
    OtherInfo,
    Party,
    Priority,
    Promulgation,
    ResponseFor,
    SignerInfo,
    StatusCode,
    StatusMessage,
    SteeringType,
    Trace,
)
from exchange.errors import ArgumentInvalid
from exchange.wire.businesses import (
    BUSINESS_KINDS,
    read_business,
    read_staff,
    write_replacement,
    write_staff,
    write_updated,
)
from exchange.wire.values import blob, calendar_date, instant, read_date, timestamp
from storage.ports import parse_digest

_PRIORITIES = {
    Priority.NORMAL: envelope_pb2.PRIORITY_NORMAL,
    Priority.URGENT: envelope_pb2.PRIORITY_URGENT,
    Priority.VERY_URGENT: envelope_pb2.PRIORITY_VERY_URGENT,
    Priority.EXPRESS: envelope_pb2.PRIORITY_FLASH,
    Priority.EXPRESS_TIMED: envelope_pb2.PRIORITY_FLASH_AT_TIME,
}
_PRIORITIES_READ = {number: priority for priority, number in _PRIORITIES.items()} | {
    envelope_pb2.PRIORITY_UNSPECIFIED: Priority.NORMAL
}


def read_envelope(message: envelope_pb2.Envelope) -> Envelope:
    """Read an envelope that a caller sends.

    Raises:
        ArgumentInvalid: a date, a digest, a number or a business that is none.

    """
    return Envelope(
        sender=_read_party(message.sender),
        recipients=tuple(_read_party(each) for each in message.recipients),
        document_id=message.document_id,
        code=DocumentCode(number=message.code.number, notation=message.code.notation),
        promulgation=Promulgation(
            place=message.place,
            date=read_date(message.promulgated_on, "envelope.promulgated_on")
            if message.HasField("promulgated_on")
            else None,
        ),
        document_type=DocumentType(
            name=message.document_type.name,
            group=message.document_type.group,
            detail=message.document_type.detail or None,
        ),
        subject=message.subject,
        content=message.content,
        signer=SignerInfo(
            competence=message.signer.competence,
            position=message.signer.position,
            full_name=message.signer.full_name,
        ),
        due_on=read_date(message.due_on, "envelope.due_on") if message.HasField("due_on") else None,
        priority=_read_priority(message.priority),
        other=OtherInfo(
            sphere=message.circulation,
            typist=message.typist_notation,
            copies=message.copies or None,
            pages=message.pages or None,
            appendixes=tuple(message.appendixes),
            direction=message.direction if message.HasField("direction") else None,
            reply_fors=tuple(message.reply_fors),
            reference_codes=tuple(message.reference_codes),
        ),
        responses=tuple(_read_response(each) for each in message.responses_for),
        steering=_read_steering(message.steering_type),
        places=tuple(message.places),
        business=read_business(message),
        traces=tuple(_read_trace(each) for each in message.traces),
        attachments=tuple(_read_attachment(each) for each in message.attachments),
        task_codes=tuple(message.task_codes),
        application_type=message.application_type,
    )


def write_envelope(envelope: Envelope) -> envelope_pb2.Envelope:
    """Show an envelope to a caller."""
    return envelope_pb2.Envelope(
        sender=_party(envelope.sender),
        recipients=[_party(each) for each in envelope.recipients],
        document_id=envelope.document_id,
        code=envelope_pb2.DocumentCode(
            number=envelope.code.number, notation=envelope.code.notation
        ),
        place=envelope.promulgation.place,
        promulgated_on=calendar_date(envelope.promulgation.date),
        document_type=envelope_pb2.DocumentType(
            group=envelope.document_type.group,
            detail=envelope.document_type.detail or 0,
            name=envelope.document_type.name,
        ),
        subject=envelope.subject,
        content=envelope.content,
        signer=envelope_pb2.SignerInfo(
            competence=envelope.signer.competence,
            position=envelope.signer.position,
            full_name=envelope.signer.full_name,
        ),
        due_on=calendar_date(envelope.due_on),
        priority=_PRIORITIES[envelope.priority],
        circulation=envelope.other.sphere,
        typist_notation=envelope.other.typist,
        copies=envelope.other.copies or 0,
        pages=envelope.other.pages or 0,
        appendixes=envelope.other.appendixes,
        responses_for=[_response(each) for each in envelope.responses],
        steering_type=int(envelope.steering),
        places=envelope.places,
        business=BUSINESS_KINDS[envelope.business.kind],
        business_reason=envelope.business.reason,
        paper_follows=envelope.business.paper,
        staff=write_staff(envelope.business.staff),
        attachments=[write_attachment(each) for each in envelope.attachments],
        target_document_id=envelope.business.target_document_id,
        updated=write_updated(envelope.business.updated),
        replacements=[write_replacement(each) for each in envelope.business.replacements],
        traces=[_trace(each) for each in envelope.traces],
        direction=envelope.other.direction,
        reply_fors=envelope.other.reply_fors,
        reference_codes=envelope.other.reference_codes,
        task_codes=envelope.task_codes,
        application_type=envelope.application_type,
    )


def write_attachment(attachment: AttachmentRef) -> envelope_pb2.Attachment:
    """Show an attachment."""
    return envelope_pb2.Attachment(
        blob=blob(
            attachment.digest,
            attachment.size_bytes,
            media_type=attachment.media_type,
            file_name=attachment.file_name,
        ),
        description=attachment.description,
        content_id=attachment.content_id,
    )


def blob_of(attachment: AttachmentRef) -> common_pb2.BlobRef:
    """Name an attachment's content."""
    return blob(
        attachment.digest,
        attachment.size_bytes,
        media_type=attachment.media_type,
        file_name=attachment.file_name,
    )


def write_status(status: ReportedStatus) -> envelope_pb2.StatusEntry:
    """Show a reported status."""
    return envelope_pb2.StatusEntry(
        code=int(status.code.value),  # type: ignore[arg-type]  # the numbers are QĐ 28/2018's own
        description=status.description,
        staff=write_staff(status.staff),
        reported_at=timestamp(status.reported_at),
        received_at=timestamp(status.received_at),
    )


def read_status(message: envelope_pb2.StatusEntry, *, now: datetime) -> StatusMessage:
    """Read a status that a recipient reports; who reports about what is filled in by the use case.

    Raises:
        ArgumentInvalid: no status code, or a time that edXML can't carry.

    """
    try:
        code = StatusCode(f"{message.code:02d}")
    except ValueError:
        raise ArgumentInvalid("a status code is needed", field="status.code") from None
    said_at = instant(message.reported_at) if message.HasField("reported_at") else now
    nobody = OrganId("")
    return StatusMessage(
        sender=Party(organ_id=nobody),
        addressee=nobody,
        document_id="",
        status=code,
        description=message.description,
        staff=read_staff(message.staff) if message.HasField("staff") else None,
        reported_at=said_at.astimezone(UTC).replace(microsecond=0),
    )


def _read_trace(message: envelope_pb2.Trace) -> Trace:
    at = instant(message.at).replace(microsecond=0) if message.HasField("at") else None
    return Trace(organ_id=OrganId(message.organ_id), at=at)


def _trace(trace: Trace) -> envelope_pb2.Trace:
    at = None if trace.at is None else timestamp(trace.at)
    return envelope_pb2.Trace(organ_id=trace.organ_id, at=at)


def _read_party(message: envelope_pb2.Party) -> Party:
    return Party(
        organ_id=OrganId(message.organ_id.strip()),
        name=message.organ_name,
        superior=message.organization_in_charge,
        address=message.address,
        email=message.email,
        telephone=message.telephone,
        fax=message.fax,
        website=message.website,
    )


def _party(party: Party) -> envelope_pb2.Party:
    return envelope_pb2.Party(
        organ_id=party.organ_id,
        organ_name=party.name,
        organization_in_charge=party.superior,
        address=party.address,
        email=party.email,
        telephone=party.telephone,
        fax=party.fax,
        website=party.website,
    )


def _read_priority(number: int) -> Priority:
    if number not in _PRIORITIES_READ:
        raise ArgumentInvalid("a known value is needed", field="envelope.priority")
    return _PRIORITIES_READ[envelope_pb2.Priority.ValueType(number)]


def _read_steering(number: int) -> SteeringType:
    try:
        return SteeringType(number)
    except ValueError:
        raise ArgumentInvalid("0, 1 or 2 needed", field="envelope.steering_type") from None


def _read_response(message: envelope_pb2.ResponseFor) -> ResponseFor:
    return ResponseFor(
        organ_id=OrganId(message.organ_id),
        code=message.code,
        promulgated_on=read_date(message.promulgated_on, "envelope.responses_for.promulgated_on")
        if message.HasField("promulgated_on")
        else None,
        document_id=message.document_id,
    )


def _response(response: ResponseFor) -> envelope_pb2.ResponseFor:
    return envelope_pb2.ResponseFor(
        organ_id=response.organ_id,
        code=response.code,
        promulgated_on=calendar_date(response.promulgated_on),
        document_id=response.document_id,
    )


def _read_attachment(message: envelope_pb2.Attachment) -> AttachmentRef:
    return AttachmentRef(
        content_id=message.content_id.removeprefix("cid:") or str(uuid4()),
        file_name=message.blob.file_name,
        media_type=message.blob.media_type or "application/octet-stream",
        digest=parse_digest(message.blob.sha256),
        size_bytes=message.blob.size_bytes,
        description=message.description,
    )
