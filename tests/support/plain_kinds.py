"""Documents of the plain kind in all the ways in which producers write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from tests.support import pdfs

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><xmp:ModifyDate>2024-05-01T08:00:00+07:00'
    "</xmp:ModifyDate><pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>"
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Quyết định</rdf:li></rdf:Alt></dc:title>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()

CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.276 841.89] /Resources << >> >>"
INFO = b"<< /Producer (Bo soan thao \\(1.0\\)) /CreationDate (D:20240501080000+07'00') >>"


def stream(entries: bytes, data: bytes) -> bytes:
    """A stream object."""
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(data), data)


def with_xmp(*, compressed: bool = False) -> list[bytes]:
    """The objects of a document with XMP metadata and an Info dictionary, number 4."""
    entries, data = b"/Type /Metadata /Subtype /XML", XMP
    if compressed:
        entries, data = entries + b" /Filter /FlateDecode", zlib.compress(XMP)
    catalog = b"<< /Type /Catalog /Pages 2 0 R /Metadata 5 0 R /Lang (vi-VN) >>"
    return [catalog, PAGES, PAGE, INFO, stream(entries, data)]


def with_streams(
    objects: list[bytes], *, trailer: bytes = b"", packed: bool = True, predicted: bool = False
) -> bytes:
    """A PDF 1.7 file with a cross-reference stream; `packed`: what may lies in an object stream.

    predicted: the cross-reference stream has the PNG predictor Up, as most producers write it.
    """
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    rows: dict[int, bytes] = {0: struct.pack(">BIH", 0, 0, 65535)}
    inside = [
        number for number, body in enumerate(objects, start=1) if packed and b"stream\n" not in body
    ]
    container, last = len(objects) + 1, len(objects) + 2
    bodies = dict(enumerate(objects, start=1))
    if inside:
        bodies[container] = _object_stream({number: bodies.pop(number) for number in inside})
        for index, number in enumerate(inside):
            rows[number] = struct.pack(">BIH", 2, container, index)
    for number, body in bodies.items():
        rows[number] = struct.pack(">BIH", 1, len(out), 0)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    rows[last] = struct.pack(">BIH", 1, start, 0)
    if not inside:
        rows[container] = struct.pack(">BIH", 0, 0, 1)
    table = b"".join(rows[number] for number in range(last + 1))
    entries = b"/Type /XRef /W [1 4 2] /Size %d /Root 1 0 R %b /Filter /FlateDecode" % (
        last + 1,
        trailer,
    )
    if predicted:
        table = _predicted(table, 7)
        entries += b" /DecodeParms << /Columns 7 /Predictor 12 >>"
    out += b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        last,
        stream(entries, zlib.compress(table)),
        start,
    )
    return bytes(out)


def linearised(objects: list[bytes]) -> bytes:
    """A file whose newest table stands first and points forward, as linearised ones do."""
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    count, split = len(objects), 2
    hole = len(out)
    first_table = b"xref\n%d %d\n" % (split + 1, count - split)
    space = len(first_table) + 20 * (count - split) + 120
    out += b" " * space
    offsets: dict[int, int] = {}
    for number, body in enumerate(objects, start=1):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    main = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (split + 1)
    out += b"".join(b"%010d 00000 n \n" % offsets[number] for number in range(1, split + 1))
    out += b"trailer\n<< /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (split + 1, hole)
    first = first_table + b"".join(
        b"%010d 00000 n \n" % offsets[number] for number in range(split + 1, count + 1)
    )
    first += b"trailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n0\n%%%%EOF\n" % (
        count + 1,
        main,
    )
    out[hole : hole + space] = first.ljust(space - 1) + b"\n"
    return bytes(out)


def kinds() -> Mapping[str, bytes]:
    """One document of each kind that the fast lane must take."""
    identified = b"/Info 4 0 R /ID [<00ff10> (abc)]"
    two_branches = [
        CATALOG,
        b"<< /Type /Pages /Kids [4 0 R] /Count 2 /Resources 5 0 R >>",
        PAGE.replace(b"/Parent 2", b"/Parent 4"),
        b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 3 0 R] /Count 2 >>",
        b"<< >>",
    ]
    annotated = PAGE[:-2] + b"/Annots [4 0 R] >>"
    annotated_elsewhere = PAGE[:-2] + b"/Annots 4 0 R >>"
    return {
        "table": pdfs.one_page(),
        "table and Info": pdfs.assemble([CATALOG, PAGES, PAGE, INFO], trailer=identified.decode()),
        "table and XMP": pdfs.assemble(with_xmp(), trailer=identified.decode()),
        "compressed XMP": pdfs.assemble(with_xmp(compressed=True), trailer="/Info 4 0 R"),
        "stream of the engine": pdfs.with_stream_xrefs(pdfs.one_page()),
        "stream": with_streams([CATALOG, PAGES, PAGE], packed=False),
        "object stream": with_streams([CATALOG, PAGES, PAGE, INFO], trailer=identified),
        "object stream, predicted": with_streams([CATALOG, PAGES, PAGE], predicted=True),
        "object stream and XMP": with_streams(with_xmp(), trailer=identified, predicted=True),
        "linearised": linearised([CATALOG, PAGES, PAGE]),
        "PDF 1.4": pdfs.assemble([CATALOG, PAGES, PAGE]).replace(b"%PDF-1.7", b"%PDF-1.4"),
        "PDF 2.0": pdfs.assemble([CATALOG, PAGES, PAGE]).replace(b"%PDF-1.7", b"%PDF-2.0"),
        "version in the catalog": pdfs.assemble(
            [CATALOG.replace(b"/Pages", b"/Version /1.6 /Pages"), PAGES, PAGE]
        ),
        "no line end at the end": pdfs.one_page().rstrip(b"\n"),
        "CRLF": pdfs.assemble([CATALOG, PAGES, PAGE]).replace(b" \n", b"\r\n"),
        "a tree of pages": pdfs.assemble(two_branches),
        "annotations": pdfs.assemble([CATALOG, PAGES, annotated, b"<< /Subtype /Text >>"]),
        "annotations apart": pdfs.assemble([CATALOG, PAGES, annotated_elsewhere, b"[ ]"]),
        "a form of text fields": pdfs.with_text_field(pdfs.one_page(), "SoVanBan"),
        "a form with an empty signature": pdfs.with_empty_field(pdfs.one_page(), "LanhDao"),
        "an empty form": pdfs.assemble(
            [CATALOG[:-2] + b"/AcroForm << /Fields [ ] /NeedAppearances true >> >>", PAGES, PAGE]
        ),
        "other extensions": pdfs.assemble(
            [
                CATALOG[:-2] + b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 3 >> >>"
                b">>",
                PAGES,
                PAGE,
            ]
        ),
        "comments and escapes": pdfs.assemble(
            [
                CATALOG,
                PAGES,
                PAGE,
                b"<< % a comment\n/Producer <FEFF0057006F00720064> /Title (\\(a\\)\\n\\101 (b))"
                b" /A#20b /C#e9 /N [-.5 +7 007 1.50 -0.0 0.00001 true null] >>",
            ],
            trailer="/Info 4 0 R",
        ),
        "a thousand pages": pdfs.pages(1000),
        "50 KB": pdfs.one_page_of_size(50_000),
    }


def _object_stream(bodies: Mapping[int, bytes]) -> bytes:
    heads, at = [], 0
    for number, body in bodies.items():
        heads.append(b"%d %d " % (number, at))
        at += len(body) + 1
    head = b"".join(heads)
    entries = b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode" % (len(bodies), len(head))
    return stream(entries, zlib.compress(head + b"\n".join(bodies.values())))


def _predicted(table: bytes, width: int) -> bytes:
    out, above = bytearray(), bytes(width)
    for at in range(0, len(table), width):
        row = table[at : at + width]
        out += b"\x02" + bytes((a - b) & 0xFF for a, b in zip(row, above, strict=True))
        above = row
    return bytes(out)
