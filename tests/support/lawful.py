"""Documents on their way through the office: prepared, signed, numbered, sealed."""

from __future__ import annotations

from dataclasses import replace

from signer.office.field_places import FieldPlaces, SignaturePlace, TextPlace
from signer.office.filling import fill_fields
from signer.office.number_and_date import (
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    FieldValues,
)
from signer.office.preparing import prepare
from signer.pages.appearance import Box
from signer.source import Source

NUMBER = "09/QĐ-UBND"
DATE = "Thanh Hóa, ngày 05 tháng 02 năm 2026"
VALUES = FieldValues.read(number=NUMBER, date=DATE)

NUMBER_BOX = Box(page=1, left_mm=35, bottom_mm=240, width_mm=60, height_mm=6)
DATE_BOX = Box(page=1, left_mm=105, bottom_mm=240, width_mm=85, height_mm=6)
LEADER_BOX = Box(page=-1, left_mm=125, bottom_mm=40, width_mm=40, height_mm=18)
SEAL_BOX = Box(page=-1, left_mm=100, bottom_mm=32, width_mm=36, height_mm=36)

PLACES = FieldPlaces(
    texts=(
        TextPlace(name=NUMBER_FIELD, box=NUMBER_BOX),
        TextPlace(name=DATE_FIELD, box=DATE_BOX),
    ),
    leaders=(SignaturePlace(name=LEADER_FIELD, box=LEADER_BOX),),
    seal=SignaturePlace(name=SEAL_FIELD, box=SEAL_BOX),
)


def places_at(bottom_mm: float) -> FieldPlaces:
    """The same for a page of another height: number and date that high."""
    return replace(
        PLACES,
        texts=tuple(
            replace(text, box=replace(text.box, bottom_mm=bottom_mm)) for text in PLACES.texts
        ),
    )


def prepared(document: bytes, places: FieldPlaces = PLACES) -> bytes:
    """The document with empty fields for number, date, leader and seal."""
    return document + prepare(Source.of_bytes(document), places=places)


def numbered(document: bytes, values: FieldValues = VALUES) -> bytes:
    """The document with number and date filled in."""
    return document + fill_fields(Source.of_bytes(document), values=values)
