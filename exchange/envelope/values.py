"""An official document in transit, and the status messages about it, as values. Pure: no I/O.

Fields follow the message header of QCVN 102:2016/BTTTT with SĐ1:2022 (numbers in brackets are
those of its 14 components). The values are lax about length, alphabet and completeness, because
what others have sent must be kept and shown as it came: an absent text is "", an absent date or
number is None. What this service sends must pass `check_for_sending`, which is strict.
"""

import datetime as dt
import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from exchange.agency import OrganId
from exchange.errors import ArgumentInvalid

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BARE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")


class DocumentGroup(IntEnum):
    """Group of document types (nhóm văn bản): legislation, or administrative documents."""

    LEGISLATION = 1
    ADMINISTRATIVE = 2


class Priority(IntEnum):
    """Urgency (độ khẩn), component 1.11. A higher number is more urgent."""

    NORMAL = 0
    URGENT = 1
    VERY_URGENT = 2
    EXPRESS = 3
    EXPRESS_TIMED = 4


class SteeringType(IntEnum):
    """Whether the document directs the recipient's work (văn bản chỉ đạo), component 1.13."""

    NONE = 0
    DIRECTIVE = 1
    REPORT_ON_DIRECTIVE = 2


class BusinessKind(IntEnum):
    """What the message does (nghiệp vụ): brings a document, or recalls, updates, replaces one."""

    NEW = 0
    RECALL = 1
    UPDATE = 2
    REPLACE = 3


class StatusCode(StrEnum):
    """State of handling that a status message reports (mã trạng thái), QĐ 28/2018/QĐ-TTg.

    All are sent by the recipient to the sender, but for TAKE_BACK_ASKED, which goes the other way.
    """

    ARRIVED = "01"
    REFUSED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    IN_PROGRESS = "05"
    DONE = "06"
    TAKE_BACK_ASKED = "13"
    AGREED = "15"
    DECLINED = "16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A sender or recipient as the message names it (cơ quan gửi, nơi nhận), components 1.1, 1.2.

    `organ_id` is what the message says, "" when it says nothing; it proves nothing about who sent
    it.
    """

    organ_id: OrganId
    name: str = ""
    superior: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCode:
    """Number and symbol of the document (số, ký hiệu), component 1.3: `1234` and `UBND-CNTT`."""

    number: str = ""
    notation: str = ""

    def __str__(self) -> str:
        """Write the code as it stands on paper: `1234/UBND-CNTT`."""
        return f"{self.number}/{self.notation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promulgation:
    """Place and date of issue (địa danh, ngày ban hành), component 1.4; the date is Vietnamese."""

    place: str = ""
    date: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """Type of the document (tên loại văn bản), component 1.5. Only `name` is reliable.

    `group` is a `DocumentGroup` where the sender is careful, but other numbers occur; 0 when
    absent.
    """

    name: str = ""
    group: int = 0
    detail: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """Who signed (người ký), 1.8: capacity (quyền hạn: TM., KT., TL. …), position, full name."""

    competence: str = ""
    position: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInfo:
    """The lesser fields of 1.11: circulation, typist's sign, copies, pages, appendix titles.

    `direction` is an extension of the national platform, which puts it in by itself; `reply_fors`
    and `reference_codes` are extensions of its SDK that are read and never written.
    """

    sphere: str = ""
    typist: str = ""
    copies: int | None = None
    pages: int | None = None
    direction: bool | None = None
    appendixes: tuple[str, ...] = ()
    reply_fors: tuple[str, ...] = ()
    reference_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFor:
    """An earlier document that this one answers (văn bản được phản hồi), component 1.12."""

    organ_id: OrganId
    code: str = ""
    promulgated_on: dt.date | None = None
    document_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInfo:
    """The person in charge (người phụ trách) at the sending side."""

    department: str = ""
    name: str = ""
    email: str = ""
    mobile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverChange:
    """One recipient that an update adds (True) or removes (False)."""

    organ_id: OrganId
    added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatedParts:
    """What an update (cập nhật) changes: the document's data, its list of recipients, or both."""

    document_changed: bool
    receivers_changed: bool
    receivers: tuple[ReceiverChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A document that is replaced (bị thay thế), and who had received it."""

    document_id: str
    organ_ids: tuple[OrganId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """The business part (nghiệp vụ), 2.2: kind, reason, and what the kind needs.

    `target_document_id` names the document that is recalled or updated. `paper` tells that a paper
    original follows.
    """

    kind: BusinessKind = BusinessKind.NEW
    reason: str = ""
    target_document_id: str = ""
    paper: bool = False
    staff: StaffInfo | None = None
    updated: UpdatedParts | None = None
    replacements: tuple[Replacement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A hop of the message (nơi đi qua), 2.1. `at` is aware UTC, or None when unreadable."""

    organ_id: OrganId
    at: dt.datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time without its zone, or with fractions that the format can't carry."""
        _require_instant(self.at, "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRef:
    """An attachment (tệp đính kèm) as the envelope describes it; its bytes lie elsewhere.

    `content_id` is without the prefix `cid:`. `digest` is SHA-256 in 64 lower-case hexadecimal
    digits, of the bytes inside any wrapping zip; `size_bytes` likewise. `file_name` is a bare name
    without a path.
    """

    content_id: str
    file_name: str
    media_type: str
    digest: str
    size_bytes: int
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not name stored content."""
        if not _SHA256.fullmatch(self.digest):
            raise ArgumentInvalid("64 lower-case hexadecimal digits needed", field="digest")
        if self.size_bytes < 0:
            raise ArgumentInvalid("a size can't be negative", field="size_bytes")
        if not _BARE_NAME.fullmatch(self.file_name) or self.file_name in (".", ".."):
            raise ArgumentInvalid("a name without a path is needed", field="file_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An official document on its way (văn bản điện tử): all but the attachments' bytes.

    `document_id` is the sender's own name for the document and opaque to everyone else (1.14).
    `task_codes` and `application_type` are extensions of the national platform's SDK (which tasks
    the document reports on, and for which application it is) that are read and never written.
    """

    sender: Party
    recipients: tuple[Party, ...]
    document_id: str
    code: DocumentCode
    promulgation: Promulgation
    document_type: DocumentType
    subject: str
    signer: SignerInfo
    content: str = ""
    due_on: dt.date | None = None
    priority: Priority = Priority.NORMAL
    other: OtherInfo = OtherInfo()
    responses: tuple[ResponseFor, ...] = ()
    steering: SteeringType = SteeringType.NONE
    places: tuple[str, ...] = ()
    business: Business = Business()
    traces: tuple[Trace, ...] = ()
    attachments: tuple[AttachmentRef, ...] = ()
    task_codes: tuple[str, ...] = ()
    application_type: str = ""

    @property
    def target_document_ids(self) -> tuple[str, ...]:
        """Name the earlier documents that this message acts upon: none for a new document."""
        match self.business.kind:
            case BusinessKind.NEW:
                return ()
            case BusinessKind.REPLACE:
                return tuple(each.document_id for each in self.business.replacements)
            case _:
                return (self.business.target_document_id or self.document_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A report on the handling of one document (thông điệp trạng thái).

    `sender` reports; `addressee` is told (the document's sender; for 13 the document's recipient).
    `document_code` is `1234/UBND-CNTT`. `reported_at` is aware UTC by the reporter's clock, or
    None.
    """

    sender: Party
    addressee: OrganId
    document_id: str
    status: StatusCode
    document_code: str = ""
    promulgated_on: dt.date | None = None
    description: str = ""
    staff: StaffInfo | None = None
    reported_at: dt.datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a time without its zone, or with fractions that the format can't carry."""
        _require_instant(self.reported_at, "reported_at")


def _require_instant(at: dt.datetime | None, field: str) -> None:
    if at is None:
        return
    if at.tzinfo is None:
        raise ArgumentInvalid("an instant with its time zone is needed", field=field)
    if at.microsecond:
        raise ArgumentInvalid("edXML carries whole seconds only", field=field)
