"""A path in the past: at a proved instant, by evidence that is old enough to be believed (pure).

EN 319 102-1 §5.5.4 and §5.6.2, in our own steps: where the standard slides a control time back from
the present to an instant at which all was good, we begin with the instant that time-stamps prove
and ask whether what speaks for it then is itself proved.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509

from certs.paths.validation import PathStatus
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole
from signer.reasons import Reason
from signer.validation.evidence_proofs import unproved_evidence
from signer.validation.existence import Existence
from signer.validation.findings import Finding
from signer.validation.path_reports import ProvedAt
from signer.validation.trust import Circumstances, Trust, Use, judge_certificate
from signer.verdicts import SubIndication

MAX_ROUNDS: Final = 4
"""How often a path is judged anew, each time without the evidence that was not believed."""
_CA_REVOKED: Final = SubIndication.REVOKED_CA_NO_POE


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is proved around the use of a certificate.

    use: when it was used at the latest. existence: which time-stamps cover the result. proved_at:
    since when evidence is proved to exist.
    """

    use: Use
    existence: Existence
    proved_at: ProvedAt


def judge_past(
    certificate: x509.Certificate | None,
    role: AnchorRole,
    *,
    circumstances: Circumstances,
    past: Past,
) -> Trust:
    """Judge the path at the proved instant, or by evidence that was gathered later.

    Where a signature was extended long after it was made, the evidence is younger than the
    signature: a path that is good at the later instant was so at the earlier one, within the
    certificate's validity (§5.6.2.2). A revocation after the proved instant doesn't count (§5.5.4).
    """
    first = _proved(certificate, role, circumstances=circumstances, past=past)
    if not _may_be_proved_later(first):
        return first
    told = first
    for later in past.existence.instants_after(past.use.at):
        moved = replace(past, use=replace(past.use, judged_at=later))
        trust = _proved(certificate, role, circumstances=circumstances, past=moved)
        if trust.finding is None:
            return trust
        told = _more_telling(told, trust)
    return told


def _proved(
    certificate: x509.Certificate | None,
    role: AnchorRole,
    *,
    circumstances: Circumstances,
    past: Past,
) -> Trust:
    known, finding = circumstances, None
    for _ in range(MAX_ROUNDS):
        trust = judge_certificate(certificate, role, circumstances=known, use=past.use)
        if trust.finding is not None or trust.verdict is None:
            break
        refused = unproved_evidence(
            trust.verdict, circumstances=circumstances, proved_at=past.proved_at
        )
        if not refused:
            return trust
        finding = next(iter(refused.values()))
        # What is not believed may stand beside what is; all of it was asked about revocation.
        known = replace(known, evidence=_without(known.evidence, refused))
    return replace(trust, finding=finding or trust.finding)


def _without(evidence: RevocationEvidence, refused: Container[bytes]) -> RevocationEvidence:
    return replace(
        evidence,
        ocsp_responses=tuple(each for each in evidence.ocsp_responses if each not in refused),
        crls=tuple(each for each in evidence.crls if each not in refused),
    )


def _may_be_proved_later(trust: Trust) -> bool:
    """Whether nothing speaks against the path but that its evidence is missing, or too young."""
    finding, verdict = trust.finding, trust.verdict
    if finding is None or verdict is None:
        return False
    # Where the path's own judgement knows of the revocation, nothing later heals it.
    too_young = finding.sub_indication is _CA_REVOKED and verdict.status is not PathStatus.REVOKED
    return too_young or finding.reason is Reason.REVOCATION_UNKNOWN


def _more_telling(first: Trust, later: Trust) -> Trust:
    """Return what was found at the proved instant, and what the later one tells of it."""
    finding = first.finding
    missing = tuple(dict.fromkeys(first.missing + later.missing))
    of_authority = later.finding is not None and later.finding.sub_indication is _CA_REVOKED
    expired = later.finding is not None and later.finding.reason is Reason.CERTIFICATE_EXPIRED
    if of_authority:
        finding = later.finding
    elif expired and finding is not None and finding.sub_indication is SubIndication.TRY_LATER:
        # What is missing was never kept, and nobody gives it any more.
        finding = Finding(
            reason=finding.reason,
            sub_indication=SubIndication.OUT_OF_BOUNDS_NO_POE,
            detail=finding.detail,
        )
    return replace(first, finding=finding, missing=missing)
