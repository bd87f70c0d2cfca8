"""The speed-ups of the engine change nothing but its speed, and are watched over."""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

from certs.keys.file import FileKey
from signer.engine import own_numbers
from signer.engine import reading as engine
from signer.errors import DocumentMalformed
from signer.verdicts import Verdict
from tests.support.plain_kinds import CATALOG, PAGE, PAGES, with_streams
from tests.support.verification import Desk, Judge

WIDTH = 7
"""Bytes in a row of the cross-reference stream."""
SOURCES = {
    "2004d63b8e1ce3d9": engine.original_read_hex_string,
    "1e534b7794dcfc3f": engine.original_prepare_name,
    "95bb564b06843e5a": engine.original_decrypt,
    "52decfbf730ebee9": engine.original_write_name,
    "963405df0a1e5d06": engine.original_decode_name,
    "314aa83ad9524ecf": own_numbers.original_check_freed,
}


@pytest.mark.parametrize(("digest", "original"), SOURCES.items())
def test_the_source_that_a_speed_up_replaces_is_the_one_it_was_made_for(
    digest: str, original: object
) -> None:
    """When this fails, compare the new original with ours before correcting the digest."""
    assert callable(original)
    source = inspect.getsource(original)
    assert hashlib.sha256(source.encode("utf-8")).hexdigest().startswith(digest)


def outcome(read: object, content: bytes) -> tuple[object, ...]:
    """Return what reading gives: value, type and where it stops, or the error."""
    assert callable(read)
    stream = BytesIO(content)
    try:
        value = read(stream)
    except (PdfError, ValueError) as error:
        return (type(error), str(error))
    return (type(value), value.original_bytes, stream.tell())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_the_original_reads_them(content: bytes) -> None:
    document = b"<" + content
    assert outcome(engine.read_hex_string, document) == outcome(
        engine.original_read_hex_string, document
    )


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789abcdefABCDEF \n\r\t\x00>xz", max_size=60))
def test_hex_strings_are_read_as_the_original_reads_them(content: str) -> None:
    document = b"<" + content.encode("ascii") + b"> rest"
    assert outcome(engine.read_hex_string, document) == outcome(
        engine.original_read_hex_string, document
    )


def test_a_long_hex_string_spans_chunks_as_the_original_reads_it() -> None:
    document = b"<" + b"ab0 " * 20_001 + b">endobj"
    assert outcome(engine.read_hex_string, document) == outcome(
        engine.original_read_hex_string, document
    )


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20))
def test_names_are_prepared_as_the_original_prepares_them(text: str) -> None:
    def prepared(prepare: object) -> object:
        assert callable(prepare)
        try:
            return prepare(None, text)
        except ValueError as error:
            return str(error)

    assert prepared(engine.prepare_name) == prepared(engine.original_prepare_name)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=140).map(lambda text: "/" + text) | st.text(max_size=3))
def test_names_are_written_as_the_original_writes_them(text: str) -> None:
    def written(write: object) -> object:
        assert callable(write)
        stream = BytesIO()
        try:
            write(generic.NameObject(text), stream)
        except (PdfError, StopIteration) as error:
            return type(error)
        return stream.getvalue()

    assert written(engine.write_name) == written(engine.original_write_name)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=140))
def test_names_are_decoded_as_the_original_decodes_them(written: bytes) -> None:
    def decoded(decode: object) -> object:
        assert callable(decode)
        try:
            return decode(written)
        except (PdfError, ValueError) as error:
            return (type(error), str(error))

    for _ in range(2):
        assert decoded(engine.decode_name) == decoded(engine.original_decode_name)
    assert engine.decode_name(b"A") is not engine.decode_name(b"A")


def test_the_engine_is_left_as_its_makers_wrote_it() -> None:
    def in_place() -> list[object]:
        return [holder.__dict__[name] for holder, name, _, _ in engine._REPLACEMENTS]

    originals = in_place()
    assert originals == [original for *_, original in engine._REPLACEMENTS]
    with engine.accelerated():
        with engine.accelerated():
            assert in_place() == [ours for *_, ours, _ in engine._REPLACEMENTS]
        assert in_place() == [ours for *_, ours, _ in engine._REPLACEMENTS]
    assert in_place() == originals


def lzw(rows: bytes) -> bytes:
    """LZW (ISO 32000-1 §7.4.4) at its plainest: single bytes, the table cleared before it grows."""
    codes = [256]
    for at, byte in enumerate(rows, start=1):
        codes += [byte, 256] if at % 200 == 0 else [byte]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    padded = bits + "0" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8)


def paeth(rows: bytes) -> bytes:
    """PNG's predictor Paeth, compressed."""
    out, above = bytearray(), bytes(WIDTH)
    for at in range(0, len(rows), WIDTH):
        row = rows[at : at + WIDTH]
        out.append(4)
        for left, up, corner, value in zip(b"\0" + row, above, b"\0" + above, row, strict=False):
            guess = left + up - corner
            distances = {abs(guess - each): each for each in (corner, up, left)}
            out.append((value - distances[min(distances)]) & 0xFF)
        above = row
    return zlib.compress(bytes(out))


def tiff(rows: bytes) -> bytes:
    """TIFF's predictor, compressed."""
    lines = [rows[at : at + WIDTH] for at in range(0, len(rows), WIDTH)]
    return zlib.compress(
        b"".join(
            bytes((value - left) & 0xFF for left, value in zip(b"\0" + line, line, strict=False))
            for line in lines
        )
    )


def with_references(filters: bytes, encode: Callable[[bytes], bytes]) -> bytes:
    """A document whose cross-reference stream is encoded so."""
    document = with_streams([CATALOG, PAGES, PAGE], packed=False)
    head, _, rest = document.rpartition(b"\nstream\n")
    content, _, tail = rest.rpartition(b"\nendstream")
    encoded = encode(zlib.decompress(content))
    entries, _, _ = head.rpartition(b"/Filter /FlateDecode")
    head = b"%b/Filter %b /Length %d >>" % (entries, filters, len(encoded))
    return head + b"\nstream\n" + encoded + b"\nendstream" + tail


@pytest.mark.judge("qpdf")
@pytest.mark.parametrize(
    ("filters", "encode"),
    [
        (b"/LZWDecode", lzw),
        (b"/FlateDecode /DecodeParms << /Columns 7 /Predictor 14 >>", paeth),
        (b"/FlateDecode /DecodeParms << /Columns 7 /Predictor 2 >>", tiff),
    ],
    ids=["LZW", "Paeth", "TIFF"],
)
def test_a_sound_document_whose_filters_the_engine_lacks_is_refused_with_a_reason(
    filters: bytes,
    encode: Callable[[bytes], bytes],
    leader_key: FileKey,
    desk: Desk,
    judge: Judge,
    tmp_path: Path,
) -> None:
    document = with_references(filters, encode)
    (tmp_path / "sound.pdf").write_bytes(document)
    checked = subprocess.run(["qpdf", "--check", tmp_path / "sound.pdf"], check=False)
    assert checked.returncode == 0
    with pytest.raises(NotImplementedError):
        engine.open_document(document)
    with pytest.raises(DocumentMalformed):
        desk.sign(document, leader_key)
    report = judge(document)
    assert (report.verdict, report.reason) == (Verdict.UNREADABLE, "DOCUMENT_MALFORMED")
