"""Evidence about revocation: what was obtained (OCSP, CRL), and where certificates say to ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from certs.parsing import DAMAGE

# A hostile certificate may list hundreds of addresses; an honest one lists one or two.
MAX_ADDRESSES_PER_KIND = 4


class EvidenceKind(StrEnum):
    """What an address named in a certificate serves."""

    OCSP = "OCSP"
    CRL = "CRL"
    CA_ISSUERS = "CA_ISSUERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEvidence:
    """OCSP responses (RFC 6960) and CRLs (RFC 5280), DER, as received and not yet judged."""

    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    certificates: tuple[bytes, ...] = ()
    """Issuers' certificates got by CA_ISSUERS; helpers on the way up, never trusted."""

    def merged(self, other: RevocationEvidence) -> RevocationEvidence:
        """Both together, each item once, this one's first."""
        return RevocationEvidence(
            ocsp_responses=tuple(dict.fromkeys(self.ocsp_responses + other.ocsp_responses)),
            crls=tuple(dict.fromkeys(self.crls + other.crls)),
            certificates=tuple(dict.fromkeys(self.certificates + other.certificates)),
        )

    def __bool__(self) -> bool:
        return bool(self.ocsp_responses or self.crls or self.certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequest:
    """One thing worth asking for: where, and about which certificate of which issuer (DER)."""

    kind: EvidenceKind
    url: str
    certificate: bytes
    issuer: bytes | None
    serial: int


def offered_evidence(
    certificate: x509.Certificate, issuer: x509.Certificate | None
) -> tuple[EvidenceRequest, ...]:
    """The addresses the certificate names for its own revocation: OCSP first, then CRL.

    Without the issuer no OCSP request can be made (its CertID needs the issuer's key), so only
    the CRL addresses are given then. Extensions that cannot be parsed offer nothing.
    """
    found: list[EvidenceRequest] = []
    if issuer is not None:
        urls = _access_urls(certificate, AuthorityInformationAccessOID.OCSP)
        found += [
            _request(EvidenceKind.OCSP, url, certificate=certificate, issuer=issuer) for url in urls
        ]
    found += [
        _request(EvidenceKind.CRL, url, certificate=certificate, issuer=issuer)
        for url in _crl_urls(certificate)
    ]
    return tuple(found)


def offers_revocation(certificate: x509.Certificate) -> bool:
    """Whether the certificate says that its revocation can be asked for, reachable or not.

    An extension that is there but cannot be parsed counts as an offer: it must not free anybody
    from the check.
    """
    try:
        extensions = certificate.extensions
    except DAMAGE:
        return True
    return any(
        isinstance(extension.value, x509.CRLDistributionPoints | x509.FreshestCRL)
        or (
            isinstance(extension.value, x509.AuthorityInformationAccess)
            and any(
                access.access_method == AuthorityInformationAccessOID.OCSP
                for access in extension.value
            )
        )
        for extension in extensions
    )


def issuer_addresses(certificate: x509.Certificate) -> tuple[EvidenceRequest, ...]:
    """Where the certificate says its issuer's certificate can be had (RFC 5280 §4.2.2.1)."""
    urls = _access_urls(certificate, AuthorityInformationAccessOID.CA_ISSUERS)
    return tuple(
        _request(EvidenceKind.CA_ISSUERS, url, certificate=certificate, issuer=None) for url in urls
    )


def _request(
    kind: EvidenceKind, url: str, *, certificate: x509.Certificate, issuer: x509.Certificate | None
) -> EvidenceRequest:
    return EvidenceRequest(
        kind=kind,
        url=url,
        certificate=certificate.public_bytes(Encoding.DER),
        issuer=issuer.public_bytes(Encoding.DER) if issuer is not None else None,
        serial=certificate.serial_number,
    )


def _access_urls(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (*DAMAGE, x509.ExtensionNotFound):
        return []
    return [
        description.access_location.value
        for description in access.value
        if description.access_method == method
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    ][:MAX_ADDRESSES_PER_KIND]


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except (*DAMAGE, x509.ExtensionNotFound):
        return []
    return [
        name.value
        for point in points.value
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ][:MAX_ADDRESSES_PER_KIND]
