"""Signing many files with a token: one PIN, tried once; a token pulled out ends the run cleanly."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from certs.identity import fingerprint
from certs.keys.pkcs11_tokens import list_tokens
from certs.practice.authority import Issued
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program, Ran
from tests.support.failing_tsa import failing_tsa
from tests.support.pdfs import one_page
from tests.support.practice import PASSPHRASE
from tests.support.tokens import PIN, WRONG_PIN, TokenBox

pytestmark = pytest.mark.judge("softhsm2-util")

LABEL = "Con dau so 1"


@dataclass(frozen=True)
class TokenDesk:
    """A folder with five documents, and a token with the leader's key."""

    desk: Desk
    box: TokenBox
    folder: Path
    pin: Path
    congvan: Program

    def sign(self, *others: object) -> Ran:
        """Sign the folder at B-B with the token."""
        return self.congvan(
            *("sign", self.folder, "--module", self.box.module, *self.desk.trusting),
            *("--json", *others),
        )

    @property
    def with_pin(self) -> tuple[object, ...]:
        return ("--pin-file", self.pin)

    @property
    def results(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*_daky.pdf"))

    @property
    def state(self) -> tuple[bool, bool]:
        """Whether the token says that a wrong PIN was given, and that one try is left."""
        [info] = [each for each in list_tokens(self.box.module) if each.label == LABEL]
        return info.pin_count_low, info.pin_final_try


@pytest.fixture
def at(desk: Desk, token_box: TokenBox, leader: Issued, congvan: Program) -> TokenDesk:
    key, certificate, _ = pkcs12.load_key_and_certificates(leader.pkcs12(PASSPHRASE), PASSPHRASE)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert certificate is not None
    token_box.add_token(LABEL)
    token_box.put(LABEL, certificate, key=key, key_id=b"\x01")
    folder, pin = desk.directory / "công văn", desk.directory / "pin"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"{number}.pdf").write_bytes(one_page(f"Document {number}"))
    pin.write_text(PIN + "\n")
    return TokenDesk(desk, token_box, folder, pin, congvan)


@pytest.mark.parametrize("chosen", ["nothing", "label", "serial", "certificate"])
def test_a_key_in_a_token_is_chosen_by_listing_and_signs_all(
    at: TokenDesk, leader: Issued, chosen: str
) -> None:
    [info] = [each for each in list_tokens(at.box.module) if each.label == LABEL]
    choice = {
        "nothing": (),
        "label": ("--token", LABEL),
        "serial": ("--token", info.serial),
        "certificate": ("--certificate", fingerprint(leader.certificate)),
    }[chosen]
    ran = at.sign(*choice, *at.with_pin, "--level", "B-B")
    assert ran.code == 0, ran.out + ran.err
    assert len(at.results) == 5
    verified = at.congvan("verify", at.folder / at.results[0], *at.desk.trusting, "--json")
    assert verified.code == 0
    assert PIN not in ran.out + ran.err


def test_a_wrong_pin_is_tried_once_for_all_files_and_never_again_from_there(at: TokenDesk) -> None:
    at.pin.write_bytes(WRONG_PIN)
    for _ in range(3):
        refused = at.sign(*at.with_pin, "--level", "B-B")
        assert (refused.code, refused.reason) == (4, "PIN_WRONG")
        assert WRONG_PIN.decode() not in refused.out + refused.err
    assert at.state == (True, False)
    assert at.results == []
    at.pin.write_text(PIN)
    again = at.sign(*at.with_pin, "--level", "B-B")
    assert again.code == 0, again.out
    assert "CẢNH BÁO" in again.err


def test_a_token_pulled_out_midway_is_told_once_and_the_run_goes_on_when_it_is_back(
    at: TokenDesk,
) -> None:
    def pull(number: int) -> None:
        # Until one has succeeded no other is begun, so that nothing else is signed by now.
        if number == 1:
            at.box.take_away()

    with failing_tsa(at.desk.practice.tsa_url, answers=100, before=pull) as tsa:
        ran = at.sign(*at.with_pin, "--tsa", tsa.url)
    reasons = [each["reason"] for each in ran.files.values()]
    assert ran.code in (6, 9), ran.out
    assert len(at.results) == reasons.count("")
    at.box.bring_back()
    again = at.sign(*at.with_pin, "--tsa", at.desk.practice.tsa_url)
    assert again.code == 0, again.out
    assert len(at.results) == 5


def test_without_a_terminal_nobody_is_asked_for_a_pin(
    at: TokenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PIN + "\n"))
    refused = at.sign("--level", "B-B")
    assert (refused.code, refused.reason) == (4, "PASSPHRASE_MISSING")


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--token", "Không có"), 9, "TOKEN_UNAVAILABLE"),
        (("--certificate", "00" * 32), 2, "KEY_NOT_FOUND"),
    ],
)
def test_what_is_not_in_the_token_is_told_before_the_pin_is_used(
    at: TokenDesk, options: tuple[str, ...], code: int, reason: str
) -> None:
    at.pin.write_bytes(WRONG_PIN)
    refused = at.sign(*options, *at.with_pin, "--level", "B-B")
    assert (refused.code, refused.reason) == (code, reason)
    assert at.state == (False, False)


def test_a_library_that_is_none_is_told(at: TokenDesk) -> None:
    shutil.copy(at.folder / "1.pdf", at.box.module)
    refused = at.sign(*at.with_pin)
    assert (refused.code, refused.reason) == (2, "TOKEN_MODULE_UNUSABLE")


def test_a_token_needs_its_library_and_excludes_a_key_file(at: TokenDesk) -> None:
    bare = at.congvan("sign", at.folder, "--token", LABEL, *at.desk.trusting, "--json")
    assert (bare.code, bare.reason) == (2, "USAGE_INVALID")
    both = at.sign("--key", at.desk.key)
    assert (both.code, both.reason) == (2, "USAGE_INVALID")
