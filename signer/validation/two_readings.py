"""Hybrid cross-references: whether readers of tables and of streams see the same document (pure).

ISO 32000-2 §7.5.8.4: a table may name a cross-reference stream (/XRefStm) with objects that a
reader of tables alone takes for null. Word writes every document so and hides its structure tree
there, which no page shows. Where the two readings could differ in anything that is shown, nobody
can say what was signed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSection, XRefSectionType

from signer.engine.reading import raw

UNSHOWN: Final = "/StructTreeRoot"
"""The catalog's entry below which the readings may differ: the structure for screen readers."""


def readings_differ(reader: PdfFileReader, revision: int | None = None) -> str | None:
    """Return in what the two readings differ up to a revision, None where they show the same.

    revision: as the engine numbers them, None for the document as it is now.
    """
    if not reader.xrefs.hybrid_xrefs_present:
        return None
    newest = reader.xrefs.total_revisions - 1
    revision = newest if revision is None else revision
    if "/Encrypt" in reader.trailer.flatten():
        return "it is encrypted besides"
    found: dict[int, tuple[int, int]] = {}
    for section in _sections(reader)[: revision + 1]:
        fault = _misplaced(section)
        if fault is not None:
            return fault
        found.update(section.xref_data.standard_xrefs)
        for number in section.xref_data.freed:
            found.pop(number, None)
        contested = _contested(section, found)
        if contested is not None:
            return f"object {contested} is another one in the stream"
    for number, (generation, offset) in found.items():
        reference = generic.Reference(number, generation, reader)
        if reader.xrefs.get_historical_ref(reference, revision) != offset:
            return f"object {number} is another one in the stream"
    hidden = _hidden_from_tables(reader, revision, found=frozenset(found))
    return None if hidden is None else f"only the stream has object {hidden}, which is shown"


def settle(reader: PdfFileReader) -> None:
    """Let the engine take hybrid tables for ordinary ones, once the readings were compared."""
    sections = _sections(reader)
    for index, section in enumerate(sections):
        if section.meta_info.xref_section_type is XRefSectionType.HYBRID_MAIN:
            plain = replace(section.meta_info, xref_section_type=XRefSectionType.STANDARD)
            sections[index] = replace(section, meta_info=plain)


def _sections(reader: PdfFileReader) -> list[XRefSection]:
    return reader.xrefs._xref_sections


def _misplaced(section: XRefSection) -> str | None:
    """Say what is wrong with where a table's stream stands.

    One that came after its table could be added to a document that was signed without it.
    """
    if section.meta_info.xref_section_type is XRefSectionType.STREAM:
        return "a reader of tables can't read its cross-reference streams at all"
    hybrid = section.xref_data.hybrid
    if hybrid is not None and hybrid.meta_info.end_location > section.meta_info.start_location:
        return "a stream stands behind its table"
    return None


def _contested(section: XRefSection, found: dict[int, tuple[int, int]]) -> int | None:
    """Return the number of an object that the tables so far and this stream place differently.

    Which of the two a section's own reader would believe is the reader's choice.
    """
    if section.xref_data.hybrid is None:
        return None
    stream = section.xref_data.hybrid.xref_data
    moved = (n for n, place in stream.standard_xrefs.items() if found.get(n, place) != place)
    hidden = (n for n in (*stream.xrefs_in_objstm, *stream.freed) if n in found)
    return next(iter((*moved, *hidden)), None)


def _hidden_from_tables(
    reader: PdfFileReader, revision: int, *, found: frozenset[int]
) -> int | None:
    """Return the number of an object that a reader of tables misses, None where there is none.

    found: the objects that it finds. Everything counts that the catalog leads to, but for the
    structure tree.
    """
    newest = revision == reader.xrefs.total_revisions - 1
    resolver = reader if newest else reader.get_historical_resolver(revision)
    root = reader.trailer.raw_get("/Root", revision=revision).reference
    seen: set[generic.Reference] = set()
    waiting: list[object] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            value = value.reference
        if isinstance(value, generic.Reference):
            if value in seen or reader.xrefs.get_historical_ref(value, revision) is None:
                continue
            seen.add(value)
            if value.idnum not in found:
                return value.idnum
            waiting.append(_shown(resolver.get_object(value), is_catalog=value == root))
        elif isinstance(value, generic.DictionaryObject):
            waiting += [raw(value, key) for key in value]
        elif isinstance(value, generic.ArrayObject):
            waiting += [value.raw_get(index) for index in range(len(value))]
    return None


def _shown(value: object, *, is_catalog: bool) -> object:
    if not is_catalog or not isinstance(value, generic.DictionaryObject):
        return value
    return generic.ArrayObject(raw(value, key) for key in value if key != UNSHOWN)
