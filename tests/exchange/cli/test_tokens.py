"""`congvan tokens`: what tokens say of themselves, and signing with a key in one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from certs.errors import PinWrong
from certs.identity import fingerprint
from certs.keys.pkcs11 import open_token_key
from certs.keys.pkcs11_tokens import KeySelector
from certs.practice.authority import Issued
from tests.exchange.cli.running import Program
from tests.support.tokens import WRONG_PIN, TokenBox

pytestmark = pytest.mark.judge("softhsm2-util")


@pytest.fixture
def box(token_box: TokenBox, seal: Issued) -> TokenBox:
    token_box.add_token("con-dau")
    token_box.put("con-dau", seal.certificate, key=seal.private_key, key_id=b"\x10")
    token_box.put("con-dau", seal.chain[0], key=None, key_id=b"\x11")
    return token_box


def test_tokens_and_their_certificates_are_listed(
    congvan: Program, box: TokenBox, seal: Issued
) -> None:
    ran = congvan("tokens", "--module", box.module, "--json")
    assert ran.code == 0, ran.err
    token, free = ran.document["tokens"]
    assert (token["label"], token["warnings"], token["pin_set"]) == ("con-dau", [], True)
    assert not free["initialized"]
    first = next(each for each in token["certificates"] if each["key_id"] == "10")
    assert first["sha256"] == fingerprint(seal.certificate)
    assert first["for_documents"]
    assert not next(e for e in token["certificates"] if e["key_id"] == "11")["for_documents"]


def test_people_see_the_certificate_to_choose_and_no_empty_slots(
    congvan: Program, box: TokenBox, seal: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    ran = congvan("tokens", "--module", box.module, "--lang", "vi")
    assert ran.code == 0, ran.err
    assert fingerprint(seal.certificate) in ran.out
    assert ran.out.count("số sê-ri") == 1
    assert "⚠" not in ran.out


def test_a_wrong_pin_leaves_a_warning(congvan: Program, box: TokenBox) -> None:
    opening = open_token_key(
        box.module, selector=KeySelector(key_id=b"\x10"), pin=WRONG_PIN, access=box.access
    )
    with pytest.raises(PinWrong):
        asyncio.run(opening)
    assert (
        "⚠ A wrong PIN was given" in congvan("tokens", "--module", box.module, "--lang", "en").out
    )
    ran = congvan("tokens", "--module", box.module, "--json")
    assert ran.document["tokens"][0]["warnings"] == ["pin_count_low"]


def test_a_token_that_is_not_there_is_said_so(congvan: Program, token_box: TokenBox) -> None:
    ran = congvan("tokens", "--module", token_box.module, "--lang", "en")
    assert ran.code == 0
    assert "No token is seen" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 2, "USAGE_INVALID"),
        (("--module", "/nowhere/module.so"), 2, "TOKEN_MODULE_UNUSABLE"),
    ],
)
def test_without_a_module_nothing_is_listed(
    congvan: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    arguments: tuple[str, ...],
    code: int,
    reason: str,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ran = congvan("tokens", *arguments, "--json")
    assert (ran.code, ran.reason) == (code, reason)
