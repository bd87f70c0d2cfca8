"""What reading edXML gives: a document or a status, with warnings. Pure and picklable."""

from dataclasses import dataclass
from enum import StrEnum

from exchange.envelope import AttachmentRef, Envelope, StatusMessage


class WarningCode(StrEnum):
    """What was odd in a message that could still be read (điểm bất thường)."""

    JUNK_BEFORE_DECLARATION = "JUNK_BEFORE_DECLARATION"
    FIELD_AGAINST_RULES = "FIELD_AGAINST_RULES"
    FIELD_REPEATED = "FIELD_REPEATED"
    VALUE_UNREADABLE = "VALUE_UNREADABLE"
    DATE_UNUSUAL = "DATE_UNUSUAL"
    DATE_IMPOSSIBLE = "DATE_IMPOSSIBLE"
    CODE_TAKEN_FROM_ID = "CODE_TAKEN_FROM_ID"
    RECIPIENT_REPEATED = "RECIPIENT_REPEATED"
    ELEMENT_UNKNOWN = "ELEMENT_UNKNOWN"
    BUSINESS_PART_STRAY = "BUSINESS_PART_STRAY"
    ENVELOPE_SIGNATURE_NOT_VERIFIABLE = "ENVELOPE_SIGNATURE_NOT_VERIFIABLE"
    REFERENCE_WITHOUT_ATTACHMENT = "REFERENCE_WITHOUT_ATTACHMENT"
    ATTACHMENT_WITHOUT_REFERENCE = "ATTACHMENT_WITHOUT_REFERENCE"
    ATTACHMENT_ID_CHANGED = "ATTACHMENT_ID_CHANGED"
    ATTACHMENT_NAME_CHANGED = "ATTACHMENT_NAME_CHANGED"
    ATTACHMENT_EMPTY = "ATTACHMENT_EMPTY"
    ATTACHMENT_DAMAGED = "ATTACHMENT_DAMAGED"
    ATTACHMENT_UNWRAPPED = "ATTACHMENT_UNWRAPPED"
    MEDIA_TYPE_CORRECTED = "MEDIA_TYPE_CORRECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWarning:
    """One oddity: what, where (a path below the header or of an attachment), and a short detail."""

    code: WarningCode
    path: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawElement:
    """An element that this reader has no name for, kept as it came: where, its XML and its text."""

    path: str
    xml: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttachment:
    """An attachment with its bytes, taken out of the zip where one wrapped it."""

    ref: AttachmentRef
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """A document that was read. `attachments` are in the order of `envelope.attachments`."""

    envelope: Envelope
    attachments: tuple[ReadAttachment, ...]
    warnings: tuple[ReadWarning, ...] = ()
    extras: tuple[RawElement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatus:
    """A status message that was read."""

    status: StatusMessage
    warnings: tuple[ReadWarning, ...] = ()
    extras: tuple[RawElement, ...] = ()


ReadMessage = ReadDocument | ReadStatus
"""Either of the two messages that share the root `edXML`."""
