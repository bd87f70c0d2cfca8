"""Documents of 50 KB as their producers write them, for the entries that sign."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from bench.harness import NotInstalled
from bench.material import DOCUMENT_BYTES, objects_of_size, with_table

_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
    "<xmp:CreateDate>2026-03-02T08:00:00+07:00</xmp:CreateDate><xmp:ModifyDate>"
    "2026-03-02T08:00:00+07:00</xmp:ModifyDate><xmp:CreatorTool>Writer</xmp:CreatorTool>"
    "<pdf:Producer>Writer</pdf:Producer><dc:title><rdf:Alt>"
    '<rdf:li xml:lang="x-default">Quyết định số 09/QĐ-UBND</rdf:li></rdf:Alt></dc:title>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>"
).encode()
_OFFICE_SECONDS = 120


def with_xmp() -> bytes:
    """A document with XMP metadata and an Info dictionary, as office programs write them."""
    objects = objects_of_size(DOCUMENT_BYTES)
    info, metadata = len(objects) + 1, len(objects) + 2
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R /Metadata %d 0 R >>" % metadata
    objects.append(b"<< /Producer (Writer) /CreationDate (D:20260302080000+07'00') >>")
    objects.append(
        b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%b\nendstream" % (len(_XMP), _XMP)
    )
    return with_table(objects, b"/Info %d 0 R" % info)


def with_streams() -> bytes:
    """A document with a cross-reference stream."""
    document = with_table(objects_of_size(DOCUMENT_BYTES))
    writer = copy_into_new_writer(PdfFileReader(BytesIO(document)))
    writer.stream_xrefs = True
    return _written(writer)


def with_field(name: str) -> bytes:
    """A document with a form: an empty field for a signature that will be seen."""
    writer = IncrementalPdfFileWriter(BytesIO(with_table(objects_of_size(DOCUMENT_BYTES))))
    spec = SigFieldSpec(sig_field_name=name, box=(100, 100, 300, 160))
    append_signature_field(writer, spec)
    return _written(writer)


def of_an_office_program() -> bytes:
    """A document made by LibreOffice. Raises NotInstalled."""
    program = shutil.which("soffice")
    if program is None:
        raise NotInstalled("soffice (LibreOffice)")
    with tempfile.TemporaryDirectory(prefix="congvan-bench-") as place:
        source = Path(place) / "quyet-dinh.html"
        source.write_text("<p>Quyết định số 09/QĐ-UBND</p>" * 300, encoding="utf-8")
        subprocess.run(  # noqa: S603 - a program of the machine's own
            [
                program,
                f"-env:UserInstallation=file://{place}/profile",
                *("--headless", "--convert-to", "pdf:writer_web_pdf_Export", "--outdir", place),
                str(source),
            ],
            check=True,
            capture_output=True,
            timeout=_OFFICE_SECONDS,
        )
        return source.with_suffix(".pdf").read_bytes()


def _written(writer: object) -> bytes:
    out = BytesIO()
    writer.write(out)  # type: ignore[attr-defined]
    return out.getvalue()
