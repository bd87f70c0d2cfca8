"""Signed documents made bad on purpose: each function breaks one named rule and nothing else.

Where a rule must hold although the cryptography is right, the document is signed by hand over
exactly the bytes that its wrong /ByteRange names, so that only the rule can refuse it.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.authority import Issued

BYTE_RANGE_ROOM = 60
"""Bytes kept for the array of /ByteRange in documents signed by hand."""


def plain_signer(issued: Issued) -> SimpleSigner:
    """Return pyHanko's own signer for an issued certificate: an engine apart from ours."""
    store = SimpleCertificateStore()
    for certificate in issued.chain:
        store.register(asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)))
    key = issued.private_key.private_bytes(
        Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=store,
    )


def plainly_signed(
    document: bytes,
    issued: Issued,
    metadata: PdfSignatureMetadata,
    field: SigFieldSpec | None = None,
) -> bytes:
    """Return the document signed by pyHanko alone, as PAdES."""
    pades = replace(
        metadata, subfilter=SigSeedSubFilter.PADES, md_algorithm=metadata.md_algorithm or "sha256"
    )
    out = BytesIO()

    async def make() -> None:
        signer = PdfSigner(pades, plain_signer(issued), new_field_spec=field)
        await signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(document)), output=out)

    asyncio.run(make())
    return out.getvalue()


def set_form_fonts(
    writer: IncrementalPdfFileWriter, fonts: Mapping[generic.NameObject, generic.PdfObject]
) -> None:
    """Put the fonts into the form's default resources; make a form where there is none."""
    if "/AcroForm" not in writer.root:
        empty = generic.DictionaryObject({pdf_name("/Fields"): generic.ArrayObject()})
        writer.root[pdf_name("/AcroForm")] = writer.add_object(empty)
        writer.update_root()
    form = writer.root["/AcroForm"]
    resources = generic.DictionaryObject({pdf_name("/Font"): generic.DictionaryObject(dict(fonts))})
    form[pdf_name("/DR")] = resources
    writer.update_container(form)


def cms_over(
    content: bytes,
    issued: Issued,
    *,
    digest: str = "sha256",
    use_pades: bool = True,
    timestamper: TimeStamper | None = None,
) -> bytes:
    """Return a detached CMS signature (DER) over `content`."""

    async def make() -> bytes:
        message = await plain_signer(issued).async_sign(
            hashlib.new(digest, content).digest(),
            digest,
            use_pades=use_pades,
            timestamper=timestamper,
        )
        return bytes(message.dump())

    return asyncio.run(make())


@dataclass(frozen=True)
class Shape:
    """How a document signed by hand departs from a good one; the defaults make a good one.

    left, right: bytes by which the gap is wider than /Contents on either side. byte_range: makes
    the numbers that are written (and not signed over: the signature covers the gap's outside).
    before: entries put before /ByteRange. padding: what follows the CMS in /Contents, as hex.
    """

    left: int = 0
    right: int = 0
    byte_range: Callable[[int, int, int], str] | None = None
    before: str = ""
    padding: str = ""
    sub_filter: str = "/ETSI.CAdES.detached"
    digest: str = "sha256"
    use_pades: bool = True
    timestamper: TimeStamper | None = None
    contents_bytes: int = 8000
    rect: str = "[0 0 0 0]"
    page_entries: str = ""


def hand_signed(issued: Issued, shape: Shape | None = None) -> bytes:
    """Return a one-page document with one signature, made by hand in one revision."""
    shape = shape or Shape()
    placeholder = b"<" + b"0" * (2 * shape.contents_bytes) + b">"
    dictionary = (
        f"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter {shape.sub_filter} {shape.before} "
        f"/ByteRange {'#' * BYTE_RANGE_ROOM} /Reason (practice) /Contents "
    ).encode("ascii") + placeholder
    document = _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] /SigFlags 3 >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> "
            b">> >> /Annots [5 0 R] %b >>" % shape.page_entries.encode("ascii"),
            _stream("BT /F1 14 Tf 72 770 Td (So: 09/QD-UBND) Tj ET"),
            f"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Leader) /V 6 0 R /F 132 "
            f"/Rect {shape.rect} /P 3 0 R >>".encode("ascii"),
            dictionary + b" /M (D:20261123080000Z) >>",
        ]
    )
    start = document.index(placeholder)
    end = start + len(placeholder)
    first, second, size = start - shape.left, end + shape.right, len(document)
    numbers = f"[0 {first} {second} {size - second}]"
    if shape.byte_range is not None:
        numbers = shape.byte_range(first, second, size)
    signed = document.replace(
        b"#" * BYTE_RANGE_ROOM, numbers.ljust(BYTE_RANGE_ROOM).encode("ascii"), 1
    )
    cms = cms_over(
        signed[:first] + signed[second:],
        issued,
        digest=shape.digest,
        use_pades=shape.use_pades,
        timestamper=shape.timestamper,
    )
    contents = (cms.hex() + shape.padding).ljust(2 * shape.contents_bytes, "0")
    return signed[: start + 1] + contents.encode("ascii") + signed[end - 1 :]


def _stream(text: str) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text.encode("latin-1"))


def _assembled(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


# Bytes behind the end: rule 0.2.


def with_appended_objects(document: bytes) -> bytes:
    """Append a new body that the old table ignores and a repairing viewer would show."""
    startxref = re.findall(rb"startxref\s+(\d+)", document)[-1]
    body = b"4 0 obj\n<< /Length 42 >>\nstream\nBT /F1 14 Tf 72 770 Td (So: 10/QD-UBND) Tj ET\n"
    return document + body + b"endstream\nendobj\nstartxref\n%b\n%%%%EOF\n" % startxref


def with_zip_behind(document: bytes) -> bytes:
    """Append a ZIP archive: the file is both."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("macro.txt", "x" * 4000)
    return document + archive.getvalue()


def without_last_table(document: bytes) -> bytes:
    """Append an update that replaces the page's content, but leave out its table."""
    return document + b"4 0 obj\n<< /Length 5 >>\nstream\nq Q q\nendstream\nendobj\n%%EOF\n"


# Updates after signing: rules 0.3 to 0.5.


@contextmanager
def update(document: bytes) -> Iterator[tuple[IncrementalPdfFileWriter, list[bytes]]]:
    """Give a writer for an incremental update; the list gets the new document at the end."""
    writer = IncrementalPdfFileWriter(BytesIO(document))
    results: list[bytes] = []
    yield writer, results
    out = BytesIO()
    writer.write(out)
    results.append(out.getvalue())


def with_replaced_content(document: bytes, text: str = "So: 99/QD-UBND") -> bytes:
    """Replace the first page's content stream."""
    with update(document) as (writer, results):
        page = _page(writer)
        stream = generic.StreamObject(
            stream_data=f"BT /F1 14 Tf 72 770 Td ({text}) Tj ET".encode("latin-1")
        )
        page[pdf_name("/Contents")] = writer.add_object(stream)
        writer.update_container(page)
    return results[0]


def with_overwritten_content(document: bytes) -> bytes:
    """Overwrite the content stream object itself and leave the page as it is."""
    with update(document) as (writer, results):
        stream = _page(writer)["/Contents"]
        replacement = generic.StreamObject(stream_data=b"BT /F1 14 Tf 72 770 Td (False) Tj ET")
        reference = stream.container_ref
        writer.objects[(reference.generation, reference.idnum)] = replacement
    return results[0]


def with_new_page_tree(document: bytes) -> bytes:
    """Point the catalog to a page tree of its own."""
    with update(document) as (writer, results):
        page = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Page"),
                pdf_name("/MediaBox"): generic.ArrayObject(
                    generic.NumberObject(number) for number in (0, 0, 595, 842)
                ),
            }
        )
        tree = generic.DictionaryObject(
            {pdf_name("/Type"): pdf_name("/Pages"), pdf_name("/Count"): generic.NumberObject(1)}
        )
        reference = writer.add_object(tree)
        page[pdf_name("/Parent")] = reference
        tree[pdf_name("/Kids")] = generic.ArrayObject([writer.add_object(page)])
        writer.root[pdf_name("/Pages")] = reference
        writer.update_root()
    return results[0]


def with_script(document: bytes) -> bytes:
    """Let the document run a script when it is opened."""
    with update(document) as (writer, results):
        writer.root[pdf_name("/OpenAction")] = generic.DictionaryObject(
            {
                pdf_name("/S"): pdf_name("/JavaScript"),
                pdf_name("/JS"): generic.pdf_string("app.alert(1)"),
            }
        )
        writer.update_root()
    return results[0]


def with_free_text(document: bytes, text: str = "So 123, ngay 23") -> bytes:
    """Put a free-text annotation over the page, as clerks do to add number and date."""
    with update(document) as (writer, results):
        page = _page(writer)
        note = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/FreeText"),
                pdf_name("/Rect"): _rectangle(),
                pdf_name("/DA"): generic.pdf_string("/Helv 12 Tf 0 g"),
                pdf_name("/Contents"): generic.pdf_string(text),
            }
        )
        annotations = generic.ArrayObject(list(page.get("/Annots", ())))
        annotations.append(writer.add_object(note))
        page[pdf_name("/Annots")] = annotations
        writer.update_container(page)
    return results[0]


def with_filled_text(document: bytes, name: str, text: str) -> bytes:
    """Fill a text field and draw its appearance anew."""
    with update(document) as (writer, results):
        field = _field(writer, name)
        appearance = generic.StreamObject(
            dict_data={
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): _rectangle(),
            },
            stream_data=f"/Tx BMC BT ({text}) Tj ET EMC".encode("latin-1"),
        )
        field[pdf_name("/V")] = generic.pdf_string(text)
        field[pdf_name("/AP")] = generic.DictionaryObject(
            {pdf_name("/N"): writer.add_object(appearance)}
        )
        writer.update_container(field)
    return results[0]


def with_redrawn_fields(document: bytes) -> bytes:
    """Tell viewers to draw all form fields anew from the form's defaults."""
    with update(document) as (writer, results):
        form = writer.root["/AcroForm"]
        form[pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
        writer.update_container(form)
    return results[0]


def with_overlay(document: bytes, name: str = "Overlay") -> bytes:
    """Lay an empty visible signature field over the page."""
    with update(document) as (writer, results):
        append_signature_field(writer, SigFieldSpec(name, box=(50, 700, 400, 800)))
    return results[0]


def with_second_field_for(document: bytes, name: str) -> bytes:
    """Let a second field point at the signature of the field `name`."""
    with update(document) as (writer, results):
        append_signature_field(writer, SigFieldSpec("Copy"))
        copy = _field(writer, "Copy")
        copy[pdf_name("/V")] = _field(writer, name).raw_get("/V")
        writer.update_container(copy)
    return results[0]


def with_renamed_field(document: bytes, name: str) -> bytes:
    """Give a signed field another name."""
    with update(document) as (writer, results):
        field = _field(writer, name)
        field[pdf_name("/T")] = generic.pdf_string("Another")
        writer.update_container(field)
    return results[0]


def without_fields(document: bytes) -> bytes:
    """Remove all fields from the form, so that the document looks unsigned."""
    with update(document) as (writer, results):
        form = writer.root["/AcroForm"]
        form[pdf_name("/Fields")] = generic.ArrayObject()
        writer.update_container(form)
        writer.update_root()
    return results[0]


def with_value_in_object_stream(document: bytes) -> bytes:
    """Fill a signature field with a dictionary that lies compressed in an object stream."""
    writer = IncrementalPdfFileWriter(BytesIO(document))
    append_signature_field(writer, SigFieldSpec("Compressed"))
    value = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Sig"),
            pdf_name("/Filter"): pdf_name("/Adobe.PPKLite"),
            pdf_name("/SubFilter"): pdf_name("/ETSI.CAdES.detached"),
            pdf_name("/Contents"): generic.ByteStringObject(b"\x30\x00"),
            pdf_name("/ByteRange"): generic.ArrayObject(
                generic.NumberObject(number) for number in (0, 10, 20, 10)
            ),
        }
    )
    stream = writer.prepare_object_stream()
    field = _field(writer, "Compressed")
    field[pdf_name("/V")] = writer.add_object(value, obj_stream=stream)
    writer.update_container(field)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def with_broken_field_in_front(document: bytes, value: str) -> bytes:
    """Put a signature field with the raw dictionary `value` before the good ones."""
    with update(document) as (writer, results):
        form = writer.root["/AcroForm"]
        reference = writer.add_object(
            generic.DictionaryObject({pdf_name("/Type"): pdf_name("/Sig")})
        )
        field = generic.DictionaryObject(
            {
                pdf_name("/FT"): pdf_name("/Sig"),
                pdf_name("/T"): generic.pdf_string("Broken"),
                pdf_name("/V"): reference,
            }
        )
        form["/Fields"].insert(0, writer.add_object(field))
        writer.update_container(form["/Fields"])
        writer.update_root()
    written = results[0]
    marker = b"%d 0 obj" % reference.idnum
    start = written.rindex(marker)
    end = written.index(b"endobj", start)
    room = end - start - len(marker)
    filling = f" {value} ".encode("ascii")
    # The table's offsets hold as long as the objects keep their length.
    shift = len(filling) - room
    return _shifted(written, start + len(marker), end, filling, shift)


def _shifted(document: bytes, start: int, end: int, filling: bytes, shift: int) -> bytes:
    """Replace bytes in the last revision and correct its cross-reference table."""
    changed = document[:start] + filling + document[end:]
    table = changed.rindex(b"\nxref") + 1
    head, tail = changed[:table], changed[table:]

    def moved(match: re.Match[bytes]) -> bytes:
        offset = int(match.group(1))
        return b"%010d" % (offset + shift if offset >= end else offset) + match.group(2)

    tail = re.sub(rb"(\d{10})( \d{5} n)", moved, tail)
    tail = re.sub(rb"startxref\s+\d+", b"startxref\n%d" % table, tail)
    return head + tail


def _page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    reference, _ = writer.find_page_for_modification(0)
    page = reference.get_object()
    assert isinstance(page, generic.DictionaryObject)
    return page


def _field(writer: IncrementalPdfFileWriter, name: str) -> generic.DictionaryObject:
    for entry in writer.root["/AcroForm"]["/Fields"]:
        field = entry.get_object()
        if field.get("/T") == name:
            assert isinstance(field, generic.DictionaryObject)
            return field
    raise LookupError(name)


def _rectangle() -> generic.ArrayObject:
    return generic.ArrayObject(generic.NumberObject(number) for number in (50, 700, 400, 800))


# Documents that cost too much to read (denial of service).


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
    return _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /X %b >>" % (b"7" * digits),
            b"<< /Type /Pages /Kids [] /Count 0 >>",
        ]
    )


def deeply_nested(depth: int) -> bytes:
    """Return a document whose catalog holds arrays within arrays."""
    return _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm %b%b >>" % (b"[" * depth, b"]" * depth),
            b"<< /Type /Pages /Kids [] /Count 0 >>",
        ]
    )


def self_reference() -> bytes:
    """Return a document whose form refers to itself."""
    return _assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm 3 0 R >>",
            b"<< /Type /Pages /Kids [] /Count 0 >>",
            b"4 0 R",
            b"3 0 R",
        ]
    )


def compressed_bomb(mebibytes: int = 300) -> bytes:
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
