"""Where commands find evidence: folders of CRLs, what the last one fetched, through a proxy."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from exchange.cli.errors import UsageInvalid
from exchange.cli.trust import TrustOptions, trust_of
from exchange.client.errors import ProfileInvalid
from exchange.client.profile import cache_directory
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program


@pytest.fixture
def signed(congvan: Program, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document signed at B-T; nothing that was fetched for it is kept."""
    with monkeypatch.context() as without:
        without.setenv("CONGVAN_PROFILE_CACHE", "0")
        assert congvan("sign", desk.document, *desk.signing).code == 0
    assert not cache_directory().exists()
    return desk.directory / "cong-van_daky.pdf"


@pytest.fixture
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be asked from now on gets no answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("CONGVAN_PROFILE_PROXY", f"http://127.0.0.1:{port}")


def folder_of_crls(desk: Desk) -> Path:
    folder = desk.directory / "crls"
    folder.mkdir()
    (folder / "issuer.crl").write_bytes(desk.practice.authority.crl())
    root = x509.load_der_x509_crl(desk.practice.authority.root_crl())
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    return folder


def test_a_folder_of_crls_makes_up_for_the_network(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    folder = folder_of_crls(desk)
    verify = ("verify", signed, *desk.trusting, "--no-fetch", "--json")
    told = congvan(*verify, "--crl", folder)
    assert (told.code, told.document["verdict"]) == (0, "VALID")
    (folder / "root.pem").unlink()
    assert congvan(*verify, "--crl", folder).code == 5


def test_the_profile_may_name_the_folder(congvan: Program, desk: Desk, signed: Path) -> None:
    folder_of_crls(desk)
    profile = desk.directory / "profile.toml"
    profile.write_text('trust = "trust"\npractice = true\ncrls = ["crls"]\n', encoding="utf8")
    assert congvan("verify", signed, "--profile", profile).code == 0


def test_the_next_command_uses_what_the_last_one_fetched(
    congvan: Program, desk: Desk, signed: Path, request: pytest.FixtureRequest
) -> None:
    verify = ("verify", signed, *desk.trusting)
    assert congvan(*verify).code == 0
    kept = cache_directory() / "evidence"
    assert kept.stat().st_mode & 0o777 == 0o700
    request.getfixturevalue("dead_proxy")
    assert congvan(*verify).code == 0
    for file in kept.iterdir():
        file.write_bytes(b"junk")
    assert congvan(*verify).code == 5


def test_nothing_is_kept_where_the_cache_is_turned_off(
    congvan: Program, desk: Desk, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONGVAN_PROFILE_CACHE", "no")
    assert congvan("verify", signed, *desk.trusting).code == 0
    assert not cache_directory().exists()


def profile_of(desk: Desk, *lines: str) -> TrustOptions:
    path = desk.directory / "profile.toml"
    text = "\n".join(('trust = "trust"', "practice = true", *lines))
    path.write_text(text, encoding="utf8")
    return TrustOptions(profile=path)


def test_the_profile_names_proxy_and_rewrites(desk: Desk) -> None:
    options = profile_of(
        desk,
        'allowed = ["ocsp.ca.gov.vn:80", "10.20.0.0/16:80"]',
        'rewrites = ["http://ocsp.ca.ptc => http://ocsp.ca.gov.vn"]',
        'proxy = "http://proxy.example:3128"',
        'direct = ["ocsp.ca.gov.vn"]',
    )
    policy = trust_of(options).policy
    target = policy.admit("http://ocsp.ca.ptc/ocsp")
    assert str(target) == "http://ocsp.ca.gov.vn/ocsp"
    assert policy.proxy_for(target) is None
    assert policy.admits_address("10.20.0.1", 80)
    tsa = trust_of(options).fetcher("http://tsa.example:8080/tsa").policy
    assert policy.allowed | {("tsa.example", 8080)} == tsa.allowed


@pytest.mark.parametrize(
    "line", ['allowed = ["host"]', 'proxy = "https://p"', 'rewrites = ["http://a"]']
)
def test_a_profile_that_cannot_be_meant_is_refused(desk: Desk, line: str) -> None:
    with pytest.raises(ProfileInvalid, match=r"profile\.toml"):
        trust_of(profile_of(desk, line))


def test_an_option_that_is_no_place_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageInvalid, match="host:port"):
        trust_of(TrustOptions(trust=desk.trust, practice=True, allow=["ocsp.example"]))
