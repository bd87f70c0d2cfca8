"""The headers of a document and of a status: from fields in any order to values. Pure."""

from collections.abc import Iterator

from exchange.agency import OrganId
from exchange.edxml.noting import Fields, Notes
from exchange.edxml.result import WarningCode
from exchange.envelope import (
    AttachmentRef,
    Business,
    BusinessKind,
    DocumentCode,
    DocumentType,
    Envelope,
    OtherInfo,
    Party,
    Priority,
    Promulgation,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusCode,
    StatusMessage,
    SteeringType,
    Trace,
    UpdatedParts,
)
from exchange.errors import EdxmlUnsupported, EnvelopeIncomplete


def read_status(fields: Fields, notes: Notes) -> StatusMessage:
    """Read the header of a status message.

    Raises:
        EnvelopeIncomplete: it has no status code.
        EdxmlUnsupported: its status code is not defined.

    """
    about = fields.group("ResponseFor")
    document_id = about.text("DocumentId")
    document_code = about.text("Code")
    code = fields.text("StatusCode")
    if not code:
        raise EnvelopeIncomplete("is missing", field="StatusCode")
    try:
        status = StatusCode(code.zfill(2))
    except ValueError as error:
        raise EdxmlUnsupported("the status code is none of 01-06, 13, 15, 16") from error
    return StatusMessage(
        sender=_read_party(fields.group("From")),
        addressee=about.organ_id("OrganId"),
        document_id=document_id,
        document_code=document_code or _code_in(document_id, notes),
        promulgated_on=about.date("PromulgationDate"),
        status=status,
        description=fields.text("Description"),
        staff=_read_staff(fields.group("StaffInfo")),
        reported_at=fields.instant("Timestamp"),
    )


def read_document(
    fields: Fields, header: Fields, *, attachments: tuple[AttachmentRef, ...], notes: Notes
) -> Envelope:
    """Read the header of a document with its trace and its business part."""
    document_id = fields.text("DocumentId")
    issue = fields.group("PromulgationInfo")
    kind = fields.group("DocumentType")
    signer = fields.group("SignerInfo")
    other = fields.group("OtherInfo")
    route = header.group("TraceHeaderList")
    business = _read_business(_business_part(header, route, notes=notes), notes)
    return Envelope(
        sender=_read_party(fields.group("From")),
        recipients=_read_recipients(fields, notes),
        document_id=document_id,
        code=_read_code(fields.group("Code"), document_id, notes=notes),
        promulgation=Promulgation(place=issue.text("Place"), date=issue.date("PromulgationDate")),
        document_type=DocumentType(
            name=kind.text("TypeName"),
            group=kind.number("Type") or 0,
            detail=kind.number("TypeDetail"),
        ),
        subject=fields.text("Subject"),
        content=fields.text("Content"),
        signer=SignerInfo(
            competence=signer.text("Competence"),
            position=signer.text("Position"),
            full_name=signer.text("FullName"),
        ),
        due_on=fields.date("DueDate"),
        priority=other.code("Priority", Priority),
        other=_read_other(other),
        responses=tuple(_read_response(each) for each in fields.groups("ResponseFor")),
        steering=fields.code("SteeringType", SteeringType),
        places=tuple(
            place for group in fields.groups("ToPlaces") for place in group.texts("Place")
        ),
        business=business,
        traces=_read_traces(route),
        attachments=attachments,
        task_codes=fields.group("ResponseForTask").texts("TaskCode"),
        application_type=fields.text("ApplicationType"),
    )


def _read_code(fields: Fields, document_id: str, *, notes: Notes) -> DocumentCode:
    number, notation = fields.text("CodeNumber"), fields.text("CodeNotation")
    if not number and not notation:
        number, _, notation = _code_in(document_id, notes).partition("/")
    return DocumentCode(number=number, notation=notation)


def _code_in(document_id: str, notes: Notes) -> str:
    """Take the code out of an id of the usual form `H56,2026/11/20,1234/UBND`, as a last resort."""
    parts = document_id.split(",")
    if len(parts) != 3:
        return ""
    notes.warn(WarningCode.CODE_TAKEN_FROM_ID, "DocumentId", detail=document_id)
    return parts[2].strip()


def _read_party(fields: Fields) -> Party:
    return Party(
        organ_id=fields.organ_id("OrganId"),
        name=fields.text("OrganName"),
        superior=fields.text("OrganizationInCharge"),
        address=fields.text("OrganAdd"),
        email=fields.text("Email"),
        telephone=fields.text("Telephone"),
        fax=fields.text("Fax"),
        website=fields.text("Website"),
    )


def _read_recipients(fields: Fields, notes: Notes) -> tuple[Party, ...]:
    """Read all recipients, each body once however often it is named."""
    merged: dict[OrganId | int, Party] = {}
    for position, group in enumerate(fields.groups("To")):
        party = _read_party(group)
        if party.organ_id and party.organ_id in merged:
            notes.warn(WarningCode.RECIPIENT_REPEATED, group.path, detail=party.organ_id)
        else:
            merged[party.organ_id or position] = party
    return tuple(merged.values())


def _read_other(fields: Fields) -> OtherInfo:
    return OtherInfo(
        sphere=fields.text("SphereOfPromulgation"),
        typist=fields.text("TyperNotation"),
        copies=fields.number("PromulgationAmount"),
        pages=fields.number("PageAmount"),
        direction=fields.flag("Direction"),
        appendixes=tuple(
            title for group in fields.groups("Appendixes") for title in group.texts("Appendix")
        ),
        reply_fors=fields.list_of_texts("ReplyFors"),
        reference_codes=fields.list_of_texts("ReferenceCodes"),
    )


def _read_response(fields: Fields) -> ResponseFor:
    return ResponseFor(
        organ_id=fields.organ_id("OrganId"),
        code=fields.text("Code"),
        promulgated_on=fields.date("PromulgationDate"),
        document_id=fields.text("DocumentId"),
    )


def _read_staff(fields: Fields) -> StaffInfo | None:
    staff = StaffInfo(
        department=fields.text("Department"),
        name=fields.text("Staff"),
        email=fields.text("Email"),
        mobile=fields.text("Mobile"),
    )
    return None if staff == StaffInfo() else staff


def _read_traces(route: Fields) -> tuple[Trace, ...]:
    read = (
        Trace(organ_id=hop.organ_id("OrganId"), at=hop.instant("Timestamp"))
        for hop in route.groups("TraceHeader")
    )
    return tuple(trace for trace in read if trace.organ_id or trace.at)


def _business_part(header: Fields, route: Fields, *, notes: Notes) -> Fields:
    """Find the business part, also where it does not belong: a recall must not pass for new."""
    for place in (route, *route.groups("TraceHeader"), header):
        found = place.group("Bussiness")
        if found.node.children:
            if place is not route:
                notes.warn(WarningCode.ELEMENT_MISPLACED, f"{place.path}/Bussiness")
            return found
    return route.group("Bussiness")


def _read_business(fields: Fields, notes: Notes) -> Business:
    """Read the business part; a message without one brings a new document."""
    kind = fields.code("BussinessDocType", BusinessKind)
    target = fields.text("DocumentId")
    if kind not in (BusinessKind.RECALL, BusinessKind.UPDATE) and target:
        # The vendor's own samples of new documents carry one. It must not act upon anything.
        notes.warn(WarningCode.BUSINESS_PART_STRAY, f"{fields.path}/DocumentId", detail=target)
        target = ""
    return Business(
        kind=kind,
        reason=fields.text("BussinessDocReason"),
        target_document_id=target,
        paper=fields.flag("Paper") or False,
        staff=_read_staff(fields.group("StaffInfo")),
        updated=_read_updated(fields.group("BussinessDocumentInfo"), notes),
        replacements=tuple(
            Replacement(
                document_id=each.text("DocumentId"),
                organ_ids=tuple(
                    OrganId(text) for text in each.group("OrganIdList").texts("OrganId")
                ),
            )
            for each in fields.group("ReplacementInfoList").groups("ReplacementInfo")
        ),
    )


def _read_updated(fields: Fields, notes: Notes) -> UpdatedParts | None:
    if not fields.node.children:
        return None
    return UpdatedParts(
        document_changed=fields.flag("DocumentInfo") or False,
        receivers_changed=fields.flag("DocumentReceiver") or False,
        receivers=tuple(_read_changes(fields.group("ReceiverList"), notes)),
    )


def _read_changes(fields: Fields, notes: Notes) -> Iterator[ReceiverChange]:
    """Read who is added or removed; neither is assumed of whom the message says neither."""
    for each in fields.groups("Receiver"):
        added, organ_id = each.flag("ReceiverType"), each.organ_id("OrganId")
        if added is None:
            path = f"{each.path}/ReceiverType"
            notes.warn(WarningCode.VALUE_UNREADABLE, path, detail=organ_id)
        else:
            yield ReceiverChange(organ_id=organ_id, added=added)
