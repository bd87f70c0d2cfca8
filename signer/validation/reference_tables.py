"""Cross-reference tables that name an object twice, which readers resolve differently (pure).

ISO 32000-2 §7.5.4 gives an object one entry in a table. Where there are two, some viewers take the
first and others the last; a document is only judged when there is nothing to choose. Streams need
no check here: the engine refuses subsections that overlap or run back.
"""

from __future__ import annotations

from io import BytesIO

from pyhanko.pdf_utils import xref
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType


def object_named_twice(reader: PdfFileReader, document: bytes) -> int | None:
    """Return the number of an object that one table names twice, None where there is none."""
    for revision in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_container_info(revision)
        if section.xref_section_type is XRefSectionType.STREAM:
            continue
        table = BytesIO(document)
        table.seek(section.start_location)
        seen: set[int] = set()
        for entry in xref.parse_xref_table(table, strict=True):  # read as the engine reads it
            if entry.idnum in seen:
                return entry.idnum
            seen.add(entry.idnum)
    return None
