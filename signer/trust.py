"""Whom we trust and when: a certificate's path as a finding against a signature (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cryptography import x509

from certs.anchors import AnchorRole, TrustStore, is_practice
from certs.path import PathStatus, PathVerdict, judge_path
from certs.revocation import EvidenceRequest, RevocationEvidence
from signer import policy as policy_module
from signer.findings import Finding
from signer.policy import VerificationPolicy
from signer.policy_findings import chain_finding
from signer.reasons import Reason
from signer.verdicts import SubIndication


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a judgement rests on: our own trust store only, the evidence at hand, and the instant.

    policy: what is asked of good signatures, over and above what is asked of all.
    intermediates: certificates found on the way (signatures, DSS); they are never trusted by
    themselves.
    """

    store: TrustStore
    evidence: RevocationEvidence
    at: datetime
    intermediates: tuple[x509.Certificate, ...] = ()
    policy: VerificationPolicy = policy_module.DEFAULT

    def with_found(
        self, evidence: RevocationEvidence, intermediates: tuple[x509.Certificate, ...]
    ) -> Circumstances:
        """Return circumstances that add what a signature or the document brings along."""
        return replace(
            self,
            evidence=self.evidence.merged(evidence),
            intermediates=tuple(dict.fromkeys(self.intermediates + intermediates)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How a certificate's path was judged; `finding` is None where it is good.

    verdict: what was judged, None where there was no certificate to judge.
    """

    finding: Finding | None
    verdict: PathVerdict | None = None
    missing: tuple[EvidenceRequest, ...] = ()
    practice: bool = False


def judge_certificate(
    certificate: x509.Certificate | None,
    role: AnchorRole,
    *,
    circumstances: Circumstances,
    at: datetime,
    claimed_at: datetime | None = None,
) -> Trust:
    """Judge the path (EN 319 102-1 §5.2.6) for `role` at the proved instant `at`.

    claimed_at: the signing time that the signer states; it can only speak against the signature.
    """
    if certificate is None:
        return Trust(
            finding=Finding(
                reason=Reason.CERTIFICATE_UNSUITABLE,
                sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                detail="the certificate can't be read",
            )
        )
    verdict = judge_path(
        certificate,
        intermediates=circumstances.intermediates,
        store=circumstances.store,
        role=role,
        at=at,
        evidence=circumstances.evidence,
    )
    practice = is_practice(certificate) or (verdict.anchor is not None and verdict.anchor.practice)
    return Trust(
        finding=_finding(verdict, claimed_at)
        or chain_finding(verdict.chain, circumstances.policy, at=at),
        verdict=verdict,
        missing=verdict.missing,
        practice=practice,
    )


_FINDINGS: Final = {
    PathStatus.NO_TRUSTED_PATH: (Reason.NO_TRUSTED_PATH, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
    PathStatus.UNSUITABLE: (
        Reason.CERTIFICATE_UNSUITABLE,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    ),
    PathStatus.REVOCATION_UNKNOWN: (Reason.REVOCATION_UNKNOWN, SubIndication.TRY_LATER),
    PathStatus.REVOKED: (Reason.CERTIFICATE_REVOKED, SubIndication.REVOKED_NO_POE),
    PathStatus.EXPIRED: (Reason.CERTIFICATE_EXPIRED, SubIndication.OUT_OF_BOUNDS_NO_POE),
    PathStatus.NOT_YET_VALID: (
        Reason.CERTIFICATE_NOT_YET_VALID,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
    ),
}


def _finding(verdict: PathVerdict, claimed_at: datetime | None) -> Finding | None:
    if verdict.status is PathStatus.VALID:
        return None
    reason, sub_indication = _FINDINGS[verdict.status]
    # The signer's own word that the certificate was revoked by then needs no further proof.
    after = (
        verdict.revoked_at is not None
        and claimed_at is not None
        and claimed_at >= verdict.revoked_at
    )
    if reason is Reason.CERTIFICATE_REVOKED and after:
        return Finding(
            reason=reason,
            sub_indication=SubIndication.REVOKED,
            detail=verdict.detail,
            failed=True,
        )
    return Finding(reason=reason, sub_indication=sub_indication, detail=verdict.detail)
