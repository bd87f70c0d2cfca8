"""What the raw bytes must be before anything parses them, and what they say of signatures."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.document import (
    StructureError,
    admit,
    check_end,
    count_byte_ranges,
    has_tail,
    locate_signature,
    read_signature_dictionary,
)
from signer.errors import (
    DocumentMalformed,
    DocumentRefused,
    DocumentTooLarge,
    DocumentTruncated,
    NotAPdf,
)
from signer.limits import DocumentLimits
from signer.pdf_tokens import TokenError, read_dictionary
from signer.reasons import Reason
from tests.support import costly
from tests.support.pdfs import with_stream_xrefs


def test_a_whole_pdf_is_admitted(one_page_pdf: bytes, sealed: bytes) -> None:
    admit(one_page_pdf)
    admit(sealed)
    admit(with_stream_xrefs(one_page_pdf))


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"", NotAPdf),
        (b"PK\x03\x04", NotAPdf),
        (b" %PDF-1.7\n%%EOF", NotAPdf),
        (b"%PDF-x\n%%EOF", NotAPdf),
        (b"%PDF-1.7\n", DocumentTruncated),
        (b"%PDF-1.7\n%%EOF" + b" " * 2000, DocumentTruncated),
        (costly.hollow_table(10), DocumentMalformed),
        (costly.hollow_table(10**9).replace(b"/W [0 0 0]", b"/W [1 2 1]"), DocumentMalformed),
        (costly.long_number(50_000), DocumentMalformed),
        (b"%PDF-1.7\n" + b"startxref\n" * 1001 + b"%%EOF", DocumentTooLarge),
    ],
)
def test_what_no_parser_should_touch_is_refused(
    document: bytes, error: type[DocumentRefused]
) -> None:
    with pytest.raises(error):
        admit(document)


def test_a_document_over_the_limit_is_refused(one_page_pdf: bytes) -> None:
    admit(one_page_pdf, DocumentLimits(max_bytes=len(one_page_pdf)))
    with pytest.raises(DocumentTooLarge):
        admit(one_page_pdf, DocumentLimits(max_bytes=len(one_page_pdf) - 1))


def test_the_zeros_that_pad_a_signature_are_no_long_number() -> None:
    admit(b"%PDF-1.7\n<" + b"0" * 300_000 + b">\n<" + b"ab" * 100_000 + b">\n%%EOF\n")
    with pytest.raises(DocumentMalformed):
        admit(b"%PDF-1.7\n<" + b"0" * 300_000 + b">\n" + b"7" * 300_000 + b"\n%%EOF\n")


@pytest.mark.parametrize(
    "content",
    [b"7" * 30_000_000, b"<" + b"0" * 30_000_000 + b">", (b"<" + b"0" * 50_000 + b"> ") * 600],
    ids=["one number", "one string", "many strings"],
)
def test_the_checks_cost_little_however_the_file_is_made(content: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(DocumentRefused):
        admit(b"%PDF-1.7\n" + content + b"\n%%EOF\n")
    assert time.process_time() - start < 2


def test_a_tail_is_anything_but_white_space_after_the_last_end_marker() -> None:
    assert not has_tail(b"%PDF-1.7 %%EOF\r\n\x00")
    assert has_tail(b"%PDF-1.7 %%EOF\nx")
    assert not has_tail(b"%PDF-1.7 %%EOF\nx%%EOF")


@pytest.mark.parametrize(
    ("end", "good"),
    [
        (b"<< /Size 1 >>\nstartxref\n5\n%%EOF\n", True),
        (b"trailer << /Size 1 >> startxref 5 %%EOF\r\n", True),
        (b"<< /Size 1 >>\n%Producer 1.0\nstartxref\n5\n%%EOF\n", True),
        (b"<< /Size 1 >>\n%4 0 obj <<>> endobj\nstartxref\n5\n%%EOF\n", False),
        (b"<< /Size 1 >>\nstartxref\n5\n%%EOF\nstartxref\n5\n%%EOF\n", False),
        (b"<< /Size 1 >>\n4 0 obj\nendobj\nstartxref\n5\n%%EOF\n", False),
        (b"<< /Size 1 >>\nstartxref\n5\n%%EOFx", False),
        (b"<< /Size 1 >>\n%%EOF\n", False),
        (b"<< /Size\nstartxref\n5\n%%EOF\n", False),
    ],
)
def test_a_revision_ends_right_after_its_table(end: bytes, good: bool) -> None:
    def check() -> int:
        return check_end(end, container_end=0, end=len(end), is_stream=False)

    if good:
        assert check() == 5
        return
    with pytest.raises(StructureError) as caught:
        check()
    assert caught.value.reason is Reason.TRAILING_DATA


def test_a_revision_may_end_with_a_stream() -> None:
    end = b" endobj\nstartxref\n77\n%%EOF\n"
    assert check_end(end, container_end=0, end=len(end), is_stream=True) == 77


def test_every_spelling_of_byte_range_is_counted() -> None:
    document = b"/ByteRange[0] /Byte#52ange [0] /#42yteRange [0] /ByteRanges /ByteRang /ByteRange"
    assert len(count_byte_ranges(document)) == 4
    assert count_byte_ranges(b"/ByteRang e") == ()


DICTIONARY = b"7 0 obj\n<< /Type /Sig /ByteRange [0 %d %d %d] /Contents <%b> >>\nendobj\n"


def located(document: bytes) -> bytes:
    entries = read_signature_dictionary(document, object_offset=0, object_number=7)
    return locate_signature(document, entries).cms


def _document(contents: bytes) -> bytes:
    blank = DICTIONARY % (10, 10, 10, contents)
    for _ in range(3):
        start = blank.index(b"<" + contents)
        end = start + len(contents) + 2
        blank = DICTIONARY % (start, end, len(blank) - end, contents)
    return blank


def test_the_cms_is_what_stands_before_the_zeros() -> None:
    assert located(_document(b"3003020105" + b"00" * 20)) == bytes.fromhex("3003020105")
    assert located(_document(b"3003020105" + b"0" * 21)) == bytes.fromhex("3003020105")
    # Indefinite length (BER), as some signing software writes it.
    assert located(_document(b"30800201050000" + b"00" * 4)) == bytes.fromhex("30800201050000")


@pytest.mark.parametrize(
    "contents",
    [b"", b"00", b"3003", b"30030201", b"0403020105", b"300302010501", b"30 03020105", b"3003zz"],
)
def test_contents_that_are_not_one_object_and_zeros_are_refused(contents: bytes) -> None:
    with pytest.raises(StructureError):
        located(_document(contents))


def test_the_dictionary_must_be_the_object_that_was_asked_for() -> None:
    document = _document(b"3003020105")
    with pytest.raises(StructureError):
        read_signature_dictionary(document, object_offset=0, object_number=8)
    with pytest.raises(StructureError):
        read_signature_dictionary(document, object_offset=3, object_number=7)


def test_values_are_found_where_they_stand() -> None:
    document = (
        b"<</A (a\\)b(c)d)/B#42 <4142>/C[1 2[3]]/D<</E/F>>/G 12 0 R/H true/I -1.5 % )>>\n/J null>>"
    )
    entries, end = read_dictionary(document, 0)
    values = {key: document[entry.start : entry.end] for key, entry in entries.items()}
    assert end == len(document)
    assert values == {
        b"A": b"(a\\)b(c)d)",
        b"BB": b"<4142>",
        b"C": b"[1 2[3]]",
        b"D": b"<</E/F>>",
        b"G": b"12 0 R",
        b"H": b"true",
        b"I": b"-1.5",
        b"J": b"null",
    }


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<<",
        b"<</A",
        b"<</A>>",
        b"<</A 1/A 2>>",
        b"<</A 1/#41 2>>",
        b"<</A (>>",
        b"<<A 1>>",
        b"<</A <zz>>>",
        b"<</A " + b"[" * 100 + b"]" * 100 + b">>",
        b"<</A " + b"<</A " * 100,
    ],
)
def test_broken_dictionaries_are_refused(document: bytes) -> None:
    with pytest.raises(TokenError):
        read_dictionary(document, 0)


@settings(max_examples=300, deadline=None)
@given(st.text("<>[]()/#%A1 \n\\R", max_size=40))
def test_no_bytes_confuse_the_reader_of_tokens(text: str) -> None:
    document = b"<<" + text.encode("ascii")
    try:
        entries, end = read_dictionary(document, 0)
    except TokenError:
        return
    assert all(4 <= entry.start < entry.end <= end for entry in entries.values())
