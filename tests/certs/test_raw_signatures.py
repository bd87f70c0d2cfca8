"""A value made elsewhere is believed only if it is the key's own, over the data, in the scheme."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certs.keys.file import FileKey
from certs.raw_signatures import is_signature_by
from certs.schemes import SchemeFamily, SignatureScheme
from tests.support.practice import Practice, file_key

DATA = b"signed attributes"


@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512", "sha3_256", "sha3_512"])
def test_what_a_key_signs_is_its_signature_in_that_scheme_only(
    practice: Practice, keys: dict[str, FileKey], kind: str, digest: str
) -> None:
    key = keys[kind]
    public = key.certificate.public_key()
    for family in key.families:
        scheme = SignatureScheme(family, digest)
        value = asyncio.run(key.sign_raw(DATA, scheme))
        assert is_signature_by(public, value, data=DATA, scheme=scheme)
        assert not is_signature_by(public, value, data=DATA + b"!", scheme=scheme)
        assert not is_signature_by(public, value[:-1], data=DATA, scheme=scheme)
        other = SignatureScheme(family, "sha384" if digest != "sha384" else "sha256")
        assert not is_signature_by(public, value, data=DATA, scheme=other)
        stranger = keys["p256" if kind == "rsa" else "rsa"].certificate.public_key()
        assert not is_signature_by(stranger, value, data=DATA, scheme=scheme)


@pytest.fixture(scope="module")
def keys(practice: Practice, leader_key: FileKey) -> dict[str, FileKey]:
    curve = practice.authority.issue_person("A", organisation="B", position="C", key="p256")
    return {"rsa": leader_key, "p256": file_key(curve)}


def test_pss_with_a_salt_of_another_length_is_no_signature_for_cms() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    value = key.sign(DATA, pss, hashes.SHA256())
    scheme = SignatureScheme(SchemeFamily.RSA_PSS, "sha256")
    assert not is_signature_by(key.public_key(), value, data=DATA, scheme=scheme)


def test_the_bare_numbers_of_a_curve_signature_are_not_what_cms_wants() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    scheme = SignatureScheme(SchemeFamily.ECDSA, "sha256")
    value = key.sign(DATA, ec.ECDSA(hashes.SHA256()))
    numbers = b"".join(each.to_bytes(32, "big") for each in decode_dss_signature(value))
    assert is_signature_by(key.public_key(), value, data=DATA, scheme=scheme)
    assert not is_signature_by(key.public_key(), numbers, data=DATA, scheme=scheme)


def test_ed25519_signs_the_data_themselves() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    scheme = SignatureScheme(SchemeFamily.ED25519, "sha512")
    assert is_signature_by(key.public_key(), key.sign(DATA), data=DATA, scheme=scheme)
    assert not is_signature_by(key.public_key(), bytes(64), data=DATA, scheme=scheme)


def test_weak_and_unknown_keys_sign_nothing() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    value = weak.sign(DATA, padding.PKCS1v15(), hashes.SHA256())
    scheme = SignatureScheme(SchemeFamily.RSA_PKCS1, "sha256")
    assert not is_signature_by(weak.public_key(), value, data=DATA, scheme=scheme)
    assert not is_signature_by(object(), value, data=DATA, scheme=scheme)
