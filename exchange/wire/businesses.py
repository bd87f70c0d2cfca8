"""The business part of envelopes on the wire: what a message does, to which documents. Pure."""

from congvan.v1 import envelope_pb2
from exchange.agency import OrganId
from exchange.envelope import (
    Business,
    BusinessKind,
    ReceiverChange,
    Replacement,
    StaffInfo,
    UpdatedParts,
)
from exchange.errors import ArgumentInvalid

BUSINESS_KINDS = {
    BusinessKind.NEW: envelope_pb2.BUSINESS_NEW,
    BusinessKind.RECALL: envelope_pb2.BUSINESS_RECALL,
    BusinessKind.UPDATE: envelope_pb2.BUSINESS_UPDATE,
    BusinessKind.REPLACE: envelope_pb2.BUSINESS_REPLACE,
}
_KINDS_READ = {number: kind for kind, number in BUSINESS_KINDS.items()} | {
    envelope_pb2.BUSINESS_UNSPECIFIED: BusinessKind.NEW
}
# How the envelope begins when its sender says nothing: edXML wants a reason with every business.
NEW_DOCUMENT_REASON = "Văn bản điện tử mới"


def read_business(message: envelope_pb2.Envelope) -> Business:
    """Read the business part of an envelope; only a new document needs no reason.

    Raises:
        ArgumentInvalid: a business that is none.

    """
    if message.business not in _KINDS_READ:
        raise ArgumentInvalid("a known value is needed", field="envelope.business")
    kind = _KINDS_READ[message.business]
    reason = message.business_reason
    if not reason and kind is BusinessKind.NEW:
        reason = NEW_DOCUMENT_REASON
    return Business(
        kind=kind,
        reason=reason,
        target_document_id=message.target_document_id,
        paper=message.paper_follows,
        staff=read_staff(message.staff) if message.HasField("staff") else None,
        updated=_read_updated(message.updated) if message.HasField("updated") else None,
        replacements=tuple(
            Replacement(
                document_id=each.document_id,
                organ_ids=tuple(OrganId(organ_id) for organ_id in each.organ_ids),
            )
            for each in message.replacements
        ),
    )


def write_updated(updated: UpdatedParts | None) -> envelope_pb2.UpdatedParts | None:
    """Show what an update changes; None stays absent."""
    if updated is None:
        return None
    return envelope_pb2.UpdatedParts(
        document_changed=updated.document_changed,
        receivers_changed=updated.receivers_changed,
        receivers=[
            envelope_pb2.ReceiverChange(organ_id=each.organ_id, added=each.added)
            for each in updated.receivers
        ],
    )


def write_replacement(replacement: Replacement) -> envelope_pb2.Replacement:
    """Show a document that is replaced."""
    return envelope_pb2.Replacement(
        document_id=replacement.document_id, organ_ids=replacement.organ_ids
    )


def read_staff(message: envelope_pb2.Staff) -> StaffInfo:
    """Read the person in charge."""
    return StaffInfo(
        department=message.department,
        name=message.name,
        mobile=message.mobile,
        email=message.email,
    )


def write_staff(staff: StaffInfo | None) -> envelope_pb2.Staff | None:
    """Show the person in charge; None stays absent."""
    if staff is None:
        return None
    return envelope_pb2.Staff(
        department=staff.department, name=staff.name, mobile=staff.mobile, email=staff.email
    )


def _read_updated(message: envelope_pb2.UpdatedParts) -> UpdatedParts:
    return UpdatedParts(
        document_changed=message.document_changed,
        receivers_changed=message.receivers_changed,
        receivers=tuple(
            ReceiverChange(organ_id=OrganId(each.organ_id), added=each.added)
            for each in message.receivers
        ),
    )
