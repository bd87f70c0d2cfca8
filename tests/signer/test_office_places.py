"""Where an office's things go on the practice documents: what people see there says so."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from signer.errors import PlaceNotFound
from signer.office.places import OVERLAP_TOLERANCE, office_places
from signer.pages.appearance import Box
from signer.pages.facts import Area
from signer.pages.text import read_pages

DOCUMENTS = Path(__file__).parents[1] / "data" / "documents"
CATALOGUE = tomllib.loads((DOCUMENTS / "catalogue.toml").read_text(encoding="utf8"))["document"]
each_document = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: str(entry["file"]))


def middle(box: Box | dict[str, float]) -> tuple[float, float]:
    area = Area.of_box(box if isinstance(box, Box) else Box(**box))  # type: ignore[arg-type]
    return area.centre, area.middle


@each_document
@pytest.mark.parametrize("named", [True, False], ids=["by name", "by position"])
def test_the_leader_s_picture_goes_between_position_and_name(
    entry: dict[str, Any], named: bool
) -> None:
    facts = read_pages((DOCUMENTS / entry["file"]).read_bytes())
    name = entry["signer"]["full_name"]
    places = office_places(facts, name=name if named else None)
    assert places.name == name
    assert places.leader.page == entry["leader_box"]["page"]
    assert middle(places.leader) == pytest.approx(middle(entry["leader_box"]), abs=0.8)


@each_document
def test_the_seal_covers_the_left_third_of_the_leader_s_picture(entry: dict[str, Any]) -> None:
    facts = read_pages((DOCUMENTS / entry["file"]).read_bytes())
    places = office_places(facts, name=entry["signer"]["full_name"])
    leader, seal = Area.of_box(places.leader), Area.of_box(places.seal)
    assert (seal.width, seal.height) == pytest.approx((36, 36))
    share = (seal.right - leader.left) / leader.width
    assert share == pytest.approx(1 / 3, abs=OVERLAP_TOLERANCE)
    assert seal.left < leader.left
    assert seal.bottom <= leader.bottom
    assert seal.top >= leader.top
    assert middle(places.seal) == pytest.approx(middle(entry["seal_box"]), abs=3)


@each_document
def test_a_document_with_number_and_date_needs_no_fields_for_them(entry: dict[str, Any]) -> None:
    facts = read_pages((DOCUMENTS / entry["file"]).read_bytes())
    places = office_places(facts)
    assert (places.number, places.date, places.day, places.month, places.year) == (None,) * 5


def test_a_signer_whom_the_document_does_not_name_gets_no_place() -> None:
    facts = read_pages((DOCUMENTS / "cong-van.pdf").read_bytes())
    with pytest.raises(PlaceNotFound, match="Lê Thị Minh Họa"):
        office_places(facts, name="Nguyễn Văn Khác")
