"""`--policy`, a profile's policy, and `congvan policy`: which policy counts, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signer.policy.files import shipped_policies
from signer.policy.values import DEFAULT
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program

SHIPPED = shipped_policies()


@pytest.fixture
def signed(congvan: Program, desk: Desk) -> Path:
    """A document signed by the leader at B-T."""
    assert congvan("sign", desk.document, *desk.signing).code == 0
    return desk.directory / "cong-van_daky.pdf"


@pytest.fixture
def seal_wanted(desk: Desk) -> Path:
    """A policy that asks for a seal on originals, and for a class of authority in one block."""
    file = desk.directory / "seal.toml"
    text = SHIPPED["default"].read_text("utf-8").replace('name = "default"', 'name = "mine"')
    file.write_text(
        text
        + '\n[blocks.PARTY]\nanchor_classes = ["CONG_VU"]\n'
        + '\n[documents.ORIGINAL]\nsigners = ["SEAL"]\n',
        "utf-8",
    )
    return file


def test_the_report_names_the_policy_that_was_judged_by(
    congvan: Program, desk: Desk, signed: Path, seal_wanted: Path
) -> None:
    default = congvan("verify", signed, *desk.trusting, "--json")
    assert (default.code, default.document["policy"]) == (0, DEFAULT.label)
    asked = congvan("verify", signed, *desk.trusting, "--policy", seal_wanted, "--json")
    assert (asked.code, asked.document["reason"]) == (5, "SEAL_SIGNATURE_MISSING")
    assert asked.document["policy"].startswith("mine@1#")
    told = congvan("verify", signed, *desk.trusting, "--policy", seal_wanted, "--lang", "vi")
    assert "Thiếu chữ ký số của cơ quan" in told.out


def test_block_and_kind_say_what_the_policy_is_asked_for(
    congvan: Program, desk: Desk, signed: Path, seal_wanted: Path
) -> None:
    asked = ("verify", signed, *desk.trusting, "--policy", seal_wanted, "--json")
    assert congvan(*asked, "--kind", "annex").code == 0
    party = congvan(*asked, "--kind", "annex", "--block", "party")
    assert (party.code, party.document["reason"]) == (5, "AUTHORITY_CLASS_REFUSED")
    for wrong in (("--kind", "letter"), ("--block", "district")):
        refused = congvan(*asked, *wrong)
        assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


def test_a_shipped_policy_is_known_by_its_name(congvan: Program, desk: Desk, signed: Path) -> None:
    told = congvan("verify", signed, *desk.trusting, "--policy", "official-documents", "--json")
    assert (told.code, told.document["reason"]) == (5, "AUTHORITY_CLASS_REFUSED")
    unknown = congvan("verify", signed, *desk.trusting, "--policy", "nobodys", "--json")
    assert (unknown.code, unknown.reason) == (2, "POLICY_INVALID")


def test_a_profile_may_name_the_policy_and_an_option_stands_above_it(
    congvan: Program,
    desk: Desk,
    signed: Path,
    seal_wanted: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = desk.directory / "profile.toml"
    address = desk.practice.base_url.removeprefix("http://")
    profile.write_text(
        f'trust = "trust"\npractice = true\nallowed = {json.dumps([address])}\n'
        f'policy = "{seal_wanted.name}"\n'
    )
    monkeypatch.setenv("CONGVAN_PROFILE", str(profile))
    assert congvan("verify", signed).code == 5
    assert congvan("verify", signed, "--policy", "default").code == 0


def test_a_broken_policy_is_refused_with_all_its_faults_before_anything_is_judged(
    congvan: Program, desk: Desk, signed: Path, seal_wanted: Path
) -> None:
    text = seal_wanted.read_text("utf-8")
    broken = text.replace("own_anchors", "own_anchor").replace('"PADES"', '"XADES"')
    seal_wanted.write_text(broken, "utf-8")
    for command in (
        ("verify", signed, *desk.trusting, "--policy", seal_wanted),
        ("policy", "check", seal_wanted),
        ("policy", "show", seal_wanted),
    ):
        told = congvan(*command)
        assert told.code == 2
        assert "POLICY_INVALID" in told.err
        assert "rules.own_anchor: unknown" in told.err
        assert "formats.accepted" in told.err


def test_a_policy_is_shown_as_its_file_has_it(congvan: Program, tmp_path: Path) -> None:
    shown = congvan("policy", "show")
    assert (shown.code, shown.out) == (0, SHIPPED["default"].read_text("utf-8"))
    copy = tmp_path / "copy.toml"
    copy.write_text(congvan("policy", "show", "official-documents").out, "utf-8")
    assert copy.read_bytes() == SHIPPED["official-documents"].read_bytes()
    as_json = congvan("policy", "show", "default", "--json").document
    assert as_json["policy"] == DEFAULT.label
    assert as_json["document"] == shown.out


def test_a_policy_that_can_be_used_is_told_so(
    congvan: Program, desk: Desk, seal_wanted: Path
) -> None:
    checked = congvan("policy", "check", seal_wanted)
    assert checked.code == 0
    assert "mine@1#" in checked.out


def test_a_policy_of_the_future_is_refused_wherever_it_is_named(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    future = desk.directory / "future.toml"
    text = SHIPPED["default"].read_text("utf-8")
    future.write_text(text.replace("valid_from = 2025", "valid_from = 2999"), "utf-8")
    for at in ((), ("--at", "2026-01-01")):
        told = congvan("verify", signed, *desk.trusting, "--policy", future, *at, "--json")
        assert (told.code, told.reason) == (2, "POLICY_NOT_IN_FORCE")
    looked = congvan("policy", "check", future, "--lang", "vi")
    assert looked.code == 0
    assert "15/08/2999" in looked.out


def test_a_policy_of_today_judges_what_was_signed_before_it(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    told = congvan("verify", signed, *desk.trusting, "--at", "2001-01-01", "--json")
    assert told.document["policy"] == DEFAULT.label
