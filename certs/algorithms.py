"""Which keys and signature algorithms are strong enough, for certificates and for evidence (pure).

The floor is Thông tư 15/2025/TT-BKHCN's list, which is also that of ETSI TS 119 312: RSA of 2048
bits, elliptic curves of 256, SHA-2 or SHA-3 of 256 bits. The ceiling keeps a hostile certificate
from buying seconds of work with one huge key.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from certs.parsing import DAMAGE

ML_DSA_KEYS = (
    *(mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey),
    *(mldsa.MLDSA44PrivateKey, mldsa.MLDSA65PrivateKey, mldsa.MLDSA87PrivateKey),
)
"""Keys of FIPS 204, public and private."""
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MIN_CURVE_BITS = 256
_STRONG_DIGESTS = frozenset(
    {
        "sha256",
        "sha384",
        "sha512",
        "sha512-256",
        "sha3-256",
        "sha3-384",
        "sha3-512",
    }
)


def key_weakness(key: object) -> str:
    """Why the public or private key is not acceptable; empty when it is."""
    match key:
        case rsa.RSAPublicKey() | rsa.RSAPrivateKey():
            if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
                return f"RSA of {key.key_size} bits"
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            if key.curve.key_size < MIN_CURVE_BITS:
                return f"the curve {key.curve.name}"
        case ed25519.Ed25519PublicKey() | ed25519.Ed25519PrivateKey() | ed448.Ed448PublicKey():
            pass
        case _ if isinstance(key, ML_DSA_KEYS):
            # Not weak, but experimental: signing asks for it by name, verifying says so.
            pass
        case _:
            return f"a key of the kind {type(key).__name__.removesuffix('PublicKey')}"
    return ""


def digest_weakness(digest: hashes.HashAlgorithm | None) -> str:
    """Why a signature's digest is not acceptable; None is a scheme with a digest of its own."""
    if digest is None or digest.name in _STRONG_DIGESTS:
        return ""
    return f"a signature with {digest.name}"


def certificate_weakness(certificate: x509.Certificate, *, self_signed: bool = False) -> str:
    """Why a certificate's key or its signature is not acceptable; empty when both are.

    The signature on a trust anchor proves nothing and is not looked at (RFC 5280 §6.1).
    """
    try:
        weakness = key_weakness(certificate.public_key())
        if not weakness and not self_signed:
            weakness = digest_weakness(certificate.signature_hash_algorithm)
    except DAMAGE:
        return "a key or a signature of an unsupported kind"
    return weakness
