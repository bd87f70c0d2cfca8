"""A signer's certificate with everything that signing derives from it, derived once (pure).

The key itself is never kept here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.signers.pdf_cms import Signer

from certs.parsing import DAMAGE
from certs.schemes import SchemeFamily, SignatureScheme, families_of, preferred_scheme
from signer.creation.cms_template import CmsTemplate, mechanism_of
from signer.errors import KeyUnsupported

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

MAX_CURVE_SIGNATURE_BYTES: Final = 144
"""Upper bound of a signature on a curve: P-521 takes up to 139 (RFC 3279 §2.2.3)."""
_ML_DSA_SIGNATURE_BYTES: Final = {"mldsa44": 2420, "mldsa65": 3309, "mldsa87": 4627}
"""FIPS 204 Table 2."""
_MAX_CREDENTIALS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What signing needs to know of a signer, with one scheme.

    engine: pyHanko's view of the signer, for the choices it makes in the document.
    max_container_bytes: the most that the CMS object takes without a time-stamp.
    """

    engine: Signer
    template: CmsTemplate
    scheme: SignatureScheme
    valid_from: datetime
    valid_until: datetime
    max_container_bytes: int

    @property
    def digest_algorithm(self) -> str:
        """The digest of the document and of the attributes, by hashlib's name."""
        return self.scheme.digest_algorithm


_CREDENTIALS: Final[dict[tuple[object, ...], tuple[tuple[x509.Certificate, ...], Credential]]] = {}
"""By the identity of certificates, which stay alive here so that no others can have it."""


def credential_for(
    certificates: tuple[x509.Certificate, ...],
    families: frozenset[SchemeFamily],
    *,
    wanted: SignatureScheme | None,
) -> Credential:
    """Return what `credential_of` gives for the scheme that `scheme_for` gives.

    certificates: the signer's, then its issuers'. Those of a key that is kept are known by being
    the same objects: to compare them otherwise takes a hash of every byte. Raises KeyUnsupported.
    """
    identity = (*map(id, certificates), families, wanted)
    known = _CREDENTIALS.get(identity)
    if known is not None:
        return known[1]
    scheme = scheme_for(certificates[0], families, wanted=wanted)
    credential = credential_of(certificates[0], certificates[1:], scheme=scheme)
    if len(_CREDENTIALS) >= _MAX_CREDENTIALS:
        _CREDENTIALS.clear()
    _CREDENTIALS[identity] = (certificates, credential)
    return credential


@lru_cache(maxsize=1024)
def scheme_for(
    certificate: x509.Certificate,
    families: frozenset[SchemeFamily],
    *,
    wanted: SignatureScheme | None = None,
) -> SignatureScheme:
    """Return the scheme to use: the one wanted, or the key's best. Raises KeyUnsupported."""
    try:
        public_key = certificate.public_key()
    except DAMAGE as error:
        raise KeyUnsupported(f"the certificate's key: {type(error).__name__}") from error
    if wanted is None:
        scheme = preferred_scheme(public_key, families)
        if scheme is None:
            raise KeyUnsupported(_kind(certificate))
        return scheme
    if wanted.family not in families & families_of(public_key):
        raise KeyUnsupported(f"no {wanted.family} with a key of the kind {_kind(certificate)}")
    return wanted


def _kind(certificate: x509.Certificate) -> str:
    return certificate.public_key_algorithm_oid._name


@lru_cache(maxsize=_MAX_CREDENTIALS)
def credential_of(
    certificate: x509.Certificate, chain: tuple[x509.Certificate, ...], *, scheme: SignatureScheme
) -> Credential:
    """Derive what signing with a scheme of `scheme_for` needs from a certificate.

    The chain's self-signed certificates are left out: a verifier trusts its own copy or none.
    """
    own = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    others = tuple(
        asn1_x509.Certificate.load(issuer.public_bytes(Encoding.DER))
        for issuer in chain
        if issuer.subject != issuer.issuer
    )
    mechanism = _mechanism(own, scheme)
    digest_algorithm = scheme.digest_algorithm
    template = CmsTemplate.of(own, others, digest_algorithm=digest_algorithm, mechanism=mechanism)
    attributes = template.signed_attributes(hashlib.new(digest_algorithm).digest())
    longest = bytes(_max_signature_bytes(own, scheme))
    return Credential(
        engine=Signer(signing_cert=own, signature_mechanism=mechanism),
        template=template,
        scheme=scheme,
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        max_container_bytes=len(template.container(attributes, longest, timestamp=None)),
    )


def _mechanism(own: asn1_x509.Certificate, scheme: SignatureScheme) -> algos.SignedDigestAlgorithm:
    if scheme.family is SchemeFamily.ML_DSA:
        return algos.SignedDigestAlgorithm({"algorithm": own.public_key.algorithm})
    return mechanism_of(scheme)


def _max_signature_bytes(own: asn1_x509.Certificate, scheme: SignatureScheme) -> int:
    if scheme.family in (SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS):
        return int(own.public_key.byte_size)
    return _ML_DSA_SIGNATURE_BYTES.get(own.public_key.algorithm, MAX_CURVE_SIGNATURE_BYTES)
