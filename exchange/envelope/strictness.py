"""What a message must fulfil before this service sends it; what the reader warns about. Pure.

Lengths and cardinalities are those of QCVN 102:2016 with SĐ1:2022 as the strict schema in schema/
holds them. The rules are stated once more here because a schema error names no field that a clerk
knows, and because some rules lie beyond a schema: no text with blanks around it, none that says
`null`.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from exchange.agency import is_writable
from exchange.envelope.values import (
    Business,
    BusinessKind,
    Envelope,
    Party,
    ResponseFor,
    StaffInfo,
    StatusCode,
    StatusMessage,
)
from exchange.errors import EnvelopeIncomplete

# XML 1.0 §2.2 Char; what lies outside can't be written in any form.
_XML_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_CONTENT_ID = re.compile(r"[0-9A-Za-z._\-]+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_LARGEST_SHORT, _LARGEST_BYTE = 65_535, 255
_REASON_NEEDED = (StatusCode.REFUSED, StatusCode.TAKE_BACK_ASKED, StatusCode.DECLINED)


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that a message breaks: the field by its edXML path, and what is wrong with it."""

    field: str
    detail: str


def check_for_sending(envelope: Envelope, *, today: dt.date | None = None) -> None:
    """Let pass only what may be sent; `today` (in Vietnam) also refuses a date of issue after it.

    Raises:
        EnvelopeIncomplete: names the first field that is missing or against the rules.

    """
    for problem in (*document_problems(envelope), *extension_problems(envelope)):
        raise EnvelopeIncomplete(problem.detail, field=problem.field)
    issued_on = envelope.promulgation.date
    if today is not None and issued_on is not None and issued_on > today:
        raise EnvelopeIncomplete("lies in the future", field="PromulgationInfo/PromulgationDate")


def check_status_for_sending(status: StatusMessage) -> None:
    """Let pass only a status message that may be sent.

    Raises:
        EnvelopeIncomplete: names the first field that is missing or against the rules.

    """
    for problem in status_problems(status):
        raise EnvelopeIncomplete(problem.detail, field=problem.field)


def document_problems(envelope: Envelope) -> Iterator[Problem]:
    """Give every rule that a document breaks, in the order of the fields."""
    yield from _party("From", envelope.sender)
    if not envelope.recipients:
        yield Problem("To", "is missing")
    for recipient in envelope.recipients:
        yield from _party("To", recipient)
    named = Counter(recipient.organ_id for recipient in envelope.recipients)
    yield from (Problem("To/OrganId", "is repeated") for count in named.values() if count > 1)
    yield from _document_texts(envelope)
    yield from _date("PromulgationInfo/PromulgationDate", envelope.promulgation.date, needed=True)
    yield from _date("DueDate", envelope.due_on)
    yield from _document_numbers(envelope)
    for response in envelope.responses:
        yield from _response(response)
    for place in envelope.places:
        yield from _text("ToPlaces/Place", place, longest=150, needed=True)
    yield from _traces(envelope)
    yield from _business(envelope)
    yield from _attachments(envelope)


def extension_problems(envelope: Envelope) -> Iterator[Problem]:
    """Give the extensions of other systems that a document bears: odd to none, written by none."""
    for path, texts in (
        ("OtherInfo/ReplyFors", envelope.other.reply_fors),
        ("OtherInfo/ReferenceCodes", envelope.other.reference_codes),
        ("ResponseForTask/TaskCode", envelope.task_codes),
        ("ApplicationType", (envelope.application_type,)),
    ):
        if any(texts):
            yield Problem(path, "is an extension that is not written")


def status_problems(status: StatusMessage) -> Iterator[Problem]:
    """Give every rule that a status message breaks, in the order of the fields."""
    yield from _party("From", status.sender)
    yield from _response(
        ResponseFor(
            organ_id=status.addressee,
            code=status.document_code,
            promulgated_on=status.promulgated_on,
            document_id=status.document_id,
        )
    )
    yield from _staff("StaffInfo", status.staff)
    needed = status.status in _REASON_NEEDED
    yield from _text("Description", status.description, longest=500, needed=needed)
    yield from _date("Timestamp", status.reported_at, needed=True)


def _party(path: str, party: Party) -> Iterator[Problem]:
    yield from _organ_id(f"{path}/OrganId", party.organ_id)
    yield from _text(f"{path}/OrganizationInCharge", party.superior, longest=200)
    yield from _text(f"{path}/OrganName", party.name, longest=200, needed=True)
    yield from _text(f"{path}/OrganAdd", party.address, longest=250)
    yield from _text(f"{path}/Email", party.email, longest=100)
    yield from _text(f"{path}/Telephone", party.telephone, longest=20)
    yield from _text(f"{path}/Fax", party.fax, longest=20)
    yield from _text(f"{path}/Website", party.website, longest=100)


def _document_texts(envelope: Envelope) -> Iterator[Problem]:
    yield from _text("DocumentId", envelope.document_id, longest=100, needed=True)
    yield from _text("Code/CodeNumber", envelope.code.number, longest=11, needed=True)
    yield from _text("Code/CodeNotation", envelope.code.notation, longest=30, needed=True)
    yield from _text("PromulgationInfo/Place", envelope.promulgation.place, longest=50, needed=True)
    yield from _text("DocumentType/TypeName", envelope.document_type.name, longest=100, needed=True)
    yield from _text("Subject", envelope.subject, longest=500, needed=True)
    yield from _text("Content", envelope.content, longest=500)
    yield from _text("SignerInfo/Competence", envelope.signer.competence, longest=100)
    yield from _text("SignerInfo/Position", envelope.signer.position, longest=100, needed=True)
    yield from _text("SignerInfo/FullName", envelope.signer.full_name, longest=50, needed=True)
    yield from _text("OtherInfo/SphereOfPromulgation", envelope.other.sphere, longest=100)
    yield from _text("OtherInfo/TyperNotation", envelope.other.typist, longest=10)
    for appendix in envelope.other.appendixes:
        yield from _text("OtherInfo/Appendixes/Appendix", appendix, longest=500, needed=True)


def _document_numbers(envelope: Envelope) -> Iterator[Problem]:
    if envelope.document_type.group not in (1, 2):
        yield Problem("DocumentType/Type", "is neither 1 (legislation) nor 2 (administrative)")
    yield from _number(
        "DocumentType/TypeDetail", envelope.document_type.detail, largest=_LARGEST_BYTE
    )
    yield from _number(
        "OtherInfo/PromulgationAmount", envelope.other.copies, largest=_LARGEST_SHORT
    )
    yield from _number("OtherInfo/PageAmount", envelope.other.pages, largest=_LARGEST_SHORT)


def _response(response: ResponseFor) -> Iterator[Problem]:
    yield from _organ_id("ResponseFor/OrganId", response.organ_id)
    yield from _text("ResponseFor/Code", response.code, longest=50, needed=True)
    yield from _date("ResponseFor/PromulgationDate", response.promulgated_on, needed=True)
    yield from _text("ResponseFor/DocumentId", response.document_id, longest=100, needed=True)


def _traces(envelope: Envelope) -> Iterator[Problem]:
    if not envelope.traces:
        yield Problem("TraceHeaderList/TraceHeader", "is missing")
    elif envelope.traces[0].organ_id != envelope.sender.organ_id:
        yield Problem("TraceHeaderList/TraceHeader", "does not begin with the sender")
    for trace in envelope.traces:
        yield from _organ_id("TraceHeader/OrganId", trace.organ_id)
        yield from _date("TraceHeader/Timestamp", trace.at, needed=True)


def _business(envelope: Envelope) -> Iterator[Problem]:
    business = envelope.business
    yield from _text("Bussiness/BussinessDocReason", business.reason, longest=500, needed=True)
    yield from _staff("Bussiness/StaffInfo", business.staff)
    targeted = business.kind in (BusinessKind.RECALL, BusinessKind.UPDATE)
    path = "Bussiness/DocumentId"
    if targeted:
        yield from _text(path, business.target_document_id, longest=100, needed=True)
    elif business.target_document_id:
        yield Problem(path, "belongs to a recall or an update only")
    if business.kind is BusinessKind.RECALL and business.target_document_id != envelope.document_id:
        yield Problem(path, "differs from the DocumentId of the document that is recalled")
    yield from _updated(business)
    yield from _replacements(business)


def _updated(business: Business) -> Iterator[Problem]:
    path = "Bussiness/BussinessDocumentInfo"
    updated = business.updated
    if (updated is not None) is not (business.kind is BusinessKind.UPDATE):
        yield Problem(path, "belongs to every update and to nothing else")
    if updated is None:
        return
    if not (updated.document_changed or updated.receivers_changed):
        yield Problem(path, "says that nothing changes")
    if updated.receivers_changed is not bool(updated.receivers):
        yield Problem(f"{path}/ReceiverList", "must be there exactly when the recipients change")
    for receiver in updated.receivers:
        yield from _organ_id(f"{path}/ReceiverList/Receiver/OrganId", receiver.organ_id)


def _replacements(business: Business) -> Iterator[Problem]:
    path = "Bussiness/ReplacementInfoList"
    if bool(business.replacements) is not (business.kind is BusinessKind.REPLACE):
        yield Problem(path, "belongs to every replacement and to nothing else")
    for each in business.replacements:
        yield from _text(
            f"{path}/ReplacementInfo/DocumentId", each.document_id, longest=100, needed=True
        )
        if not each.organ_ids:
            yield Problem(f"{path}/ReplacementInfo/OrganIdList", "is missing")
        for organ_id in each.organ_ids:
            yield from _organ_id(f"{path}/ReplacementInfo/OrganIdList/OrganId", organ_id)


def _attachments(envelope: Envelope) -> Iterator[Problem]:
    if not envelope.attachments:
        yield Problem("AttachmentEncoded/Attachment", "is missing")
    named = Counter(each.content_id for each in envelope.attachments)
    yield from (Problem("Attachment/ContentId", "is repeated") for n in named.values() if n > 1)
    for each in envelope.attachments:
        if not _CONTENT_ID.fullmatch(each.content_id):
            yield Problem("Attachment/ContentId", "has characters outside 0-9 A-Z a-z . _ -")
        yield from _text("Attachment/AttachmentName", each.file_name, longest=500, needed=True)
        yield from _text("Attachment/ContentType", each.media_type, longest=100, needed=True)
        yield from _text("Attachment/Description", each.description, longest=500)


def _staff(path: str, staff: StaffInfo | None) -> Iterator[Problem]:
    if staff is None:
        return
    if staff == StaffInfo():
        yield Problem(path, "is empty")
    yield from _text(f"{path}/Department", staff.department, longest=200)
    yield from _text(f"{path}/Staff", staff.name, longest=200)
    yield from _text(f"{path}/Email", staff.email, longest=100)
    yield from _text(f"{path}/Mobile", staff.mobile, longest=20)


def _text(path: str, text: str, *, longest: int, needed: bool = False) -> Iterator[Problem]:
    if not text.strip() or text.strip().casefold() == "null":
        if needed or text:
            yield Problem(path, "is missing")
    elif len(text) > longest:
        yield Problem(path, f"is longer than {longest} characters")
    elif text != text.strip():
        yield Problem(path, "has blanks around it")
    elif not _XML_TEXT.fullmatch(text):
        yield Problem(path, "has control characters")


def _organ_id(path: str, organ_id: str) -> Iterator[Problem]:
    if not organ_id:
        yield Problem(path, "is missing")
    elif not is_writable(organ_id):
        yield Problem(path, "is no identifier of at most 35 of 0-9 A-Z . -")


def _number(path: str, number: int | None, *, largest: int) -> Iterator[Problem]:
    if number is not None and not 0 <= number <= largest:
        yield Problem(path, f"is no number from 0 to {largest}")


def _date(path: str, date: dt.date | None, *, needed: bool = False) -> Iterator[Problem]:
    if date is None:
        if needed:
            yield Problem(path, "is missing")
    elif not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        yield Problem(path, "lies outside the years that are possible")
