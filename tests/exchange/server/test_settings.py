"""The configuration: one file, the environment on top, and clear words when it is wrong."""

from pathlib import Path

import pytest

from exchange.errors import SettingInvalid
from exchange.server.settings import load_settings

MINIMAL = """
[service]
data_dir = "data"
[tls]
certificate = "server.crt"
key = "server.key"
client_ca = "ca.crt"
[trust]
directory = "/etc/congvan/trust"
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "congvan.toml"
    path.write_text(text, encoding="utf8")
    return path


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, MINIMAL))
    assert settings.service.data_dir == tmp_path / "data"
    assert settings.tls.key == tmp_path / "server.key"
    assert settings.trust.directory == Path("/etc/congvan/trust")


def test_practice_anchors_and_reflection_are_off_unless_asked_for(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, MINIMAL))
    assert not settings.trust.allow_practice
    assert not settings.service.reflection
    assert settings.fetching.allowed == ()


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONGVAN_DATABASE__DSN", "postgresql://somewhere/else")
    monkeypatch.setenv("CONGVAN_SERVICE__WORKERS", "3")
    settings = load_settings(written(tmp_path, MINIMAL))
    assert settings.database.dsn == "postgresql://somewhere/else"
    assert settings.service.workers == 3


def test_the_database_address_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONGVAN_DATABASE__DSN", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(load_settings(written(tmp_path, MINIMAL)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[service", "congvan.toml"),
        (MINIMAL.replace('data_dir = "data"', ""), "service.data_dir"),
        (MINIMAL + "[objekts]\nurl=''", "objekts"),
        (MINIMAL.replace('data_dir = "data"', 'data_dir = "d"\nlisten = "here"'), "service.listen"),
        (MINIMAL.replace('data_dir = "data"', 'data_dir = "d"\nworkers = 0'), "service.workers"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_settings(written(tmp_path, text))
    assert said in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"absent\.toml"):
        load_settings(tmp_path / "absent.toml")
