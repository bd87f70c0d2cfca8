"""Annotations into which an update wrote their type, and nothing else (pure).

/Type is optional in an annotation and can only be /Annot (ISO 32000-2 table 166). PDFBox, and so
DSS, adds it to all annotations of a page where it adds a field.
"""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

_TYPE: Final = "/Type"


def annotations_typed(signed: HistoricalResolver) -> tuple[generic.Reference, ...]:
    """Return the annotations of the signed revision that lack a type and have one later."""
    xrefs = signed.reader.xrefs
    return tuple(
        dict.fromkeys(
            reference
            for revision in range(signed.revision + 1, xrefs.total_revisions)
            for reference in xrefs.explicit_refs_in_revision(revision)
            if xrefs.get_historical_ref(reference, signed.revision) is not None
            and xrefs.get_historical_ref(reference, revision) is not None
            and _got_type(reference, signed, new=signed.reader.get_historical_resolver(revision))
        )
    )


def _got_type(
    reference: generic.Reference, old: HistoricalResolver, *, new: HistoricalResolver
) -> bool:
    before = old.get_object(reference)
    if isinstance(before, generic.StreamObject) or not isinstance(before, generic.DictionaryObject):
        return False
    if _TYPE in before or not {"/Subtype", "/Rect"} <= before.keys():
        return False
    after = new.get_object(reference)
    return isinstance(after, generic.DictionaryObject) and after.get(_TYPE) == "/Annot"


def drop_added_types(
    old: HistoricalResolver, new: HistoricalResolver, *, typed: tuple[generic.Reference, ...]
) -> None:
    """Let the newer view's annotations have a type only where the older one's have it."""
    for reference in typed:
        if _is_there(reference, new) and _got_type(reference, old, new=new):
            del new.get_object(reference)[_TYPE]


def _is_there(reference: generic.Reference, resolver: HistoricalResolver) -> bool:
    xrefs = resolver.reader.xrefs
    return xrefs.get_historical_ref(reference, resolver.revision) is not None
