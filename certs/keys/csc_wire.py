"""The CSC API v2 as values: what is asked of a remote signing service, and what it answers (pure).

Architectures and protocols for remote signature applications, v2.0.0.2 of the Cloud Signature
Consortium: §11.5 credentials/info, §11.6 credentials/authorize, §11.10 signatures/signHash.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import algos
from cryptography import x509

from certs.errors import RemoteAnswerInvalid, RemoteSignerRefused, SchemeUnsupported
from certs.parsing import DAMAGE
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme, families_of

MAX_CERTIFICATES: Final = 16
MAX_SIGNATURES: Final = 500
"""Hashes in one request, however many the service would take."""
_HASHES: Final = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3_256": "2.16.840.1.101.3.4.2.8",
    "sha3_384": "2.16.840.1.101.3.4.2.9",
    "sha3_512": "2.16.840.1.101.3.4.2.10",
}
_PSS: Final = "1.2.840.113549.1.1.10"
_RSA: Final = "1.2.840.113549.1.1.1"
_SIGNATURES: Final = {
    SchemeFamily.RSA_PKCS1: {
        "sha256": "1.2.840.113549.1.1.11",
        "sha384": "1.2.840.113549.1.1.12",
        "sha512": "1.2.840.113549.1.1.13",
        "sha3_256": "2.16.840.1.101.3.4.3.14",
        "sha3_384": "2.16.840.1.101.3.4.3.15",
        "sha3_512": "2.16.840.1.101.3.4.3.16",
    },
    SchemeFamily.ECDSA: {
        "sha256": "1.2.840.10045.4.3.2",
        "sha384": "1.2.840.10045.4.3.3",
        "sha512": "1.2.840.10045.4.3.4",
        "sha3_256": "2.16.840.1.101.3.4.3.10",
        "sha3_384": "2.16.840.1.101.3.4.3.11",
        "sha3_512": "2.16.840.1.101.3.4.3.12",
    },
    # Any digest: which one stands in the parameters.
    SchemeFamily.RSA_PSS: dict.fromkeys(DIGESTS, _PSS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What credentials/info says of a key: enabled, with a certificate, by these algorithms."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    algorithms: frozenset[str]
    mode: str
    """How signatures are authorised: "implicit", "explicit" (PIN, OTP) or "oauth2code"."""
    multisign: int
    """How many signatures one authorisation may be for."""

    @property
    def families(self) -> frozenset[SchemeFamily]:
        """The families whose algorithms the key offers, Ed25519 excepted: it takes no hashes."""
        offered = {
            family for family, by in _SIGNATURES.items() if self.algorithms & set(by.values())
        }
        if _RSA in self.algorithms:
            offered.add(SchemeFamily.RSA_PKCS1)
        return families_of(self.certificate.public_key()) & offered

    def algorithm_of(self, scheme: SignatureScheme) -> str:
        """The OID of `signAlgo` for a scheme. Raises SchemeUnsupported where it is not offered."""
        found = _SIGNATURES.get(scheme.family, {}).get(scheme.digest_algorithm, "")
        if scheme.family in self.families and found in self.algorithms:
            return found
        if scheme.family is SchemeFamily.RSA_PKCS1 and _RSA in self.algorithms:
            return _RSA
        raise SchemeUnsupported(str(scheme))


def info_request(credential_id: str) -> dict[str, Any]:
    """The body of credentials/info (§11.5)."""
    return {
        "credentialID": credential_id,
        "certificates": "chain",
        "certInfo": True,
        "authInfo": True,
    }


def read_credential(answer: Mapping[str, Any]) -> Credential:
    """Read the answer of credentials/info.

    Raises RemoteAnswerInvalid, and RemoteSignerRefused for a key or certificate not in use.
    """
    key, cert = _object(answer, "key"), _object(answer, "cert")
    auth = _object(answer, "auth")
    if key.get("status") != "enabled":
        raise RemoteSignerRefused("the credential's key is not enabled")
    if cert.get("status", "valid") != "valid":
        raise RemoteSignerRefused("the credential's certificate is not valid")
    certificates = [_certificate(each) for each in _texts(cert, "certificates")[:MAX_CERTIFICATES]]
    if not certificates:
        raise RemoteAnswerInvalid("it gives no certificate")
    multisign = answer.get("multisign", 1)
    if not isinstance(multisign, int) or isinstance(multisign, bool) or multisign < 1:
        raise RemoteAnswerInvalid("multisign is no positive number")
    return Credential(
        certificate=certificates[0],
        chain=tuple(certificates[1:]),
        algorithms=frozenset(_texts(key, "algo")),
        mode=str(auth.get("mode", "")),
        multisign=min(multisign, MAX_SIGNATURES),
    )


def authorize_request(
    credential_id: str,
    hashes: Sequence[bytes],
    *,
    scheme: SignatureScheme,
    factors: Mapping[str, str],
) -> dict[str, Any]:
    """The body of credentials/authorize (§11.6): for exactly these hashes."""
    body: dict[str, Any] = {
        "credentialID": credential_id,
        "numSignatures": len(hashes),
        "hashes": [_encoded(each) for each in hashes],
        "hashAlgorithmOID": _HASHES[scheme.digest_algorithm],
    }
    if factors:
        body["authData"] = [{"id": name, "value": value} for name, value in factors.items()]
    return body


def read_sad(answer: Mapping[str, Any]) -> str:
    """Read the signature activation data of an authorisation."""
    sad = answer.get("SAD")
    if not isinstance(sad, str) or not sad:
        # §11.7 lets a service ask for more steps; those need a person in between.
        raise RemoteSignerRefused("it asks for a further step of authorisation")
    return sad


def sign_request(
    credential_id: str,
    hashes: Sequence[bytes],
    *,
    credential: Credential,
    scheme: SignatureScheme,
    sad: str,
) -> dict[str, Any]:
    """The body of signatures/signHash (§11.10)."""
    body = {
        "credentialID": credential_id,
        "SAD": sad,
        "hashes": [_encoded(each) for each in hashes],
        "hashAlgorithmOID": _HASHES[scheme.digest_algorithm],
        "signAlgo": credential.algorithm_of(scheme),
        "operationMode": "S",
    }
    if scheme.family is SchemeFamily.RSA_PSS:
        body["signAlgoParams"] = _encoded(_pss_parameters(scheme.digest_algorithm))
    return body


def read_signatures(answer: Mapping[str, Any], *, count: int) -> list[bytes]:
    """Read the signatures, in the order of the hashes."""
    texts = _texts(answer, "signatures")
    if len(texts) != count:
        raise RemoteAnswerInvalid(f"{len(texts)} signatures for {count} hashes")
    return [_decoded(each) for each in texts]


def _pss_parameters(digest_algorithm: str) -> bytes:
    hashing = algos.DigestAlgorithm({"algorithm": digest_algorithm})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": hashing,
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": hashing},
            "salt_length": DIGESTS[digest_algorithm].digest_size,
        }
    )
    return bytes(parameters.dump())


def _object(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = answer.get(name)
    if not isinstance(found, dict):
        raise RemoteAnswerInvalid(f"{name} is missing")
    return found


def _texts(answer: Mapping[str, Any], name: str) -> list[str]:
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise RemoteAnswerInvalid(f"{name} is no list of texts")
    return found


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(_decoded(text))
    except DAMAGE:
        raise RemoteAnswerInvalid("a certificate can't be read") from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RemoteAnswerInvalid("a value is not Base64") from None


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
