"""Signatures of the plain kind, over bytes as they stand: SHA-2 with RSA or ECDSA (pure).

Certificates, CRLs and OCSP answers are signed in the same form: content, algorithm, value. RSA is
PKCS #1 v1.5. What is verified is the content's own bytes, with the key as it was read before: the
library's way from certificate to certificate decodes both anew and takes twice the time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from certs.der_reading import (
    BIT_STRING,
    CONTEXT_0,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    Unusual,
    elements,
    encode,
    whole,
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

NULL: Final = b"\x05\x00"
_DIGESTS: Final = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())


def algorithm_identifier(oid: str, parameters: bytes = b"") -> bytes:
    """Return an AlgorithmIdentifier, DER. oid: the content of the identifier, hexadecimal."""
    return encode(SEQUENCE, encode(OBJECT_IDENTIFIER, bytes.fromhex(oid)), parameters)


_RSA_SIGNATURES: Final = {
    algorithm_identifier(f"2a864886f70d0101{last}", NULL): digest
    for last, digest in zip(("0b", "0c", "0d"), _DIGESTS, strict=True)
}
"""sha256, sha384 and sha512WithRSAEncryption (RFC 4055 §5), as AlgorithmIdentifier."""
_ECDSA_SIGNATURES: Final = {
    algorithm_identifier(f"2a8648ce3d0403{last}"): ec.ECDSA(digest)
    for last, digest in zip(("02", "03", "04"), _DIGESTS, strict=True)
}
"""ecdsa-with-SHA256, 384 and 512 (RFC 5758 §3.2)."""
_PKCS1: Final = padding.PKCS1v15()


class Signed(NamedTuple):
    """What is signed, the AlgorithmIdentifier, and the signature's value. rest: what follows."""

    content: bytes
    algorithm: bytes
    value: bytes
    rest: bytes


def read_signed(der: bytes, *, followed: bool = False) -> Signed:
    """Read a signed structure. followed: whether certificates come after it. Raises Unusual."""
    start, stop = whole(der, tag=SEQUENCE)
    parts = elements(der, start, end=stop)
    expected = [SEQUENCE, SEQUENCE, BIT_STRING]
    if [tag for tag, *_ in parts] != ([*expected, CONTEXT_0] if followed else expected):
        raise Unusual("another structure")
    (_, at, _, end), (_, algorithm_at, _, algorithm_end), (_, _, value_at, value_end) = parts[:3]
    algorithm = der[algorithm_at:algorithm_end]
    if algorithm not in _RSA_SIGNATURES and algorithm not in _ECDSA_SIGNATURES:
        raise Unusual("signed in another way")
    if value_at == value_end or der[value_at] != 0:
        raise Unusual("a signature that is no row of bytes")
    return Signed(der[at:end], algorithm, der[value_at + 1 : value_end], der[value_end:stop])


def require_signed(signed: Signed, key: PublicKey) -> None:
    """Require that the key made the signature, in a scheme of its own kind. Raises Unusual."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.value, signed.content, _ECDSA_SIGNATURES[signed.algorithm])
        else:
            digest = _RSA_SIGNATURES[signed.algorithm]
            key.verify(signed.value, signed.content, _PKCS1, digest)
    except (InvalidSignature, LookupError) as error:
        raise Unusual("not signed by this key") from error
