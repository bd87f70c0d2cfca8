"""Definitions of the rate as data: those that ship, and what is refused as one."""

from importlib.resources import files
from pathlib import Path

import pytest

from certs.trust.anchors import Block
from exchange.compliance.rate_definitions import (
    DEFAULT_DEFINITION_ID,
    load_definitions,
    parse_definition,
)
from exchange.errors import SettingInvalid

TEXT = (files("exchange.compliance") / "definitions" / "nd-307-2025.toml").read_text("utf-8")


def test_the_definitions_that_ship_are_there_with_the_default_first() -> None:
    ids = [each.definition_id for each in load_definitions()]
    assert ids[0] == DEFAULT_DEFINITION_ID == "nd-307-2025"
    assert "net-2018" in ids


def test_every_definition_names_its_source_and_says_what_it_counts_in_two_languages() -> None:
    for each in load_definitions():
        texts = [each.version, each.title_vi, each.title_en, each.legal_basis_vi]
        texts += [each.legal_basis_en, each.population_vi, each.population_en]
        texts += [text for part in each.readings for text in (part.vi, part.en)]
        texts += [text for part in each.exclusions for text in (part.vi, part.en)]
        assert all(texts)
        assert each.blocks == frozenset(Block)


def test_the_decree_is_read_strictly_with_the_mild_reading_beside_it() -> None:
    decree = load_definitions()[0]
    assert [reading.reading_id for reading in decree.readings] == [
        "both-signatures",
        "at-least-one",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "nd-307-2025"', "id ="),
        ('version = "1"', ""),
        ("valid_from = 2025-11-27", 'valid_from = "soon"'),
        ('"COMMUNE"', '"DISTRICT"'),
        ('mode = "FLOOR"', 'mode = "HALF_UP"'),
        ("decimals = 2", "decimals = 9"),
        ('original = { all_of = ["LEADER", "SEAL"] }', "original = {}"),
        ('original = { all_of = ["LEADER", "SEAL"] }', 'original = { all_of = ["CLERK"] }'),
        ('kinds = ["ANNEX"]', ""),
        ("[[readings]]", "[[other]]"),
    ],
)
def test_what_is_no_definition_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(SettingInvalid):
        parse_definition(TEXT.replace(old, new))


def test_a_definition_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingInvalid, match=r"x\.toml"):
        load_definitions(tmp_path)
