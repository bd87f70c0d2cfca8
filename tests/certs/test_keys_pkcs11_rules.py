"""Rules about tokens that no token here shows by itself: last tries, locks, missing mechanisms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asn1crypto import algos
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pkcs11.mechanisms import MGF, Mechanism

from certs.errors import KeyUnusable, PinFinalTry, PinLocked, SchemeUnsupported
from certs.keys.pkcs11_mechanisms import cms_form, families_in, operation_for
from certs.keys.pkcs11_tokens import TokenInfo, why_not_to_try
from certs.schemes import SchemeFamily, scheme_named

TOKEN = TokenInfo(
    label="van-thu",
    serial="01",
    manufacturer="",
    model="",
    initialized=True,
    login_required=True,
    pin_set=True,
    pin_count_low=False,
    pin_final_try=False,
    pin_locked=False,
)
RSA = rsa.generate_private_key(65537, 2048).public_key()
CURVE = ec.generate_private_key(ec.SECP256R1()).public_key()
EDWARDS = ed25519.Ed25519PrivateKey.generate().public_key()


@pytest.mark.parametrize(
    ("info", "allowed", "refusal"),
    [
        (TOKEN, False, None),
        (replace(TOKEN, pin_count_low=True), False, None),
        (replace(TOKEN, pin_final_try=True), False, PinFinalTry),
        (replace(TOKEN, pin_final_try=True), True, None),
        (replace(TOKEN, pin_locked=True), False, PinLocked),
        (replace(TOKEN, pin_locked=True, pin_final_try=True), True, PinLocked),
    ],
)
def test_a_pin_is_not_tried_where_it_would_lock_the_token(
    info: TokenInfo, allowed: bool, refusal: type[KeyUnusable] | None
) -> None:
    found = why_not_to_try(info, allow_last_try=allowed)
    assert (type(found) if found else None) == refusal


@pytest.mark.parametrize(
    ("public_key", "mechanisms", "families"),
    [
        (RSA, {Mechanism.RSA_PKCS}, {SchemeFamily.RSA_PKCS1}),
        (RSA, {Mechanism.SHA256_RSA_PKCS}, {SchemeFamily.RSA_PKCS1}),
        (RSA, {Mechanism.RSA_PKCS_PSS, Mechanism.ECDSA}, {SchemeFamily.RSA_PSS}),
        (RSA, {Mechanism.ECDSA}, set()),
        (CURVE, {Mechanism.ECDSA, Mechanism.RSA_PKCS}, {SchemeFamily.ECDSA}),
        (CURVE, {Mechanism.ECDSA_SHA384}, {SchemeFamily.ECDSA}),
        (EDWARDS, {Mechanism.EDDSA}, {SchemeFamily.ED25519}),
        (EDWARDS, set(), set()),
    ],
)
def test_a_token_offers_what_key_and_mechanisms_both_allow(
    public_key: object, mechanisms: set[Mechanism], families: set[SchemeFamily]
) -> None:
    assert families_in(public_key, frozenset(mechanisms)) == families


def test_a_token_that_only_pads_gets_the_digest_with_its_name() -> None:
    mechanisms = frozenset({Mechanism.RSA_PKCS, Mechanism.SHA256_RSA_PKCS})
    operation = operation_for(b"data", scheme_named("RSA-PKCS1/sha3_256"), mechanisms=mechanisms)
    assert operation.mechanism == Mechanism.RSA_PKCS
    told = algos.DigestInfo.load(operation.content)
    assert told["digest_algorithm"]["algorithm"].native == "sha3_256"


def test_a_token_that_hashes_itself_gets_the_data() -> None:
    mechanisms = frozenset({Mechanism.SHA256_RSA_PKCS_PSS})
    operation = operation_for(b"data", scheme_named("RSA-PSS/sha256"), mechanisms=mechanisms)
    assert operation.mechanism == Mechanism.SHA256_RSA_PKCS_PSS
    assert operation.parameter == (Mechanism.SHA256, MGF.SHA256, 32)
    assert operation.content == b"data"
    with pytest.raises(SchemeUnsupported):
        operation_for(b"data", scheme_named("RSA-PSS/sha512"), mechanisms=mechanisms)


def test_a_tokens_ecdsa_value_becomes_der() -> None:
    value = cms_form(b"\x00" * 31 + b"\x80" + b"\x00" * 31 + b"\x7f", scheme_named("ECDSA/sha256"))
    assert decode_dss_signature(value) == (128, 127)
