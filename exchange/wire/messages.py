"""Messages, deliveries, mailbox entries and evidence on the wire. Pure."""

from datetime import datetime

from congvan.v1 import common_pb2, exchange_pb2, verification_pb2
from exchange.deliveries import Delivery
from exchange.evidence import SIGNATURE_ALGORITHM, Evidence, read_statement
from exchange.messages import GateFinding, Message
from exchange.use_cases.receiving import AckAnswer, MailboxEntry
from exchange.wire.envelopes import blob_of, write_envelope, write_status
from exchange.wire.reports import write_signed_for
from exchange.wire.values import blob, instant, timestamp

EDXML_MEDIA_TYPE = "application/xml"


def write_message(message: Message) -> exchange_pb2.Message:
    """Show a message."""
    return exchange_pb2.Message(
        name=message_name(message.message_id),
        state=exchange_pb2.MessageState.Value(f"MESSAGE_STATE_{message.state.value}"),
        envelope=write_envelope(message.envelope),
        edxml=edxml_of(message),
        create_time=timestamp(message.created_at),
        submit_time=timestamp(message.submitted_at),
        gate=[write_finding(each) for each in message.gate],
        lane=common_pb2.Lane.ValueType(message.lane),
        etag=message.etag,
    )


def write_finding(finding: GateFinding) -> exchange_pb2.GateFinding:
    """Show how the gate judged an attachment."""
    return exchange_pb2.GateFinding(
        document=blob_of(finding.attachment),
        verdict=verification_pb2.DocumentVerdict.Value(f"DOCUMENT_VERDICT_{finding.verdict}"),
        reason=finding.reason,
        report=f"reports/{finding.report_id}" if finding.report_id else "",
        signed_for=write_signed_for(finding.signed_for),
    )


def write_delivery(delivery: Delivery) -> exchange_pb2.Delivery:
    """Show a delivery with what was reported about it."""
    return exchange_pb2.Delivery(
        name=delivery_name(delivery.delivery_id),
        message=message_name(delivery.message_id),
        sender=delivery.sender,
        recipient=delivery.recipient,
        state=exchange_pb2.DeliveryState.Value(f"DELIVERY_STATE_{delivery.state.value}"),
        delivered_at=timestamp(delivery.delivered_at),
        fetched_at=timestamp(delivery.fetched_at),
        acknowledged_at=timestamp(delivery.acknowledged_at),
        statuses=[write_status(each) for each in delivery.statuses],
    )


def write_entry(entry: MailboxEntry) -> exchange_pb2.MailboxItem:
    """Show a mailbox item: a document for the caller, or a status about one of his own."""
    item = exchange_pb2.MailboxItem(
        sequence=entry.item.sequence,
        lane=common_pb2.Lane.ValueType(entry.item.lane),
        delivered_at=timestamp(entry.item.delivered_at),
    )
    if entry.status is None:
        item.document.CopyFrom(_document(entry))
    else:
        item.status.CopyFrom(_status(entry))
    return item


def write_evidence(evidence: Evidence) -> common_pb2.Evidence:
    """Hand evidence out, its statement byte for byte as it was signed."""
    return common_pb2.Evidence(
        name=f"evidence/{evidence.evidence_id}",
        event=common_pb2.EvidenceEvent.Value(f"EVIDENCE_EVENT_{evidence.event.value}"),
        message=message_name(evidence.message_id),
        delivery=delivery_name(evidence.delivery_id) if evidence.delivery_id else "",
        recipient=evidence.recipient,
        event_time=timestamp(evidence.event_at),
        reasons=evidence.reasons,
        statement=evidence.statement,
        signature=evidence.signature,
        signature_algorithm=SIGNATURE_ALGORITHM,
        key_id=evidence.key_id,
    )


def tells_the_same(message: common_pb2.Evidence) -> bool:
    """Tell whether the fields beside a genuine statement say what the statement says."""
    stated = read_statement(message.statement)
    return (
        common_pb2.EvidenceEvent.Name(message.event) == f"EVIDENCE_EVENT_{stated['event']}"
        and message.name == f"evidence/{stated['evidence_id']}"
        and message.message == message_name(stated["message_id"])
        and message.delivery
        == (delivery_name(stated["delivery_id"]) if stated["delivery_id"] else "")
        and message.recipient == stated["recipient"]
        and list(message.reasons) == stated["reasons"]
        and instant(message.event_time) == datetime.fromisoformat(stated["event_at"])
    )


def write_ack(answer: AckAnswer) -> exchange_pb2.AckResult:
    """Answer one acknowledgement."""
    return exchange_pb2.AckResult(
        lane=common_pb2.Lane.ValueType(answer.item.lane),
        sequence=answer.item.sequence,
        repeated_ack=answer.repeated,
        evidence=write_evidence(answer.evidence) if answer.evidence else None,
    )


def edxml_of(message: Message) -> common_pb2.BlobRef | None:
    """Name a message's edXML; absent while it is a draft without one."""
    if message.edxml is None:
        return None
    return blob(message.edxml.digest, message.edxml.size_bytes, media_type=EDXML_MEDIA_TYPE)


def message_name(message_id: object) -> str:
    """The resource name of a message."""
    return f"messages/{message_id}"


def delivery_name(delivery_id: object) -> str:
    """The resource name of a delivery."""
    return f"deliveries/{delivery_id}"


def _document(entry: MailboxEntry) -> exchange_pb2.DocumentItem:
    return exchange_pb2.DocumentItem(
        delivery=write_delivery(entry.delivery),
        envelope=write_envelope(entry.message.envelope),
        edxml=edxml_of(entry.message),
        gate=[write_finding(each) for each in entry.message.gate],
    )


def _status(entry: MailboxEntry) -> exchange_pb2.StatusItem:
    assert entry.status is not None  # noqa: S101 - the caller looked
    return exchange_pb2.StatusItem(
        message=message_name(entry.delivery.message_id),
        delivery=delivery_name(entry.delivery.delivery_id),
        reporter=entry.delivery.recipient,
        status=write_status(entry.status),
        edxml=blob(
            entry.status.edxml.digest, entry.status.edxml.size_bytes, media_type=EDXML_MEDIA_TYPE
        ),
    )
