"""Updates and additions that spoil a signed document: each breaks one named rule."""

# mypy: allow-untyped-calls
from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

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


def with_hybrid_table(document: bytes) -> bytes:
    """Append an update whose second table, for newer readers, replaces the page's content."""
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    size = max(int(number) for number in re.findall(rb"/Size (\d+)", document))
    root = re.findall(rb"/Root (\d+ \d+ R)", document)[-1]
    out = bytearray(document)
    content = len(out)
    out += b"4 0 obj\n<< /Length 7 >>\nstream\nq 1 0 Q\nendstream\nendobj\n"
    stream = len(out)
    entries = (
        b"\x01" + content.to_bytes(4, "big") + b"\x00\x01" + stream.to_bytes(4, "big") + b"\x00"
    )
    out += (
        b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 1] /Index [4 1 %d 1] /Root %b /Length %d >>\n"
        b"stream\n%b\nendstream\nendobj\n" % (size, size + 1, size, root, len(entries), entries)
    )
    table = len(out)
    out += b"xref\n0 0\ntrailer\n<< /Size %d /Root %b /Prev %d /XRefStm %d >>\nstartxref\n%d\n" % (
        size + 1,
        root,
        previous,
        stream,
        table,
    )
    return bytes(out + b"%%EOF\n")


# Updates after signing: rules 0.3 to 0.5.


@contextmanager
def update(document: bytes) -> Iterator[tuple[IncrementalPdfFileWriter, list[bytes]]]:
    """Give a writer for an incremental update; the list gets the new document at the end."""
    writer = IncrementalPdfFileWriter(BytesIO(document))
    if writer.prev.encrypted:
        writer.encrypt("")
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


def with_overlay(
    document: bytes, name: str = "Overlay", *, box: tuple[int, int, int, int] = (50, 700, 400, 800)
) -> bytes:
    """Lay an empty visible signature field over the page."""
    with update(document) as (writer, results):
        append_signature_field(writer, SigFieldSpec(name, box=box))
    return results[0]


@dataclass(frozen=True)
class Drawn:
    """What a widget draws, and where it says that it is: `rectangle` None says nowhere."""

    rectangle: tuple[int, ...] | None
    box: tuple[int, ...] | None = (0, 0, 595, 842)
    content: bytes = b"1 g 0 0 595 842 re f 0 g 90 700 200 20 re f"


def draw(writer: IncrementalPdfFileWriter, widget: generic.DictionaryObject, drawn: Drawn) -> None:
    """Give a widget an appearance whose rectangle need not have any extent."""
    appearance = generic.StreamObject(stream_data=drawn.content)
    appearance[pdf_name("/Type")] = pdf_name("/XObject")
    appearance[pdf_name("/Subtype")] = pdf_name("/Form")
    if drawn.box is not None:
        appearance[pdf_name("/BBox")] = _numbers(drawn.box)
    widget[pdf_name("/AP")] = generic.DictionaryObject(
        {pdf_name("/N"): writer.add_object(appearance)}
    )
    if drawn.rectangle is not None:
        widget[pdf_name("/Rect")] = _numbers(drawn.rectangle)
    else:
        widget.pop(pdf_name("/Rect"), None)


def with_drawn_field(document: bytes, drawn: Drawn, name: str = "Overlay") -> bytes:
    """Add an empty signature field that draws where it has no rectangle to be seen in."""
    with update(document) as (writer, results):
        append_signature_field(writer, SigFieldSpec(name, box=(0, 0, 1, 1)))
        draw(writer, _field(writer, name), drawn)
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


def _numbers(of: tuple[int, ...]) -> generic.ArrayObject:
    return generic.ArrayObject(generic.NumberObject(number) for number in of)


def _rectangle() -> generic.ArrayObject:
    return generic.ArrayObject(generic.NumberObject(number) for number in (50, 700, 400, 800))


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
