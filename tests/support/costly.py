"""Documents that cost too much to read (denial of service), made small where a limit allows."""

from __future__ import annotations

import re
import zlib

from tests.support.hand_signing import assembled


def hollow_table(entries: int) -> bytes:
    """Return a small file whose cross-reference stream announces entries without width."""
    table = (
        b"1 0 obj\n<< /Type /XRef /Size %d /W [0 0 0] /Root 2 0 R /Length 0 >>\nstream\n\n"
        b"endstream\nendobj\n" % entries
    )
    head = b"%PDF-1.7\n"
    return head + table + b"startxref\n%d\n%%%%EOF\n" % len(head)


def long_number(digits: int) -> bytes:
    """Return a document whose catalog holds one endless number."""
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /X %b >>" % (b"7" * digits),
            b"<< /Type /Pages /Kids [] /Count 0 >>",
        ]
    )


def deeply_nested(depth: int) -> bytes:
    """Return a document whose catalog holds arrays within arrays."""
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm %b%b >>" % (b"[" * depth, b"]" * depth),
            b"<< /Type /Pages /Kids [] /Count 0 >>",
        ]
    )


def self_reference() -> bytes:
    """Return a document whose form refers to itself."""
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm 3 0 R >>",
            b"<< /Type /Pages /Kids [] /Count 0 >>",
            b"4 0 R",
            b"3 0 R",
        ]
    )


def compressed_bomb(mebibytes: int = 64) -> bytes:
    """Return a document whose catalog lies in an object stream that inflates beyond measure."""
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes(1024 * 1024)) for _ in range(mebibytes)) + packed.flush()
    stream = (
        b"2 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\n"
        b"stream\n%b\nendstream\nendobj\n" % (len(body), body)
    )
    head = b"%PDF-1.7\n" + stream
    entries = (
        b"\x00\x00\x00\x00\x00" + b"\x02\x00\x00\x02\x00" + b"\x01\x00\x00\x09\x00"
        b"\x01" + len(head).to_bytes(3, "big") + b"\x00"
    )
    table = (
        b"3 0 obj\n<< /Type /XRef /Size 4 /W [1 3 1] /Root 1 0 R /Length %d >>\nstream\n%b\n"
        b"endstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (len(entries), entries, len(head))
    )
    return head + table


def many_revisions(document: bytes, count: int) -> bytes:
    """Append `count` empty updates."""
    out = bytearray(document)
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    size = int(re.findall(rb"/Size (\d+)", document)[-1])
    root = re.findall(rb"/Root (\d+ \d+ R)", document)[-1]
    for _ in range(count):
        start = len(out)
        out += b"xref\n0 0\ntrailer\n<< /Size %d /Root %b /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
            size,
            root,
            previous,
            start,
        )
        previous = start
    return bytes(out)
