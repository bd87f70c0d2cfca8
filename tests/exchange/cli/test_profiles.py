"""Profiles by name: made once, never overwritten, shown with where each value comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.cli.profiles import to_toml
from exchange.client.profile import load_profile
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program

AGENCY = 'Ủy ban nhân dân "tỉnh" Thanh Hóa\\'


@pytest.fixture(autouse=True)
def no_system_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))


def test_a_profile_is_made_listed_shown_and_removed(congvan: Program, desk: Desk) -> None:
    made = congvan(
        *("profile", "add", "van-thu", "--key", desk.key, "--organisation", AGENCY),
        *("--picture-mm", "36", "--practice", "--trust", desk.trust, "--json"),
    )
    assert made.code == 0, made.err
    file = Path(made.document["file"])
    assert load_profile(file).signing.organisation == AGENCY
    assert load_profile(file).signing.key == desk.key
    listed = congvan("profile", "list", "--json")
    assert [each["name"] for each in listed.document["profiles"]] == ["van-thu"]
    shown = congvan("profile", "show", "van-thu", "--json").document
    values = {each["name"]: each["value"] for each in shown["values"]}
    assert values["signing.picture_mm"] == 36.0
    assert "van-thu" in congvan("profile", "list").out
    assert congvan("profile", "remove", "van-thu").code == 0
    assert not file.exists()
    gone = congvan("profile", "remove", "van-thu", "--json")
    assert (gone.code, gone.reason) == (2, "PROFILE_MISSING")
    assert congvan("profile", "list").code == 0


def test_a_profile_is_never_overwritten(congvan: Program, desk: Desk) -> None:
    assert congvan("profile", "add", "lanh-dao", "--key", desk.key).code == 0
    again = congvan("profile", "add", "lanh-dao", "--level", "B-B", "--json")
    assert (again.code, again.reason) == (2, "PROFILE_EXISTS")


@pytest.mark.parametrize("name", ["../x", "a/b", "a.toml", "", "-x", "x" * 64])
def test_a_name_is_a_word(congvan: Program, name: str) -> None:
    refused = congvan("profile", "add", "--level", "B-B", "--json", "--", name)
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


def test_nothing_secret_can_be_kept_and_files_must_be_there(congvan: Program, desk: Desk) -> None:
    assert congvan("profile", "add", "x", "--pin", "1234").code == 2
    assert congvan("profile", "add", "x", "--passphrase", "1234").code == 2
    gone = congvan("profile", "add", "x", "--key", desk.directory / "mất.p12", "--json")
    assert (gone.code, gone.reason) == (3, "FILE_UNREADABLE")
    nothing = congvan("profile", "add", "x", "--json")
    assert (nothing.code, nothing.reason) == (2, "USAGE_INVALID")


def test_each_value_is_shown_with_where_it_comes_from(
    congvan: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = desk.directory / "system" / "congvan" / "profile.toml"
    system.parent.mkdir(parents=True)
    system.write_text('tsa = "http://he-thong/tsa"\n')
    assert congvan("profile", "add", "van-thu", "--level", "B-T").code == 0
    monkeypatch.setenv("CONGVAN_SIGNING_LEVEL", "B-LTA")
    shown = congvan("profile", "show", "van-thu", "--origin", "--json").document
    origins = {each["name"]: (each["value"], each["origin"]) for each in shown["values"]}
    assert origins == {
        "signing.level": ("B-LTA", "environment"),
        "tsa": ("http://he-thong/tsa", "system"),
    }
    people = congvan("profile", "show", "van-thu", "--origin").out
    assert "CONGVAN_SIGNING_LEVEL" in people


def test_signing_takes_from_the_profile_what_the_options_leave_out(
    congvan: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = desk.directory / "đã ký"
    out.mkdir()
    address = desk.practice.base_url.removeprefix("http://")
    made = congvan(
        *("profile", "add", "lanh-dao", "--key", desk.key, "--out", out, "--level", "B-B"),
        *("--trust", desk.trust, "--practice", "--allow", address),
    )
    assert made.code == 0, made.err
    command = ("sign", desk.document, "--passphrase-file", desk.passphrase, "--json")
    by_name = congvan(*command, "--profile", "lanh-dao")
    assert by_name.code == 0, by_name.out
    assert [path.name for path in out.iterdir()] == ["cong-van_daky.pdf"]
    monkeypatch.setenv("CONGVAN_PROFILE", "lanh-dao")
    monkeypatch.setenv("CONGVAN_SIGNING_LEVEL", "B-XYZ")
    refused = congvan(*command, "--out", desk.directory / "a.pdf")
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")
    flagged = congvan(*command, "--out", desk.directory / "a.pdf", "--level", "B-B")
    assert flagged.code == 0
    unknown = congvan(*command, "--profile", "khong-co")
    assert (unknown.code, unknown.reason) == (2, "PROFILE_MISSING")


def test_any_text_survives_the_file(tmp_path: Path) -> None:
    odd = 'a"b\\c\td\u0007\u007fé\u2028="\n[x]'
    path = tmp_path / "p.toml"
    path.write_text(to_toml({"tsa": odd, "signing.name": odd, "allowed": [odd], "practice": True}))
    profile = load_profile(path)
    assert (profile.tsa, profile.signing.name, profile.allowed) == (odd, odd, (odd,))
    assert os.linesep in path.read_text()
