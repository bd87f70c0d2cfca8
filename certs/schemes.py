"""Signature schemes: which kind of signature with which digest, and which one to prefer (pure).

Thông tư 15/2025/TT-BKHCN asks for RSASSA-PSS or ECDSA with SHA-2 or SHA-3; RSASSA-PKCS1-v1_5 is
what the field still uses and every verifier can read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certs.algorithms import ML_DSA_KEYS, key_weakness


class SchemeFamily(StrEnum):
    """Kinds of signatures (lược đồ ký)."""

    RSA_PKCS1 = "RSA-PKCS1"
    """RSASSA-PKCS1-v1_5 (RFC 8017 §8.2)."""
    RSA_PSS = "RSA-PSS"
    """RSASSA-PSS (RFC 8017 §8.1), MGF1 and salt of the digest's own length."""
    ECDSA = "ECDSA"
    """ECDSA; the value is the DER form of (r, s) (RFC 3279 §2.2.3)."""
    ED25519 = "ED25519"
    """Pure Ed25519 (RFC 8032); the digest is SHA-512 by definition (RFC 8419 §2.2)."""
    ML_DSA = "ML-DSA"
    """ML-DSA (FIPS 204), experimental: few verifiers know it. Never chosen by default."""


DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
"""The digests that signatures may use, by the names that CMS libraries and hashlib share."""

EXPERIMENTAL: Final = frozenset({SchemeFamily.ML_DSA})
_FIXED_DIGEST: Final = {SchemeFamily.ED25519: "sha512", SchemeFamily.ML_DSA: "sha512"}


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """How a signature is made: its family, and the digest of the document and of the attributes.

    digest_algorithm: a name in DIGESTS; families that fix their digest take no other.
    Raises ValueError for a combination that does not exist.
    """

    family: SchemeFamily
    digest_algorithm: str

    def __post_init__(self) -> None:
        """Refuse digests that are unknown, weak, or not the family's."""
        if self.digest_algorithm not in DIGESTS:
            raise ValueError(f"no digest {self.digest_algorithm!r} for signatures")
        if _FIXED_DIGEST.get(self.family, self.digest_algorithm) != self.digest_algorithm:
            raise ValueError(f"{self.family} takes {_FIXED_DIGEST[self.family]} only")

    def __str__(self) -> str:
        """Return the form in which options and reports name it, such as RSA-PSS/sha256."""
        return f"{self.family}/{self.digest_algorithm}"


def scheme_named(text: str) -> SignatureScheme:
    """Return the scheme of a name such as "RSA-PSS/sha256". Raises ValueError."""
    family, _, digest_algorithm = text.partition("/")
    return SignatureScheme(SchemeFamily(family.upper()), digest_algorithm.lower())


def families_of(public_key: object) -> frozenset[SchemeFamily]:
    """Return the families that a key of this kind can serve, whatever holds it; maybe none."""
    if key_weakness(public_key):
        return frozenset()
    match public_key:
        case rsa.RSAPublicKey():
            return frozenset({SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS})
        case ec.EllipticCurvePublicKey():
            return frozenset({SchemeFamily.ECDSA})
        case ed25519.Ed25519PublicKey():
            return frozenset({SchemeFamily.ED25519})
        case _ if isinstance(public_key, ML_DSA_KEYS):
            return frozenset({SchemeFamily.ML_DSA})
    return frozenset()


def preferred_scheme(
    public_key: object, families: frozenset[SchemeFamily]
) -> SignatureScheme | None:
    """Return the scheme to sign with where nobody chose one, None where the key offers none.

    families: what the key can do in its file, token or service. RSA gives RSASSA-PSS where it is
    offered (TT 15/2025/TT-BKHCN). The digest is at least as strong as the key (NIST SP 800-57-1
    §5.6.1), and the one that pyHanko would choose.
    """
    usable = families & families_of(public_key) - EXPERIMENTAL
    for family in (SchemeFamily.RSA_PSS, SchemeFamily.RSA_PKCS1):
        if family in usable and isinstance(public_key, rsa.RSAPublicKey):
            return SignatureScheme(family, _digest_for_rsa(public_key.key_size))
    if SchemeFamily.ECDSA in usable and isinstance(public_key, ec.EllipticCurvePublicKey):
        return SignatureScheme(SchemeFamily.ECDSA, _digest_for_curve(public_key.curve.key_size))
    if SchemeFamily.ED25519 in usable:
        return SignatureScheme(SchemeFamily.ED25519, "sha512")
    return None


def _digest_for_rsa(bits: int) -> str:
    if bits <= 2048:
        return "sha256"
    return "sha384" if bits <= 3072 else "sha512"


def _digest_for_curve(bits: int) -> str:
    if bits <= 256:
        return "sha256"
    return "sha384" if bits <= 384 else "sha512"
