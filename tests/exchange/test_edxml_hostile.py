"""Hostile edXML: each attack meets a named limit and ends in a named error, quickly."""

import base64
import io
import re
import struct
import time
import zipfile
from typing import IO, cast

import pytest

from exchange.edxml import WarningCode, locate_edxml
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.reader import read_edxml
from exchange.errors import (
    EdxmlDoctypeRefused,
    EdxmlMalformed,
    EdxmlTooLarge,
    EdxmlUnsupported,
    EnvelopeInvalid,
)
from tests.support.envelopes import NAMESPACE, PDF, document_text, read_document

PLAIN = document_text()
BODY = PLAIN.partition("?>\n")[2]
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "plain": "<!DOCTYPE edXML>",
    "external": '<!DOCTYPE edXML SYSTEM "file:///etc/passwd">',
    "public": '<!DOCTYPE edXML PUBLIC "-//x" "http://127.0.0.1/x.dtd">',
    "entity": '<!DOCTYPE edXML [<!ENTITY x "y">]>',
    "xxe": '<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "parameter": '<!DOCTYPE edXML [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>',
    "laughs": f'<!DOCTYPE edXML [<!ENTITY l0 "ha">{LAUGHS}]>',
    "quadratic": f'<!DOCTYPE edXML [<!ENTITY x "{"a" * 50_000}">]>',
    "unclosed": "<!DOCTYPE edXML [",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES.keys())
def test_a_doctype_is_refused_in_every_encoding(doctype: str, encoding: str) -> None:
    name = "UTF-16" if "16" in encoding else "UTF-8"
    text = f'<?xml version="1.0" encoding="{name}"?>\n{doctype}{BODY}'
    with pytest.raises(EdxmlDoctypeRefused):
        read_edxml(text.encode(encoding))


def test_a_doctype_hidden_behind_a_comment_or_without_declaration_is_refused() -> None:
    for text in (f"<!-- x -->\n<!DOCTYPE a>{BODY}", f"<!DOCTYPE a>{BODY}", f"\n<!DOCTYPE a>{BODY}"):
        with pytest.raises(EdxmlDoctypeRefused):
            read_edxml(text.encode())


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-32", "EBCDIC-CP-US", "ISO-2022-JP", "x"])
def test_another_declared_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(EdxmlUnsupported):
        read_edxml(PLAIN.replace("UTF-8", encoding).encode())


@pytest.mark.parametrize("encoding", ["utf-32", "cp037"])
def test_another_actual_encoding_is_not_well_formed(encoding: str) -> None:
    with pytest.raises((EdxmlMalformed, EdxmlUnsupported)):
        read_edxml(PLAIN.encode(encoding, errors="xmlcharrefreplace"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"hello",
        b"%PDF-1.7",
        PLAIN.encode()[:-9],
        PLAIN.replace("</edXML:Subject>", "", 1).encode(),
        PLAIN.replace("Công văn", "&unknown;").encode(),
        PLAIN.replace("Công văn", "&#0;").encode(),
        PLAIN.replace("Công văn", "\x07").encode(),
        PLAIN.encode() + b"<edXML/>",
        PLAIN.encode("utf-16")[:-1],
        PLAIN.replace("Công văn", "X").encode().replace(b"X", b"\xff\xfe"),
        b"x" * 5_000 + PLAIN.encode(),
    ],
)
def test_what_is_not_well_formed_is_refused(content: bytes) -> None:
    with pytest.raises(EdxmlMalformed):
        read_edxml(content)


def message(inner: str) -> bytes:
    return f'<edXML xmlns="{NAMESPACE}">{inner}</edXML>'.encode()


TOO_LARGE = {
    "deep": message("<a>" * 40 + "</a>" * 40),
    "very deep": message("<a>" * 100_000),
    "attributes": message("<a " + " ".join(f"x{n}='1'" for n in range(1_000)) + "/>"),
    "elements": message("<a/>" * 50_001),
    "text": message(f"<a>{'x' * 5_000_001}</a>"),
    "long attribute": message(f'<a x="{"x" * 12_000_000}"/>'),
    "comments": message(f"<!--{'x' * 1_000_000}-->" * 6),
    "instructions": message(f"<?x {'x' * 1_000_000}?>" * 6),
    "long field": document_text().replace("V/v", "x" * 200_001).encode(),
    "attachments": PLAIN.replace("<Attachment>", "<Attachment/>" * 501 + "<Attachment>").encode(),
}


@pytest.mark.parametrize("content", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_what_exceeds_a_limit_is_refused_quickly(content: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(EdxmlTooLarge):
        read_edxml(content)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "limits",
    [
        EdxmlLimits(max_message_bytes=1_000),
        EdxmlLimits(max_attachment_bytes=10),
        EdxmlLimits(max_total_attachment_bytes=10),
    ],
)
def test_sizes_of_message_and_attachments_are_limited(limits: EdxmlLimits) -> None:
    with pytest.raises(EdxmlTooLarge):
        read_edxml(PLAIN.encode(), limits=limits)


def zipped(content: bytes, name: str = "a.pdf") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def test_a_zip_bomb_is_refused_by_its_ratio() -> None:
    with pytest.raises(EdxmlTooLarge, match="times its size"):
        read_edxml(document_text(zipped(bytes(20_000_000))).encode())


def test_a_zip_that_unpacks_to_too_much_is_refused_by_its_size() -> None:
    limits = EdxmlLimits(max_attachment_bytes=300_000)
    with pytest.raises(EdxmlTooLarge, match="unpacks to over 300000 bytes"):
        read_edxml(document_text(zipped(bytes(400_000))).encode(), limits=limits)


def test_the_size_that_a_zip_claims_is_not_believed() -> None:
    bomb = zipped(bytes(20_000_000)).replace(struct.pack("<I", 20_000_000), struct.pack("<I", 20))
    (found,) = read_document(document_text(bomb)).attachments
    assert len(found.content) <= len(bomb)


@pytest.mark.parametrize(
    "name", ["../../x.pdf", "/etc/passwd", "..\\x.pdf", "a\0b.pdf", "C:\\x.pdf"]
)
def test_the_name_inside_a_zip_is_ignored(name: str) -> None:
    (found,) = read_document(document_text(zipped(PDF, name))).attachments
    assert (found.ref.file_name, found.content) == ("cong-van.pdf", PDF)


def broken_zips() -> dict[str, bytes]:
    good = zipped(PDF)
    end = good.rindex(b"PK\x05\x06")
    central = good.rindex(b"PK\x01\x02")
    two = io.BytesIO()
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a", PDF)
        archive.writestr("b", PDF)
    claimed_one = bytearray(two.getvalue())
    at = claimed_one.rindex(b"PK\x05\x06")
    claimed_one[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    return {
        "truncated": good[:end],
        "magic only": b"PK\x03\x04",
        "bad checksum": good.replace(good[central + 16 : central + 20], b"\1\2\3\4"),
        "encrypted": good[: central + 8] + b"\1\0" + good[central + 10 :],
        "unknown method": good[: central + 10] + b"\x63\0" + good[central + 12 :],
        "other local name": good.replace(b"a.pdf", b"b.pdf", 1),
        "huge directory": good[: end + 12] + b"\xff\xff\xff\x7f" + good[end + 16 :],
        "zip64 lie": good[: end + 8] + b"\xff" * 12 + good[end + 20 :],
        "two that claim one": bytes(claimed_one),
        "directory elsewhere": good[: end + 16] + b"\xff\xff\xff\x00" + good[end + 20 :],
        "many": zipped_many(70_000),
    }


def zipped_many(entries: int) -> bytes:
    """A directory of many entries that point to nothing, which is all that a reader first sees."""
    entry = b"PK\x01\x02" + bytes(42) + b"x"
    entry = entry[:28] + struct.pack("<H", 1) + entry[30:]
    directory = entry * entries
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + b"PK\x05\x06" + end


@pytest.mark.parametrize("packed", broken_zips().values(), ids=broken_zips().keys())
def test_a_zip_that_cannot_be_unpacked_is_kept_as_it_came(packed: bytes) -> None:
    begun = time.process_time()
    (found,) = read_document(document_text(packed)).attachments
    assert found.content == packed
    assert found.ref.media_type == "application/zip"
    assert time.process_time() - begun < 3


def test_nested_zips_are_unwrapped_once() -> None:
    inner = zipped(zipped(PDF))
    read = read_document(document_text(zipped(inner)))
    assert read.attachments[0].content == inner
    assert [w.code for w in read.warnings].count(WarningCode.ATTACHMENT_UNWRAPPED) == 1


def test_an_error_never_quotes_the_message() -> None:
    secret = "Nguyễn Văn Bí Danh"
    for bent in (
        PLAIN.replace("</edXML:Subject>", secret, 1),
        re.sub(r'xmlns="[^"]*"', f'xmlns="{secret}"', PLAIN, count=1),
    ):
        with pytest.raises(EnvelopeInvalid) as refused:
            read_edxml(bent.encode())
        assert secret not in str(refused.value)


LONG = base64.b64encode(bytes(300_000)).decode()
ENCODED = base64.b64encode(PDF).decode()


MARKUP = [
    "<!DOCTYPE a>",
    "<!-- unclosed",
    "<![CDATA[ unclosed",
    "</edXML:Other>",
    "<a>",
    "<?xml ?>",
]


@pytest.mark.parametrize("inside", MARKUP)
@pytest.mark.parametrize("before", ["", LONG], ids=["short", "long"])
def test_markup_that_is_not_well_formed_amid_base64_is_refused(inside: str, before: str) -> None:
    # Long base64 is not parsed; markup in it always is.
    bent = PLAIN.replace(ENCODED, f"{before}\n{inside}{LONG}")
    with pytest.raises((EdxmlMalformed, EdxmlDoctypeRefused)):
        read_edxml(bent.encode())


@pytest.mark.parametrize("inside", ["&unknown;", "&#0;", "&lt;", "&", "&#99999999;"])
def test_references_amid_long_base64_are_damage(inside: str) -> None:
    read = read_document(PLAIN.replace(ENCODED, f"{LONG}{inside}{LONG}"))
    assert read.attachments[0].content == bytes(300_000)
    assert WarningCode.ATTACHMENT_DAMAGED in [w.code for w in read.warnings]


@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"\0", b"\xc0\x80", b"]]>", "ế".encode()])
def test_garbage_amid_long_base64_is_damage_or_refused(garbage: bytes) -> None:
    encoded = ENCODED.encode()
    begun = LONG.encode() * 2
    bent = PLAIN.encode().replace(encoded, begun + garbage + LONG.encode())
    read = read_document(bent)
    assert read.attachments[0].content == bytes(300_000) * 2
    assert WarningCode.ATTACHMENT_DAMAGED in [w.code for w in read.warnings]


def test_a_hidden_second_attachment_is_seen_by_every_reader_or_by_none() -> None:
    hidden = "</edXML:ContentTransferEncoded><!-- -->"
    bent = PLAIN.replace(ENCODED, f"{LONG}<!-- {hidden} -->{ENCODED}")
    with pytest.raises(EdxmlMalformed):
        read_edxml(bent.encode())
    bent = PLAIN.replace(ENCODED, f"{LONG}<![CDATA[</edXML:ContentTransferEncoded>]]>")
    (found,) = read_document(bent).attachments
    assert found.content == bytes(300_000)


class Endless(io.RawIOBase):
    """A message that never ends."""

    def __init__(self, begin: bytes, again: bytes) -> None:
        super().__init__()
        self._begin = begin
        self._again = again
        self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset
        return offset

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        text = self._begin + self._again * (1 + (self._at + size) // len(self._again))
        found = text[self._at : self._at + size]
        self._at += len(found)
        return found


@pytest.mark.parametrize(
    "again", [b"QUJD", b"QUJDQUJD\r\n", b"<!-- x -->", b"<a>", b"x='&#1234;' "]
)
def test_a_message_without_end_meets_a_limit(again: bytes) -> None:
    begin = PLAIN.encode().partition(ENCODED.encode())[0]
    begin = begin if b"x=" not in again else begin + b"<a "
    limits = EdxmlLimits(max_message_bytes=3_000_000, max_token_bytes=500_000, max_elements=5_000)
    with pytest.raises((EdxmlTooLarge, EdxmlMalformed)):
        locate_edxml(cast(IO[bytes], Endless(begin, again)), limits=limits)


def test_a_long_tag_costs_no_more_than_its_length() -> None:
    begun = time.process_time()
    attributes = " ".join(f"a{n}='{'x' * 40}'" for n in range(90_000))
    with pytest.raises(EdxmlTooLarge):
        read_edxml(message(f"<b {attributes}/>"))
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("number", ["9" * 5, "9" * 4_000, "-1", "1e3", "0x10", "1.0", "²"])
def test_a_number_beyond_its_range_is_absent_and_noted(number: str) -> None:
    info = f"<edXML:PageAmount>{number}</edXML:PageAmount></edXML:OtherInfo>"
    read = read_document(PLAIN.replace("</edXML:OtherInfo>", info))
    assert read.envelope.other.pages is None
    assert WarningCode.VALUE_UNREADABLE in [w.code for w in read.warnings]


@pytest.mark.parametrize("field", ["Timestamp", "PromulgationDate"])
def test_a_date_made_to_be_slow_is_read_quickly(field: str) -> None:
    begun = time.process_time()
    text = "2026/11/20 08:15" + " " * 150_000 + "x"
    bent = re.sub(rf"(<edXML:{field}>)[^<]*", lambda found: found[1] + text, PLAIN, count=1)
    assert WarningCode.DATE_IMPOSSIBLE in [w.code for w in read_document(bent).warnings]
    assert time.process_time() - begun < 2


def test_a_zip_inside_long_base64_is_bounded_too() -> None:
    bomb = zipped(bytes(200_000_000))
    begun = time.process_time()
    with pytest.raises(EdxmlTooLarge):
        read_edxml(document_text(bomb).encode())
    assert time.process_time() - begun < 3
