"""Where number and date are left blank on the first page of an official document (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from signer.errors import PlaceNotFound
from signer.pages.facts import Area
from signer.pages.text_lines import folded, lines, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signer.pages.facts import PageFacts, Word

_HEADING_SHARE: Final = 0.6
"""The part of the page, from its lower edge, above which the heading lies."""
_LABEL: Final = re.compile(r"^(?:Số|SỐ):?$")
_NUMBERED: Final = re.compile(r"^(?:Số|SỐ):?\d+")
_SYMBOL: Final = re.compile(r"^(?:[\d/:.…_-]|$)")
"""What may follow the label: number, symbol, or dots to write on."""
_PRINTED_SYMBOL: Final = re.compile(r"^[/-]\w")
_DOTS: Final = re.compile(r"^[.…_·\s]+$")
_MARGIN_MM: Final = 0.4
"""Air between a blank and the words beside it."""
_MIN_NUMBER_MM: Final = 6.0
_MIN_DAY_MM: Final = 3.5
"""Two digits of 14 pt are 4.9 mm wide; a little narrower they are still read well."""
_LINE_MM: Final = 6.0
_LEFT_SHARE: Final = 0.42
"""The share of the page's width, from the left, in which box 3 lies."""
_SYMBOL_SHARE: Final = 0.55
"""How far a symbol may stand to the right: nothing in box 4 begins like one."""
_LEAST_HALF_MM: Final = 25.0
"""Half the width that a line of number or date needs at the least."""
_COLUMNS_APART_MM: Final = 5.0
_LEFT_MM: Final = 30.0
_RIGHT_MM: Final = 15.0
"""Margins of a page: left 30 to 35 mm, right 15 to 20 mm (NĐ 30/2020 Appendix I, I.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateBlanks:
    """The blanks in "ngày … tháng … năm …"; None for each part that is printed already."""

    day: Area | None
    month: Area | None
    year: Area | None

    @property
    def all(self) -> Area | None:
        """The area from the first blank to the last, printed words between them included."""
        blanks = [blank for blank in (self.day, self.month, self.year) if blank is not None]
        return Area.around(blanks) if blanks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlank:
    """The blank behind "Số:"; None where the number is printed already."""

    area: Area | None


def number_blank(page: PageFacts) -> NumberBlank | None:
    """Find the blank for the number (box 3); None where nothing says "Số".

    Raises PlaceNotFound where the blank is too narrow for a number.
    """
    for row in _heading(page):
        label, *others = row
        after = list(takewhile(partial(_is_in_box_3, page_width_mm=page.width_mm), others))
        if _NUMBERED.match(label.text):
            return NumberBlank(area=None)
        follows = after[0].text if after else ""
        if _LABEL.match(label.text) and _SYMBOL.match(follows):
            return _behind(label, after, row=row, page=page)
    return None


def printed_symbol(page: PageFacts) -> str:
    """Return the symbol that the page prints behind the number's blank, "" where there is none.

    "/QĐ-UBND" in "Số:    /QĐ-UBND".
    """
    for row in _heading(page):
        label, *others = row
        after = list(takewhile(partial(_is_in_box_3, page_width_mm=page.width_mm), others))
        if _LABEL.match(label.text):
            return next((word.text for word in after if _PRINTED_SYMBOL.match(word.text)), "")
    return ""


def _is_in_box_3(word: Word, *, page_width_mm: float) -> bool:
    share = _SYMBOL_SHARE if _SYMBOL.match(word.text) else _LEFT_SHARE
    return word.area.left < page_width_mm * share


def _behind(
    label: Word, after: Sequence[Word], *, row: Sequence[Word], page: PageFacts
) -> NumberBlank:
    rest = [word for word in after if not _DOTS.match(word.text) and word.text != ":"]
    if rest and rest[0].text[0].isdigit():
        return NumberBlank(area=None)
    start = max(word.area.right for word in (label, *after) if word is label or word.text == ":")
    beyond = [word.area.left for word in row if word.area.left > start and word not in after]
    end = rest[0].area.left if rest else min([page.width_mm / 2, *beyond])
    blank = _blank(label.area, start=start, end=end)
    if blank.width < _MIN_NUMBER_MM:
        raise PlaceNotFound(
            f'only {max(blank.width, 0):.0f} mm for the number behind "Số:", '
            f"leave at least {_MIN_NUMBER_MM:g} mm"
        )
    return NumberBlank(area=blank)


def date_blanks(page: PageFacts) -> DateBlanks | None:
    """Find the blanks for the date (box 4); None where no date is prepared.

    Raises PlaceNotFound where a blank is too narrow.
    """
    for row in _heading(page):
        words = [word for word in row if not _DOTS.match(word.text)]
        named = {folded(word.text).strip(","): index for index, word in enumerate(words)}
        if not {"ngày", "tháng", "năm"} <= named.keys():
            continue
        day, month, year = named["ngày"], named["tháng"], named["năm"]
        if not day < month < year or not _begins_on_the_right(words[: day + 1], page):
            continue
        return DateBlanks(
            day=_part(words, day, until=month),
            month=_part(words, month, until=year),
            year=_part(words, year, until=len(words)) if year == len(words) - 1 else None,
        )
    return None


def _begins_on_the_right(words: Sequence[Word], page: PageFacts) -> bool:
    """Whether the column that ends with these words begins in the page's right part."""
    start = words[-1].area
    for word in reversed(words[:-1]):
        if start.left - word.area.right > _COLUMNS_APART_MM:
            break
        start = word.area
    return start.left > page.width_mm * 0.38


def _part(words: Sequence[Word], index: int, *, until: int) -> Area | None:
    """Return the blank between two words; None where something stands there."""
    if until > index + 1:
        return None
    label = words[index].area
    end = words[until].area.left if until < len(words) else label.right + 2 * label.height
    blank = _blank(label, start=label.right, end=end)
    if blank.width < _MIN_DAY_MM:
        raise PlaceNotFound(
            f'only {max(blank.width, 0):.0f} mm behind "{words[index].text}", '
            f"leave at least {_MIN_DAY_MM:g} mm for the date"
        )
    return blank


def _blank(label: Area, *, start: float, end: float) -> Area:
    return Area(left=start + _MARGIN_MM, bottom=label.bottom, right=end - _MARGIN_MM, top=label.top)


def _heading(page: PageFacts) -> tuple[tuple[Word, ...], ...]:
    """Return the rows of the heading: boxes 1 to 5, above the document's type and subject."""
    floor = page.height_mm * _HEADING_SHARE
    return rows(tuple(word for word in page.words if word.area.bottom > floor))


def unlabelled_places(page: PageFacts) -> tuple[Area, Area] | None:
    """Return places for a whole number and a whole date where the page prints neither.

    They stand side by side under the heading (boxes 3 and 4), on the first line that is free.
    """
    halfway = (page.width_mm + _LEFT_MM - _RIGHT_MM) / 2
    sides = ((_LEFT_MM, halfway - 5), (halfway - 5, page.width_mm - _RIGHT_MM))
    top = page.height_mm - 20.0
    while top > page.height_mm * _HEADING_SHARE:
        left, right = (
            Area(left=start, bottom=top - _LINE_MM, right=end, top=top) for start, end in sides
        )
        if page.is_free(left) and page.is_free(right) and _below_something(page, top):
            return _centred(left, page), _centred(right, page)
        top -= 1.0
    return None


def _centred(area: Area, page: PageFacts) -> Area:
    """Return the part of an area that is centred under what the heading names above it."""
    named = [
        line.area
        for line in lines(page.words)
        if line.area.bottom >= area.top - 1 and area.left < line.area.centre < area.right
    ]
    if named:
        centre = Area.around(named).centre
    else:
        # Of the names on the right, the longest reaches a little into the left part.
        inner = min(area.right, page.width_mm * _LEFT_SHARE)
        right = inner if inner > area.left else area.right
        above = Area(left=area.left, bottom=area.top, right=right, top=page.height_mm)
        sides = page.ink.sides(above, height_mm=page.height_mm) if page.ink else None
        centre = sum(sides) / 2 if sides else area.centre
    half = min(centre - area.left, area.right - centre)
    if half < _LEAST_HALF_MM:
        return area
    return Area(left=centre - half, bottom=area.bottom, right=centre + half, top=area.top)


def _below_something(page: PageFacts, top: float) -> bool:
    """Whether the heading's names stand above: number and date are never the first line."""
    above = Area(left=0, bottom=top, right=page.width_mm, top=page.height_mm)
    written = [word for word in page.words if word.area.touches(above)]
    inked = page.ink is not None and page.ink.within(above, height_mm=page.height_mm)
    return bool(written) or inked
