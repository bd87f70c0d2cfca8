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
from certs.schemes import SchemeFamily, SignatureScheme
from signer.creation.credential import Credential, credential_of, scheme_for
from signer.errors import KeyUnsupported
from tests.support.simple_certificates import certificates_for

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
RSA_FAMILIES = (SchemeFamily.RSA_PSS, SchemeFamily.RSA_PKCS1)
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def private_key(kind: str) -> PrivateKey:
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


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
        signing_cert=own,
        cert_registry=registry,
        signature_value=value,
        signature_mechanism=credential.engine.signature_mechanism
        if credential.scheme.family is SchemeFamily.RSA_PSS
        else None,
        prefer_pss=False,
    )
    made = await engine.async_sign(
        digest, credential.digest_algorithm, use_pades=True, timestamper=token
    )
    return bytes(made.dump())


@pytest.mark.parametrize("stamped", [False, True], ids=["B-B", "B-T"])
@pytest.mark.parametrize(
    ("kind", "family"),
    [
        *((kind, family) for kind in ("RSA-2048", "RSA-3072") for family in RSA_FAMILIES),
        *((kind, None) for kind in ("P-256", "P-384", "P-521", "Ed25519")),
    ],
)
async def test_containers_are_the_bytes_that_pyhanko_makes(
    kind: str, family: SchemeFamily | None, stamped: bool
) -> None:
    private = private_key(kind)
    certificate, chain = certificates_for(private.public_key())
    key = FileKey(private, certificate=certificate, chain=chain)
    scheme = scheme_for(certificate, key.families)
    if family is not None:
        scheme = SignatureScheme(family, scheme.digest_algorithm)
    credential = credential_of(key.certificate, key.chain, scheme=scheme)
    digest = hashlib.new(credential.digest_algorithm, b"document").digest()
    attributes = credential.template.signed_attributes(digest)
    value = await key.sign_raw(attributes, scheme)
    token = FixedToken(cms.ContentInfo({"content_type": "data"}).dump()) if stamped else None
    ours = credential.template.container(
        attributes, value, timestamp=await token.stamp(b"", "") if token else None
    )
    assert ours == await engine_container(credential, key, digest, value, token)


def test_keys_of_other_kinds_are_refused() -> None:
    private = ed448.Ed448PrivateKey.generate()
    certificate, _ = certificates_for(private.public_key())
    with pytest.raises(KeyUnsupported, match="ed448"):
        scheme_for(certificate, frozenset(SchemeFamily))
