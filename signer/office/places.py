"""Where an office puts number, date, signature and seal, by NĐ 30/2020 Appendix I (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signer.errors import PlaceNotFound
from signer.office.blanks import date_blanks, number_blank, unlabelled_places
from signer.office.blocks import signer_block
from signer.pages.facts import Area, FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signer.office.blocks import SignerBlock
    from signer.pages.appearance import Box
    from signer.pages.facts import DocumentFacts, PageFacts, SeenField, Word

LEADER_SIZE_MM: Final = (44.0, 20.0)
"""Size of a leader's picture of which nothing else is known."""
SEAL_MM: Final = 36.0
"""Diameter of a seal of which nothing else is known (NĐ 30/2020 wants its actual size)."""
SEAL_TOLERANCE_MM: Final = 0.5
OVERLAP: Final = 1 / 3
"""Share of the leader's picture, from its left edge, that the seal covers (App. I, II.8.a)."""
OVERLAP_TOLERANCE: Final = 0.05
MARGIN_MM: Final = (20.0, 20.0, 30.0, 15.0)
"""The smallest top, bottom, left and right margins of an A4 page (App. I, I.3)."""

_AIR_MM: Final = 0.5
_SMALLEST: Final = 0.5
"""A leader's picture shrinks to no less than this share of its size."""
_POSITION_MM: Final = 14.0
"""Room for two lines of capacity and position where a page has no text to measure."""
_SHIFT_COST: Final = 0.25
"""A word left readable is worth four millimetres off the middle of the leader's picture."""
_NAME_MM: Final = 80.0
_LINE_MM: Final = 5.0
"""How wide and how high a line of the signer's name may be on a page without text."""
_SHIFTS_MM: Final = tuple(sorted((step * 0.5 for step in range(-24, 25)), key=abs))
_TOP_RIGHT_MM: Final = (4.0, 60.0)
"""How far below the page's upper edge the text of annexes and copies may begin."""
_SPECKS: Final = 2
"""Dark cells in a row that a scanner leaves on blank paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePlaces:
    """The places of boxes 3, 4, 7c and 8 of NĐ 30/2020 Appendix I.

    number: behind "Số:", or for the whole "Số: 09/QĐ-UBND" where number_labelled is false; None
    where the number is printed. date: for the whole line, "Thanh Hóa, ngày …"; None where the page
    prints "ngày", which leaves day, month and year, or those of them that are blank.
    name: the signer's name as printed; None where the place comes from the page's geometry.
    """

    number: Box | None
    number_labelled: bool
    date: Box | None
    day: Box | None
    month: Box | None
    year: Box | None
    leader: Box
    seal: Box
    name: str | None


def office_places(
    facts: DocumentFacts,
    *,
    name: str | None = None,
    leader_size_mm: tuple[float, float] = LEADER_SIZE_MM,
    seal_mm: float = SEAL_MM,
) -> OfficePlaces:
    """Find all places of an official document before anybody signs it.

    name: of who signs, as printed; case, spaces and the place of tones don't matter.
    Raises PlaceNotFound where the page leaves no room.
    """
    leader, found_name = leader_place(facts, name=name, size_mm=leader_size_mm)
    seal = seal_place(facts, leader=leader, name=name, seal_mm=seal_mm)
    number, labelled = number_place(facts.first)
    date, parts = date_places(facts.first)
    return OfficePlaces(
        number=number,
        number_labelled=labelled,
        date=date,
        day=parts[0],
        month=parts[1],
        year=parts[2],
        leader=leader,
        seal=seal,
        name=found_name,
    )


def number_place(first: PageFacts) -> tuple[Box | None, bool]:
    """Return where the number goes on the first page, and whether "Số:" is printed before it."""
    blank = number_blank(first)
    if blank is not None:
        return (blank.area.on_page(first.number) if blank.area else None), True
    places = unlabelled_places(first)
    if places is None:
        raise PlaceNotFound("no free line for the number under the heading of page 1")
    return places[0].on_page(first.number), False


def date_places(first: PageFacts) -> tuple[Box | None, tuple[Box | None, ...]]:
    """Return where a whole date goes on the first page, or where day, month and year do."""
    blanks = date_blanks(first)
    if blanks is not None:
        parts = (blanks.day, blanks.month, blanks.year)
        return None, tuple(part.on_page(first.number) if part else None for part in parts)
    places = unlabelled_places(first)
    if places is None:
        raise PlaceNotFound("no free line for the date under the heading of page 1")
    return places[1].on_page(first.number), (None, None, None)


def leader_place(
    facts: DocumentFacts, *, name: str | None = None, size_mm: tuple[float, float] = LEADER_SIZE_MM
) -> tuple[Box, str | None]:
    """Return the place between position and name, and the name as printed.

    The box keeps the proportions of size_mm and shrinks where the room is low.
    """
    block = signer_block(facts, name)
    if block is None:
        last = facts.pages[-1]
        centre, middle, room = _blank_room(last)
        area = _fitted(centre, middle, room=room, size_mm=size_mm, page=last)
        return area.on_page(last.number), None
    page = _page_of(facts, block)
    room = block.room - 2 * _AIR_MM
    area = _fitted(block.centre, block.middle, room=room, size_mm=size_mm, page=page)
    return area.on_page(page.number), block.name_text


def _page_of(facts: DocumentFacts, block: SignerBlock) -> PageFacts:
    page = facts.page(block.page)
    if page is None:
        raise PlaceNotFound(f"page {block.page} was not read")
    return page


def _fitted(
    centre: float, middle: float, *, room: float, size_mm: tuple[float, float], page: PageFacts
) -> Area:
    """Return the largest area of these proportions around the point that is free, up to size_mm."""
    width, height = size_mm
    scale = min(1.0, room / height)
    while scale >= _SMALLEST:
        half = (width * scale / 2, height * scale / 2)
        area = Area(
            left=centre - half[0],
            bottom=middle - half[1],
            right=centre + half[0],
            top=middle + half[1],
        )
        if page.is_free(area):
            return area
        scale -= 0.02
    raise PlaceNotFound(
        f"page {page.number} leaves no {width * _SMALLEST:.0f} x {height * _SMALLEST:.0f} mm "
        "between position and name"
    )


def _blank_room(page: PageFacts) -> tuple[float, float, float]:
    """Return centre, middle and height of the room for a signature by the page's geometry.

    On a scan the column on the right has text, a blank and the name; the lowest such blank is
    taken. Without one, the room under all that is drawn.
    """
    top, bottom, left, right = MARGIN_MM
    centre = (page.width_mm + (page.width_mm + left - right) / 2 - right) / 2
    runs = list(_blank_runs(page, centre))
    between = [run for run in runs if run[0] > bottom and run[1] < page.height_mm - top]
    for low, high in between:
        if low <= page.height_mm - top and LEADER_SIZE_MM[1] * 0.7 <= high - low <= 60:
            return (
                _name_centre(page, low, centre=centre),
                (low + high) / 2,
                high - low - 2 * _AIR_MM,
            )
    for low, high in runs:
        if low <= bottom and high - bottom >= _POSITION_MM + LEADER_SIZE_MM[1]:
            upper = min(high, page.height_mm - top) - _POSITION_MM
            return centre, upper - LEADER_SIZE_MM[1] / 2, LEADER_SIZE_MM[1]
    raise PlaceNotFound(f"page {page.number} has no room for a signature on its right")


def _name_centre(page: PageFacts, foot: float, *, centre: float) -> float:
    """Return the middle of what stands under a blank that ends at `foot`: the signer's name."""
    half = _NAME_MM / 2
    band = Area(left=centre - half, bottom=foot - _LINE_MM, right=centre + half, top=foot)
    sides = page.ink.sides(band, height_mm=page.height_mm) if page.ink else None
    return sum(sides) / 2 if sides else centre


def _blank_runs(page: PageFacts, centre: float) -> Iterator[tuple[float, float]]:
    """Yield the blank stretches of the signer's column from the page's foot upwards."""
    half = LEADER_SIZE_MM[0] / 2
    start: float | None = None
    y, step = 0.0, 1.0
    while y < page.height_mm:
        band = Area(left=centre - half, bottom=y, right=centre + half, top=y + step)
        blank = not page.words_within(band) and _is_blank(page, band)
        if blank and start is None:
            start = y
        if not blank and start is not None:
            yield start, y
            start = None
        y += step
    if start is not None:
        yield start, page.height_mm


def _is_blank(page: PageFacts, band: Area) -> bool:
    return page.ink is None or page.ink.dark_cells(band, height_mm=page.height_mm) <= _SPECKS


def seal_place(
    facts: DocumentFacts,
    *,
    leader: Box | None = None,
    name: str | None = None,
    seal_mm: float = SEAL_MM,
) -> Box:
    """Return the place of a round seal at its true size, over the left third of a picture.

    leader: where the leader's picture goes; None takes the leader's signature in the document,
    wherever it is, and else the place where it would go. The seal may lie over that picture and
    over the signer's own position and name, which a seal as high as it is can't always avoid.
    """
    picture, number = _leader_picture(facts, leader, name=name)
    page = facts.page(number)
    if page is None:
        raise PlaceNotFound(f"page {number} was not read")
    block = _block_beside(facts, name, picture=picture, number=number)
    best: tuple[float, Area] | None = None
    right = picture.left + picture.width * OVERLAP
    reach = seal_mm / 2 + max(_SHIFTS_MM)
    near = page.words_within(
        Area(
            left=right - seal_mm,
            bottom=picture.middle - reach,
            right=right,
            top=picture.middle + reach,
        )
    )
    for shift in _SHIFTS_MM:
        middle = picture.middle + shift
        seal = Area(
            left=right - seal_mm,
            bottom=middle - seal_mm / 2,
            right=right,
            top=middle + seal_mm / 2,
        )
        covered = [word for word in near if in_circle(seal, word.area)]
        others = [word for word in covered if block is None or not _is_own(word, block)]
        on_page = seal.left >= 0 and seal.bottom >= 0 and seal.top <= page.height_mm
        if others or not on_page or not _overlaps_enough(seal, picture):
            continue
        if page.is_picture and _inked_beside(seal, picture, page=page):
            continue
        on_name = sum(_within(word, block.name) for word in covered) if block else 0
        cost = len(covered) + on_name + abs(shift) * _SHIFT_COST
        if best is None or cost < best[0]:
            best = (cost, seal)
    if best is None:
        raise PlaceNotFound(
            f"a seal of {seal_mm:g} mm over the signature's left third would cover other text "
            f"of page {number}: shorten the lines beside the signature"
        )
    return best[1].on_page(number)


def _inked_beside(seal: Area, picture: Area, *, page: PageFacts) -> bool:
    """Whether a scan is dark under the seal beside the picture: in the circle's inner square."""
    inner = seal.grown(-seal.width * (1 - math.sqrt(0.5)) / 2)
    beside = Area(left=inner.left, bottom=inner.bottom, right=picture.left - 1, top=inner.top)
    return not _is_blank(page, beside)


def _overlaps_enough(seal: Area, picture: Area) -> bool:
    """Whether the seal still lies beside the picture's whole height or its own: not over a tip."""
    common = min(seal.top, picture.top) - max(seal.bottom, picture.bottom)
    return common >= 0.9 * min(seal.height, picture.height)


def _is_own(word: Word, block: SignerBlock) -> bool:
    """Whether a word is of the signer's position, which stands in capitals (II.7.b), or name."""
    capital = word.text == word.text.upper()
    return _within(word, block.name) or (capital and _within(word, block.position))


def _within(word: Word, area: Area) -> bool:
    area = area.grown(0.1)
    return area.left <= word.area.centre <= area.right and (
        area.bottom <= word.area.middle <= area.top
    )


def in_circle(seal: Area, area: Area) -> bool:
    """Whether an area reaches into the ellipse inscribed in the seal's rectangle."""
    x = min(max(seal.centre, area.left), area.right) - seal.centre
    y = min(max(seal.middle, area.bottom), area.top) - seal.middle
    return math.hypot(x / (seal.width / 2), y / (seal.height / 2)) < 1


def _leader_picture(
    facts: DocumentFacts, leader: Box | None, *, name: str | None
) -> tuple[Area, int]:
    if leader is not None:
        return Area.of_box(leader), leader.page
    field = leader_field(facts)
    if field is not None:
        return field[0].drawn or field[0].area, field[1]
    box, _ = leader_place(facts, name=name)
    return Area.of_box(box), box.page


def leader_field(facts: DocumentFacts) -> tuple[SeenField, int] | None:
    """Return the field that the leader signed, and its page: the last one signed with a picture.

    Text at the top right of the first page is what annexes and copies show, not a leader's.
    """
    found = [
        (field, page.number)
        for page in facts.pages
        for field in page.fields
        if field.kind is FieldKind.SIGNATURE and field.filled and not _at_top_right(field, page)
    ]
    return found[-1] if found else None


def _at_top_right(field: SeenField, page: PageFacts) -> bool:
    high = field.area.middle > page.height_mm * 0.8
    return page.number == 1 and high and field.area.centre > page.width_mm / 2


def _block_beside(
    facts: DocumentFacts, name: str | None, *, picture: Area, number: int
) -> SignerBlock | None:
    """Return the signer's block that the picture stands in; None where there is no such block."""
    try:
        block = signer_block(facts, name)
    except PlaceNotFound:
        return None
    if block is None or block.page != number:
        return None
    inside = block.name.bottom <= picture.middle <= block.position.top
    return block if inside else None


def top_right_place(first: PageFacts, *, width_mm: float, height_mm: float) -> Box:
    """Return the first free place at the top right of page one, for annexes and copies.

    NĐ 30/2020 App. I, III.1.d, and part II, I: no picture, text only.
    """
    right = first.width_mm - MARGIN_MM[3]
    below, limit = _TOP_RIGHT_MM
    while below <= limit:
        top = first.height_mm - below
        area = Area(left=right - width_mm, bottom=top - height_mm, right=right, top=top)
        if first.is_free(area):
            return area.on_page(first.number)
        below += 0.5
    raise PlaceNotFound(
        f"the top right of page 1 has no free {width_mm:.0f} x {height_mm:.0f} mm for the text"
    )
