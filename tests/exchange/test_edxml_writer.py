"""The strict writer refuses what a reader would misread, and writes large files in small pieces."""

import io
import zipfile
from dataclasses import replace

import pytest

from exchange.edxml.writer import edxml_document_pieces, write_edxml_document, write_edxml_status
from exchange.envelope import StatusCode
from exchange.errors import EnvelopeIncomplete, MessageIncomplete
from tests.support.envelopes import PDF, attachment, envelope, read_document, read_status, status


def wrapped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.bin", content)
    return packed.getvalue()


def test_the_text_begins_with_the_declaration_and_names_each_attachment_twice() -> None:
    text = write_edxml_document(envelope(), {"main": PDF}).decode()
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns=')
    assert text.count("cid:main") == 2
    assert "/>" not in text
    assert "></" not in text


def test_an_attachment_without_its_bytes_makes_the_message_incomplete() -> None:
    with pytest.raises(MessageIncomplete, match="main"):
        write_edxml_document(envelope(), {})


@pytest.mark.parametrize(
    ("content", "name", "media_type", "field"),
    [
        (b"", "a.pdf", "application/pdf", "Attachment/ContentTransferEncoded"),
        (PDF, "a.pdf", "text/plain", "Attachment/ContentType"),
        (b"no PDF", "a.pdf", "application/pdf", "Attachment/ContentType"),
        (PDF, "a.pdf", "application/PDF", "Attachment/ContentType"),
        (wrapped(PDF), "a.pdf", "application/zip", "Attachment/AttachmentName"),
        (PDF, "a\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", "application/pdf", "Attachment/AttachmentName"),
    ],
)
def test_an_attachment_that_is_not_what_it_says_is_refused(
    content: bytes, name: str, media_type: str, field: str
) -> None:
    ref = attachment(content, file_name=name, media_type=media_type)
    with pytest.raises(EnvelopeIncomplete) as refused:
        write_edxml_document(replace(envelope(), attachments=(ref,)), {"main": content})
    assert refused.value.field == field


def test_bytes_that_differ_from_the_envelope_are_refused() -> None:
    with pytest.raises(EnvelopeIncomplete, match="digest"):
        write_edxml_document(envelope(), {"main": PDF + b"\n"})


def test_a_document_that_breaks_a_rule_is_refused_before_the_first_piece() -> None:
    with pytest.raises(EnvelopeIncomplete):
        edxml_document_pieces(replace(envelope(), subject=""), {"main": PDF})


def test_a_large_attachment_leaves_in_pieces_and_is_read_back() -> None:
    large = PDF + bytes(range(256)) * 80_000
    document = replace(envelope(), attachments=(attachment(large),))
    pieces = list(edxml_document_pieces(document, {"main": large}))
    assert max(map(len, pieces)) <= 1 << 20
    assert read_document(b"".join(pieces)).attachments[0].content == large


@pytest.mark.parametrize("code", list(StatusCode))
def test_every_status_is_written_in_two_digits(code: StatusCode) -> None:
    text = write_edxml_status(status(code)).decode()
    assert f"<edXML:StatusCode>{code.value}</edXML:StatusCode>" in text
    assert read_status(text).status == status(code)


def test_a_status_without_its_time_is_refused() -> None:
    with pytest.raises(EnvelopeIncomplete, match="Timestamp"):
        write_edxml_status(replace(status(), reported_at=None))
