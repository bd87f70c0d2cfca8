"""The doctor signs and verifies for real, and names what is missing."""

from __future__ import annotations

import io
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader

from certs.trust.changes import write_trust_anchor
from exchange.cli.trial import blank_page
from tests.certs.forging import root
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.unmarked import unmarked


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


def test_anchors_that_are_over_are_no_warning_and_none_that_is_trusted_is_a_failure(
    congvan: Program, tmp_path: Path
) -> None:
    over = unmarked("Over").anchor()
    over = replace(over, valid_until=datetime.now(UTC) - timedelta(days=100))
    for name, anchor, result in (("over", over, "fail"), ("now", unmarked().anchor(), "ok")):
        write_trust_anchor(tmp_path / "trust", anchor, name=name, at=datetime.now(UTC))
        told = congvan("doctor", "--trust", tmp_path / "trust", "--json")
        results = {each["check"]: each["result"] for each in told.document["checks"]}
        assert results["trust"] == result


def checked(congvan: Program, desk: Desk, *lines: str) -> dict[str, list[dict[str, str]]]:
    """What the doctor finds with a profile of these lines, by check."""
    profile = desk.directory / "profile.toml"
    profile.write_text("\n".join(('trust = "trust"', "practice = true", *lines)), encoding="utf8")
    told = congvan("doctor", "--profile", profile, "--json")
    found: dict[str, list[dict[str, str]]] = {}
    for each in told.document["checks"]:
        found.setdefault(each["check"], []).append(each)
    return found


def test_responders_are_tried_and_the_dead_are_named(congvan: Program, desk: Desk) -> None:
    alive = desk.practice.base_url.removeprefix("http://")
    with socket.create_server(("127.0.0.1", 0)) as free:
        dead = f"127.0.0.1:{free.getsockname()[1]}"
    found = checked(congvan, desk, f'allowed = ["{alive}", "{dead}"]')["fetching"]
    assert {each["detail"].split(" ")[0]: each["result"] for each in found} == {
        alive: "ok",
        dead: "fail",
    }
    assert {each["reason"] for each in found} == {"", "FETCH_UNAVAILABLE"}


def test_a_name_that_leads_inside_is_told_by_the_doctor_already(
    congvan: Program, desk: Desk
) -> None:
    [found] = checked(congvan, desk, 'allowed = ["localhost:9"]')["fetching"]
    assert (found["result"], found["reason"]) == ("fail", "FETCH_REFUSED")


def test_no_source_of_evidence_at_all_is_warned_of(congvan: Program, desk: Desk) -> None:
    [found] = checked(congvan, desk)["fetching"]
    assert (found["result"], found["reason"]) == ("warn", "EVIDENCE_NOT_SET")
    (desk.directory / "crls").mkdir()
    offline = checked(congvan, desk, 'crls = ["crls"]')
    assert [each["result"] for each in offline["fetching"]] == ["ok"]
    assert [each["reason"] for each in offline["crls"]] == ["CRL_MISSING"]


def test_lists_at_hand_are_fresh_stale_or_unreadable(congvan: Program, desk: Desk) -> None:
    folder = desk.directory / "crls"
    folder.mkdir()
    stale = root("Old authority").crl()  # of June
    (folder / "fresh.crl").write_bytes(desk.practice.authority.crl())
    [fresh] = checked(congvan, desk, 'crls = ["crls"]')["crls"]
    assert (fresh["result"], fresh["detail"]) == ("ok", "1")
    (folder / "stale.crl").write_bytes(stale)
    (folder / "junk.pem").write_bytes(b"junk")
    found = checked(congvan, desk, 'crls = ["crls"]')["crls"]
    assert [each["reason"] for each in found] == ["CRL_UNREADABLE", "CRL_STALE"]
    assert "junk.pem" in found[0]["detail"]
    assert "Old authority" in found[1]["detail"]


def test_a_newer_list_of_the_same_issuer_makes_up_for_an_older(
    congvan: Program, desk: Desk
) -> None:
    authority = root("Old authority")
    folder = desk.directory / "crls"
    folder.mkdir()
    (folder / "a.crl").write_bytes(authority.crl())
    (folder / "b.crl").write_bytes(authority.crl(at=datetime.now(UTC)))
    [found] = checked(congvan, desk, 'crls = ["crls"]')["crls"]
    assert (found["result"], found["detail"]) == ("ok", "1")
