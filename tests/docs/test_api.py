"""docs/api.md tours the contract that exists: its services, its roles, its status codes."""

import re
from pathlib import Path

from exchange.server.access import METHOD_ROLES
from exchange.server.status import STATUS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_tour_names_every_service_of_the_contract() -> None:
    contract = set()
    for proto in (ROOT / "proto" / "congvan" / "v1").glob("*.proto"):
        contract |= set(re.findall(r"^service (\w+) ", proto.read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"^\| `(\w+Service)` \|", PAGE, re.MULTILINE)) == contract


def test_the_calls_of_the_tour_exist() -> None:
    calls = {method.rpartition("/")[2] for method in METHOD_ROLES}
    tour = PAGE.partition("## One document from end to end")[2].partition("[life")[0]
    named = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+\b", tour))
    assert named
    assert named <= calls


def test_every_status_code_has_its_advice() -> None:
    advice = PAGE.partition("| Code | What to do |")[2]
    assert {code.name for code in STATUS.values()} <= set(re.findall(r"\b[A-Z_]{6,}\b", advice))
