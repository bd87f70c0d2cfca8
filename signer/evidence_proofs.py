"""Whether evidence about the past is proved to be as old as it has to be (pure).

An answer or a CRL about the past is worth what its maker is worth at the time from which it is
proved to exist: once a key has expired or was revoked, whoever holds it can make evidence of any
date. So evidence that counted for a past instant must have existed, provably, while all that made
it were good (EN 319 102-1 §5.6.2.2: a proof of existence of the revocation status information).
What nothing proves to be older exists from the judgement on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import ocsp

from certs.parsing import DAMAGE
from certs.path import PathVerdict
from certs.revocation_status import ParsedEvidence, RevocationStatus
from signer.findings import Finding
from signer.path_reports import ProvedAt
from signer.reasons import Reason
from signer.trust import Circumstances
from signer.verdicts import SubIndication


def evidence_finding(
    verdict: PathVerdict, *, circumstances: Circumstances, proved_at: ProvedAt
) -> Finding | None:
    """Return what speaks against the evidence by which a path was found good at a past instant."""
    if verdict.anchor is None or verdict.at >= circumstances.at:
        return None
    issuers = (*verdict.chain[1:], verdict.anchor.certificate)
    known = ParsedEvidence(circumstances.evidence)
    for der, about, helper in _makers(verdict, issuers):
        exists_from = proved_at(der) or circumstances.at
        if exists_from <= verdict.at:
            continue
        above = issuers[about:]
        makers = (helper, *above) if helper is not None else above
        for maker in makers:
            expired = maker.not_valid_after_utc < exists_from
            if maker == verdict.anchor.certificate:
                expired = expired or verdict.anchor.valid_until < exists_from
            if expired:
                return _too_young(maker, exists_from)
        for maker, issuer in pairwise(above):
            found = known.finding(maker, issuer, at=exists_from)
            if found.status is RevocationStatus.REVOKED:
                return _of_revoked(maker, found.revoked_at)
    return None


def _makers(
    verdict: PathVerdict, issuers: tuple[x509.Certificate, ...]
) -> Iterator[tuple[bytes, int, x509.Certificate | None]]:
    """Yield each piece that counted: its bytes, which issuer stands for it, and its delegate."""
    for der in verdict.evidence.crls:
        yield der, _issuer_of_crl(der, issuers), None
    for der in verdict.evidence.ocsp_responses:
        response = ocsp.load_der_ocsp_response(der)
        serials = {single.serial_number for single in response.responses}
        about = next(
            (at for at, each in enumerate(verdict.chain) if each.serial_number in serials), 0
        )
        # Those that came along were judged by `certs.revocation_status`; the first to expire
        # bounds them all.
        delegates = [each for each in response.certificates if each not in issuers]
        yield der, about, min(delegates, key=lambda each: each.not_valid_after_utc, default=None)


def _issuer_of_crl(der: bytes, issuers: tuple[x509.Certificate, ...]) -> int:
    try:
        named = x509.load_der_x509_crl(der).issuer
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
