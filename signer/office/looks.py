"""The look of an office's signature: from what it is for and what lies on the pages to a place."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signer.errors import PlaceNotFound
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD
from signer.office.pictures import picture_facts
from signer.office.places import (
    LEADER_SIZE_MM,
    SEAL_TOLERANCE_MM,
    leader_place,
    seal_place,
    top_right_place,
)
from signer.office.roles import OfficeRole, OfficeSigning, broken_lines
from signer.pages.appearance import Appearance, Box
from signer.pages.facts import FieldKind
from signer.pages.placement import MM_PER_INCH, UNITS_PER_INCH
from signer.pages.typeface import typeface

if TYPE_CHECKING:
    from signer.pages.facts import DocumentFacts, SeenField

TEXT_PT: Final = 10.0
LEADING: Final = 1.2
_POINT_MM: Final = MM_PER_INCH / UNITS_PER_INCH
_AIR_MM: Final = 0.2
"""So that rounding never makes the text smaller than 10 pt."""
_LINES_MM: Final = (85.0, 120.0, 165.0)
"""Lines as long as the page's right half, and longer where the top margin is too low for them."""
_LIKELY_WIDTHS_MM: Final = (15.0, 70.0)
"""What a picture's file says of its size is believed between these widths."""
_HIGHEST_MM: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeLook:
    """How a signature looks and where: in a prepared field, or in a new one in the box."""

    appearance: Appearance
    field_name: str | None = None


def office_look(facts: DocumentFacts, signing: OfficeSigning) -> OfficeLook:
    """Return how a signature looks on this document by NĐ 30/2020 Appendix I.

    A field that was prepared for the role is used; else the place is found on the pages.
    Raises PlaceNotFound, PictureUnreadable or TextUnprintable.
    """
    if signing.role in (OfficeRole.ANNEX, OfficeRole.COPY):
        return _text_look(facts, signing)
    if signing.role is OfficeRole.LEADER_APPROVAL:
        return _leader_look(facts, signing)
    return _seal_look(facts, signing)


def _leader_look(facts: DocumentFacts, signing: OfficeSigning) -> OfficeLook:
    if _empty_field(facts, LEADER_FIELD) is not None:
        return OfficeLook(appearance=Appearance(picture=signing.picture), field_name=LEADER_FIELD)
    size = picture_size_mm(signing.picture or b"")
    box, _ = leader_place(facts, name=signing.signer, size_mm=size)
    return OfficeLook(appearance=Appearance(box=box, picture=signing.picture))


def _seal_look(facts: DocumentFacts, signing: OfficeSigning) -> OfficeLook:
    """Return the look of a seal, which is shown in its actual size or not at all (II.8.a)."""
    size = signing.seal_mm
    field = _empty_field(facts, SEAL_FIELD)
    if field is not None and min(field.area.width, field.area.height) < size - SEAL_TOLERANCE_MM:
        raise PlaceNotFound(
            f"the field prepared for the seal is {field.area.width:.0f} x "
            f"{field.area.height:.0f} mm, the seal {size:g} mm: prepare the document for this seal"
        )
    box = None if field else seal_place(facts, name=signing.signer, seal_mm=size)
    appearance = Appearance(box=box, picture=signing.picture, picture_mm=size)
    return OfficeLook(appearance=appearance, field_name=SEAL_FIELD if field else None)


def _empty_field(facts: DocumentFacts, name: str) -> SeenField | None:
    """Return the signature field of that name that still waits for its signature."""
    for page in facts.pages:
        for field in page.fields:
            if (field.name, field.kind, field.filled) == (name, FieldKind.SIGNATURE, False):
                return field
    return None


def picture_size_mm(picture: bytes) -> tuple[float, float]:
    """Return how large a leader's picture is drawn: as its file says, else 44 mm wide."""
    facts = picture_facts(picture)
    width = facts.natural_mm[0] if facts.natural_mm else 0.0
    least, most = _LIKELY_WIDTHS_MM
    if not least <= width <= most:
        width = LEADER_SIZE_MM[0]
    proportion = facts.height / facts.width
    width = min(width, _HIGHEST_MM / proportion)
    return width, width * proportion


def _text_look(facts: DocumentFacts, signing: OfficeSigning) -> OfficeLook:
    texts = signing.texts()
    for room in _LINES_MM[:-1]:
        with suppress(PlaceNotFound):
            return _broken_look(facts, texts, room=room)
    return _broken_look(facts, texts, room=_LINES_MM[-1])


def _broken_look(facts: DocumentFacts, texts: tuple[str, ...], *, room: float) -> OfficeLook:
    lines = broken_lines(texts, width_of=text_width_mm, room=room)
    return OfficeLook(appearance=Appearance(box=text_box(facts, lines), lines=lines))


def text_box(facts: DocumentFacts, lines: tuple[str, ...]) -> Box:
    """Return the place at the top right of page one where the lines stand at 10 pt."""
    return top_right_place(
        facts.first,
        width_mm=max(text_width_mm(line) for line in lines) + _AIR_MM,
        height_mm=len(lines) * TEXT_PT * LEADING * _POINT_MM + _AIR_MM,
    )


def text_width_mm(line: str) -> float:
    """Return how wide a line is at 10 pt. Raises TextUnprintable for a letter the font lacks."""
    return typeface().width(line) * TEXT_PT * _POINT_MM
