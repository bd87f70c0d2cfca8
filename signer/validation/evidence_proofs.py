"""Whether evidence about the past is proved to be as old as it has to be (pure).

An answer or a CRL about the past is worth what its maker is worth at the time from which it is
proved to exist: once a key has expired or was revoked, whoever holds it can make evidence of any
date. So evidence that counted for a past instant must have existed, provably, while all that made
it were good (EN 319 102-1 §5.6.2.2: a proof of existence of the revocation status information).
What nothing proves to be older exists from the judgement on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from certs.parsing import DAMAGE
from certs.paths.validation import PathVerdict
from certs.revocation.known_crls import known_crl
from certs.revocation.status import ParsedEvidence, RevocationStatus
from certs.trust.anchors import TrustAnchor
from signer.reasons import Reason
from signer.validation.findings import Finding
from signer.validation.path_reports import ProvedAt
from signer.validation.trust import Circumstances
from signer.verdicts import SubIndication


def unproved_evidence(
    verdict: PathVerdict, *, circumstances: Circumstances, proved_at: ProvedAt
) -> dict[bytes, Finding]:
    """Return what counted for a path at a past instant and must not, each with the reason."""
    if verdict.anchor is None or verdict.at >= circumstances.at:
        return {}
    issuers = (*verdict.chain[1:], verdict.anchor.certificate)
    known = ParsedEvidence(circumstances.evidence)
    refused: dict[bytes, Finding] = {}
    for made in _made(verdict, issuers):
        exists_from = proved_at(made.der) or circumstances.at
        if exists_from <= verdict.at:
            continue
        found = _ended(made, verdict.anchor, at=exists_from) or _revoked(
            made, known, at=exists_from
        )
        if found is not None:
            refused[made.der] = found
    return refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A piece of evidence, the issuers above whom it speaks about, and a responder of theirs."""

    der: bytes
    above: tuple[x509.Certificate, ...]
    delegate: x509.Certificate | None = None


def _ended(made: _Made, anchor: TrustAnchor, *, at: datetime) -> Finding | None:
    makers = (*made.above, made.delegate) if made.delegate is not None else made.above
    for maker in makers:
        if maker.not_valid_after_utc < at:
            return _too_young(maker, at)
    return _too_young(anchor.certificate, at) if anchor.valid_until < at else None


def _revoked(made: _Made, known: ParsedEvidence, *, at: datetime) -> Finding | None:
    for maker, issuer in pairwise(made.above):
        found = known.finding(maker, issuer, at=at)
        if found.status is RevocationStatus.REVOKED:
            return _of_revoked(maker, found.revoked_at)
    return None


def _made(verdict: PathVerdict, issuers: tuple[x509.Certificate, ...]) -> Iterator[_Made]:
    for der in verdict.evidence.crls:
        yield _Made(der=der, above=issuers[_issuer_of_crl(der, issuers) :])
    for der in verdict.evidence.ocsp_responses:
        response = ocsp.load_der_ocsp_response(der)
        serials = {single.serial_number for single in response.responses}
        about = next(
            (at for at, each in enumerate(verdict.chain) if each.serial_number in serials), 0
        )
        delegates = [each for each in response.certificates if each not in issuers]
        named = [each for each in delegates if _is_responder(each, response)] or delegates
        # Whether it is authorised, `certs.revocation.status` has judged; the first to expire
        # bounds them all.
        first = min(named, key=lambda each: each.not_valid_after_utc, default=None)
        yield _Made(der=der, above=issuers[about:], delegate=first)


def _is_responder(certificate: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    """Whether the response says that this certificate's owner made it (RFC 6960 §4.2.1)."""
    if response.responder_name is not None:
        return certificate.subject == response.responder_name
    identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return identifier.digest == response.responder_key_hash


def _issuer_of_crl(der: bytes, issuers: tuple[x509.Certificate, ...]) -> int:
    try:
        named = known_crl(der).parsed.issuer
    except DAMAGE:
        return 0
    return next((at for at, each in enumerate(issuers) if each.subject == named), 0)


def _too_young(maker: x509.Certificate, exists_from: datetime) -> Finding:
    return Finding(
        reason=Reason.REVOCATION_UNKNOWN,
        sub_indication=SubIndication.NO_POE,
        detail=f"certificate {maker.serial_number:x} expired before {exists_from.isoformat()}, "
        "from when on its word about others is proved to exist",
    )


def _of_revoked(maker: x509.Certificate, revoked_at: datetime | None) -> Finding:
    since = revoked_at.isoformat() if revoked_at is not None else "then"
    return Finding(
        reason=Reason.CERTIFICATE_REVOKED,
        sub_indication=SubIndication.REVOKED_CA_NO_POE,
        detail=f"authority {maker.serial_number:x} is revoked since {since}, "
        "and nothing proves its word about others older",
    )
