"""The elements of an edXML message of ours, in the order of the national platform. Pure."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from exchange.edxml.values import write_date, write_instant
from exchange.envelope import (
    AttachmentRef,
    Business,
    Envelope,
    OtherInfo,
    Party,
    Priority,
    Replacement,
    ResponseFor,
    StaffInfo,
    StatusMessage,
    UpdatedParts,
)

Element = tuple[str, "str | list[Element]"]
"""A name without prefix, and either a text or the child elements."""


def document_header(envelope: Envelope) -> Element:
    """Give the header of a document: the message header and the trace."""
    traces: list[Element] = [
        ("TraceHeader", _fields(OrganId=hop.organ_id, Timestamp=write_instant(hop.at)))
        for hop in envelope.traces
    ]
    business: Element = ("Bussiness", _business(envelope.business))
    return (
        "edXMLHeader",
        [
            ("MessageHeader", list(_message_header(envelope))),
            ("TraceHeaderList", [*traces, business]),
        ],
    )


def status_header(status: StatusMessage) -> Element:
    """Give the header of a status message, which is all there is of it."""
    about = ResponseFor(
        organ_id=status.addressee,
        code=status.document_code,
        promulgated_on=status.promulgated_on,
        document_id=status.document_id,
    )
    fields: list[Element] = [
        ("From", _party(status.sender)),
        ("ResponseFor", _response(about)),
        *_staff(status.staff),
        ("StatusCode", status.status.value),
        *_fields(Description=status.description, Timestamp=write_instant(status.reported_at)),
    ]
    return ("edXMLHeader", [("MessageHeader", fields)])


def render(element: Element, depth: int, *, prefix: str = "edXML:") -> Iterator[str]:
    """Write an element as lines, two blanks deeper for each level."""
    name, content = element
    blanks = "  " * depth
    if isinstance(content, str):
        yield f"{blanks}<{prefix}{name}>{_escape(content)}</{prefix}{name}>\n"
        return
    yield f"{blanks}<{prefix}{name}>\n"
    for child in content:
        yield from render(child, depth + 1, prefix=prefix)
    yield f"{blanks}</{prefix}{name}>\n"


def render_reference(ref: AttachmentRef, depth: int) -> Iterator[str]:
    """Write an attachment's entry in the manifest."""
    fields = _fields(
        ContentId=f"cid:{ref.content_id}",
        ContentType=ref.media_type,
        Description=ref.description,
        AttachmentName=ref.file_name,
    )
    return render(("Reference", fields), depth)


def render_attachment(ref: AttachmentRef, depth: int) -> Iterator[str]:
    """Write what stands before an attachment's content; the order differs from the manifest's."""
    fields = _fields(
        ContentId=f"cid:{ref.content_id}",
        AttachmentName=ref.file_name,
        Description=ref.description,
        ContentType=ref.media_type,
    )
    for field in fields:
        yield from render(field, depth, prefix="")


def _message_header(envelope: Envelope) -> Iterator[Element]:
    """Give the components in the order of the national platform, not of the regulation."""
    code, issue, kind = envelope.code, envelope.promulgation, envelope.document_type
    signer = envelope.signer
    yield ("From", _party(envelope.sender))
    for recipient in envelope.recipients:
        yield ("To", _party(recipient))
    yield ("DocumentId", envelope.document_id)
    yield ("Code", _fields(CodeNumber=code.number, CodeNotation=code.notation))
    issued_on = write_date(issue.date)
    yield ("PromulgationInfo", _fields(Place=issue.place, PromulgationDate=issued_on))
    yield (
        "DocumentType",
        _fields(Type=kind.group, TypeDetail=kind.detail, TypeName=kind.name),
    )
    yield from _fields(Subject=envelope.subject, Content=envelope.content)
    yield (
        "SignerInfo",
        _fields(Competence=signer.competence, Position=signer.position, FullName=signer.full_name),
    )
    yield from _fields(DueDate=write_date(envelope.due_on))
    yield ("OtherInfo", _other(envelope.priority, envelope.other))
    for response in envelope.responses:
        yield ("ResponseFor", _response(response))
    yield ("SteeringType", str(envelope.steering.value))
    if envelope.places:
        yield ("ToPlaces", [("Place", place) for place in envelope.places])


def _party(party: Party) -> list[Element]:
    return _fields(
        OrganId=party.organ_id,
        OrganizationInCharge=party.superior,
        OrganName=party.name,
        OrganAdd=party.address,
        Email=party.email,
        Telephone=party.telephone,
        Fax=party.fax,
        Website=party.website,
    )


def _other(priority: Priority, other: OtherInfo) -> list[Element]:
    fields = _fields(
        Priority=priority.value,
        SphereOfPromulgation=other.sphere,
        TyperNotation=other.typist,
        PromulgationAmount=other.copies,
        PageAmount=other.pages,
        Direction=None if other.direction is None else str(other.direction).lower(),
    )
    if other.appendixes:
        fields.append(("Appendixes", [("Appendix", title) for title in other.appendixes]))
    return fields


def _response(response: ResponseFor) -> list[Element]:
    return _fields(
        OrganId=response.organ_id,
        Code=response.code,
        PromulgationDate=write_date(response.promulgated_on),
        DocumentId=response.document_id,
    )


def _staff(staff: StaffInfo | None) -> list[Element]:
    if staff is None:
        return []
    fields = _fields(
        Department=staff.department, Staff=staff.name, Email=staff.email, Mobile=staff.mobile
    )
    return [("StaffInfo", fields)]


def _business(business: Business) -> list[Element]:
    fields = _fields(
        DocumentId=business.target_document_id,
        BussinessDocType=business.kind.value,
        BussinessDocReason=business.reason,
        Paper=int(business.paper),
    )
    if business.updated is not None:
        fields.append(("BussinessDocumentInfo", _updated(business.updated)))
    if business.replacements:
        fields.append(("ReplacementInfoList", [_replacement(r) for r in business.replacements]))
    return fields + _staff(business.staff)


def _updated(updated: UpdatedParts) -> list[Element]:
    fields = _fields(
        DocumentInfo=int(updated.document_changed), DocumentReceiver=int(updated.receivers_changed)
    )
    receivers: list[Element] = [
        ("Receiver", _fields(OrganId=each.organ_id, ReceiverType=int(each.added)))
        for each in updated.receivers
    ]
    return [*fields, ("ReceiverList", receivers)] if receivers else fields


def _replacement(replacement: Replacement) -> Element:
    organ_ids: list[Element] = [("OrganId", organ_id) for organ_id in replacement.organ_ids]
    return (
        "ReplacementInfo",
        [("DocumentId", replacement.document_id), ("OrganIdList", organ_ids)],
    )


def _fields(**values: str | int | None) -> list[Element]:
    """Make an element of each value that is there, so that none is ever empty."""
    return [(name, str(value)) for name, value in values.items() if value not in ("", None)]


def _escape(text: str) -> str:
    # A parser turns a bare carriage return into a line feed (XML 1.0 §2.11); a reference survives.
    return escape(text, {"\r": "&#13;"})
