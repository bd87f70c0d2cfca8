"""The page on edXML names every warning and states every limit as the code has it."""

import re
from dataclasses import fields
from pathlib import Path

from exchange.edxml.limits import DEFAULT_EDXML_LIMITS
from exchange.edxml.result import WarningCode

PAGE = (Path(__file__).parent.parent.parent / "docs" / "edxml.md").read_text(encoding="utf-8")


def test_every_warning_has_its_row_and_no_other_is_named() -> None:
    table = PAGE.partition("## What is read with a warning")[2].partition("\n## ")[0]
    named = [
        code
        for line in table.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([A-Z_]+)`", line.split("|")[1])
    ]
    assert sorted(named) == sorted(WarningCode)


def test_every_limit_is_stated_as_it_is() -> None:
    stated = dict(re.findall(r"^\| `(max_\w+)` \| ([\d ]+) \|$", PAGE, re.MULTILINE))
    assert {name: int(value.replace(" ", "")) for name, value in stated.items()} == {
        field.name: getattr(DEFAULT_EDXML_LIMITS, field.name)
        for field in fields(DEFAULT_EDXML_LIMITS)
    }
