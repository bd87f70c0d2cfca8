"""What reading edXML gives: a document, a status or a refusal, with warnings. Pure, picklable."""

from dataclasses import dataclass
from enum import StrEnum

from exchange.edxml.encoded import EncodedText
from exchange.envelope import AttachmentRef, Envelope, StatusMessage


class WarningCode(StrEnum):
    """What was odd in a message that could still be read (điểm bất thường)."""

    JUNK_BEFORE_DECLARATION = "JUNK_BEFORE_DECLARATION"
    ENCODING_MISDECLARED = "ENCODING_MISDECLARED"
    PREFIX_UNBOUND = "PREFIX_UNBOUND"
    ELEMENT_MISPLACED = "ELEMENT_MISPLACED"
    EXTENSION_KEPT = "EXTENSION_KEPT"
    ERRORS_REPORTED = "ERRORS_REPORTED"
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
    REFERENCE_REPEATED = "REFERENCE_REPEATED"
    REFERENCE_WITHOUT_ATTACHMENT = "REFERENCE_WITHOUT_ATTACHMENT"
    ATTACHMENT_WITHOUT_REFERENCE = "ATTACHMENT_WITHOUT_REFERENCE"
    ATTACHMENT_ID_CHANGED = "ATTACHMENT_ID_CHANGED"
    ATTACHMENT_LABELS_DIFFER = "ATTACHMENT_LABELS_DIFFER"
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
class ReportedError:
    """An error that another axis reports about a message of ours (ErrorList): code and text."""

    code: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """The one entry of a zip that wraps a file: where it lies in the zip, and what it claims."""

    offset: int
    packed_bytes: int
    deflated: bool
    unpacked_bytes: int
    crc: int
    name: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentPlace:
    """Where an attachment's bytes lie in its message: base64, perhaps a zip around them."""

    text: EncodedText
    entry: ZipEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAttachment:
    """An attachment whose bytes were looked at and left in the message."""

    ref: AttachmentRef
    place: AttachmentPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedDocument:
    """A document that was read; its attachments, in the envelope's order, are still inside it."""

    envelope: Envelope
    attachments: tuple[LocatedAttachment, ...]
    warnings: tuple[ReadWarning, ...] = ()
    extras: tuple[RawElement, ...] = ()
    errors: tuple[ReportedError, ...] = ()


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
    errors: tuple[ReportedError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatus:
    """A status message that was read."""

    status: StatusMessage
    warnings: tuple[ReadWarning, ...] = ()
    extras: tuple[RawElement, ...] = ()
    errors: tuple[ReportedError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadErrors:
    """An axis' answer that brings errors and no document: it refused a message.

    `document_id` is that of the message, where the answer repeats it.
    """

    document_id: str = ""
    errors: tuple[ReportedError, ...]
    warnings: tuple[ReadWarning, ...] = ()
    extras: tuple[RawElement, ...] = ()


ReadMessage = ReadDocument | ReadStatus | ReadErrors
"""Any of the messages that share the root `edXML`, with all bytes in memory."""

LocatedMessage = LocatedDocument | ReadStatus | ReadErrors
"""The same, the attachments' bytes left where they lie."""
