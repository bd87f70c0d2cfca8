"""Pages whose resources an update wrote again under another number, equal in every entry (pure).

Some makers write a page's /Resources anew with each update, and let the page name the new object.
That shows the same, as long as the two are equal: the same kinds, names, numbers and strings, and
the same objects referred to, whose own content the difference analysis judges. Streams are never
taken for equal, nor is anything that a later update could change: every revision is compared.
"""

from __future__ import annotations

from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import SuspiciousModification

from signer.engine.reading import raw

_KEY: Final = "/Resources"
_MAX_DEPTH: Final = 8
_STRINGS: Final = (generic.TextStringObject, generic.ByteStringObject)


def pages_with_copies(signed: HistoricalResolver) -> tuple[generic.Reference, ...]:
    """Return the pages of the signed revision whose resources a later one has elsewhere."""
    reader = signed.reader
    return tuple(
        dict.fromkeys(
            reference
            for revision in range(signed.revision + 1, reader.xrefs.total_revisions)
            for reference in _rewritten(reader, revision, signed=signed)
            if _moved(reference, signed, new=reader.get_historical_resolver(revision))
        )
    )


def _rewritten(
    reader: PdfFileReader, revision: int, *, signed: HistoricalResolver
) -> list[generic.Reference]:
    xrefs = reader.xrefs
    return [
        reference
        for reference in xrefs.explicit_refs_in_revision(revision)
        if xrefs.get_historical_ref(reference, signed.revision) is not None
        and xrefs.get_historical_ref(reference, revision) is not None
    ]


def _moved(
    reference: generic.Reference, old: HistoricalResolver, *, new: HistoricalResolver
) -> bool:
    before = _page(reference, old)
    after = _page(reference, new) if before is not None else None
    if before is None or after is None:
        return False
    then, now = raw(before, _KEY), raw(after, _KEY)
    return isinstance(then, generic.IndirectObject) and then != now


def _page(
    reference: generic.Reference, resolver: HistoricalResolver
) -> generic.DictionaryObject | None:
    value = resolver.get_object(reference)
    is_page = isinstance(value, generic.DictionaryObject) and value.get("/Type") == "/Page"
    return value if is_page else None


def put_resources_in_place(
    old: HistoricalResolver, new: HistoricalResolver, *, pages: tuple[generic.Reference, ...]
) -> None:
    """Let the newer view's pages name their resources as the older ones do.

    SuspiciousModification where a page's resources are not equal to those that were signed.
    """
    for reference in pages:
        before, after = _page(reference, old), _page(reference, new)
        if before is None or after is None:
            raise SuspiciousModification("a page is no longer a page")
        then, now = before.raw_get(_KEY), raw(after, _KEY)
        if then == now:
            continue
        if now is None or not _Copy(old, new).equal(then, now):
            raise SuspiciousModification("a page's resources were changed")
        after[generic.NameObject(_KEY)] = generic.IndirectObject(  # type: ignore[no-untyped-call]
            then.idnum, then.generation, new
        )


class _Copy:
    """The comparison of what two revisions have in one place."""

    def __init__(self, old: HistoricalResolver, new: HistoricalResolver) -> None:
        self._old = old
        self._new = new

    def equal(self, then: generic.PdfObject, now: generic.PdfObject, *, depth: int = 0) -> bool:
        """Whether both say the same; what was put in another object must be new there."""
        if isinstance(then, generic.IndirectObject) and then == now:
            return True
        if isinstance(now, generic.IndirectObject):
            if not self._old.is_ref_unassignable(now.reference):
                return False
            now = self._new.get_object(now.reference)
        if isinstance(then, generic.IndirectObject):
            then = self._old.get_object(then.reference)
        if depth > _MAX_DEPTH or isinstance(then, generic.StreamObject):
            return False
        if isinstance(then, generic.DictionaryObject):
            return (
                type(now) is type(then)
                and then.keys() == now.keys()
                and all(
                    self.equal(then.raw_get(key), now.raw_get(key), depth=depth + 1) for key in then
                )
            )
        if isinstance(then, generic.ArrayObject):
            return (
                isinstance(now, generic.ArrayObject)
                and len(then) == len(now)
                and all(
                    self.equal(then.raw_get(at), now.raw_get(at), depth=depth + 1)
                    for at in range(len(then))
                )
            )
        if isinstance(then, _STRINGS):
            return isinstance(now, _STRINGS) and then.original_bytes == now.original_bytes
        return type(then) is type(now) and bool(then == now)


def resources_copied_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether a later revision names a page's resources by another object."""
    return bool(pages_with_copies(reader.get_historical_resolver(revision)))
