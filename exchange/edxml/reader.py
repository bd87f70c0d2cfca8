"""The tolerant reader: from anyone's edXML to an envelope or a status, with warnings. Pure.

Whatever can be understood is: any order, case, prefix and spelling of elements, many spellings of
dates, labels that lie. What is odd is kept and noted in a warning; only what cannot be read safely
is refused, with one of the errors under EnvelopeInvalid. Everything here is picklable, for it runs
in the sandbox.
"""

from exchange.agency import OrganId
from exchange.edxml.attachments import read_attachments
from exchange.edxml.limits import DEFAULT_EDXML_LIMITS, EdxmlLimits
from exchange.edxml.noting import Fields, Notes, unused_elements
from exchange.edxml.parsing import Node, folded, parse_tree
from exchange.edxml.result import (
    RawElement,
    ReadAttachment,
    ReadDocument,
    ReadMessage,
    ReadStatus,
    WarningCode,
)
from exchange.edxml.values import NAMESPACE
from exchange.envelope import (
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
from exchange.envelope.strictness import document_problems, status_problems
from exchange.errors import EdxmlUnsupported, EnvelopeIncomplete


def read_edxml(content: bytes, *, limits: EdxmlLimits = DEFAULT_EDXML_LIMITS) -> ReadMessage:
    """Read an edXML message, a document with its attachments or a status.

    Raises:
        EdxmlMalformed: not well-formed XML.
        EdxmlDoctypeRefused: a DOCTYPE is declared, in whatever encoding.
        EdxmlTooLarge: a limit is exceeded.
        EdxmlUnsupported: another root, namespace, encoding or status code.
        EnvelopeIncomplete: there is no message header at all.

    """
    root, junk = parse_tree(content, limits=limits)
    if root.namespace != NAMESPACE or root.key != folded("edXML"):
        # The namespace also carries malware reports (root edXMLEnvelope); there are older formats
        # too.
        raise EdxmlUnsupported("the root is not edXML of QCVN 102:2016")
    notes = Notes(limits)
    if junk.strip():
        notes.warn(
            WarningCode.JUNK_BEFORE_DECLARATION, "", detail=junk.decode("ascii", "backslashreplace")
        )
    message = Fields(root, path="", notes=notes)
    envelope = message.group("edXMLEnvelope")
    header = Fields(envelope.group("edXMLHeader").node, path="", notes=notes)
    fields = Fields(header.group("MessageHeader", "Status").node, path="", notes=notes)
    if not fields.node.children:
        raise EnvelopeIncomplete("is missing", field="MessageHeader")
    if any(child.key == folded("StatusCode") for child in fields.node.children):
        status = _read_status(fields, notes)
        for problem in status_problems(status):
            notes.warn(WarningCode.FIELD_AGAINST_RULES, problem.field, detail=problem.detail)
        extras = _extras(root, notes)
        return ReadStatus(status=status, warnings=notes.warnings, extras=extras)
    attachments = read_attachments(message, envelope, notes=notes, limits=limits)
    document = _read_document(fields, header, attachments=attachments, notes=notes)
    for problem in document_problems(document):
        notes.warn(WarningCode.FIELD_AGAINST_RULES, problem.field, detail=problem.detail)
    extras = _extras(root, notes)
    return ReadDocument(
        envelope=document, attachments=attachments, warnings=notes.warnings, extras=extras
    )


def _extras(root: Node, notes: Notes) -> tuple[RawElement, ...]:
    extras = tuple(unused_elements(root))
    for extra in extras:
        # No envelope signature survives the platform's rewriting; it is kept, shown and not relied
        # on.
        signature = extra.path.rpartition("/")[2].casefold() in ("signature", "digitalsignature")
        code = WarningCode.ENVELOPE_SIGNATURE_NOT_VERIFIABLE
        notes.warn(code if signature else WarningCode.ELEMENT_UNKNOWN, extra.path)
    return extras


def _read_status(fields: Fields, notes: Notes) -> StatusMessage:
    about = fields.group("ResponseFor")
    document_id = about.text("DocumentId")
    document_code = about.text("Code")
    code = fields.text("StatusCode")
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


def _read_document(
    fields: Fields, header: Fields, *, attachments: tuple[ReadAttachment, ...], notes: Notes
) -> Envelope:
    document_id = fields.text("DocumentId")
    issue = fields.group("PromulgationInfo")
    kind = fields.group("DocumentType")
    signer = fields.group("SignerInfo")
    other = fields.group("OtherInfo")
    route = header.group("TraceHeaderList")
    business = _read_business(route.group("Bussiness"), notes)
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
        places=fields.group("ToPlaces").texts("Place"),
        business=business,
        traces=_read_traces(route),
        attachments=tuple(each.ref for each in attachments),
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
        appendixes=fields.group("Appendixes").texts("Appendix"),
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
        updated=_read_updated(fields.group("BussinessDocumentInfo")),
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


def _read_updated(fields: Fields) -> UpdatedParts | None:
    if not fields.node.children:
        return None
    return UpdatedParts(
        document_changed=fields.flag("DocumentInfo") or False,
        receivers_changed=fields.flag("DocumentReceiver") or False,
        receivers=tuple(
            ReceiverChange(
                organ_id=each.organ_id("OrganId"), added=each.flag("ReceiverType") or False
            )
            for each in fields.group("ReceiverList").groups("Receiver")
        ),
    )
