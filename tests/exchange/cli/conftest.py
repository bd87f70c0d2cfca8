"""Fixtures of the command line's tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.practice.authority import Issued
from tests.exchange.cli.running import Program
from tests.support.practice import PASSPHRASE, Practice

DOCUMENT = Path(__file__).parents[2] / "data" / "documents" / "cong-van.pdf"


@pytest.fixture(autouse=True)
def own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No profile, language or width of the developer's reaches a test; its cache lies apart."""
    for name in ("CONGVAN_PROFILE", "CONGVAN_DEBUG", "LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def congvan(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program."""
    return Program(capsys)


@dataclass(frozen=True)
class Desk:
    """A clerk's desk: a document, the leader's key, the trust store, and how to name them."""

    directory: Path
    document: Path
    key: Path
    passphrase: Path
    trust: Path
    practice: Practice

    @property
    def trusting(self) -> tuple[str, ...]:
        address = self.practice.base_url.removeprefix("http://")
        return ("--trust", str(self.trust), "--practice", "--allow", address)

    @property
    def with_key(self) -> tuple[str, ...]:
        return ("--key", str(self.key), "--passphrase-file", str(self.passphrase))

    @property
    def signing(self) -> tuple[str, ...]:
        return (*self.with_key, *self.trusting, "--tsa", self.practice.tsa_url)


@pytest.fixture
def desk(practice: Practice, leader: Issued, tmp_path: Path) -> Desk:
    """A desk of its own for each test; the authority behind it is shared."""
    document = tmp_path / "cong-van.pdf"
    document.write_bytes(DOCUMENT.read_bytes())
    return desk_with(practice, leader, directory=tmp_path, document=document)


def desk_with(practice: Practice, signer: Issued, *, directory: Path, document: Path) -> Desk:
    """A desk with this signer's key."""
    key, passphrase = directory / "leader.p12", directory / "passphrase"
    key.write_bytes(signer.pkcs12(PASSPHRASE))
    passphrase.write_bytes(PASSPHRASE + b"\n")
    trust = directory / "trust"
    practice.authority.write_trust(trust)
    return Desk(
        directory=directory,
        document=document,
        key=key,
        passphrase=passphrase,
        trust=trust,
        practice=practice,
    )
