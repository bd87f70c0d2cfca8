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


FETCHING = """
[fetching]
allowed = ["ocsp.ca.gov.vn:80", "10.20.0.0/16:80"]
rewrites = ["http://ocsp.ca.ptc => http://ocsp.ca.gov.vn"]
direct = ["ocsp.ca.gov.vn"]
crls = "crls"
"""


def test_fetching_is_read_into_a_policy(tmp_path: Path) -> None:
    text = MINIMAL + FETCHING + 'proxy = "http://proxy.example:3128"\n'
    settings = load_settings(written(tmp_path, text))
    policy = settings.fetching.policy({})
    assert policy.admit("http://ocsp.ca.ptc/x").host == "ocsp.ca.gov.vn"
    assert policy.admits_address("10.20.1.1", 80)
    assert str(policy.proxy) == "http://proxy.example:3128"
    assert policy.proxy_for(policy.admit("http://ocsp.ca.ptc/x")) is None
    assert settings.fetching.crls == tmp_path / "crls"
    assert settings.evidence_cache == tmp_path / "data" / "evidence-cache"


def test_the_environments_proxy_counts_only_when_asked_for(tmp_path: Path) -> None:
    environment = {"http_proxy": "http://p.example:8080", "HTTP_PROXY": "http://evil.example"}
    settings = load_settings(written(tmp_path, MINIMAL + FETCHING))
    assert settings.fetching.policy(environment).proxy is None
    asked = load_settings(written(tmp_path, MINIMAL + FETCHING + 'proxy = "environment"\n'))
    assert str(asked.fetching.policy(environment).proxy) == "http://p.example:8080"
    assert asked.fetching.policy({}).proxy is None


@pytest.mark.parametrize(
    "line",
    [
        'allowed = ["ocsp.ca.gov.vn"]',
        'allowed = ["10.0.0.1/8:80"]',
        'rewrites = ["http://a.example"]',
        'rewrites = ["http://a.example => https://b.example"]',
        'proxy = "socks5://proxy.example"',
        'proxy = "http://name:word@proxy.example"',
    ],
)
def test_what_fetching_cannot_mean_is_refused_at_the_start(tmp_path: Path, line: str) -> None:
    with pytest.raises(SettingInvalid, match="fetching"):
        load_settings(written(tmp_path, f"{MINIMAL}[fetching]\n{line}\n"))


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


KEY = """
[[signing_keys]]
id = "seal"
endpoint = "H56"
"""
IN_FILE = KEY + 'file = "seal.p12"\n'
IN_TOKEN = KEY + 'module = "/usr/lib/hsm.so"\nkey_id = "10"\npin_file = "pin"\n'


def test_a_key_is_in_a_file_or_in_a_token(tmp_path: Path) -> None:
    in_file, in_token = load_settings(written(tmp_path, MINIMAL + IN_FILE + IN_TOKEN)).signing_keys
    assert in_file.file == tmp_path / "seal.p12"
    assert in_token.module == Path("/usr/lib/hsm.so")
    assert in_token.pin_file == tmp_path / "pin"
    assert in_token.seal


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (KEY, "either file or module"),
        (IN_FILE + 'module = "/usr/lib/hsm.so"\n', "either file or module"),
        (IN_FILE + 'key_id = "10"\n', "a key in a file"),
        (IN_FILE + 'pin_file = "pin"\n', "a key in a file"),
        (IN_TOKEN + 'passphrase_file = "p"\n', "no passphrase_file"),
        (IN_TOKEN.replace('key_id = "10"\n', ""), "which key"),
        (IN_TOKEN.replace('pin_file = "pin"\n', ""), "either pin_file or"),
        (IN_TOKEN + 'pin_file_variable = "PIN"\n', "either pin_file or"),
        (IN_TOKEN.replace('"10"', '"1"'), "key_id"),
        (IN_TOKEN + 'certificate_sha256 = "00"\n', "certificate_sha256"),
        (IN_TOKEN + 'pin = "123456"\n', "signing_keys.0.pin: Extra"),
    ],
)
def test_a_key_that_is_neither_or_both_is_refused(tmp_path: Path, section: str, said: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        load_settings(written(tmp_path, MINIMAL + section))
    assert said in str(refused.value)
    assert "123456" not in str(refused.value)
