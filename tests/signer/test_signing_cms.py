"""The CMS object we put together is, byte for byte, the one that pyHanko would make."""

from __future__ import annotations

import hashlib

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.signers.pdf_cms import ExternalSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.keys.file import FileKey
from signer.credential import Credential, credential_of
from signer.errors import KeyUnsupported
from tests.support.simple_certificates import certificates_for

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def private_key(kind: str) -> PrivateKey:
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


class FixedKey:
    """A key that always gives the same signature value, as real ECDSA keys do not."""

    def __init__(self, key: FileKey, value: bytes) -> None:
        self.certificate, self.chain, self.algorithm = key.certificate, key.chain, key.algorithm
        self._value = value

    async def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        return self._value


class FixedToken(TimeStamper):
    """One token, for pyHanko's interface and for ours."""

    def __init__(self, token: bytes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._token = token

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        return cms.ContentInfo.load(self._token)

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        return self._token


async def engine_container(
    credential: Credential, key: FileKey, digest: bytes, value: bytes, token: FixedToken | None
) -> bytes:
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    own, *others = (
        asn1_x509.Certificate.load(each.public_bytes(Encoding.DER))
        for each in (key.certificate, *key.chain)
    )
    registry.register_multiple([each for each in others if each.self_signed == "no"])
    engine = ExternalSigner(
        signing_cert=own, cert_registry=registry, signature_value=value, prefer_pss=False
    )
    made = await engine.async_sign(
        digest, credential.digest_algorithm, use_pades=True, timestamper=token
    )
    return bytes(made.dump())


@pytest.mark.parametrize("stamped", [False, True], ids=["B-B", "B-T"])
@pytest.mark.parametrize("kind", ["RSA-2048", "RSA-3072", "P-256", "P-384", "P-521", "Ed25519"])
async def test_containers_are_the_bytes_that_pyhanko_makes(kind: str, stamped: bool) -> None:
    private = private_key(kind)
    certificate, chain = certificates_for(private.public_key())
    key = FileKey(private, certificate=certificate, chain=chain)
    credential = credential_of(key.certificate, key.chain)
    digest = hashlib.new(credential.digest_algorithm, b"document").digest()
    attributes = credential.template.signed_attributes(digest)
    value = await key.sign_raw(attributes, credential.digest_algorithm)
    token = FixedToken(cms.ContentInfo({"content_type": "data"}).dump()) if stamped else None
    ours = await credential.sign_digest(digest, key=FixedKey(key, value), timestamper=token)
    assert ours == await engine_container(credential, key, digest, value, token)


def test_keys_of_other_kinds_are_refused() -> None:
    certificate, chain = certificates_for(ed448.Ed448PrivateKey.generate().public_key())
    with pytest.raises(KeyUnsupported, match="ed448"):
        credential_of(certificate, chain)
