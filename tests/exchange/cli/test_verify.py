"""Verifying from the command line: verdict, sentence, exit code and JSON agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program


@pytest.fixture
def signed(congvan: Program, desk: Desk) -> Path:
    """A document signed at B-T."""
    assert congvan("sign", desk.document, *desk.signing).code == 0
    return desk.directory / "cong-van_daky.pdf"


def test_a_valid_document_is_told_in_both_languages(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    told = congvan("verify", signed, *desk.trusting)
    assert told.code == 0
    assert "HỢP LỆ" in told.out
    assert "The signatures are valid." in told.out
    assert "THỰC HÀNH" in told.out
    assert max(len(line) for line in told.out.splitlines() if str(signed) not in line) <= 80


def test_one_language_is_enough_where_it_is_asked_for(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    told = congvan("verify", signed, *desk.trusting, "--lang", "en")
    assert "VALID" in told.out
    assert "hợp lệ" not in told.out


def test_an_unsigned_document_is_not_an_invalid_one(congvan: Program, desk: Desk) -> None:
    told = congvan("verify", desk.document, *desk.trusting, "--json")
    assert (told.code, told.document["verdict"]) == (8, "UNSIGNED")


def test_a_changed_document_is_invalid(congvan: Program, desk: Desk, signed: Path) -> None:
    content = signed.read_bytes()
    place = content.index(b"/CreationDate(D:") + 18
    signed.write_bytes(content[:place] + b"1" + content[place + 1 :])
    told = congvan("verify", signed, *desk.trusting, "--json")
    assert (told.code, told.document["verdict"]) == (3, "INVALID")
    assert told.document["reason"] == "DOCUMENT_ALTERED"


def test_without_evidence_nothing_is_concluded(congvan: Program, desk: Desk, signed: Path) -> None:
    told = congvan("verify", signed, *desk.trusting, "--no-fetch", "--json")
    assert (told.code, told.document["verdict"]) == (5, "INDETERMINATE")


def test_crl_files_at_hand_make_up_for_the_network(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    crls = {"a.crl": desk.practice.authority.crl(), "b.crl": desk.practice.authority.root_crl()}
    for name, content in crls.items():
        (desk.directory / name).write_bytes(content)
    given = [part for name in crls for part in ("--crl", desk.directory / name)]
    told = congvan("verify", signed, *desk.trusting, "--no-fetch", *given, "--json")
    assert (told.code, told.document["verdict"]) == (0, "VALID")


def test_of_several_files_the_worst_decides_and_each_is_reported(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    missing = desk.directory / "missing.pdf"
    told = congvan("verify", signed, desk.document, missing, *desk.trusting, "--json")
    assert told.code == 3
    assert {name: each["verdict"] for name, each in told.files.items()} == {
        "cong-van_daky.pdf": "VALID",
        "cong-van.pdf": "UNSIGNED",
        "missing.pdf": "UNREADABLE",
    }


def test_a_file_that_is_no_pdf_is_unreadable_with_its_reason(congvan: Program, desk: Desk) -> None:
    other = desk.directory / "evil\x1b[31m\u202e.txt"
    other.write_text("hello")
    told = congvan("verify", other, *desk.trusting)
    assert told.code == 3
    assert "\x1b" not in told.out
    assert "\u202e" not in told.out
    as_json = congvan("verify", other, *desk.trusting, "--json")
    assert as_json.document["reason"] == "NOT_A_PDF"


def test_nothing_is_trusted_unless_somebody_says_so(congvan: Program, desk: Desk) -> None:
    refused = congvan("verify", desk.document, "--json")
    assert (refused.code, refused.reason) == (2, "TRUST_MISSING")


def test_the_profile_says_whom_to_trust(
    congvan: Program, desk: Desk, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = desk.directory / "profile.toml"
    address = desk.practice.base_url.removeprefix("http://")
    profile.write_text(f'trust = "trust"\npractice = true\nallowed = {json.dumps([address])}\n')
    monkeypatch.setenv("CONGVAN_PROFILE", str(profile))
    assert congvan("verify", signed).code == 0


@pytest.mark.parametrize("text", ["nonsense = 1", "server = 5", "not toml", 'trust = "a"\n[x]'])
def test_a_bad_profile_is_named(congvan: Program, desk: Desk, text: str) -> None:
    profile = desk.directory / "profile.toml"
    profile.write_text(text)
    refused = congvan("verify", desk.document, "--profile", profile, "--json")
    assert (refused.code, refused.reason) == (2, "PROFILE_INVALID")
    assert "profile.toml" in refused.document["error"]["detail"]
