"""PDF documents made on the fly: small, whole, and different in one named respect each."""

from __future__ import annotations

import random
import zlib
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter, copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from signer.pdf_values import dictionary, look_up

A4_POINTS = (595.28, 841.89)
"""Width and height of an A4 page in points (ISO 216: 210 mm by 297 mm)."""

_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def one_page(text: str = "So: 09/QD-UBND", *, rotate: int = 0, page_entries: str = "") -> bytes:
    """An A4 page with a line of Latin text, classic cross-references, PDF 1.7.

    rotate: the page's /Rotate; page_entries: further entries of the page dictionary, as PDF.
    """
    width, height = A4_POINTS
    content = b"BT /F1 14 Tf 85 740 Td (" + text.encode("latin-1") + b") Tj ET"
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Rotate {rotate} "
        f"/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> {page_entries} >>"
    )
    return assemble(
        [
            _CATALOG,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page.encode("ascii"),
            _stream(b"", content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
        ]
    )


def pages(count: int) -> bytes:
    """A document of `count` A4 pages, each with its number on it."""
    width, height = A4_POINTS
    font = 3 + 2 * count
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(count))
    objects = [_CATALOG, f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode("ascii")]
    for index in range(count):
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] "
            f"/Contents {4 + 2 * index} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>"
        )
        content = f"BT /F1 14 Tf 85 740 Td (Page {index + 1}) Tj ET".encode("ascii")
        objects += [page.encode("ascii"), _stream(b"", content)]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>")
    return assemble(objects)


def one_page_of_size(size_bytes: int, *, seed: int = 1) -> bytes:
    """An A4 page with a picture of noise that brings the file to about `size_bytes` bytes."""
    width, height = A4_POINTS
    columns = 100
    rows = max(1, (size_bytes - 1200) // (3 * columns))
    noise = zlib.compress(random.Random(seed).randbytes(3 * columns * rows), level=1)
    picture = (
        f"/Type /XObject /Subtype /Image /Width {columns} /Height {rows} "
        "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode"
    )
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> /XObject << /Im1 6 0 R >> >> >>"
    )
    content = b"BT /F1 14 Tf 85 740 Td (So: 09/QD-UBND) Tj ET q 200 0 0 200 85 400 cm /Im1 Do Q"
    return assemble(
        [
            _CATALOG,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page.encode("ascii"),
            _stream(b"", content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
            _stream(picture.encode("ascii"), noise),
        ]
    )


def with_stream_xrefs(document: bytes) -> bytes:
    """The same document written anew with object streams and a cross-reference stream."""
    writer = copy_into_new_writer(PdfFileReader(BytesIO(document)))
    writer.stream_xrefs = True
    return _written(writer)


def with_empty_field(
    document: bytes,
    name: str,
    *,
    box: tuple[int, int, int, int] | None = None,
    spec: SigFieldSpec | None = None,
) -> bytes:
    """The document with an empty signature field added in an incremental update.

    box: the field's rectangle on page one in points, None for an invisible field;
    spec: a full description that replaces both.
    """
    writer = IncrementalPdfFileWriter(BytesIO(document))
    append_signature_field(writer, spec or SigFieldSpec(sig_field_name=name, box=box))
    return _written(writer)


def with_text_field(document: bytes, name: str, value: str = "") -> bytes:
    """The document with a visible text field on page one, added in an incremental update."""
    writer = IncrementalPdfFileWriter(BytesIO(document))
    page, _ = writer.find_page_for_modification(0)  # type: ignore[no-untyped-call]
    field = dictionary(
        {
            "/Type": "/Annot",
            "/Subtype": "/Widget",
            "/FT": "/Tx",
            "/T": generic.pdf_string(name),
            "/V": generic.pdf_string(value),
            "/F": 4,
            "/P": page,
            "/Rect": (100, 600, 300, 620),
        }
    )
    reference = writer.add_object(field)
    form = look_up(writer.root, "/AcroForm")
    if form is None:
        form = dictionary({"/Fields": []})
        writer.root[generic.NameObject("/AcroForm")] = form
        writer.update_root()  # type: ignore[no-untyped-call]
    assert isinstance(form, generic.DictionaryObject)
    form["/Fields"].append(reference)
    writer.update_container(form["/Fields"])
    writer.register_annotation(page, reference)  # type: ignore[no-untyped-call]
    return _written(writer)


def encrypted(document: bytes, password: str = "mật khẩu") -> bytes:
    """The same document, encrypted with AES-256 under a user password."""
    writer = copy_into_new_writer(PdfFileReader(BytesIO(document)))
    handler = StandardSecurityHandler.build_from_pw(password, password)
    writer.security_handler = handler
    writer._encrypt = writer.add_object(handler.as_pdf_object())
    return _written(writer)


def assemble(objects: list[bytes], *, trailer: str = "") -> bytes:
    """A PDF 1.7 file of the given indirect objects, numbered from 1; object 1 is the catalog."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (len(objects) + 1, trailer.encode("ascii"))
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (entries, len(data), data)


def _written(writer: BasePdfFileWriter) -> bytes:
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()
