"""How much of a signed page the pictures of later signatures may cover (pure).

ISO 32000-2 §12.8 lets later signatures be seen on the page, and the difference analysis admits
them whatever their size, while a reader can't tell what lies beneath. The bound is geometry: a
field that was on the page when the signer signed may show what it likes, because the signer saw
its frame; a field that came later covers at most a part of the page. What is seen of an earlier
signature may be covered: NĐ 30/2020 Appendix I lays the seal over a third of the leader's picture,
other makers put all signatures in one place, and the report lists each whatever is seen of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signer.engine.reading import array, dictionary, raw
from signer.signature_fields import SignatureField, draws, signature_fields

if TYPE_CHECKING:
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

MAX_PAGE_SHARE: Final = 0.25
"""Of the page, for one later field. A seal of 36 mm takes 2 % of A4; 40 files of other makers with
several visible signatures take 4 % at most."""
MAX_TOTAL_SHARE: Final = 0.5
"""Of one page, for all later fields together."""
MAX_PAGES: Final = 20_000
_MAX_DEPTH: Final = 64


@dataclass(frozen=True, slots=True)
class _Area:
    left: float
    bottom: float
    right: float
    top: float

    @property
    def size(self) -> float:
        return max(0.0, self.right - self.left) * max(0.0, self.top - self.bottom)

    def shared(self, other: _Area) -> _Area:
        return _Area(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A field where it is seen: on the page of this index."""

    field: SignatureField
    page: int
    share: float


def covered_after(reader: PdfFileReader, signed: HistoricalResolver) -> str:
    """Say which later field covers too much of what `signed` showed; empty where none does."""
    before = {field.number for field in signature_fields(signed) if field.visible}
    fields = [field for field in signature_fields(reader) if field.visible]
    if all(field.number in before for field in fields):
        return ""
    later = {field.number: field for field in fields if field.number not in before}
    totals: dict[int, float] = {}
    for each in _shown(reader, later):
        totals[each.page] = totals.get(each.page, 0.0) + each.share
        if each.share > MAX_PAGE_SHARE:
            return f"{each.field.name} covers {each.share:.0%} of a page"
        if totals[each.page] > MAX_TOTAL_SHARE:
            return f"later signatures cover {totals[each.page]:.0%} of a page"
    return ""


def _shown(reader: PdfFileReader, fields: dict[int, SignatureField]) -> Iterator[_Shown]:
    for index, (page, bounds) in enumerate(_pages(reader)):
        for entry in array(raw(page, "/Annots")) or ():
            widget = dictionary(entry)
            field = _field_of(widget, fields) if widget is not None else None
            if widget is None or field is None:
                continue
            yield _Shown(field, index, _share(widget, bounds))


def _share(widget: generic.DictionaryObject, bounds: _Area) -> float:
    """Return how much of the page the widget covers; all of it where nothing bounds what it shows.

    Viewers draw an appearance also where its rectangle has no extent, each somewhere else.
    """
    area = _area(array(raw(widget, "/Rect"))) if "/Rect" in widget else _Area(0, 0, 0, 0)
    if not area.size:
        return 1.0 if draws(widget) else 0.0
    return area.shared(bounds).size / bounds.size if bounds.size else 1.0


def _field_of(
    widget: generic.DictionaryObject, fields: dict[int, SignatureField]
) -> SignatureField | None:
    """Return the field that the widget is, or a kid of."""
    node: generic.DictionaryObject | None = widget
    for _ in range(_MAX_DEPTH):
        if node is None:
            return None
        place = node.container_ref
        found = fields.get(getattr(place, "idnum", 0))
        if found is not None:
            return found
        node = dictionary(raw(node, "/Parent"))
    return None


def _pages(reader: PdfFileReader) -> Iterator[tuple[generic.DictionaryObject, _Area]]:
    """Return all pages in order, each with the bounds of what is shown of it."""
    root = dictionary(raw(reader.root, "/Pages"))
    waiting = [(root, _Area(0, 0, 612, 792), 0)] if root is not None else []
    count = 0
    while waiting:
        node, bounds, depth = waiting.pop()
        box = raw(node, "/CropBox") or raw(node, "/MediaBox")
        if box is not None:
            bounds = _area(array(box))
        kids = array(raw(node, "/Kids"))
        if kids is None:
            yield node, bounds
            continue
        count += len(kids)
        if depth > _MAX_DEPTH or count > MAX_PAGES:
            raise ValueError("too many pages to look for what covers them")
        found = [kid for each in kids if (kid := dictionary(each)) is not None]
        waiting += [(kid, bounds, depth + 1) for kid in reversed(found)]


def _area(numbers: generic.ArrayObject | None) -> _Area:
    """Read a rectangle by its opposite corners; ValueError or TypeError where it is none."""
    left, bottom, right, top = (float(each) for each in numbers or ())
    return _Area(min(left, right), min(bottom, top), max(left, right), max(bottom, top))
