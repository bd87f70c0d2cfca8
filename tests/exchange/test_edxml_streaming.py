"""Large edXML passes in pieces: what is held in memory does not grow with the attachments."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.edxml import (
    LocatedDocument,
    WarningCode,
    content_pieces,
    edxml_document_pieces,
    locate_edxml,
    read_edxml,
    write_edxml_status,
)
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.sandboxed import document_digests, locate_for_stranger
from exchange.errors import EdxmlMalformed, EdxmlTooLarge, EnvelopeIncomplete
from signer.sandbox.pool import Sandbox
from tests.support.envelopes import (
    PDF,
    attachment,
    document_text,
    envelope,
    read_document,
    status,
)

MEGABYTE = 1 << 20
LARGE = 32 * MEGABYTE
MEMORY = 10 * MEGABYTE
"""What reading or writing may take beyond the program itself, whatever the size."""

MEASURED = """
import json, resource, sys
from pathlib import Path
from exchange.edxml import *
import hashlib

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def read(path):
    with path.open("rb") as stream:
        (found,) = locate_edxml(stream).attachments
        hashed = hashlib.sha256()
        for piece in content_pieces(stream, found.place):
            hashed.update(piece)
    return found.ref.size_bytes, hashed.hexdigest() == found.ref.digest

small, large = map(Path, sys.argv[1:])
read(small)
before = peak()
size, same = read(large)
print(json.dumps({"size": size, "same": same, "extra": peak() - before}))
"""


def in_a_process_of_its_own(program: str, *paths: Path) -> dict[str, int]:
    finished = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LANG": "C.UTF-8"},
        check=True,
        capture_output=True,
    )
    told: dict[str, int] = json.loads(finished.stdout)
    return told


def in_lines(content: bytes, *, end: bytes = b"\r\n") -> Iterator[bytes]:
    for at in range(0, len(content), 57 * 1_000):
        yield base64.encodebytes(content[at : at + 57 * 1_000]).replace(b"\n", end)


def on_one_line(content: bytes) -> Iterator[bytes]:
    yield base64.b64encode(content)


def wrapped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method, compresslevel=1) as archive:
        archive.writestr("0b9f.pdf", content)
    return packed.getvalue()


def file_with(path: Path, pieces: Iterator[bytes]) -> Path:
    before, after = document_text(b"@@@").encode().split(base64.b64encode(b"@@@"))
    with path.open("wb") as sink:
        sink.write(before)
        for piece in pieces:
            sink.write(piece)
        sink.write(after)
    return path


def random_bytes(count: int) -> bytes:
    return b"%PDF-1.7\n" + random.Random(count).randbytes(MEGABYTE) * (count // MEGABYTE)


LAYOUTS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "one line": on_one_line,
    "lines": in_lines,
    "escaped line ends": lambda content: in_lines(content, end=b"&#13;\n"),
    "deflated": lambda content: on_one_line(wrapped(content)),
    "stored in a zip": lambda content: on_one_line(wrapped(content, zipfile.ZIP_STORED)),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_reading_takes_no_more_memory_for_a_large_attachment(
    tmp_path: Path, layout: Callable[[bytes], Iterator[bytes]]
) -> None:
    content = random_bytes(LARGE)
    small = file_with(tmp_path / "small", layout(content[:2_000]))
    large = file_with(tmp_path / "large", layout(content))
    told = in_a_process_of_its_own(MEASURED, small, large)
    assert (told["size"], told["same"]) == (len(content), True)
    assert told["extra"] <= MEMORY, f"{told['extra'] / MEGABYTE:.1f} MB"


WRITTEN = """
import json, resource, sys, hashlib
from dataclasses import replace
from pathlib import Path
from exchange.edxml import edxml_document_pieces
from tests.support.envelopes import attachment, envelope

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def write(path):
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        ref = attachment(b"", file_name="a.bin", media_type="application/octet-stream")
        ref = replace(ref, digest=digest, size_bytes=path.stat().st_size)
        document = replace(envelope(), attachments=(ref,))
        return sum(map(len, edxml_document_pieces(document, {"main": stream})))

small, large = map(Path, sys.argv[1:])
write(small)
before = peak()
size = write(large)
print(json.dumps({"size": size, "extra": peak() - before}))
"""


def test_writing_takes_no_more_memory_for_a_large_attachment(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    for path, size in ((small, 1_000), (large, LARGE)):
        with path.open("wb") as sink:
            sink.truncate(size)
    told = in_a_process_of_its_own(WRITTEN, small, large)
    assert told["size"] > LARGE * 4 // 3
    assert told["extra"] <= MEMORY, f"{told['extra'] / MEGABYTE:.1f} MB"


def test_a_sandbox_reads_a_file_where_it_lies(tmp_path: Path) -> None:
    message = file_with(tmp_path / "message", on_one_line(wrapped(PDF)))

    async def read() -> tuple[object, object]:
        async with Sandbox(workers=1, modules=("exchange.edxml.sandboxed",)) as sandbox:
            located = await sandbox.run(locate_for_stranger, message)
            return located, await sandbox.run(document_digests, message)

    located, digests = asyncio.run(read())
    assert located == locate_for_stranger(message.read_bytes())
    assert digests == (attachment().digest,)


def test_the_digests_of_a_status_are_none(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.write_bytes(write_edxml_status(status()))
    assert document_digests(path) == ()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_layout_gives_the_same_bytes_in_every_encoding(
    tmp_path: Path, layout: Callable[[bytes], Iterator[bytes]], encoding: str
) -> None:
    content = random_bytes(MEGABYTE)[:300_001]
    text = file_with(tmp_path / "message", layout(content)).read_bytes().decode()
    message = text.replace("UTF-8", "UTF-16" if "16" in encoding else "UTF-8").encode(encoding)
    read = read_document(message)
    assert read.attachments[0].content == content
    assert {w.code for w in read.warnings} <= {WarningCode.ATTACHMENT_UNWRAPPED}


ENCODED = base64.b64encode(PDF).decode()
HALF = len(ENCODED) // 2


@pytest.mark.parametrize(
    "bent",
    [
        f"<![CDATA[{ENCODED}]]>",
        f"\n  <![CDATA[{ENCODED[:HALF]}]]><![CDATA[{ENCODED[HALF:]}]]>\n",
        f"{ENCODED[:HALF]}<!-- {'x' * 10_000} - > -->{ENCODED[HALF:]}",
        f"{ENCODED[:HALF]}<?x QUJD?>{ENCODED[HALF:]}",
        "".join(f"&#{ord(c)};" for c in ENCODED),
        "".join(f"&#x{ord(c):X};" for c in ENCODED),
        f"{ENCODED[:3]}\t\r\n {ENCODED[3:].rstrip('=')}",
    ],
    ids=["cdata", "two cdata", "comment", "instruction", "decimal", "hexadecimal", "blanks"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
def test_base64_is_found_among_markup(bent: str, encoding: str) -> None:
    text = document_text().replace(ENCODED, bent)
    read = read_document(text.replace("UTF-8", encoding[:6].upper()).encode(encoding))
    assert read.attachments[0].content == PDF
    assert read.warnings == ()


def test_the_start_tag_of_base64_may_be_of_any_length_and_quote_what_it_likes() -> None:
    tag = f"""<edXML:ContentTransferEncoded a="{"x" * 20_000}>" b='">' xmlns:edXML="""
    read = read_document(document_text().replace("<edXML:ContentTransferEncoded xmlns:edXML=", tag))
    assert read.attachments[0].content == PDF


def test_base64_with_an_element_in_it_is_cut_there_and_noted() -> None:
    whole = ENCODED[: HALF // 4 * 4]
    bent = document_text().replace(ENCODED, f"{whole}<b>QUJD</b>{ENCODED[HALF:]}")
    read = read_document(bent)
    assert read.attachments[0].content == base64.b64decode(whole)
    assert WarningCode.ATTACHMENT_DAMAGED in [w.code for w in read.warnings]


@pytest.mark.parametrize(
    ("text", "content", "damaged"),
    [
        ("QUJD", b"ABC", False),
        ("QUI=", b"AB", False),
        ("QUI", b"AB", False),
        ("QQ", b"A", False),
        ("QQ=", b"A", False),
        ("QUJDQ", b"ABC", True),
        ("QQ==QUJD", b"A", True),
        ("QQ==Q", b"A", True),
        ("Q===", b"", True),
        ("QUJD-_-_", b"ABC", True),
        ("QUJD\N{NO-BREAK SPACE}QUJD", b"ABC", True),
        ("QUJD\r\n\t QUJD", b"ABCABC", False),
    ],
)
def test_base64_is_decoded_as_far_as_it_is_good(text: str, content: bytes, damaged: bool) -> None:
    read = read_document(document_text().replace(ENCODED, text))
    assert read.attachments[0].content == content
    assert (WarningCode.ATTACHMENT_DAMAGED in [w.code for w in read.warnings]) is damaged
    long = base64.b64encode(bytes(3 << 20)).decode()
    found = read_document(document_text().replace(ENCODED, long + text)).attachments[0]
    assert found.content == bytes(3 << 20) + content


def test_a_large_message_between_small_reads_is_one_message() -> None:
    """Start tags, ends and references fall on every side of the reader's pieces."""
    for size in range(48_900, 49_200, 7):
        content = bytes(size % 251 for _ in range(size))
        text = document_text().replace(ENCODED, base64.b64encode(content).decode())
        text = text.replace("</Attachment>", "</Attachment>\n", 1)
        assert read_document(text).attachments[0].content == content
    for size in range(65_400, 65_600, 3):
        text = document_text(PDF).replace(
            "<edXML:Subject>", "<!--" + "x" * size + "--><edXML:Subject>"
        )
        assert read_document(text).envelope == envelope()
    for size in range(65_300, 65_700, 9):
        head = document_text().partition("<edXML:ContentTransferEncoded")[0]
        pad = "x" * (size - len(head.encode()) % 65_536)
        text = document_text().replace("<edXML:Subject>", f"<!--{pad}--><edXML:Subject>")
        assert read_document(text).attachments[0].content == PDF


def test_located_attachments_are_read_from_the_message_again(tmp_path: Path) -> None:
    path = file_with(tmp_path / "message", on_one_line(wrapped(PDF)))
    with path.open("rb") as stream:
        located = locate_edxml(stream)
        assert isinstance(located, LocatedDocument)
        (found,) = located.attachments
        assert b"".join(content_pieces(stream, found.place)) == PDF
    other = file_with(tmp_path / "other", on_one_line(wrapped(PDF.replace(b"1.7", b"1.6"))))
    with other.open("rb") as stream, pytest.raises(EdxmlMalformed):
        list(content_pieces(stream, found.place))


def test_more_than_a_reader_takes_is_not_written() -> None:
    limit = EdxmlLimits().max_total_attachment_bytes
    each = replace(attachment(), size_bytes=limit // 2 + 1)
    two = replace(envelope(), attachments=(each, replace(each, content_id="other")))
    with pytest.raises(EdxmlTooLarge):
        edxml_document_pieces(two, {"main": PDF, "other": PDF})


def test_a_stream_that_gives_other_bytes_is_refused_before_the_message_is_whole() -> None:
    large = PDF + bytes(100)
    document = replace(envelope(), attachments=(attachment(large),))
    pieces = edxml_document_pieces(document, {"main": io.BytesIO(large[:-1] + b"x")})
    with pytest.raises(EnvelopeIncomplete, match="digest"):
        list(pieces)


def test_streams_and_bytes_are_written_alike() -> None:
    large = random_bytes(2 * MEGABYTE)
    document = replace(envelope(), attachments=(attachment(large),))
    from_stream = b"".join(edxml_document_pieces(document, {"main": io.BytesIO(large)}))
    assert from_stream == b"".join(edxml_document_pieces(document, {"main": large}))
    assert read_edxml(from_stream) == read_edxml(from_stream)
