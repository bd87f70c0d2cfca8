"""The profile: where it is found, what it says, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.client.errors import ProfileInvalid, ProfileMissing
from exchange.client.profile import find_profile, load_profile

WHOLE = """
server = "127.0.0.1:8443"
ca = "ca.crt"
certificate = "/etc/congvan/ep.crt"
key = "ep.key"
endpoint = "H56.90"
trust = "trust"
practice = true
allowed = ["127.0.0.1:19000"]
crls = ["a.crl"]
tsa = "http://127.0.0.1:19000/tsa"
"""


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(WHOLE)
    profile = load_profile(path)
    assert profile.ca == tmp_path / "ca.crt"
    assert profile.certificate == Path("/etc/congvan/ep.crt")
    assert profile.crls == (tmp_path / "a.crl",)
    assert profile.endpoint == "H56.90"
    profile.require_connection()


def test_it_is_found_by_name_then_environment_then_the_users_configuration() -> None:
    environment = {"CONGVAN_PROFILE": "/b.toml", "XDG_CONFIG_HOME": "/c"}
    assert find_profile(Path("/a.toml"), environment) == Path("/a.toml")
    assert find_profile(None, environment) == Path("/b.toml")
    assert find_profile(None, {"XDG_CONFIG_HOME": "/c"}) == Path("/c/congvan/profile.toml")
    assert find_profile(None, {}).parts[-3:] == (".config", "congvan", "profile.toml")


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileMissing, match=r"nowhere\.toml"):
        load_profile(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "text", ["x = 1", "server = true", "practice = 'yes'", "=", "\xff", "a" * 70_000]
)
def test_a_profile_that_can_not_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ProfileInvalid):
        load_profile(path)


def test_what_the_connection_needs_is_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text('trust = "trust"')
    with pytest.raises(ProfileInvalid, match="server is missing"):
        load_profile(path).require_connection()
