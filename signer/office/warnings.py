"""What is wrong with the look of an office's signature: to warn of, not to refuse (pure)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from signer.errors import PlaceNotFound
from signer.office.blocks import signer_block
from signer.office.places import (
    MARGIN_MM,
    OVERLAP,
    OVERLAP_TOLERANCE,
    SEAL_TOLERANCE_MM,
    in_circle,
    leader_field,
    leader_place,
)
from signer.office.roles import OfficeRole
from signer.pages.facts import Area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signer.office.pictures import PictureFacts
    from signer.office.roles import OfficeSigning
    from signer.pages.facts import DocumentFacts, PageFacts

MIN_CLEAR: Final = 0.1
"""Share of a picture that is clear, at the least: a round seal leaves a fifth of its square."""
MIN_COLOURED: Final = 0.6
_A4_MM: Final = (210.0, 297.0)
_PAPER_TOLERANCE_MM: Final = 3.0
_TOLERANCE_MM: Final = 0.05
_TOUCH_MM: Final = 0.2
"""Letters' boxes are a little larger than what is seen of them."""


class LookWarning(StrEnum):
    """Something about the look that NĐ 30/2020 Appendix I wants otherwise."""

    PICTURE_NOT_TRANSPARENT = "PICTURE_NOT_TRANSPARENT"
    PICTURE_NOT_BLUE = "PICTURE_NOT_BLUE"
    PICTURE_NOT_RED = "PICTURE_NOT_RED"
    SEAL_SIZE_WRONG = "SEAL_SIZE_WRONG"
    OFF_PAGE = "OFF_PAGE"
    COVERS_TEXT = "COVERS_TEXT"
    OVERLAP_NOT_A_THIRD = "OVERLAP_NOT_A_THIRD"
    MARGIN_BREACHED = "MARGIN_BREACHED"


def picture_warnings(facts: PictureFacts, role: OfficeRole | None) -> tuple[LookWarning, ...]:
    """Return what is wrong with the picture itself (II.7.d, II.8.a)."""
    found = []
    if facts.clear < MIN_CLEAR:
        found.append(LookWarning.PICTURE_NOT_TRANSPARENT)
    if role is OfficeRole.LEADER_APPROVAL and facts.blue < MIN_COLOURED:
        found.append(LookWarning.PICTURE_NOT_BLUE)
    if role is OfficeRole.ORGANISATION_SEAL and facts.red < MIN_COLOURED:
        found.append(LookWarning.PICTURE_NOT_RED)
    return tuple(found)


def place_warnings(
    facts: DocumentFacts,
    signing: OfficeSigning | None,
    *,
    page: PageFacts,
    shown: Area,
    own_field: str,
) -> tuple[LookWarning, ...]:
    """Return what is wrong with the place; where nobody says what for, the page and its text.

    shown: what is seen of the picture or text, without empty parts of its box. own_field: the
    name of the field that is signed, which lies there lawfully.
    """
    found = []
    if _is_off_page(shown, page):
        found.append(LookWarning.OFF_PAGE)
    if any(_covered(facts, signing, page=page, shown=shown, own_field=own_field)):
        found.append(LookWarning.COVERS_TEXT)
    if signing is None:
        return tuple(found)
    if signing.role is OfficeRole.ORGANISATION_SEAL:
        if abs(max(shown.width, shown.height) - signing.seal_mm) > SEAL_TOLERANCE_MM:
            found.append(LookWarning.SEAL_SIZE_WRONG)
        picture = leader_picture(facts, signing, page=page)
        if picture is None or not is_a_third(shown, picture):
            found.append(LookWarning.OVERLAP_NOT_A_THIRD)
    if _breaches_margin(shown, page=page, role=signing.role):
        found.append(LookWarning.MARGIN_BREACHED)
    return tuple(found)


def is_a_third(seal: Area, picture: Area) -> bool:
    """Whether a seal covers the left third of a picture, five hundredths more or less (II.8.a)."""
    share = (seal.right - picture.left) / picture.width
    beside = min(seal.top, picture.top) - max(seal.bottom, picture.bottom)
    level = beside >= 0.9 * min(seal.height, picture.height)
    return level and seal.left < picture.left and abs(share - OVERLAP) <= OVERLAP_TOLERANCE


def leader_picture(facts: DocumentFacts, signing: OfficeSigning, *, page: PageFacts) -> Area | None:
    """Return where the leader's picture is on this page, or else would go."""
    field = leader_field(facts)
    if field is not None:
        return (field[0].drawn or field[0].area) if field[1] == page.number else None
    try:
        box, _ = leader_place(facts, name=signing.signer)
    except PlaceNotFound:
        return None
    return Area.of_box(box) if box.page == page.number else None


def _is_off_page(shown: Area, page: PageFacts) -> bool:
    return (
        min(shown.left, shown.bottom) < -_TOLERANCE_MM
        or shown.right > page.width_mm + _TOLERANCE_MM
        or shown.top > page.height_mm + _TOLERANCE_MM
    )


def _covered(
    facts: DocumentFacts,
    signing: OfficeSigning | None,
    *,
    page: PageFacts,
    shown: Area,
    own_field: str,
) -> Iterator[bool]:
    """Yield for each thing on the page whether it is covered without the law's leave."""
    seal = signing is not None and signing.role is OfficeRole.ORGANISATION_SEAL
    leave = tuple(_own_lines(facts, signing, page=page)) if signing and seal else ()
    inner = shown.grown(-_TOUCH_MM)
    for word in page.words_within(inner):
        if not seal:
            yield True
        else:
            lawful = any(area.grown(0.1).touches(word.area) for area in leave)
            yield not lawful and in_circle(inner, word.area)
    leader = leader_field(facts) if seal else None
    for field in page.fields:
        lawful = field.name == own_field or (leader is not None and leader[0] == field)
        yield field.filled and not lawful and bool(field.area.touches(inner))
    if page.is_picture and page.ink is not None and not seal:
        yield page.ink.within(inner, height_mm=page.height_mm)


def _own_lines(facts: DocumentFacts, signing: OfficeSigning, *, page: PageFacts) -> Iterator[Area]:
    """Yield position and name of the signer: a seal of 36 mm can't always avoid them."""
    try:
        block = signer_block(facts, signing.signer)
    except PlaceNotFound:
        return
    if block is not None and block.page == page.number:
        yield block.position
        yield block.name


def _breaches_margin(shown: Area, *, page: PageFacts, role: OfficeRole) -> bool:
    """Whether it reaches into the margins of an A4 page; text at the top right may begin above."""
    paper = (abs(page.width_mm - _A4_MM[0]), abs(page.height_mm - _A4_MM[1]))
    if max(paper) > _PAPER_TOLERANCE_MM:
        return False
    top, bottom, left, right = MARGIN_MM
    at_top = role in (OfficeRole.ANNEX, OfficeRole.COPY)
    return (
        shown.left < left - _TOLERANCE_MM
        or shown.right > page.width_mm - right + _TOLERANCE_MM
        or shown.bottom < bottom - _TOLERANCE_MM
        or (not at_top and shown.top > page.height_mm - top + _TOLERANCE_MM)
    )
