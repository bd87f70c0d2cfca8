"""What lies where on a page as people see it: words, form fields, anything dark; in mm (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from signer.pages.appearance import Box

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle on the page that is seen, in millimetres from its lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, areas: Iterable[Area]) -> Self:
        """Return the smallest area that holds all of at least one."""
        found = tuple(areas)
        return cls(
            left=min(area.left for area in found),
            bottom=min(area.bottom for area in found),
            right=max(area.right for area in found),
            top=max(area.top for area in found),
        )

    @classmethod
    def of_box(cls, box: Box) -> Self:
        """Return the area that a box covers on its page."""
        return cls(
            left=box.left_mm,
            bottom=box.bottom_mm,
            right=box.left_mm + box.width_mm,
            top=box.bottom_mm + box.height_mm,
        )

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def centre(self) -> float:
        """Halfway from left to right."""
        return (self.left + self.right) / 2

    @property
    def middle(self) -> float:
        """Halfway from bottom to top."""
        return (self.bottom + self.top) / 2

    def touches(self, other: Area) -> bool:
        """Whether two areas share anything but an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def grown(self, by_mm: float) -> Area:
        """Return the area with so much more (or less, where negative) on every side."""
        return Area(
            left=self.left - by_mm,
            bottom=self.bottom - by_mm,
            right=self.right + by_mm,
            top=self.top + by_mm,
        )

    def on_page(self, number: int) -> Box:
        """Return it as a box; PlacementInvalid where it begins off the page."""
        return Box(
            page=number,
            left_mm=round(self.left, 2),
            bottom_mm=round(self.bottom, 2),
            width_mm=round(self.width, 2),
            height_mm=round(self.height, 2),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A run of letters without a space, in Unicode NFC, and the height of its line of text."""

    text: str
    area: Area


class FieldKind(StrEnum):
    """What can be put into a form field."""

    SIGNATURE = "SIGNATURE"
    TEXT = "TEXT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenField:
    """A form field that has a place on the page.

    filled: it is signed, or has a value. drawn: what is seen of it, None where that is nothing.
    """

    name: str
    kind: FieldKind
    filled: bool
    area: Area
    drawn: Area | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """Where a page is dark: a grid of square cells, rows from the top, in each a bit for a cell.

    The lowest bit is the leftmost cell. Lines and pictures are in it, pale watermarks are not.
    """

    cell_mm: float
    columns: int
    rows: tuple[int, ...]

    def within(self, area: Area, *, height_mm: float) -> bool:
        """Whether anything dark lies in an area of the page, which is `height_mm` high."""
        return self.dark_cells(area, height_mm=height_mm) > 0

    def dark_cells(self, area: Area, *, height_mm: float) -> int:
        """Count the dark cells in an area of the page, which is `height_mm` high."""
        first, last = self._span(
            height_mm - area.top, height_mm - area.bottom, count=len(self.rows)
        )
        left, right = self._span(area.left, area.right, count=self.columns)
        mask = (1 << right) - (1 << left)
        return sum((row & mask).bit_count() for row in self.rows[first:last])

    def sides(self, area: Area, *, height_mm: float) -> tuple[float, float] | None:
        """Return from where to where an area of the page has dark cells; None where it has none."""
        first, last = self._span(
            height_mm - area.top, height_mm - area.bottom, count=len(self.rows)
        )
        left, right = self._span(area.left, area.right, count=self.columns)
        seen = 0
        for row in self.rows[first:last]:
            seen |= row & ((1 << right) - (1 << left))
        if not seen:
            return None
        lowest = (seen & -seen).bit_length() - 1
        return lowest * self.cell_mm, seen.bit_length() * self.cell_mm

    def _span(self, start_mm: float, end_mm: float, *, count: int) -> tuple[int, int]:
        start = min(max(round(start_mm / self.cell_mm), 0), count)
        return start, min(max(round(end_mm / self.cell_mm), start), count)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """One page: its number (from 1), its size as it is seen, and what lies on it."""

    number: int
    width_mm: float
    height_mm: float
    words: tuple[Word, ...] = ()
    fields: tuple[SeenField, ...] = ()
    ink: Ink | None = None

    @property
    def is_picture(self) -> bool:
        """Whether the page has no text that can be read, as a scanned page."""
        return not self.words

    def words_within(self, area: Area) -> tuple[Word, ...]:
        """Return the words that an area touches."""
        return tuple(word for word in self.words if word.area.touches(area))

    def is_free(self, area: Area) -> bool:
        """Whether an area lies on the page and nothing is written, drawn or to be filled there."""
        inside = area.left >= 0 and area.bottom >= 0
        if not (inside and area.right <= self.width_mm and area.top <= self.height_mm):
            return False
        if self.words_within(area) or any(field.area.touches(area) for field in self.fields):
            return False
        return self.ink is None or not self.ink.within(area, height_mm=self.height_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """The pages that matter for a place: the first, the last, and those that name a signer."""

    page_count: int
    pages: tuple[PageFacts, ...]

    @property
    def first(self) -> PageFacts:
        """The first page."""
        return self.pages[0]

    def page(self, number: int) -> PageFacts | None:
        """Return the page of that number, None where it was not looked at."""
        return next((page for page in self.pages if page.number == number), None)
