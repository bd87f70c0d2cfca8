"""What an update may change in a document's own security store (pure).

EN 319 142-1 §5.4.2: the store holds evidence, which shows nothing and is judged, never trusted. The
engine's rule is kept but for one thing: it wants all older entries of /VRI unchanged, while DSS,
iText and others write the store anew with what they need then. What is left out is evidence that
is missing, as if nobody had added it; what is put in its place must be evidence too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Final

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, RawPdfPath
from pyhanko.sign.diff_analysis import DSSCompareRule, SuspiciousModification
from pyhanko.sign.diff_analysis.commons import compare_key_refs
from pyhanko.sign.diff_analysis.rules.form_field_rules import _validate_dss_substructure
from pyhanko.sign.diff_analysis.rules_api import AbsoluteContext, ReferenceUpdate, WhitelistRule

from signer.engine.reading import dictionary, empty_dictionary, raw

_EVIDENCE: Final = frozenset({"/Certs", "/CRLs", "/OCSPs"})
_STORE: Final = RawPdfPath("/Root", "/DSS")
_ENTRIES: Final = RawPdfPath("/Root", "/DSS", "/VRI")

_Versions = tuple[generic.DictionaryObject, generic.DictionaryObject]
_Compared = Generator[ReferenceUpdate, None, _Versions | None]


class SecurityStoreRule(WhitelistRule):
    """The engine's rule for the store, but entries of /VRI may be written anew or left out."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """Explain the objects of the new store; SuspiciousModification over any other content."""
        place = AbsoluteContext(_STORE, old)
        stores = yield from _compared("/DSS", (old.root, new.root), place=place)
        if stores is None:
            return
        before, after = stores
        if not after.keys() <= _EVIDENCE | {"/Type", "/VRI"}:
            raise SuspiciousModification("unexpected keys in the security store")
        yield from _validate_dss_substructure(
            old, new, before, after, _EVIDENCE, is_vri=False, context=place
        )
        if "/VRI" not in after:
            return  # left out as a whole: newer makers write none
        entries = yield from _compared("/VRI", stores, place=AbsoluteContext(_ENTRIES, old))
        if entries is not None:
            then, now = entries
            gone = replaced_entries(then, now)
            kept = generic.DictionaryObject(  # type: ignore[no-untyped-call]
                {name: raw(then, name) for name in then if name not in gone}
            )
            yield from DSSCompareRule._check_vri(old, new, kept, now)  # type: ignore[no-untyped-call]


def _compared(key: str, holders: _Versions, *, place: AbsoluteContext) -> _Compared:
    """Let the engine compare an entry's references; return both its dictionaries."""
    before, after = yield from misc.map_with_return(
        compare_key_refs(key, place.pdf_handler, *holders),  # type: ignore[arg-type]
        ReferenceUpdate.curry_ref(context_checked=place),
    )
    if after is None:
        return None
    return _required(before or empty_dictionary(), key), _required(after, key)


def _required(value: generic.PdfObject, key: str) -> generic.DictionaryObject:
    if isinstance(value, generic.StreamObject) or not isinstance(value, generic.DictionaryObject):
        raise SuspiciousModification(f"{key} is not a dictionary")
    return value


def replaced_entries(
    then: generic.DictionaryObject, now: generic.DictionaryObject
) -> frozenset[str]:
    """Return the keys of /VRI whose older value is gone."""
    return frozenset(name for name in then if raw(then, name) != raw(now, name))


def store_rewritten_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether any later revision lacks an entry of /VRI that `revision` has."""
    then = _entries(reader.get_historical_resolver(revision))
    later = range(revision + 1, reader.xrefs.total_revisions)
    return bool(then) and any(
        replaced_entries(then, _entries(reader.get_historical_resolver(each))) for each in later
    )


def _entries(resolver: HistoricalResolver) -> generic.DictionaryObject:
    store = dictionary(raw(resolver.root, "/DSS"))
    entries = dictionary(raw(store, "/VRI")) if store is not None else None
    return entries if entries is not None else empty_dictionary()
