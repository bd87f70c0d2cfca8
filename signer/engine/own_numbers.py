"""Cross-reference streams that no table lists: their number is free for a later object (pure).

PDFBox, and so DSS, writes cross-reference streams that do not list themselves (ISO 32000-2 §7.5.8
asks for no entry), and gives the number to an object of the next update. The engine refuses the
whole file, because it would not know which of the two is encrypted. By the tables nothing had that
number: it is free as one beyond /Size is, as long as the document named no such object before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakKeyDictionary

from pyhanko.pdf_utils import generic, xref
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import XRefSection

original_check_freed: Final[Callable[[int, XRefSection, list[XRefSection]], None]] = (
    xref._check_freed_refs
)


def check_freed(index: int, section: XRefSection, *further: list[XRefSection]) -> None:
    """Check a section as the original does, but for the number of a stream that none lists."""
    [sections] = further
    if _own_number(section) is not None and not _is_listed(section, sections[: index + 1]):
        section = replace(section, meta_info=replace(section.meta_info, stream_ref=None))
    original_check_freed(index, section, sections)


def _own_number(section: XRefSection) -> int | None:
    reference = section.meta_info.stream_ref
    return int(reference.idnum) if reference is not None else None


def _is_listed(section: XRefSection, sections: Sequence[XRefSection]) -> bool:
    number = _own_number(section)
    return any(
        number == listed
        for each in sections
        for listed, _ in each.xref_data.explicit_refs_in_revision
    )


@dataclass(frozen=True, slots=True)
class _Unlisted:
    """The number of a stream that is listed neither with its section nor before it.

    taken: the revision that gave the number to an object, None where none did.
    """

    number: int
    since: int
    taken: int | None

    def is_free(self, revision: int) -> bool:
        """Whether the stream was there by that revision, and no object had its number yet."""
        return self.since <= revision and (self.taken is None or self.taken > revision)


_known: Final[WeakKeyDictionary[PdfFileReader, tuple[_Unlisted, ...]]] = WeakKeyDictionary()


def _unlisted(reader: PdfFileReader) -> tuple[_Unlisted, ...]:
    found = _known.get(reader)
    if found is None:
        found = _known[reader] = tuple(_find(reader.xrefs._xref_sections))
    return found


def _find(sections: list[XRefSection]) -> Iterator[_Unlisted]:
    owners = {index: number for index, each in enumerate(sections) if (number := _own_number(each))}
    if not owners:
        return
    listed: dict[int, list[int]] = {number: [] for number in owners.values()}
    for index, section in enumerate(sections):
        for number, _ in section.xref_data.explicit_refs_in_revision:
            if number in listed:
                listed[number].append(index)
    for index, number in owners.items():
        if all(each > index for each in listed[number]):
            yield _Unlisted(number, index, min(listed[number], default=None))


def stream_number_reused(reader: PdfFileReader) -> bool:
    """Whether an object has the number of an older cross-reference stream."""
    return any(each.taken is not None for each in _unlisted(reader))


def with_own_numbers_free(signed: HistoricalResolver) -> HistoricalResolver:
    """Return the signed revision as one that lets the numbers of unlisted streams be taken."""
    if not stream_number_reused(signed.reader):
        return signed
    return OwnNumbersFree(signed.reader, signed.revision)


class OwnNumbersFree(HistoricalResolver):
    """A revision in which unlisted cross-reference streams have no number."""

    def is_ref_unassignable(self, ref: generic.Reference) -> bool:
        """Whether the revision could not have meant an object by this reference."""
        if super().is_ref_unassignable(ref):
            return True
        if not any(
            each.number == ref.idnum and each.is_free(self.revision)
            for each in _unlisted(self.reader)
        ):
            return False
        self._load_reverse_xref_cache()  # type: ignore[no-untyped-call]
        return not self._get_usages_of_ref(ref)
