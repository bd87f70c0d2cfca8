"""From a signature scheme to the PKCS#11 mechanism that makes it, and back to CMS's form (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from asn1crypto import algos, core
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11.mechanisms import MGF, Mechanism

from certs.errors import SchemeUnsupported
from certs.schemes import SchemeFamily, SignatureScheme, families_of

_Mechanisms = frozenset[Mechanism]
# By family: the mechanism that takes a digest made here, and those that hash in the token.
_RAW: Final = {
    SchemeFamily.RSA_PKCS1: Mechanism.RSA_PKCS,
    SchemeFamily.RSA_PSS: Mechanism.RSA_PKCS_PSS,
    SchemeFamily.ECDSA: Mechanism.ECDSA,
    SchemeFamily.ED25519: Mechanism.EDDSA,
}
_HASHING: Final = {
    SchemeFamily.RSA_PKCS1: {
        "sha256": Mechanism.SHA256_RSA_PKCS,
        "sha384": Mechanism.SHA384_RSA_PKCS,
        "sha512": Mechanism.SHA512_RSA_PKCS,
    },
    SchemeFamily.RSA_PSS: {
        "sha256": Mechanism.SHA256_RSA_PKCS_PSS,
        "sha384": Mechanism.SHA384_RSA_PKCS_PSS,
        "sha512": Mechanism.SHA512_RSA_PKCS_PSS,
    },
    SchemeFamily.ECDSA: {
        "sha256": Mechanism.ECDSA_SHA256,
        "sha384": Mechanism.ECDSA_SHA384,
        "sha512": Mechanism.ECDSA_SHA512,
    },
}
MECHANISMS: Final = frozenset(_RAW.values()).union(*(each.values() for each in _HASHING.values()))
"""All mechanisms that are ever used."""
_PSS: Final = {
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
    "sha3_256": (Mechanism.SHA3_256, MGF.SHA3_256),
    "sha3_384": (Mechanism.SHA3_384, MGF.SHA3_384),
    "sha3_512": (Mechanism.SHA3_512, MGF.SHA3_512),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a token is asked to sign, and how."""

    mechanism: Mechanism
    parameter: tuple[Mechanism, MGF, int] | None
    content: bytes


def families_in(public_key: object, mechanisms: _Mechanisms) -> frozenset[SchemeFamily]:
    """The families that a key of this kind makes in a token with these mechanisms."""
    return frozenset(
        family
        for family in families_of(public_key)
        if _RAW.get(family) in mechanisms or mechanisms & set(_HASHING.get(family, {}).values())
    )


def operation_for(data: bytes, scheme: SignatureScheme, *, mechanisms: _Mechanisms) -> Operation:
    """How to have `data` signed. Raises SchemeUnsupported where the token lacks the mechanism.

    The digest is made here where the token allows that: every token then takes every digest, and
    a short value goes over the wire to it.
    """
    parameter = None
    if scheme.family is SchemeFamily.RSA_PSS:
        length = hashlib.new(scheme.digest_algorithm).digest_size
        parameter = (*_PSS[scheme.digest_algorithm], length)
    raw = _RAW.get(scheme.family)
    if raw in mechanisms and raw is not None:
        content = _content(data, scheme)
        return Operation(mechanism=raw, parameter=parameter, content=content)
    hashing = _HASHING.get(scheme.family, {}).get(scheme.digest_algorithm)
    if hashing is None or hashing not in mechanisms:
        raise SchemeUnsupported(str(scheme))
    return Operation(mechanism=hashing, parameter=parameter, content=data)


def _content(data: bytes, scheme: SignatureScheme) -> bytes:
    if scheme.family is SchemeFamily.ED25519:
        return data
    digest = hashlib.new(scheme.digest_algorithm, data).digest()
    if scheme.family is not SchemeFamily.RSA_PKCS1:
        return digest
    # CKM_RSA_PKCS pads only: the DigestInfo of RFC 8017 §9.2 is the caller's, NULL included.
    algorithm = algos.DigestAlgorithm(
        {"algorithm": scheme.digest_algorithm, "parameters": core.Null()}
    )
    return bytes(algos.DigestInfo({"digest_algorithm": algorithm, "digest": digest}).dump())


def cms_form(signature: bytes, scheme: SignatureScheme) -> bytes:
    """A token's signature as CMS wants it: r and s side by side become DER (RFC 3279 §2.2.3)."""
    if scheme.family is not SchemeFamily.ECDSA:
        return signature
    half = len(signature) // 2
    return encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )
