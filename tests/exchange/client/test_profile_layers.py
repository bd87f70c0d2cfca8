"""Layers of a profile: the environment beats the user's file, which beats the system's."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.client.errors import ProfileInvalid, ProfileMissing
from exchange.client.profile import KINDS
from exchange.client.profile_layers import Origin, layered_profile, variable_of


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    for folder, text in {
        "user": 'tsa = "http://user/tsa"\n[signing]\nlevel = "B-LT"\npicture_mm = 36\n',
        "system": 'tsa = "http://system/tsa"\ntrust = "anchors"\n[signing]\nlevel = "B-T"\n',
    }.items():
        file = tmp_path / folder / "congvan" / "profile.toml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "user"),
        "XDG_CONFIG_DIRS": str(tmp_path / "system"),
    }


def test_each_value_comes_from_the_strongest_layer_that_has_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    layered = layered_profile(None, {**environment, "CONGVAN_SIGNING_LEVEL": "B-LTA"})
    assert layered.profile.signing.level == "B-LTA"
    assert layered.found["signing.level"].origin is Origin.ENVIRONMENT
    assert layered.found["signing.level"].where == "CONGVAN_SIGNING_LEVEL"
    assert layered.profile.tsa == "http://user/tsa"
    assert layered.found["tsa"].origin is Origin.PROFILE
    assert layered.profile.trust == tmp_path / "system" / "congvan" / "anchors"
    assert layered.found["trust"].origin is Origin.SYSTEM
    assert layered.profile.signing.picture_mm == 36.0


def test_a_profile_has_a_name(environment: dict[str, str]) -> None:
    named = Path(environment["XDG_CONFIG_HOME"]) / "congvan" / "profiles" / "van-thu.toml"
    named.parent.mkdir()
    named.write_text('[signing]\norganisation = "Ủy ban nhân dân tỉnh Thanh Hóa"\n')
    for chosen in (
        layered_profile(Path("van-thu"), environment),
        layered_profile(None, {**environment, "CONGVAN_PROFILE": "van-thu"}),
    ):
        assert chosen.profile.path == named
        assert chosen.profile.signing.organisation == "Ủy ban nhân dân tỉnh Thanh Hóa"
        assert chosen.profile.tsa == "http://system/tsa"


def test_one_that_was_named_must_be_there(environment: dict[str, str]) -> None:
    with pytest.raises(ProfileMissing, match="khong-co"):
        layered_profile(Path("khong-co"), environment)
    with pytest.raises(ProfileMissing, match="khong-co"):
        layered_profile(None, {**environment, "CONGVAN_PROFILE": "khong-co"})


def test_where_nothing_is_said_anywhere_the_profile_is_missing(tmp_path: Path) -> None:
    nowhere = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    with pytest.raises(ProfileMissing):
        layered_profile(None, nowhere)
    assert layered_profile(None, {**nowhere, "CONGVAN_PROFILE_TSA": "x"}).profile.tsa == "x"


@pytest.mark.parametrize(
    ("name", "text"), [("practice", "perhaps"), ("signing.picture_mm", "wide")]
)
def test_a_variable_that_can_not_be_meant_is_refused_by_its_name(
    environment: dict[str, str], name: str, text: str
) -> None:
    with pytest.raises(ProfileInvalid, match=variable_of(name)):
        layered_profile(None, {**environment, variable_of(name): text})


def test_every_setting_has_a_variable_of_its_own() -> None:
    assert len({variable_of(name) for name in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    "text",
    ["signing = 1", "[signing]\nlevel = 1", "[signing]\npin = '1'", "[signing]\npicture_mm = true"],
)
def test_a_table_that_can_not_be_meant_is_refused(environment: dict[str, str], text: str) -> None:
    file = Path(environment["XDG_CONFIG_HOME"]) / "congvan" / "profile.toml"
    file.write_text(text)
    with pytest.raises(ProfileInvalid):
        layered_profile(None, environment)
