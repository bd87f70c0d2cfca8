"""PKCS#12 and PEM files: what opens, what does not, and that nothing secret shows."""

from __future__ import annotations

import pickle
import traceback

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from certs.errors import KeyFileUnreadable, KeyTooWeak, KeyUnusable, PassphraseWrong
from certs.keys.file import FileKey, load_key_file, load_pem, load_pkcs12
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme
from tests.certs.forging import Pair, root, weak_rsa
from tests.support.practice import PASSPHRASE, Practice

ROOT = root()
LEAF = ROOT.authority("Issuing").issue("Leaf", key="rsa2048")


def packed(pair: Pair, *, key: object = None, chain: bool = True, phrase: bytes = b"x") -> bytes:
    others: list[x509.Certificate] = []
    above = pair.above
    while chain and above is not None:
        others.insert(0, above.certificate)  # farthest first: the loader has to order them
        above = above.above
    return pkcs12.serialize_key_and_certificates(
        b"name",
        pair.key if key is None else key,  # type: ignore[arg-type]
        pair.certificate,
        others,
        BestAvailableEncryption(phrase) if phrase else NoEncryption(),
    )


def test_the_key_comes_with_its_certificate_and_its_chain_nearest_first() -> None:
    key = load_pkcs12(packed(LEAF), b"x")
    assert key.certificate == LEAF.certificate
    assert LEAF.above is not None
    assert key.chain == (LEAF.above.certificate, ROOT.certificate)
    assert key.families == {SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS}


def test_a_file_without_a_passphrase_opens_with_none() -> None:
    assert load_pkcs12(packed(LEAF, phrase=b""), None).certificate == LEAF.certificate


@pytest.mark.parametrize("phrase", [b"y", b"", None])
def test_a_wrong_passphrase_is_told_apart(phrase: bytes | None) -> None:
    with pytest.raises(PassphraseWrong):
        load_pkcs12(packed(LEAF), phrase)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x30\x80", b"-----BEGIN CERTIFICATE-----"])
def test_a_file_that_is_no_pkcs12_is_unreadable(content: bytes) -> None:
    with pytest.raises(KeyFileUnreadable):
        load_pkcs12(content, b"x")


def test_a_truncated_file_is_unreadable_and_not_a_wrong_passphrase() -> None:
    with pytest.raises(KeyFileUnreadable):
        load_pkcs12(packed(LEAF)[:-20], b"x")


def test_a_huge_file_is_unreadable() -> None:
    with pytest.raises(KeyFileUnreadable):
        load_pkcs12(b"\x30" * (1 << 21), b"x")


def test_a_file_with_certificates_alone_is_unreadable() -> None:
    content = pkcs12.serialize_key_and_certificates(
        None, None, None, [LEAF.certificate], BestAvailableEncryption(b"x")
    )
    with pytest.raises(KeyFileUnreadable):
        load_pkcs12(content, b"x")


def test_a_short_rsa_key_is_too_weak() -> None:
    with pytest.raises(KeyTooWeak, match="1024"):
        load_pkcs12(packed(ROOT.issue("Weak", key=weak_rsa())), b"x")


def test_a_small_curve_and_an_unsupported_kind_of_key_are_refused() -> None:
    small = ROOT.issue("Small", key=ec.generate_private_key(ec.SECP224R1()))
    with pytest.raises(KeyTooWeak):
        load_pkcs12(packed(small), b"x")
    other = ROOT.issue("Ed448", key=ed448.Ed448PrivateKey.generate())  # type: ignore[arg-type]
    with pytest.raises(KeyTooWeak):
        load_pkcs12(packed(other), b"x")


@pytest.mark.parametrize("digest", DIGESTS)
async def test_rsa_signs_with_pkcs1_padding(digest: str, leader_key: FileKey) -> None:
    scheme = SignatureScheme(SchemeFamily.RSA_PKCS1, digest)
    signature = await leader_key.sign_raw(b"data", scheme)
    public = leader_key.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signature, b"data", padding.PKCS1v15(), DIGESTS[digest])


@pytest.mark.parametrize("digest", DIGESTS)
async def test_rsa_signs_with_pss_and_a_salt_as_long_as_the_digest(
    digest: str, leader_key: FileKey
) -> None:
    scheme = SignatureScheme(SchemeFamily.RSA_PSS, digest)
    signature = await leader_key.sign_raw(b"data", scheme)
    public = leader_key.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    hashing = DIGESTS[digest]
    padded = padding.PSS(padding.MGF1(hashing), hashing.digest_size)
    public.verify(signature, b"data", padded, hashing)


@pytest.mark.parametrize("digest", DIGESTS)
async def test_ecdsa_signs_with_every_digest(digest: str, practice: Practice) -> None:
    pair = ROOT.issue("Curve")
    key = load_pkcs12(packed(pair), b"x")
    assert key.families == {SchemeFamily.ECDSA}
    public = pair.certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = await key.sign_raw(b"data", SignatureScheme(SchemeFamily.ECDSA, digest))
    public.verify(signature, b"data", ec.ECDSA(DIGESTS[digest]))
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"other", ec.ECDSA(DIGESTS[digest]))


async def test_ed25519_signs_and_another_family_is_refused() -> None:
    pair = ROOT.issue("Edwards", key=ed25519.Ed25519PrivateKey.generate())  # type: ignore[arg-type]
    key = load_pkcs12(packed(pair), b"x")
    public = pair.certificate.public_key()
    assert isinstance(public, ed25519.Ed25519PublicKey)
    scheme = SignatureScheme(SchemeFamily.ED25519, "sha512")
    public.verify(await key.sign_raw(b"data", scheme), b"data")
    with pytest.raises(KeyUnusable):
        await key.sign_raw(b"data", SignatureScheme(SchemeFamily.ECDSA, "sha256"))


def pem(pair: Pair, *, phrase: bytes = b"", chain: bool = True) -> bytes:
    encryption = BestAvailableEncryption(phrase) if phrase else NoEncryption()
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    above = [pair.above] if chain and pair.above else []
    # The issuer's first, and the key last: the order says nothing.
    certificates = [each.certificate.public_bytes(Encoding.PEM) for each in (*above, pair)]
    return b"".join((*certificates, key))


@pytest.mark.parametrize("phrase", [b"", b"x"])
def test_a_pem_file_gives_the_key_with_its_certificate_and_chain(phrase: bytes) -> None:
    key = load_key_file(pem(LEAF, phrase=phrase), phrase or None)
    assert key.certificate == LEAF.certificate
    assert LEAF.above is not None
    assert key.chain == (LEAF.above.certificate,)
    assert load_key_file(packed(LEAF), b"x").certificate == LEAF.certificate


@pytest.mark.parametrize("phrase", [b"y", b"", None])
def test_a_wrong_passphrase_of_a_pem_file_is_told_apart(phrase: bytes | None) -> None:
    with pytest.raises(PassphraseWrong):
        load_pem(pem(LEAF, phrase=b"x"), phrase)


@pytest.mark.parametrize(
    "content",
    [
        pem(LEAF).partition(b"-----BEGIN PRIVATE")[0],
        pem(LEAF).rpartition(b"-----END CERTIFICATE-----\n")[2],
        pem(LEAF).replace(b"-----BEGIN PRIVATE KEY-----\nMII", b"-----BEGIN PRIVATE KEY-----\nAAA"),
        LEAF.above.certificate.public_bytes(Encoding.PEM)  # type: ignore[union-attr]
        + pem(LEAF).rpartition(b"-----END CERTIFICATE-----\n")[2],
        b"-----BEGIN PRIVATE KEY-----" * 60_000,
    ],
)
def test_a_pem_file_without_a_key_or_its_certificate_is_unreadable(content: bytes) -> None:
    with pytest.raises(KeyFileUnreadable):
        load_key_file(content, None)


def test_an_experimental_key_must_be_asked_for() -> None:
    pair = ROOT.issue("Later", key=mldsa.MLDSA65PrivateKey.generate())  # type: ignore[arg-type]
    with pytest.raises(KeyTooWeak, match="experimental"):
        load_pem(pem(pair), None)
    assert load_pem(pem(pair), None, experimental=True).families == {SchemeFamily.ML_DSA}


def test_a_key_is_not_picklable(leader_key: FileKey) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(leader_key)


def test_repr_and_errors_show_no_secret(leader_key: FileKey) -> None:
    assert "FileKey RSA" in repr(leader_key)
    assert "private" not in repr(leader_key).lower()
    secret = b"mat khau rat bi mat"
    with pytest.raises(PassphraseWrong) as caught:
        load_pkcs12(packed(LEAF), secret)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert secret.decode() not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert PASSPHRASE.decode() not in repr(leader_key)
