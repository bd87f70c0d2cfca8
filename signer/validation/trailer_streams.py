"""Streams that a trailer names beside the document: LibreOffice's own copy of it (pure).

LibreOffice keeps the text it made a PDF from in a stream that /AdditionalStreams names in the
trailer, and opens that instead of the pages. DSS (PDFBox) writes the entry anew with the number of
an object that it never writes: a reference to a missing object is null (ISO 32000-2 §7.3.10). Only
here is it read so; anywhere else a missing object could be put in later, and be shown.
"""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signer.engine.reading import array, raw

_KEY: Final = "/AdditionalStreams"


def without_missing_streams(resolver: HistoricalResolver) -> HistoricalResolver:
    """Return the revision with null for streams that it names and does not have."""
    named = raw(resolver.trailer_view, _KEY)
    if not isinstance(named, generic.ArrayObject):
        return resolver
    items = [named.raw_get(index) for index in range(len(named))]
    living = [generic.NullObject() if _is_missing(item, resolver) else item for item in items]
    if living == items:
        return resolver
    plain = type(resolver)(resolver.reader, resolver.revision)
    plain.trailer_view[generic.NameObject(_KEY)] = generic.ArrayObject(living)
    return plain


def streams_missing_since(reader: PdfFileReader, revision: int) -> bool:
    """Whether that revision or a later one names a stream that it does not have."""
    revisions = range(revision, reader.xrefs.total_revisions)
    resolvers = (reader.get_historical_resolver(each) for each in revisions)
    return any(without_missing_streams(each) is not each for each in resolvers)


def streams_added(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether the newer revision's trailer names a stream that it has and the older did not."""
    return not _living(new) <= _living(old)


def _living(resolver: HistoricalResolver) -> frozenset[generic.Reference]:
    named = array(raw(resolver.trailer_view, _KEY))
    items = (named.raw_get(index) for index in range(len(named))) if named is not None else ()
    return frozenset(
        item.reference
        for item in items
        if isinstance(item, generic.IndirectObject) and not _is_missing(item, resolver)
    )


def _is_missing(item: object, resolver: HistoricalResolver) -> bool:
    return (
        isinstance(item, generic.IndirectObject)
        and resolver.reader.xrefs.get_historical_ref(item.reference, resolver.revision) is None
    )
