"""Messages as other makers write them, by the shapes seen in service: all read, oddities named."""

from __future__ import annotations

import base64
import datetime as dt
import io
import zipfile

import pytest

from exchange.agency import OrganId
from exchange.edxml import ReadDocument, ReadErrors, ReportedError, WarningCode, read_edxml
from exchange.envelope import BusinessKind, Priority, ReceiverChange, Replacement, StatusCode, Trace
from exchange.errors import EnvelopeIncomplete
from tests.support.envelopes import NAMESPACE, PDF, read_document, read_status

W = WarningCode

FROM = """<edXML:From>
  <edXML:OrganId>000.00.00.G22</edXML:OrganId>
  <edXML:OrganizationInCharge>Văn phòng Chính phủ</edXML:OrganizationInCharge>
  <edXML:OrganName>Văn phòng Chính phủ</edXML:OrganName>
  <edXML:OrganAdd>Số 1 Hoàng Hoa Thám, Hà Nội</edXML:OrganAdd>
  <edXML:Telephone>(84-4) 3821 5137</edXML:Telephone>
</edXML:From>"""
TO = """<edXML:To><edXML:OrganId>{}</edXML:OrganId>
<edXML:OrganName>UBND tỉnh</edXML:OrganName></edXML:To>"""
ID = "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
HEADER = f"""{FROM}{TO.format("000.00.00.H41")}{TO.format("000.00.00.H14")}
<edXML:DocumentId>{ID}</edXML:DocumentId>
<edXML:Code><edXML:CodeNumber>7816</edXML:CodeNumber>
  <edXML:CodeNotation>VPCP-TTĐT</edXML:CodeNotation></edXML:Code>
<edXML:PromulgationInfo><edXML:Place>Hà Nội</edXML:Place>
  <edXML:PromulgationDate>2019/04/11</edXML:PromulgationDate></edXML:PromulgationInfo>
<edXML:DocumentType><edXML:Type>1</edXML:Type><edXML:TypeDetail>0</edXML:TypeDetail>
  <edXML:TypeName>Công văn</edXML:TypeName></edXML:DocumentType>
<edXML:Subject>V/v kết nối</edXML:Subject><edXML:Content>V/v kết nối</edXML:Content>
<edXML:SignerInfo><edXML:Competence>TL. BỘ TRƯỞNG</edXML:Competence>
  <edXML:Position>Cục trưởng</edXML:Position><edXML:FullName>Trần Văn Ví Dụ</edXML:FullName>
</edXML:SignerInfo>
<edXML:DueDate>2019/04/11</edXML:DueDate>
<edXML:OtherInfo><edXML:Priority>3</edXML:Priority>
  <edXML:SphereOfPromulgation>Liên thông văn bản quốc gia</edXML:SphereOfPromulgation>
  <edXML:TyperNotation>TVC</edXML:TyperNotation>
  <edXML:PromulgationAmount>2</edXML:PromulgationAmount><edXML:PageAmount>22</edXML:PageAmount>
  <edXML:Direction>false</edXML:Direction>
  <edXML:Appendixes><edXML:Appendix>Phụ lục</edXML:Appendix></edXML:Appendixes>
</edXML:OtherInfo>
<edXML:SteeringType>1</edXML:SteeringType>
<edXML:ToPlaces><edXML:Place>Các bộ</edXML:Place>
<edXML:Place>Lưu: VT</edXML:Place></edXML:ToPlaces>"""
TRACE = """<edXML:TraceHeader><edXML:OrganId>000.00.00.G22</edXML:OrganId>
<edXML:Timestamp>2019/04/11 00:00:00</edXML:Timestamp></edXML:TraceHeader>"""
STAFF = """<edXML:StaffInfo><edXML:Department>Văn thư</edXML:Department>
<edXML:Staff>Nguyễn Thị Ví Dụ</edXML:Staff><edXML:Mobile>84912000001</edXML:Mobile>
<edXML:Email>vanthu@example.gov.vn</edXML:Email></edXML:StaffInfo>"""
# The constants that SDKs copy from the regulation's example: without the namespace of signatures.
DECORATION = """<Signature><SignedInfo><CanonicalizationMethod
Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/><Reference URI=""><DigestValue>FwgI=
</DigestValue></Reference></SignedInfo><KeyInfo><X509Data><X509SubjectName>CN=user05
</X509SubjectName></X509Data></KeyInfo></Signature>"""


def business(kind: int, reason: str = "Lý do", *, inner: str = "") -> str:
    return f"""<edXML:Bussiness><edXML:BussinessDocType>{kind}</edXML:BussinessDocType>
<edXML:BussinessDocReason>{reason}</edXML:BussinessDocReason><edXML:Paper>0</edXML:Paper>
{inner}{STAFF}</edXML:Bussiness>"""


def wrapped(content: bytes, name: str) -> bytes:
    """A zip as Java writes it into a stream: the sizes stand behind the data."""

    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, offset: int, whence: int = 0) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    packed = Stream()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"7a71a0ee-2f35-400d-aca9-811d478eb158.{name}", content)
    assert packed.getvalue()[6] & 0x08
    return packed.getvalue()


def message(
    header: str = HEADER,
    *,
    route: str = TRACE + business(0),
    content: bytes = PDF,
    name: str = "van-ban.pdf",
    label: str = "application/pdf",
    link: str = "cid:209",
    more: str = "",
) -> bytes:
    encoded = base64.b64encode(content).decode()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}"><edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}"><edXML:edXMLHeader>
<edXML:MessageHeader>{header}</edXML:MessageHeader>
<edXML:TraceHeaderList>{route}</edXML:TraceHeaderList>{more}</edXML:edXMLHeader>
<edXML:edXMLBody><edXML:edXMLManifest version="1.0"><edXML:Reference>
<edXML:ContentId>cid:209</edXML:ContentId><edXML:ContentType>{label}</edXML:ContentType>
<edXML:AttachmentName>{name}</edXML:AttachmentName></edXML:Reference></edXML:edXMLManifest>
</edXML:edXMLBody></edXML:edXMLEnvelope><AttachmentEncoded><Attachment>
<ContentId>{link}</ContentId><AttachmentName>{name}</AttachmentName>
<ContentType>{label}</ContentType>
<edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">{encoded}</edXML:ContentTransferEncoded>
</Attachment></AttachmentEncoded></edXML>""".encode()


def codes(read: ReadDocument) -> set[WarningCode]:
    return {warning.code for warning in read.warnings}


def test_the_vendors_new_document_with_its_decoration_and_its_wrapped_file() -> None:
    stray = "<edXML:DocumentId>000.00.00.G22,2014/02/30,7806/VPCP-TTĐT</edXML:DocumentId>"
    part = business(0, "Văn bản điện tử mới").replace("Bussiness>", f"Bussiness>{stray}", 1)
    doc = b"\xd0\xcf\x11\xe0" + bytes(90)
    read = read_document(
        message(
            route=part + TRACE,  # this SDK writes the business part first
            content=wrapped(doc, "doc"),
            name="1896_QD-TTg_m_294779.doc",
            label="application/zip",
            more=DECORATION,
        )
    )
    envelope = read.envelope
    assert (envelope.sender.organ_id, envelope.document_id) == ("000.00.00.G22", ID)
    assert [each.organ_id for each in envelope.recipients] == ["000.00.00.H41", "000.00.00.H14"]
    assert (str(envelope.code), envelope.priority) == ("7816/VPCP-TTĐT", Priority.EXPRESS)
    assert (envelope.business.kind, envelope.target_document_ids) == (BusinessKind.NEW, ())
    assert envelope.business.staff is not None
    assert envelope.business.staff.mobile == "84912000001"
    assert envelope.places == ("Các bộ", "Lưu: VT")
    assert (envelope.other.direction, envelope.other.pages) == (False, 22)
    (found,) = read.attachments
    assert (found.content, found.ref.media_type) == (doc, "application/msword")
    assert codes(read) == {
        W.BUSINESS_PART_STRAY,
        W.ENVELOPE_SIGNATURE_NOT_VERIFIABLE,
        W.ATTACHMENT_UNWRAPPED,
        W.MEDIA_TYPE_CORRECTED,
    }


def test_a_document_as_the_platform_hands_it_out() -> None:
    nobody = TRACE.replace("000.00.00.G22", "null")
    at = "<edXML:Timestamp>2025/10/23 16:28:43</edXML:Timestamp>"
    nowhere = f"<edXML:TraceHeader>{at}</edXML:TraceHeader>"
    header = HEADER.replace("<edXML:OrganName>Văn phòng Chính phủ</edXML:OrganName>", "")
    header = header.replace("000.00.00.G22</", "vxp.saas.03</").replace("7816<", "BINTEST123<")
    read = read_document(
        message(header, route=nobody + nowhere, content=wrapped(PDF, "pdf"), label="text/plain")
    )
    assert read.envelope.sender.organ_id == "vxp.saas.03"
    assert read.envelope.business.kind is BusinessKind.NEW
    assert read.envelope.traces == (
        Trace(organ_id=OrganId(""), at=dt.datetime(2019, 4, 10, 17, tzinfo=dt.UTC)),
        Trace(organ_id=OrganId(""), at=dt.datetime(2025, 10, 23, 9, 28, 43, tzinfo=dt.UTC)),
    )
    (found,) = read.attachments
    assert (found.content, found.ref.media_type) == (PDF, "application/pdf")
    assert {"From/OrganId", "From/OrganName", "Bussiness/BussinessDocReason"} <= {
        each.path for each in read.warnings if each.code is W.FIELD_AGAINST_RULES
    }


def test_a_document_of_the_sdk_that_writes_links_its_own_way() -> None:
    text = message(link="209", more="<edXML:DigitalSignature/>").decode()
    text = text.replace(
        "<edXML:TraceHeaderList>",
        '<edXML:TraceHeaderList id="1" version="1.0" mustUnderstand="1"'
        ' actor="http://schemas.xmlsoap.org/soap/actor/next">',
    )
    text = text.replace(
        "<edXML:Reference>", '<edXML:Reference xlink:type="simple" xlink:href="cid:209">'
    )
    text = text.replace("Bussiness", "Business")
    read = read_document("1212" + text)
    assert codes(read) == {W.JUNK_BEFORE_DECLARATION, W.PREFIX_UNBOUND}
    assert read.attachments[0].ref.content_id == "209"
    assert read.envelope.business.reason == "Lý do"


def test_the_order_of_the_regulation_with_the_identifier_last() -> None:
    document_id = f"<edXML:DocumentId>{ID}</edXML:DocumentId>"
    assert document_id in HEADER
    moved = HEADER.replace(document_id, "") + document_id
    assert read_document(message(moved)) == read_document(message())


def test_junk_may_stand_before_a_root_without_declaration() -> None:
    text = message().partition(b"?>\n")[2]
    read = read_document(b"\x00\x1f1212 " + text)
    assert codes(read) == {W.JUNK_BEFORE_DECLARATION}


def test_an_encoding_that_is_only_declared_is_noted() -> None:
    read = read_document(message().replace(b'encoding="UTF-8"', b'encoding="utf-16"'))
    assert [(each.code, each.detail) for each in read.warnings] == [
        (W.ENCODING_MISDECLARED, "utf-16")
    ]


def test_a_recall_names_its_target_in_the_header_alone() -> None:
    read = read_document(message(route=TRACE + business(1, "Sai thể thức")))
    assert read.envelope.business.kind is BusinessKind.RECALL
    assert read.envelope.target_document_ids == (ID,)


def test_an_update_names_another_document_and_both_kinds_of_change() -> None:
    other = "000.00.00.G22,2014/02/30,7806/VPCP-TTĐT"
    receivers = "".join(
        f"<edXML:Receiver>{parts}</edXML:Receiver>"
        for parts in (
            "<edXML:OrganId>000.00.00.H41</edXML:OrganId><edXML:ReceiverType>0</edXML:ReceiverType>",
            "<edXML:ReceiverType>1</edXML:ReceiverType><edXML:OrganId>000.00.00.H14</edXML:OrganId>",
            "<edXML:OrganId>000.00.00.H53</edXML:OrganId><edXML:ReceiverType>x</edXML:ReceiverType>",
            "<edXML:OrganId>000.00.00.H54</edXML:OrganId>",
        )
    )
    inner = f"""<edXML:DocumentId>{other}</edXML:DocumentId><edXML:BussinessDocumentInfo>
<edXML:DocumentInfo>1</edXML:DocumentInfo><edXML:DocumentReceiver>1</edXML:DocumentReceiver>
<edXML:ReceiverList>{receivers}</edXML:ReceiverList></edXML:BussinessDocumentInfo>"""
    read = read_document(message(route=TRACE + business(2, inner=inner)))
    updated = read.envelope.business.updated
    assert read.envelope.target_document_ids == (other,)
    assert updated is not None
    assert (updated.document_changed, updated.receivers_changed) == (True, True)
    # Of whom the message doesn't say which, neither is assumed.
    assert updated.receivers == (
        ReceiverChange(organ_id=OrganId("000.00.00.H41"), added=False),
        ReceiverChange(organ_id=OrganId("000.00.00.H14"), added=True),
    )
    assert [each.detail for each in read.warnings if each.code is W.VALUE_UNREADABLE] == [
        *("x", "000.00.00.H53", "000.00.00.H54")
    ]


def test_a_replacement_names_several_documents_each_with_its_recipients() -> None:
    infos = "".join(
        f"""<edXML:ReplacementInfo><edXML:DocumentId>{document}</edXML:DocumentId>
<edXML:OrganIdList><edXML:OrganId>000.00.00.H41</edXML:OrganId>
<edXML:OrganId>H56.90</edXML:OrganId></edXML:OrganIdList></edXML:ReplacementInfo>"""
        for document in ("first", "second")
    )
    inner = f"<edXML:ReplacementInfoList>{infos}</edXML:ReplacementInfoList>"
    read = read_document(message(route=TRACE + business(3, inner=inner)))
    assert read.envelope.target_document_ids == ("first", "second")
    receivers = (OrganId("000.00.00.H41"), OrganId("H56.90"))
    assert read.envelope.business.replacements == (
        Replacement(document_id="first", organ_ids=receivers),
        Replacement(document_id="second", organ_ids=receivers),
    )


@pytest.mark.parametrize("place", ["in a hop", "in the header"])
def test_a_recall_that_stands_elsewhere_does_not_pass_for_a_new_document(place: str) -> None:
    recall = business(1)
    if place == "in a hop":
        route, more = TRACE.replace("</edXML:TraceHeader>", recall + "</edXML:TraceHeader>"), ""
    else:
        route, more = TRACE, recall
    read = read_document(message(route=route, more=more))
    assert read.envelope.business.kind is BusinessKind.RECALL
    assert W.ELEMENT_MISPLACED in codes(read)


def test_extensions_of_the_vendors_sdk_are_kept_and_noted() -> None:
    header = HEADER.replace(
        "<edXML:Direction>",
        "<edXML:ReplyFors><edXML:ReplyFor>A</edXML:ReplyFor><edXML:ReplyFor>B</edXML:ReplyFor>"
        "</edXML:ReplyFors><edXML:ReferenceCodes>12/UBND</edXML:ReferenceCodes><edXML:Direction>",
    )
    header += (
        "<edXML:ResponseForTask><edXML:TaskCode>T1</edXML:TaskCode><edXML:TaskCode>T2</edXML:TaskCode>"
        "</edXML:ResponseForTask><edXML:ApplicationType>MCDT_DT</edXML:ApplicationType>"
    )
    text = message(header).replace(b"<ContentType>", b"<Format>pdf</Format><ContentType>", 1)
    read = read_document(text)
    assert read.envelope.other.reply_fors == ("A", "B")
    assert read.envelope.other.reference_codes == ("12/UBND",)
    assert read.envelope.task_codes == ("T1", "T2")
    assert read.envelope.application_type == "MCDT_DT"
    assert codes(read) == {W.EXTENSION_KEPT}
    assert [each.text for each in read.extras] == ["pdf"]


@pytest.mark.parametrize(
    ("organ_id", "rule_broken"),
    [
        *(("H56", False), ("H56.90.01", False), ("G12.18", False), ("000.00.00.H56", False)),
        *(("H56." + "A" * 31, False), ("2800000000", False), ("2800000000-001", False)),
        *(("001.00.20.JB2", False), ("TT2", False), ("00.53.W00", False), ("28.22.H17", False)),
        *(("vxp.saas.03", True), ("H56." + "A" * 32, True), ("H56 90", True)),
    ],
)
def test_identifiers_of_every_scheme_are_kept_as_written(organ_id: str, rule_broken: bool) -> None:
    read = read_document(message(HEADER.replace("000.00.00.H41", f" {organ_id}\n")))
    assert read.envelope.recipients[0].organ_id == organ_id
    assert (W.FIELD_AGAINST_RULES in codes(read)) is rule_broken


def status(code: str, *, element: str = "MessageHeader", at: str = "2015/09/20 11:08:36") -> str:
    about = f"""<edXML:ResponseFor><edXML:OrganId>000.00.00.G22</edXML:OrganId>
<edXML:Code>7816/VPCP-TTĐT</edXML:Code><edXML:PromulgationDate>2015/09/30</edXML:PromulgationDate>
<edXML:DocumentId>{ID}</edXML:DocumentId></edXML:ResponseFor>"""
    parts = [
        FROM.replace("G22", "H41"),
        about,
        STAFF,
        f"<edXML:StatusCode>{code}</edXML:StatusCode>",
        "<edXML:Description>Đang xử lý văn bản đến</edXML:Description>",
        f"<edXML:Timestamp>{at}</edXML:Timestamp>",
    ]
    # The other family writes the document first, and leaves its empty fields standing.
    if element == "Status":
        parts = [
            about,
            parts[0].replace("<edXML:OrganAdd>", "<edXML:Fax/><edXML:OrganAdd>"),
            *parts[3:],
            STAFF,
        ]
    return f"""<edXML xmlns="{NAMESPACE}"><edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">
<edXML:edXMLHeader><edXML:{element}>{"".join(parts)}</edXML:{element}></edXML:edXMLHeader>
</edXML:edXMLEnvelope></edXML>"""


@pytest.mark.parametrize("element", ["MessageHeader", "Status"])
@pytest.mark.parametrize("code", list(StatusCode))
def test_statuses_of_both_families_are_read(code: StatusCode, element: str) -> None:
    for written in (code.value, code.value.removeprefix("0")):
        read = read_status(status(written, element=element))
        assert (read.status.status, read.status.document_id) == (code, ID)
        assert (read.status.sender.organ_id, read.status.addressee) == (
            "000.00.00.H41",
            "000.00.00.G22",
        )
        assert read.status.staff is not None
        assert read.status.reported_at == dt.datetime(2015, 9, 20, 4, 8, 36, tzinfo=dt.UTC)
        assert read.warnings == ()


@pytest.mark.parametrize(
    "at",
    [
        *("20/09/2015 11:08:36", "20-09-2015 11:08:36", "2015-09-20T11:08:36.1234567+07:00"),
        *("2015-09-20T04:08:36Z", "20/09/2015 11:08:36 SA", "2015/09/20 11:08:36 AM"),
    ],
)
def test_the_time_of_a_status_in_other_spellings_is_read_and_noted(at: str) -> None:
    read = read_status(status("05", at=at))
    assert read.status.reported_at == dt.datetime(2015, 9, 20, 4, 8, 36, tzinfo=dt.UTC)
    assert [each.code for each in read.warnings] == [W.DATE_UNUSUAL]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+07:00"])
def test_a_time_beyond_the_calendar_is_unknown(at: str) -> None:
    assert read_status(status("05", at=at)).status.reported_at is None


def test_a_date_that_was_written_as_an_instant_is_the_day_in_vietnam() -> None:
    read = read_document(message(HEADER.replace("2019/04/11<", "2019-04-10T17:00:00Z<", 1)))
    assert read.envelope.promulgation.date == dt.date(2019, 4, 11)
    assert codes(read) == {W.DATE_UNUSUAL}


def test_a_status_without_its_code_is_incomplete() -> None:
    with pytest.raises(EnvelopeIncomplete, match="StatusCode"):
        read_edxml(status(" ", element="Status").encode())


ERRORS = """<edXML:ErrorList><edXML:Error><edXML:Code>N.MessageHeader.From.OrganId</edXML:Code>
<edXML:Description>OrganId is null</edXML:Description></edXML:Error>
<edXML:Error><edXML:Code>R.MessageHeader.Subject</edXML:Code></edXML:Error></edXML:ErrorList>"""


@pytest.mark.parametrize("place", ["header", "envelope", "report", "beside its header"])
def test_the_errors_of_an_axis_are_read_wherever_they_stand(place: str) -> None:
    header = f"<edXML:MessageHeader>{HEADER}</edXML:MessageHeader>"
    inner = {
        "header": f"<edXML:edXMLHeader>{ERRORS}</edXML:edXMLHeader>",
        "envelope": ERRORS,
        "report": f"<edXML:Report><edXML:IsSuccess/>{ERRORS}</edXML:Report>",
        "beside its header": f"<edXML:edXMLHeader>{header}{ERRORS}</edXML:edXMLHeader>",
    }[place]
    text = f"""<edXML xmlns="{NAMESPACE}"><edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">{inner}
</edXML:edXMLEnvelope></edXML>"""
    read = read_edxml(text.encode())
    assert isinstance(read, ReadErrors)
    assert read.errors == (
        ReportedError(code="N.MessageHeader.From.OrganId", description="OrganId is null"),
        ReportedError(code="R.MessageHeader.Subject"),
    )
    assert read.document_id == (ID if place == "beside its header" else "")


def test_errors_beside_a_document_are_kept_with_it() -> None:
    read = read_document(message(more=ERRORS))
    assert len(read.errors) == 2
    assert codes(read) == {W.ERRORS_REPORTED}


def test_attachments_inside_the_envelope_are_not_lost() -> None:
    text = message().decode()
    start, end = text.index("<AttachmentEncoded>"), text.index("</edXML>")
    inside = text[start:end]
    text = text.replace(inside, "").replace(
        "</edXML:edXMLEnvelope>", inside + "</edXML:edXMLEnvelope>"
    )
    read = read_document(text)
    assert read.attachments[0].content == PDF
    assert codes(read) == {W.ELEMENT_MISPLACED}


def test_labels_that_contradict_each_other_are_noted() -> None:
    text = message().decode()
    again = text.partition("<edXML:Reference>")[2].partition("</edXML:Reference>")[0]
    text = text.replace(
        "</edXML:Reference>", f"</edXML:Reference><edXML:Reference>{again}</edXML:Reference>"
    )
    text = text.replace("<AttachmentName>van-ban.pdf", "<AttachmentName>khac.pdf")
    read = read_document(text)
    assert codes(read) == {W.REFERENCE_REPEATED, W.ATTACHMENT_LABELS_DIFFER}
    assert read.attachments[0].ref.file_name == "khac.pdf"
