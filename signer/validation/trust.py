"""Whom we trust and when: a certificate's path as a finding against a signature (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.paths.known import known_path
from certs.paths.validation import PathStatus, PathVerdict, judge_earlier_use, judge_path
from certs.revocation.evidence import EvidenceRequest, RevocationEvidence
from certs.revocation.status import ParsedEvidence, RevocationStatus
from certs.trust.anchors import AnchorRole, TrustStore, is_practice
from signer.policy import values as policy_module
from signer.policy.findings import chain_finding
from signer.policy.values import VerificationPolicy
from signer.reasons import Reason
from signer.validation.findings import Finding
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """When a certificate was used at the latest, as far as it is proved, and how that is judged.

    judged_at: the instant at which its path is judged, `at` unless evidence of later must do.
    claimed_at: when its owner says that it was; this can only speak against the use.
    """

    at: datetime
    judged_at: datetime
    claimed_at: datetime | None = None


def judge_certificate(
    certificate: x509.Certificate | None,
    role: AnchorRole,
    *,
    circumstances: Circumstances,
    use: Use,
) -> Trust:
    """Judge the path (EN 319 102-1 §5.2.6) for `role` at the instant that `use` says."""
    if certificate is None:
        return Trust(
            finding=Finding(
                reason=Reason.CERTIFICATE_UNSUITABLE,
                sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                detail="the certificate can't be read",
            )
        )
    verdict = _path_verdict(certificate, role, circumstances=circumstances, at=use.judged_at)
    verdict = judge_earlier_use(verdict, used_at=use.at, evidence=circumstances.evidence)
    practice = is_practice(certificate) or (verdict.anchor is not None and verdict.anchor.practice)
    return Trust(
        finding=_finding(verdict, use, circumstances=circumstances)
        or chain_finding(verdict.chain, circumstances.policy, at=use.at),
        verdict=verdict,
        missing=verdict.missing,
        practice=practice,
    )


def _path_verdict(
    certificate: x509.Certificate, role: AnchorRole, *, circumstances: Circumstances, at: datetime
) -> PathVerdict:
    """Judge the path; plain ones the quick way, which accepts what the full one does."""
    offered = circumstances.intermediates
    try:
        known = known_path(
            certificate.public_bytes(Encoding.DER),
            intermediates=tuple(each.public_bytes(Encoding.DER) for each in offered),
            store=circumstances.store,
            role=role,
            at=at,
            evidence=circumstances.evidence,
        )
    except MemoryError:
        raise
    except Exception:  # whatever a stranger's certificate provokes there, it is no answer
        known = None
    if known is not None:
        return known.verdict
    return judge_path(
        certificate,
        intermediates=offered,
        store=circumstances.store,
        role=role,
        at=at,
        evidence=circumstances.evidence,
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
"""What each status of a path is by itself; `_finding` says more where more is known."""


def _finding(verdict: PathVerdict, use: Use, *, circumstances: Circumstances) -> Finding | None:
    if verdict.status is PathStatus.VALID:
        return None
    reason, sub_indication = _FINDINGS[verdict.status]
    found = Finding(reason=reason, sub_indication=sub_indication, detail=verdict.detail)
    of_authority = verdict.refused is not None and verdict.refused not in verdict.chain[:1]
    if verdict.status is PathStatus.REVOKED and of_authority:
        return replace(found, sub_indication=SubIndication.REVOKED_CA_NO_POE)
    if verdict.status is PathStatus.REVOKED and _said_to_be_later(verdict, use):
        # The signer's own word that the certificate was revoked by then needs no further proof.
        return replace(found, sub_indication=SubIndication.REVOKED, failed=True)
    proved, own = use.at < circumstances.at, not of_authority
    if verdict.status is PathStatus.NOT_YET_VALID and own and proved:
        # §5.5.4: it was used before it was issued, and a time-stamp proves that.
        return replace(found, sub_indication=SubIndication.NOT_YET_VALID, failed=True)
    if verdict.status is PathStatus.EXPIRED and own and _known_good(verdict, circumstances):
        return replace(found, sub_indication=SubIndication.OUT_OF_BOUNDS_NOT_REVOKED)
    if verdict.status is PathStatus.UNSUITABLE and verdict.refused is not None:
        # A key or a signature in the path is too weak at any time.
        return replace(found, sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
    if verdict.status is PathStatus.NO_TRUSTED_PATH and verdict.anchor is not None:
        return replace(found, sub_indication=SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
    return found


def _said_to_be_later(verdict: PathVerdict, use: Use) -> bool:
    return (
        verdict.revoked_at is not None
        and use.claimed_at is not None
        and use.claimed_at >= verdict.revoked_at
    )


def _known_good(verdict: PathVerdict, circumstances: Circumstances) -> bool:
    """Whether its issuer still says of an expired certificate that it was never revoked."""
    if verdict.anchor is None or not verdict.chain:
        return False
    issuer = (*verdict.chain[1:], verdict.anchor.certificate)[0]
    answers = RevocationEvidence(ocsp_responses=circumstances.evidence.ocsp_responses)
    found = ParsedEvidence(answers).finding(verdict.chain[0], issuer, at=verdict.at)
    return found.status is RevocationStatus.GOOD
