"""Documents in the manner of the programs that make them: Word, scanners, qpdf's many forms."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps, TiffImagePlugin

from tests.support import pdfs

DATA = Path(__file__).parents[1] / "data"
SCAN_DPI = 200
A4_PIXELS = (1654, 2339)
"""An A4 page at SCAN_DPI, the least that Decree 30/2020 allows for a copy."""


def as_word_writes(document_text: str = "So: 09/QD-UBND") -> bytes:
    """A page in the structure of Word's PDFs: hybrid references, structure tree in a stream.

    Rebuilt from Word 2010 to 365's own files: a table in which the hidden objects are free, its
    own end marker, and behind it a second, empty table that names the cross-reference stream.
    """
    content = f"/P <</MCID 0>> BDC BT /F1 14 Tf 85 740 Td ({document_text}) Tj ET EMC"
    catalog = (
        b"<</Type/Catalog/Pages 2 0 R/Lang(vi)/StructTreeRoot 8 0 R/MarkInfo<</Marked true>>>>"
    )
    page = (
        b"<</Type/Page/Parent 2 0 R/Resources<</Font<</F1 5 0 R>>>>/MediaBox[0 0 595.32 841.92]"
        b"/Contents 4 0 R/Group<</Type/Group/S/Transparency/CS/DeviceRGB>>/Tabs/S/StructParents 0>>"
    )
    squeezed = zlib.compress(content.encode("ascii"))
    objects = {
        1: catalog,
        2: b"<</Type/Pages/Count 1/Kids[ 3 0 R] >>",
        3: page,
        4: b"<</Filter/FlateDecode/Length %d>>\r\nstream\r\n%b\r\nendstream"
        % (len(squeezed), squeezed),
        5: b"<</Type/Font/Subtype/TrueType/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>",
        6: b"<</Title(So: 09)/Producer(structure of Word's PDFs)>>",
    }
    hidden = {
        8: b"<</Type/StructTreeRoot/ParentTree 9 0 R/K[10 0 R]>>",
        9: b"<</Nums[0[10 0 R]]>>",
        10: b"<</Type/StructElem/S/P/P 8 0 R/Pg 3 0 R/K 0>>",
    }
    return _hybrid(objects, hidden, stream=11, table=12)


def _hybrid(
    objects: dict[int, bytes], hidden: dict[int, bytes], *, stream: int, table: int
) -> bytes:
    out = bytearray(b"%PDF-1.7\r\n%\xb5\xb5\xb5\xb5\r\n")
    places = {}
    held = b" ".join(hidden.values())
    starts = [0]
    for body in hidden.values():
        starts.append(starts[-1] + len(body) + 1)
    head = " ".join(f"{n} {at}" for n, at in zip(hidden, starts, strict=False)).encode("ascii")
    packed = zlib.compress(head + b" " + held)
    objects = objects | {
        stream: b"<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\r\nstream\r\n%b\r\n"
        b"endstream" % (len(hidden), len(head) + 1, len(packed), packed)
    }
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\r\n%b\r\nendobj\r\n" % (number, body)
    places[table] = len(out)
    widths = zlib.compress(
        b"".join(
            _entry(number, places, hidden=list(hidden), stream=stream)
            for number in range(table + 1)
        )
    )
    out += (
        b"%d 0 obj\r\n<</Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Info 6 0 R/ID[<00><00>]"
        b"/Filter/FlateDecode/Length %d>>\r\nstream\r\n%b\r\nendstream\r\nendobj\r\n"
        % (table, table + 1, len(widths), widths)
    )
    start = len(out)
    out += b"xref\r\n0 %d\r\n" % (table + 1)
    for number in range(table + 1):
        if number in places and number != table:
            out += b"%010d 00000 n\r\n" % places[number]
        else:
            out += b"%010d 65535 f\r\n" % ((number + 1) % (table + 1))
    trailer = b"<</Size %d/Root 1 0 R/Info 6 0 R/ID[<00><00>]" % (table + 1)
    out += b"trailer\r\n%b>>\r\nstartxref\r\n%d\r\n%%%%EOF\r\n" % (trailer, start)
    second = len(out)
    out += b"xref\r\n0 0\r\ntrailer\r\n%b /Prev %d/XRefStm %d>>\r\nstartxref\r\n%d\r\n%%%%EOF" % (
        trailer,
        start,
        places[table],
        second,
    )
    return bytes(out)


def _entry(number: int, places: dict[int, int], *, hidden: list[int], stream: int) -> bytes:
    if number in hidden:
        return struct.pack(">BIH", 2, stream, hidden.index(number))
    if number in places:
        return struct.pack(">BIH", 1, places[number], 0)
    return struct.pack(">BIH", 0, 0, 65535)


def scanned_page() -> Image.Image:
    """What lies on the glass: a page of lines and a stamp, in colour."""
    page = Image.new("RGB", A4_PIXELS, (252, 251, 247))
    draw = ImageDraw.Draw(page)
    for row in range(24):
        draw.rectangle(
            (240, 300 + 60 * row, 1400 - 37 * (row % 5), 312 + 60 * row), fill=(20, 20, 24)
        )
    draw.ellipse((420, 1780, 700, 2060), outline=(200, 20, 20), width=12)
    return page


def scanned_in_colour() -> bytes:
    """A scanner's PDF: one JPEG a page."""
    out = BytesIO()
    scanned_page().save(out, "JPEG", quality=60)
    return _scan("/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", out.getvalue())


def scanned_as_fax() -> bytes:
    """A scanner's PDF in black and white: CCITT group 4 (ITU-T T.6)."""
    width, height = A4_PIXELS
    parameters = f"<< /K -1 /Columns {width} /Rows {height} /BlackIs1 false >>"
    return _scan(
        "/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
        f"/DecodeParms {parameters}",
        _group_4(),
    )


def scanned_as_jbig2() -> bytes:
    """A scanner's PDF in black and white: JBIG2 (ITU-T T.88), one generic region in MMR coding."""
    width, height = A4_PIXELS
    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 1) + _group_4()
    segments = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate(((48, page), (38, region)))
    )
    return _scan("/ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode", segments)


def _group_4() -> bytes:
    # libtiff codes the bits as they are, and the filters take 1 for black, Pillow for white.
    negative = ImageOps.invert(scanned_page().convert("L")).convert("1", dither=Image.Dither.NONE)
    out = BytesIO()
    rows_per_strip = 278
    negative.save(out, "TIFF", compression="group4", tiffinfo={rows_per_strip: A4_PIXELS[1]})
    with Image.open(out) as tiff:
        assert isinstance(tiff, TiffImagePlugin.TiffImageFile)
        [start] = tiff.tag_v2[TiffImagePlugin.STRIPOFFSETS]
        [length] = tiff.tag_v2[TiffImagePlugin.STRIPBYTECOUNTS]
    return out.getvalue()[start : start + length]


def _scan(image: str, data: bytes) -> bytes:
    width, height = (72 * pixels / SCAN_DPI for pixels in A4_PIXELS)
    content = f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /Im0 Do Q".encode("ascii")
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}] /Contents 4 0 R "
        "/Resources << /ProcSet [/PDF /ImageB /ImageC] /XObject << /Im0 5 0 R >> >> >>"
    )
    size = "/Width {} /Height {}".format(*A4_PIXELS)
    return pdfs.assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page.encode("ascii"),
            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
            b"<< /Type /XObject /Subtype /Image %b %b /Length %d >>\nstream\n%b\nendstream"
            % (size.encode("ascii"), image.encode("ascii"), len(data), data),
        ]
    ).replace(b"%PDF-1.7", b"%PDF-1.4", 1)


def by_qpdf(document: bytes, *options: str, directory: Path) -> bytes:
    """The same document as qpdf writes it with these options."""
    source, target = directory / "qpdf-in.pdf", directory / "qpdf-out.pdf"
    source.write_bytes(document)
    subprocess.run(
        ["qpdf", "--allow-weak-crypto", *options, str(source), str(target)],
        check=True,
        capture_output=True,
    )
    return target.read_bytes()


def made_by_word(document: bytes) -> bytes:
    """The document as Word wrote it, out of a file that others signed afterwards."""
    first = re.search(rb"/XRefStm \d+>>\s+startxref\s+\d+\s+%%EOF", document)
    assert first is not None
    return document[: first.end()]
