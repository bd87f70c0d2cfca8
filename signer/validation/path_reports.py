"""What a judged path rests on, as the report names it: its certificates and what counted (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.identity import fingerprint
from certs.parsing import DAMAGE
from certs.paths.validation import PathVerdict
from certs.revocation.evidence import EvidenceKind
from certs.revocation.known_crls import known_crl
from signer.report_parts import CertificateReport, EvidenceReport, ValidationMaterial

_KEPT_CERTIFICATES: Final = 256
ProvedAt = Callable[[bytes], datetime | None]
"""Tells when a piece of evidence (DER) is proved to have existed; None for only now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReport:
    """A path as a report names it; empty where there is none."""

    chain: tuple[CertificateReport, ...] = ()
    evidence: tuple[EvidenceReport, ...] = ()
    anchor_class: str = ""
    material: ValidationMaterial = field(default_factory=ValidationMaterial)


def describe_path(verdict: PathVerdict | None, *, proved_at: ProvedAt) -> PathReport:
    """Return the path of a verdict, the leaf first and the anchor last, and what counted."""
    if verdict is None:
        return PathReport()
    anchor = verdict.anchor.certificate if verdict.anchor is not None else None
    chain = verdict.chain
    if anchor is not None and anchor not in chain:
        chain = (*chain, anchor)
    responses, crls = verdict.evidence.ocsp_responses, verdict.evidence.crls
    described = (
        *(_evidence(EvidenceKind.OCSP, each, proved_at=proved_at) for each in responses),
        *(_evidence(EvidenceKind.CRL, each, proved_at=proved_at) for each in crls),
    )
    return PathReport(
        chain=tuple(_certificate(each, is_anchor=each == anchor) for each in chain),
        evidence=described,
        anchor_class=str(verdict.anchor.anchor_class) if verdict.anchor is not None else "",
        material=ValidationMaterial(
            certificates=tuple(each.public_bytes(Encoding.DER) for each in chain),
            ocsp_responses=responses,
            crls=crls,
        ),
    )


# The issuers and anchors are the same few for all documents; their names take long to write.
@lru_cache(maxsize=_KEPT_CERTIFICATES)
def _certificate(certificate: x509.Certificate, *, is_anchor: bool) -> CertificateReport:
    return CertificateReport(
        sha256=fingerprint(certificate),
        subject=_name(certificate, "subject"),
        issuer=_name(certificate, "issuer"),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_anchor=is_anchor,
    )


def forget() -> None:
    """Forget how certificates are described."""
    _certificate.cache_clear()


def _name(certificate: x509.Certificate, which: str) -> str:
    try:
        name: x509.Name = getattr(certificate, which)
        return name.rfc4514_string()
    except DAMAGE:
        return ""


def _evidence(kind: EvidenceKind, der: bytes, *, proved_at: ProvedAt) -> EvidenceReport:
    produced_at, next_update = _window(kind, der)
    return EvidenceReport(
        kind=str(kind),
        sha256=hashlib.sha256(der).hexdigest(),
        produced_at=produced_at,
        next_update=next_update,
        proved_at=proved_at(der),
    )


def _window(kind: EvidenceKind, der: bytes) -> tuple[datetime | None, datetime | None]:
    """Return what evidence calls its thisUpdate and its nextUpdate."""
    try:
        if kind is EvidenceKind.CRL:
            crl = known_crl(der).parsed
            return crl.last_update_utc, crl.next_update_utc
        singles = list(ocsp.load_der_ocsp_response(der).responses)
        newest = max(singles, key=lambda each: each.this_update_utc)
    except DAMAGE:
        return None, None
    return newest.this_update_utc, newest.next_update_utc
