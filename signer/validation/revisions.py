"""The revisions of a document: where each ends, and what it brought (pure).

ISO 32000-2 §7.5.6: a file is its first revision and the updates appended to it, so the document as
it was at revision N is its first bytes. A linearized file (annex F) spreads its first revision over
two cross-reference sections, which end as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signer.document import byte_range_ends
from signer.engine.reading import ENGINE_ERRORS, accelerated, dictionary, open_document, raw
from signer.report_parts import RevisionContent, RevisionReport

MAX_OBJECTS: Final = 64
"""Objects of one revision that are looked at to say what it brought."""
END_WINDOW_BYTES: Final = 64 * 1024
"""How far behind a cross-reference section, and so behind its trailer's start, its end may lie."""
_END: Final = re.compile(rb"startxref[\x00\t\n\x0c\r ]{1,8}\d{1,12}[\x00\t\n\x0c\r ]{1,8}%%EOF")
_WHITE_SPACE: Final = re.compile(rb"[\x00\t\n\x0c\r ]*")
_LINE_END: Final = re.compile(rb"\r?\n?")
TYPES: Final = {
    "/DSS": RevisionContent.EVIDENCE,
    "/Page": RevisionContent.PAGES,
    "/Pages": RevisionContent.PAGES,
    "/Metadata": RevisionContent.METADATA,
}
"""Objects that bring something by their /Type."""
SILENT: Final = frozenset({"/XRef", "/ObjStm"})
"""Streams that say where objects are, and show nothing."""


def revision_ends(document: bytes) -> tuple[int, ...]:
    """Return where each revision ends, the oldest first; any of ENGINE_ERRORS if unreadable.

    A document as it was at revision N is `document[: revision_ends(document)[N - 1]]`. For a
    stranger's document to be called in a sandbox; a report has the same in its `revisions`.
    """
    with accelerated():
        reader = open_document(document)
        return ends_of(reader, document, signed_ends=byte_range_ends(document))


def ends_of(
    reader: PdfFileReader, document: bytes, *, signed_ends: frozenset[int]
) -> tuple[int, ...]:
    """Return where each revision of an open document ends, the oldest first.

    signed_ends: where the bytes end that signatures cover.
    """
    ends: list[int] = []
    for number in range(reader.xrefs.total_revisions):
        section = reader.xrefs.get_xref_container_info(number)
        end = end_of_section(document, section.end_location, signed_ends=signed_ends)
        ends.append(max(end, ends[-1] if ends else 0))
    return tuple(dict.fromkeys(ends))


def end_of_section(document: bytes, section_end: int, *, signed_ends: frozenset[int]) -> int:
    """Return where the revision ends whose cross-reference section has its entries' end there."""
    marker = _END.search(document, section_end, section_end + END_WINDOW_BYTES)
    return _end_after(document, marker.end(), signed_ends=signed_ends) if marker else len(document)


def _end_after(document: bytes, marker_end: int, *, signed_ends: frozenset[int]) -> int:
    """Return the end of the revision whose end marker ends here.

    The line's end belongs to it or to the next one; where a signature ends among this white space,
    it says.
    """
    space = _WHITE_SPACE.match(document, marker_end)
    space_end = space.end() if space else marker_end
    signed = [end for end in signed_ends if marker_end <= end <= space_end]
    if signed:
        return min(signed)
    if space_end == len(document):
        return space_end
    line_end = _LINE_END.match(document, marker_end)
    return line_end.end() if line_end else marker_end


def describe(
    reader: PdfFileReader, ends: tuple[int, ...], *, signed: Iterable[tuple[int, str]]
) -> tuple[RevisionReport, ...]:
    """Return a report on each revision; `signed` has each signature's end and its field's name."""
    named = tuple(signed)
    # The two sections of a linearized file are one revision, and the document's beginning.
    first = reader.xrefs.total_revisions - len(ends)
    return tuple(
        RevisionReport(
            number=index + 1,
            end=end,
            signed_by=tuple(name for at, name in named if at == end),
            changes=_brought(reader, first + index) if index else (RevisionContent.ORIGINAL,),
        )
        for index, end in enumerate(ends)
    )


def _brought(reader: PdfFileReader, revision: int) -> tuple[RevisionContent, ...]:
    """Say what a revision brought, by the types of the objects that it writes."""
    references = sorted(
        reader.xrefs.explicit_refs_in_revision(revision), key=lambda each: each.idnum
    )
    resolver = reader.get_historical_resolver(revision)
    found = {
        _content(resolver, reference, is_new=_is_new(reader, reference, revision=revision))
        for reference in references[:MAX_OBJECTS]
    }
    if len(references) > MAX_OBJECTS:
        found.add(RevisionContent.OTHER)
    if _store_of(resolver) != _store_of(reader.get_historical_resolver(revision - 1)):
        found.add(RevisionContent.EVIDENCE)
    return tuple(each for each in RevisionContent if each in found)


def _store_of(resolver: HistoricalResolver) -> generic.PdfObject | None:
    try:
        return raw(resolver.root, "/DSS")
    except ENGINE_ERRORS:
        return None


def _is_new(reader: PdfFileReader, reference: generic.Reference, *, revision: int) -> bool:
    return reader.xrefs.get_historical_ref(reference, revision - 1) is None


def _content(
    resolver: HistoricalResolver, reference: generic.Reference, *, is_new: bool
) -> RevisionContent | None:
    """Say what an object brings, None for what it takes to bring something."""
    try:
        value = dictionary(resolver.get_object(reference))
        if value is None:
            return None
        kind, form = str(value.get("/Type", "")), str(value.get("/FT", "/Sig"))
        if "/ByteRange" in value:
            stamp = str(value.get("/SubFilter", "")) == "/ETSI.RFC3161"
            return RevisionContent.TIMESTAMP if stamp else RevisionContent.SIGNATURE
    except ENGINE_ERRORS:
        return RevisionContent.OTHER
    if form != "/Sig":
        return RevisionContent.FORM
    if kind in TYPES:
        return TYPES[kind]
    if kind == "/Annot" and "/FT" not in value:
        return RevisionContent.OTHER
    # A stream that was there before may be what a page shows.
    rewritten = isinstance(value, generic.StreamObject) and not is_new
    return RevisionContent.OTHER if rewritten and kind not in SILENT else None
