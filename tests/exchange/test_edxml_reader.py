"""The tolerant reader: quirks of other systems' edXML, each made from a message of ours."""

import datetime as dt
import io
import re
import zipfile
from pathlib import Path

import pytest

from exchange.edxml import ReadDocument, WarningCode, write_edxml_status
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.reader import read_edxml
from exchange.envelope import BusinessKind, Priority, StatusCode, SteeringType
from exchange.errors import EdxmlUnsupported, EnvelopeIncomplete
from tests.support.envelopes import (
    NAMESPACE,
    PDF,
    WORKED,
    document_text,
    envelope,
    read_document,
    read_status,
    status,
)

PLAIN = document_text()
STATUS = write_edxml_status(status()).decode()


def codes(read: ReadDocument) -> list[WarningCode]:
    return [warning.code for warning in read.warnings]


def with_field(name: str, text: str, *, source: str = PLAIN) -> str:
    """Give the message with another text in the first element of this name."""
    changed = re.sub(rf"(<edXML:{name}>)[^<]*", lambda m: m[1] + text, source, count=1)
    assert changed != source
    return changed


def zipped(content: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("0b9f.pdf",):
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("junk", ["1212", "\r\n  ", "1212\n"])
def test_junk_before_the_declaration_is_dropped(junk: str) -> None:
    read = read_document(junk + PLAIN)
    assert read.envelope == envelope()
    assert codes(read) == ([WarningCode.JUNK_BEFORE_DECLARATION] if junk.strip() else [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_both_unicode_encodings_are_read_with_and_without_a_mark(encoding: str) -> None:
    declared = PLAIN.replace("UTF-8", "UTF-8" if encoding == "utf-8-sig" else "UTF-16")
    assert read_document(declared.encode(encoding)).envelope == envelope()


def test_an_unbound_xlink_prefix_is_no_obstacle_and_noted() -> None:
    bent = PLAIN.replace("<edXML:Reference>", '<edXML:Reference xlink:href="cid:main">')
    read = read_document(bent)
    assert read.envelope == envelope()
    assert [(w.code, w.detail) for w in read.warnings] == [(WarningCode.PREFIX_UNBOUND, "xlink")]


def test_a_link_given_only_as_an_attribute_joins_reference_and_attachment() -> None:
    bent = re.sub(
        r"<edXML:Reference>\s*<edXML:ContentId>[^<]*</edXML:ContentId>",
        '<edXML:Reference xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="cid:main">',
        PLAIN,
    )
    assert codes(read_document(bent)) == []


@pytest.mark.parametrize("link", ["main", "CID:main", " cid: main "])
def test_the_prefix_of_a_content_id_does_not_matter(link: str) -> None:
    bent = PLAIN.replace("<ContentId>cid:main", f"<ContentId>{link}")
    read = read_document(bent)
    assert read.envelope == envelope()
    assert codes(read) == []


def test_any_prefix_case_and_order_of_elements_is_read() -> None:
    bent = PLAIN.replace("edXML:", "x:").replace("xmlns:edXML", "xmlns:x")
    bent = bent.replace("x:Subject", "x:SUBJECT").replace("x:MessageHeader", "x:messageheader")
    place = re.search(r"\s*<x:SUBJECT>.*</x:SUBJECT>", bent)
    assert place is not None
    bent = bent.replace(place[0], "").replace("<x:From>", place[0] + "<x:From>")
    read = read_document(bent)
    assert read.envelope == envelope()
    assert codes(read) == []


def test_the_order_of_the_regulation_is_read_too() -> None:
    document_id = re.search(r"\s*<edXML:DocumentId>.*</edXML:DocumentId>", PLAIN)
    assert document_id is not None
    bent = PLAIN.replace(document_id[0], "", 1).replace(
        "</edXML:MessageHeader>", document_id[0] + "</edXML:MessageHeader>"
    )
    assert read_document(bent).envelope == envelope()


@pytest.mark.parametrize("path", sorted(WORKED.glob("worked-[1-3]*.edxml")), ids=lambda p: p.stem)
def test_both_spellings_of_business_are_read(path: Path) -> None:
    usual = read_document(path.read_bytes())
    other = read_document(path.read_bytes().replace(b"Bussiness", b"Business"))
    assert other == usual
    assert other.envelope.business.kind is not BusinessKind.NEW


def test_a_message_without_business_part_is_a_new_document() -> None:
    bent = re.sub(r"\s*<edXML:Bussiness>.*</edXML:Bussiness>", "", PLAIN, flags=re.DOTALL)
    assert read_document(bent).envelope.business.kind is BusinessKind.NEW


def test_a_stray_target_of_a_new_document_acts_upon_nothing() -> None:
    stray = "<edXML:Bussiness><edXML:DocumentId>other</edXML:DocumentId>"
    read = read_document(PLAIN.replace("<edXML:Bussiness>", stray))
    assert read.envelope.target_document_ids == ()
    assert codes(read) == [WarningCode.BUSINESS_PART_STRAY]


@pytest.mark.parametrize("text", ["", "  ", "null", "NULL"])
def test_empty_and_null_are_absent_and_noted_where_they_are_needed(text: str) -> None:
    read = read_document(with_field("OrganName", text))
    assert read.envelope.sender.name == ""
    assert [(w.code, w.path) for w in read.warnings] == [
        (WarningCode.FIELD_AGAINST_RULES, "From/OrganName")
    ]


@pytest.mark.parametrize(
    "text",
    ["20/11/2026", "2026-11-20", "20.11.2026", "2026/11/20 08:00:00", "2026-11-20T08:00:00+07:00"],
)
def test_dates_are_read_in_many_spellings(text: str) -> None:
    read = read_document(with_field("PromulgationDate", text))
    assert read.envelope.promulgation.date == dt.date(2026, 11, 20)
    assert codes(read) == [WarningCode.DATE_UNUSUAL]


@pytest.mark.parametrize("text", ["2014/02/30", "0000/00/00", "tháng 11", "99999/1/1", "1/2"])
def test_an_impossible_date_is_unknown_and_noted(text: str) -> None:
    read = read_document(with_field("PromulgationDate", text))
    assert read.envelope.promulgation.date is None
    assert codes(read) == [WarningCode.DATE_IMPOSSIBLE, WarningCode.FIELD_AGAINST_RULES]


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2026/11/20 08:00:00", 1), ("20-11-2026 08:00", 1), ("2026-11-20T08:00:00Z", 8)],
)
def test_times_are_those_of_vietnam_unless_they_say_otherwise(text: str, hour: int) -> None:
    read = read_document(with_field("Timestamp", text))
    assert read.envelope.traces[0].at == dt.datetime(2026, 11, 20, hour, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["2026/11/20 25:00:00", "0001/01/01 00:00:00", "2026/11/20 1:0"])
def test_an_impossible_time_is_unknown_and_noted(text: str) -> None:
    read = read_document(with_field("Timestamp", text))
    assert read.envelope.traces[0].at is None
    assert WarningCode.DATE_IMPOSSIBLE in codes(read)


def test_over_long_fields_are_kept_and_noted() -> None:
    read = read_document(with_field("CodeNumber", "12345678901234"))
    assert read.envelope.code.number == "12345678901234"
    assert codes(read) == [WarningCode.FIELD_AGAINST_RULES]


def test_codes_that_are_not_defined_are_read_as_the_least_and_noted() -> None:
    read = read_document(with_field("Priority", "9", source=with_field("SteeringType", "3")))
    assert read.envelope.priority is Priority.NORMAL
    assert read.envelope.steering is SteeringType.NONE
    assert codes(read) == [WarningCode.VALUE_UNREADABLE] * 2


def test_careless_numbers_of_the_type_leave_its_name() -> None:
    read = read_document(with_field("Type", "18", source=with_field("TypeDetail", "x")))
    assert read.envelope.document_type.name == "Công văn"
    assert read.envelope.document_type.group == 18
    assert read.envelope.document_type.detail is None


def test_a_body_named_twice_receives_once() -> None:
    to = re.search(r"<edXML:To>.*</edXML:To>", PLAIN, re.DOTALL)
    assert to is not None
    read = read_document(PLAIN.replace(to[0], to[0] * 2))
    assert read.envelope == envelope()
    assert codes(read) == [WarningCode.RECIPIENT_REPEATED]


def test_a_repeated_field_is_read_once_and_the_other_is_kept_raw() -> None:
    again = "<edXML:Subject>Khác</edXML:Subject></edXML:MessageHeader>"
    read = read_document(PLAIN.replace("</edXML:MessageHeader>", again))
    assert read.envelope == envelope()
    assert [extra.text for extra in read.extras] == ["Khác"]
    assert codes(read) == [WarningCode.FIELD_REPEATED, WarningCode.ELEMENT_UNKNOWN]


def test_unknown_elements_are_kept_raw() -> None:
    extra = '<v:Task xmlns:v="urn:v" kind="&quot;"><v:Code>A &amp; B</v:Code></v:Task>'
    read = read_document(PLAIN.replace("<edXML:Subject>", extra + "<edXML:Subject>"))
    assert read.envelope == envelope()
    (kept,) = read.extras
    assert kept.path == "edXMLEnvelope/edXMLHeader/MessageHeader/Task"
    assert kept.xml == '<Task xmlns="urn:v" kind=\'"\'><Code>A &amp; B</Code></Task>'
    assert kept.text == "A & B"


def test_the_code_is_taken_from_the_id_only_as_a_last_resort() -> None:
    bent = re.sub(r"\s*<edXML:Code>.*</edXML:Code>", "", PLAIN, flags=re.DOTALL)
    read = read_document(bent)
    assert read.envelope.code == envelope().code
    assert codes(read) == [WarningCode.CODE_TAKEN_FROM_ID]


@pytest.mark.parametrize(
    ("root", "namespace"),
    [
        ("edXML", "http://edxml.gov.vn/schema"),
        ("edXML", ""),
        ("edXMLEnvelope", NAMESPACE),
        ("Envelope", "http://schemas.xmlsoap.org/soap/envelope/"),
    ],
)
def test_other_formats_are_refused_and_not_guessed(root: str, namespace: str) -> None:
    with pytest.raises(EdxmlUnsupported):
        read_edxml(f'<{root} xmlns="{namespace}"><a/></{root}>'.encode())


@pytest.mark.parametrize(
    "inner", ["", "<edXMLEnvelope/>", "<edXMLEnvelope><edXMLHeader/></edXMLEnvelope>"]
)
def test_a_message_without_a_header_is_incomplete(inner: str) -> None:
    with pytest.raises(EnvelopeIncomplete, match="MessageHeader"):
        read_edxml(f'<edXML xmlns="{NAMESPACE}">{inner}</edXML>'.encode())


def test_almost_nothing_is_still_read_with_what_is_missing_noted() -> None:
    header = "<MessageHeader><Subject>V/v</Subject></MessageHeader>"
    inner = f"<edXMLEnvelope><edXMLHeader>{header}</edXMLHeader></edXMLEnvelope>"
    read = read_document(f'<edXML xmlns="{NAMESPACE}">{inner}</edXML>')
    assert read.envelope.subject == "V/v"
    assert {"From/OrganId", "To", "DocumentId"} <= {warning.path for warning in read.warnings}


@pytest.mark.parametrize("code", ["3", " 3 ", " 03 "])
def test_a_status_of_one_digit_is_read_as_two(code: str) -> None:
    assert read_status(with_field("StatusCode", code, source=STATUS)).status == status()


@pytest.mark.parametrize("code", ["00", "07", "14", "44", "200", "-3"])
def test_a_status_that_is_not_defined_is_refused(code: str) -> None:
    with pytest.raises(EdxmlUnsupported):
        read_edxml(with_field("StatusCode", code, source=STATUS).encode())


def test_a_status_may_sit_in_an_element_of_that_name() -> None:
    bent = STATUS.replace("edXML:MessageHeader", "edXML:Status")
    assert read_status(bent).status == status()


def test_a_status_without_its_reason_is_read_and_noted() -> None:
    bent = with_field("StatusCode", "02", source=with_field("Description", "", source=STATUS))
    read = read_status(bent)
    assert read.status.status is StatusCode.REFUSED
    assert [warning.path for warning in read.warnings] == ["Description"]


def test_an_attachment_without_reference_is_kept_and_noted() -> None:
    bent = re.sub(r"\s*<edXML:edXMLBody>.*</edXML:edXMLBody>", "", PLAIN, flags=re.DOTALL)
    read = read_document(bent)
    assert read.attachments[0].content == PDF
    assert codes(read) == [WarningCode.ATTACHMENT_WITHOUT_REFERENCE]


def test_a_reference_without_attachment_is_noted() -> None:
    bent = PLAIN.replace("<ContentId>cid:main", "<ContentId>cid:other")
    assert codes(read_document(bent)) == [
        WarningCode.ATTACHMENT_WITHOUT_REFERENCE,
        WarningCode.REFERENCE_WITHOUT_ATTACHMENT,
    ]


def test_attachments_with_the_same_id_are_both_kept_under_different_ids() -> None:
    one = re.search(r"<Attachment>.*</Attachment>", PLAIN, re.DOTALL)
    assert one is not None
    read = read_document(PLAIN.replace(one[0], one[0] * 3))
    assert [each.ref.content_id for each in read.attachments] == ["main", "main-2", "main-3"]
    assert codes(read) == [WarningCode.ATTACHMENT_ID_CHANGED] * 2


@pytest.mark.parametrize("label", ["application/pdf", "text/plain", "application/zip", "image/png"])
def test_a_file_wrapped_in_a_zip_is_taken_out_whatever_the_label_says(label: str) -> None:
    read = read_document(document_text(zipped(PDF), media_type=label))
    (found,) = read.attachments
    assert found.content == PDF
    assert found.ref.media_type == "application/pdf"
    assert found.ref.digest == envelope().attachments[0].digest
    assert found.ref.file_name == "cong-van.pdf"
    assert WarningCode.ATTACHMENT_UNWRAPPED in codes(read)


@pytest.mark.parametrize(
    ("packed", "name"),
    [
        (zipped(PDF), "ho-so.zip"),
        (zipped(b"<w/>", "word/document.xml"), "bao-cao.docx"),
        (zipped(b"x", "content.xml"), "bang.ODT"),
        (zipped(PDF, "1.pdf", "2.pdf"), "hai-tep.pdf"),
    ],
)
def test_what_is_a_zip_by_its_name_or_holds_several_files_stays_one(
    packed: bytes, name: str
) -> None:
    (found,) = read_document(document_text(packed, file_name=name)).attachments
    assert found.content == packed
    assert found.ref.file_name == name


def test_base64_in_lines_and_without_padding_is_decoded() -> None:
    encoded = re.search(r"(ContentTransferEncoded xmlns[^>]*>)([^<]*)", PLAIN)
    assert encoded is not None
    lines = "\r\n  ".join(re.findall(".{1,17}", encoded[2].rstrip("=")))
    read = read_document(PLAIN.replace(encoded[2], f"\n  {lines}\n"))
    assert read.attachments[0].content == PDF
    assert codes(read) == []


@pytest.mark.parametrize("encoded", ["$$$$", "JVBERi0x****", "", "null"])
def test_content_that_is_no_base64_is_kept_as_far_as_it_goes_and_noted(encoded: str) -> None:
    bent = re.sub(r"(ContentTransferEncoded xmlns[^>]*>)[^<]*", rf"\g<1>{encoded}", PLAIN)
    read = read_document(bent)
    assert {WarningCode.ATTACHMENT_DAMAGED, WarningCode.ATTACHMENT_EMPTY} & set(codes(read))


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"%PDF-1.4\n" + "\ufffd".encode() * 50, "a.pdf"), (b"<?xml version='1.0'?><w/>", "a.doc")],
)
def test_the_damage_that_is_known_from_the_wild_is_noted(content: bytes, name: str) -> None:
    read = read_document(document_text(content, file_name=name))
    assert read.attachments[0].content == content
    assert WarningCode.ATTACHMENT_DAMAGED in codes(read)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\van-ban\\cong-van.pdf", "cong-van.pdf"),
        ("..", "main"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "afdp.exe"),
        ("van&#9;ban.pdf", "vanban.pdf"),
        ("null", "main"),
        ("/", "main"),
    ],
)
def test_a_file_name_is_reduced_to_what_is_safe(name: str, kept: str) -> None:
    bent = PLAIN.replace("cong-van.pdf", name)
    assert read_document(bent).attachments[0].ref.file_name == kept


def test_warnings_are_limited_in_number_and_length() -> None:
    bent = PLAIN.replace(
        "<edXML:Subject>", f"<x{'a' * 300}>1</x{'a' * 300}>" * 50 + "<edXML:Subject>"
    )
    read = read_edxml(bent.encode(), limits=EdxmlLimits(max_warnings=7))
    assert len(read.warnings) == 7
    long = read_document(with_field("PromulgationDate", "x" * 5_000))
    assert max(len(warning.detail) for warning in long.warnings) <= 120
