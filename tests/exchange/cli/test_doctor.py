"""The doctor signs and verifies for real, and names what is missing."""

from __future__ import annotations

import io

from pyhanko.pdf_utils.reader import PdfFileReader

from exchange.cli.trial import blank_page
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program


def test_a_machine_without_a_profile_is_well_with_a_warning(congvan: Program) -> None:
    told = congvan("doctor", "--json")
    assert told.code == 0, told.out
    results = {each["check"]: each["result"] for each in told.document["checks"]}
    assert results["clock"] == "ok"
    assert results["signing"] == "ok"
    assert results["profile"] == "warn"


def test_trust_and_time_stamps_are_tried(congvan: Program, desk: Desk) -> None:
    profile = desk.directory / "profile.toml"
    address = desk.practice.base_url.removeprefix("http://")
    profile.write_text(
        f'trust = "trust"\npractice = true\nallowed = ["{address}"]\n'
        f'tsa = "{desk.practice.tsa_url}"\n'
    )
    told = congvan("doctor", "--profile", profile, "--json")
    results = {each["check"]: each["result"] for each in told.document["checks"]}
    assert results["trust"] == "warn"  # it is a practice store
    assert results["timestamping"] == "ok"
    assert results["profile"] == "fail"  # it names no service
    assert told.code == 3


def test_the_trial_page_is_a_whole_pdf() -> None:
    page = PdfFileReader(io.BytesIO(blank_page())).root["/Pages"]["/Kids"][0]
    assert page["/MediaBox"] == [0, 0, 595, 842]
