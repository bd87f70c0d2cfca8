"""Keys in PKCS#11 tokens (SoftHSM2): what they sign, how they are chosen, and what is no token."""

from __future__ import annotations

import _ctypes
import asyncio
from pathlib import Path

import pytest

from certs.errors import (
    KeyAmbiguous,
    KeyNotFound,
    KeyTooWeak,
    KeyUnusable,
    SchemeUnsupported,
    TokenModuleUnusable,
    TokenUnavailable,
)
from certs.identity import fingerprint
from certs.keys.pkcs11 import open_token_key
from certs.keys.pkcs11_module import module_at
from certs.keys.pkcs11_tokens import KeySelector, list_tokens
from certs.keys.pkcs11_turns import TokenAccess
from certs.raw_signatures import is_signature_by
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme, scheme_named
from tests.certs.forging import weak_rsa
from tests.certs.token_keys import (
    CURVE,
    CURVE_ID,
    EDWARDS_ID,
    ISSUING,
    PSS,
    RSA,
    RSA_ID,
    count_low,
    opened,
)
from tests.support.tokens import PIN, WRONG_PIN, TokenBox

pytestmark = pytest.mark.judge("softhsm2-util")

# What SoftHSM 2.6 refuses: SHA-3 in the parameters of RSASSA-PSS.
SCHEMES = [
    *((RSA_ID, SignatureScheme(SchemeFamily.RSA_PKCS1, digest)) for digest in DIGESTS),
    *((RSA_ID, SignatureScheme(SchemeFamily.RSA_PSS, f"sha{bits}")) for bits in (256, 384, 512)),
    *((CURVE_ID, SignatureScheme(SchemeFamily.ECDSA, digest)) for digest in DIGESTS),
    (EDWARDS_ID, scheme_named("ED25519/sha512")),
]


async def test_every_scheme_signs_and_cryptography_verifies(box: TokenBox) -> None:
    keys = {each: await opened(box, each) for each in (RSA_ID, CURVE_ID, EDWARDS_ID)}
    for key_id, scheme in SCHEMES:
        key = keys[key_id]
        value = await key.sign_raw(b"data", scheme)
        public = key.certificate.public_key()
        assert is_signature_by(public, value, data=b"data", scheme=scheme), scheme
        assert not is_signature_by(public, value, data=b"other", scheme=scheme), scheme


async def test_the_key_brings_its_families_certificate_and_chain(box: TokenBox) -> None:
    key = await opened(box)
    assert key.families == {SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS}
    assert key.certificate == RSA.certificate
    assert key.chain == (ISSUING.certificate,)
    assert (await opened(box, CURVE_ID)).families == {SchemeFamily.ECDSA}


async def test_what_the_token_cannot_do_is_refused_and_the_key_stays_usable(box: TokenBox) -> None:
    key = await opened(box)
    for name in ("RSA-PSS/sha3_256", "ECDSA/sha256"):
        with pytest.raises(SchemeUnsupported):
            await key.sign_raw(b"data", scheme_named(name))
    assert await key.sign_raw(b"data", PSS)


async def test_a_key_that_asks_for_its_pin_each_time_gets_it(box: TokenBox) -> None:
    pair = ISSUING.issue("Dung")
    box.put("van-thu", pair.certificate, key=pair.key, key_id=b"\x04", always_authenticate=True)
    key = await opened(box, b"\x04")
    generation = module_at(box.module).generation
    ecdsa = scheme_named("ECDSA/sha256")
    assert await asyncio.gather(*(key.sign_raw(b"data", ecdsa) for _ in range(8)))
    assert module_at(box.module).generation == generation  # no session had to be opened anew


def test_tokens_are_listed_without_a_pin(box: TokenBox) -> None:
    shown = list_tokens(box.module, access=box.access)
    token = shown[0]
    assert (token.label, token.manufacturer) == ("van-thu", "SoftHSM project")
    assert len(token.serial) == 16
    assert token.initialized
    assert token.login_required
    assert not any((token.pin_count_low, token.pin_final_try, token.pin_locked))
    assert {each.key_id for each in token.certificates} == {
        RSA_ID, CURVE_ID, EDWARDS_ID, b"\x09",
    }  # fmt: skip
    assert [each.certificate for each in token.certificates if not each.may_sign] == [
        ISSUING.certificate
    ]
    assert [each.initialized for each in shown] == [True, False]  # SoftHSM shows one that is free


async def test_a_key_is_chosen_by_its_certificate(box: TokenBox) -> None:
    print_of_curve = fingerprint(CURVE.certificate)
    spaced = bytes.fromhex(print_of_curve).hex(":").upper()
    for text in (print_of_curve, spaced):
        key = await open_token_key(
            box.module,
            selector=KeySelector(fingerprint=text),
            pin=PIN.encode(),
            access=box.access,
        )
        assert key.certificate == CURVE.certificate


@pytest.mark.parametrize(
    ("selector", "error"),
    [
        (KeySelector(), KeyAmbiguous),
        (KeySelector(token_label="van-thu"), KeyAmbiguous),
        (KeySelector(key_id=b"\x77"), KeyNotFound),
        (KeySelector(fingerprint="00" * 32), KeyNotFound),
        (KeySelector(key_id=b"\x09"), KeyNotFound),  # a certificate without a private key
        (KeySelector(token_label="khac", key_id=RSA_ID), TokenUnavailable),
        (KeySelector(token_serial="0000", key_id=RSA_ID), TokenUnavailable),
    ],
)
async def test_a_key_that_is_not_there_or_not_the_only_one_is_refused(
    box: TokenBox, selector: KeySelector, error: type[KeyUnusable]
) -> None:
    with pytest.raises(error):
        await open_token_key(box.module, selector=selector, pin=PIN.encode(), access=box.access)
    assert not count_low(box)


async def test_the_only_signing_certificate_needs_no_choice(token_box: TokenBox) -> None:
    token_box.add_token("lanh-dao")
    token_box.put("lanh-dao", RSA.certificate, key=RSA.key, key_id=RSA_ID)
    token_box.put("lanh-dao", ISSUING.certificate, key=None, key_id=b"\x09")
    key = await open_token_key(
        token_box.module, selector=KeySelector(), pin=PIN.encode(), access=token_box.access
    )
    assert key.certificate == RSA.certificate


async def test_a_weak_key_is_refused_before_its_pin_is_used(box: TokenBox) -> None:
    weak = ISSUING.issue("Yếu", key=weak_rsa())
    box.put("van-thu", weak.certificate, key=weak.key, key_id=b"\x05")
    with pytest.raises(KeyTooWeak, match="1024"):
        await opened(box, b"\x05", pin=WRONG_PIN)
    assert not count_low(box)


async def test_a_certificate_beside_another_key_spoils_no_document(box: TokenBox) -> None:
    stranger = ISSUING.issue("Khác", key="rsa2048")
    box.put("van-thu", stranger.certificate, key=RSA.key, key_id=b"\x06")
    key = await opened(box, b"\x06")
    with pytest.raises(KeyNotFound, match="not that of its certificate"):
        await key.sign_raw(b"data", PSS)


@pytest.mark.parametrize("content", [None, b"not a library"])
async def test_what_is_no_module_is_refused(token_box: TokenBox, content: bytes | None) -> None:
    path = token_box.directory / "other.so"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokenModuleUnusable):
        list_tokens(path, access=token_box.access)


def test_a_library_that_is_no_pkcs11_module_is_refused(token_box: TokenBox) -> None:
    with pytest.raises(TokenModuleUnusable):
        list_tokens(Path(_ctypes.__file__), access=token_box.access)


def test_a_state_directory_that_others_may_write_to_is_refused(box: TokenBox) -> None:
    state = box.directory / "open"
    state.mkdir()
    state.chmod(0o777)
    with pytest.raises(TokenModuleUnusable, match="others may write"):
        list_tokens(box.module, access=TokenAccess(state=state))
