"""Validating one signature or document time-stamp, among what is proved around it (pure).

The processes of EN 319 102-1 §5.4 (time-stamps) to §5.6 (long-term validation material), in our own
steps. A signature's own time-stamp is judged at the oldest time proved for the document around it,
and the signer's path at the time that stamp proves. Without a good time-stamp the path is judged at
the instant of judgement: a signing time that only the signer states proves nothing (NĐ 68/2024
art. 31).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from cryptography import x509

from certs.anchors import AnchorRole
from certs.errors import IdentityUnreadable
from certs.identity import IdentityKind, SignerIdentity, fingerprint, identify
from certs.revocation import EvidenceRequest
from signer.changes import ChangeJudgement
from signer.cms_signatures import CmsSignature, certificate_of, check_strength, digest_parts
from signer.engine import ENGINE_ERRORS
from signer.examining import PADES, Examined, Opened
from signer.existence import Existence, Proof, stored_in
from signer.findings import Finding, worst
from signer.leniencies import Leniency, ordered
from signer.oddities import of_signature
from signer.path_reports import PathReport, describe_path
from signer.policy_findings import Standing, accepts_format, signature_findings
from signer.reasons import Reason
from signer.report import SignatureReport, ValidationMaterial
from signer.signature_fields import FieldState
from signer.timestamps import TimestampJudgement, judge_token
from signer.trust import Circumstances, Trust, judge_certificate
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A signature's report, what evidence would have helped, and what it proves for others.

    material: what its chain and its evidence name, and those of its time-stamp.
    """

    report: SignatureReport
    whole_file: bool = False
    missing: tuple[EvidenceRequest, ...] = ()
    proof: Proof | None = None
    material: ValidationMaterial = field(default_factory=ValidationMaterial)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What all signatures of one document share.

    empty_visible: the visible signature fields that nobody filled. long_term: whether the security
    store serves level B-LT. ends: where the document's revisions end. leniencies: what
    was let pass in the file itself. fault: something wrong with
    the document as a whole.
    """

    opened: Opened
    circumstances: Circumstances
    empty_visible: frozenset[FieldState]
    long_term: bool
    ends: tuple[int, ...] = ()
    leniencies: frozenset[Leniency] = frozenset()
    fault: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One signature before the judge: what it is, what followed it, what is proved around it."""

    facts: DocumentFacts
    entry: Examined
    changes: ChangeJudgement
    proofs: tuple[Proof, ...]

    @property
    def end(self) -> int:
        """Where the signed bytes end."""
        return self.entry.signed_range.end if self.entry.signed_range else 0

    @property
    def existence(self) -> Existence:
        """What document time-stamps prove of the signed bytes."""
        return Existence(
            proofs=tuple(proof for proof in self.proofs if proof.end > self.end),
            judged_at=self.facts.circumstances.at,
        )

    @property
    def revision(self) -> int | None:
        """The number, from 1, of the revision that ends with the signed bytes."""
        ends = self.facts.ends
        return (
            ends.index(self.end) + 1
            if self.entry.revision is not None and self.end in ends
            else None
        )

    def evidence_proved_at(self, der: bytes) -> datetime | None:
        """When evidence is proved to have existed by what the time-stamps cover; None for now."""
        return min((each.stamped_at for each in self.proofs if each.holds(der)), default=None)


def validate(case: Case) -> Judged:
    """Judge the signature or document time-stamp; the engine raises anything over a broken one."""
    return _judge_document_timestamp(case) if case.entry.is_timestamp else _judge_signature(case)


def unreadable(case: Case, error: Exception) -> Judged:
    """Judge what could not be read after all: nothing is known of it, which is never a pass."""
    finding = Finding(
        reason=Reason.FIELD_UNREADABLE,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail=f"{type(error).__name__}: {error}"[:500],
    )
    unread = replace(case.entry, cms=None, finding=finding, integrity=Integrity.UNKNOWN)
    report = _report(replace(case, entry=unread), [finding], kind=_kind(unread, None))
    return Judged(report=report)


def claims_seal(entry: Examined) -> bool:
    """Tell whether an organisation's certificate signed, trusted or not."""
    return (
        entry.cms is not None
        and not entry.is_timestamp
        and _is_seal(_identity(certificate_of(entry.cms.certificate)))
    )


def _judge_document_timestamp(case: Case) -> Judged:
    entry = case.entry
    findings = _own_findings(entry, case.changes)
    judgement = TimestampJudgement()
    proof: Proof | None = None
    if entry.intact and entry.cms is not None and entry.signed_range is not None:
        judgement = judge_token(
            entry.cms.signed_data,
            digest_parts(entry.signed_range.parts(case.facts.opened.document)),
            circumstances=case.facts.circumstances,
            at=case.existence.proved_at,
        )
        findings += [judgement.finding] if judgement.finding is not None else []
        if not findings and judgement.stamped_at is not None:
            proof = Proof(
                end=case.end,
                stamped_at=judgement.stamped_at,
                evidence=stored_in(case.facts.opened, entry),
            )
    path = describe_path(judgement.verdict, proved_at=case.evidence_proved_at)
    report = replace(
        _report(case, findings, kind=SignatureKind.DOC_TIMESTAMP),
        timestamp_at=judgement.stamped_at or entry.stated_at,
        practice=judgement.practice,
        proved_at=case.existence.oldest,
        **_named(path),
    )
    return Judged(
        report=report,
        whole_file=entry.whole_file,
        missing=judgement.missing,
        proof=proof,
        material=path.material,
    )


def _judge_signature(case: Case) -> Judged:
    entry, cms = case.entry, case.entry.cms
    findings = _own_findings(entry, case.changes)
    if cms is None or entry.signed_range is None:
        return Judged(report=_report(case, findings, kind=_kind(entry, None)))
    signer = _identity(certificate_of(cms.certificate))
    stamp = _signature_timestamp(case, cms)
    trust = Trust(finding=None)
    if entry.intact:
        # 5. Acceptance of algorithms (§5.2.8), before trust: a weak one needs no path.
        strength = check_strength(cms)
        # 4. The path (§5.2.6) at the proved time of signing.
        trust = _judge_signer(case, cms, is_seal=_is_seal(signer), at=_best_time(case, stamp))
        findings += [
            finding
            for finding in (strength, trust.finding, stamp.finding, _refused_kind(case))
            if finding is not None
        ]
        findings += _against_policy(case, trust, stamp=stamp, kind=_kind(entry, signer))
    path = describe_path(trust.verdict, proved_at=case.evidence_proved_at)
    stamped = describe_path(stamp.verdict, proved_at=case.evidence_proved_at)
    stamped_at = stamp.stamped_at if stamp.finding is None else None
    report = replace(
        _report(case, findings, kind=_kind(entry, signer)),
        signer=signer,
        level=_level(case, stamp),
        timestamp_at=stamped_at,
        practice=trust.practice,
        proved_at=min(filter(None, (stamped_at, case.existence.oldest)), default=None),
        **_named(path),
    )
    return Judged(
        report=report,
        whole_file=entry.whole_file,
        missing=trust.missing + stamp.missing,
        material=path.material.merged(stamped.material),
    )


def _named(path: PathReport) -> dict[str, Any]:
    return {"chain": path.chain, "evidence": path.evidence, "anchor_class": path.anchor_class}


def _own_findings(entry: Examined, changes: ChangeJudgement) -> list[Finding]:
    findings = [entry.finding] if entry.finding is not None else []
    if changes.reason is not None:
        forbidden = changes.changes is Changes.FORBIDDEN
        sub_indication = (
            SubIndication.FORMAT_FAILURE if forbidden else SubIndication.SIG_CONSTRAINTS_FAILURE
        )
        findings.append(
            Finding(
                reason=changes.reason,
                sub_indication=sub_indication,
                detail=changes.detail,
                failed=forbidden,
            )
        )
    return findings


def _best_time(case: Case, stamp: TimestampJudgement) -> datetime:
    """Return the best signature time (EN 319 102-1 §5.5.4): what time-stamps prove, or now."""
    if stamp.stamped_at is None or stamp.finding is not None:
        return case.existence.proved_at
    return min(stamp.stamped_at, case.existence.proved_at)


def _signature_timestamp(case: Case, cms: CmsSignature) -> TimestampJudgement:
    """Judge the signature's own time-stamps; the first good one counts, else the first."""
    try:
        tokens = cms.timestamp_tokens()
    except ENGINE_ERRORS as error:
        finding = Finding(
            reason=Reason.TIMESTAMP_INVALID,
            sub_indication=SubIndication.NO_POE,
            detail=f"time-stamp: {error}",
        )
        return TimestampJudgement(finding=finding)
    first: TimestampJudgement | None = None
    for token in tokens:
        judgement = judge_token(
            token,
            digest_parts((cms.signature,)),
            circumstances=case.facts.circumstances,
            at=case.existence.proved_at,
        )
        if judgement.finding is None:
            return judgement
        first = first or judgement
    return first or TimestampJudgement()


def _judge_signer(case: Case, cms: CmsSignature, *, is_seal: bool, at: datetime) -> Trust:
    """Judge the signer's path at the best signature time, or by evidence gathered later.

    Where a signature was extended long after it was made, the evidence is younger than the
    signature: a path that is good at the later instant was so at the earlier one, within the
    certificate's validity (EN 319 102-1 §5.6.2.2, where the control time slides back likewise).
    """
    found = tuple(other for each in cms.others if (other := certificate_of(each)) is not None)
    judge = partial(
        judge_certificate,
        certificate_of(cms.certificate),
        AnchorRole.SEAL if is_seal else AnchorRole.SIGNER,
        circumstances=case.facts.circumstances.with_found(cms.evidence(), found),
        claimed_at=cms.claimed_at(),
    )
    trust = judge(at=at)
    if trust.finding is None or trust.finding.reason is not Reason.REVOCATION_UNKNOWN:
        return trust
    for later in case.existence.instants_after(at):
        by_later_evidence = judge(at=later)
        if by_later_evidence.finding is None:
            return by_later_evidence
    return trust


def _is_seal(signer: SignerIdentity | None) -> bool:
    return signer is not None and signer.kind is IdentityKind.ORGANISATION


def _identity(certificate: x509.Certificate | None) -> SignerIdentity | None:
    try:
        return identify(certificate) if certificate is not None else None
    except IdentityUnreadable:
        return None


def _other_kind(entry: Examined) -> Finding | None:
    """Report what is no PAdES signature as undetermined: whether it counts is for a policy."""
    if entry.sub_filter != PADES:
        detail = f"/SubFilter {entry.sub_filter}"
    elif entry.cms is not None and not entry.cms.names_its_certificate:
        detail = "no signed attribute names the signer's certificate"
    else:
        return None
    return Finding(
        reason=Reason.NOT_PADES, sub_indication=SubIndication.FORMAT_FAILURE, detail=detail
    )


def _refused_kind(case: Case) -> Finding | None:
    """Report what is no PAdES signature, unless the policy says that it counts."""
    accepted = accepts_format(case.facts.circumstances.policy, case.entry.sub_filter)
    return None if accepted else _other_kind(case.entry)


def _against_policy(
    case: Case, trust: Trust, *, stamp: TimestampJudgement, kind: SignatureKind
) -> list[Finding]:
    """Return what the policy asks of a good signature and does not find (§5.2.8)."""
    if case.entry.cms is None:
        return []
    standing = Standing(
        kind=kind,
        sub_filter=case.entry.sub_filter,
        level=_level(case, stamp),
        anchor=trust.verdict.anchor if trust.verdict is not None else None,
        time_proved=bool(case.existence.proofs)
        or (stamp.stamped_at is not None and stamp.finding is None),
    )
    return signature_findings(
        case.entry.cms,
        standing,
        policy=case.facts.circumstances.policy,
        at=_best_time(case, stamp),
    )


def _kind(entry: Examined, signer: SignerIdentity | None) -> SignatureKind:
    if entry.is_timestamp:
        return SignatureKind.DOC_TIMESTAMP
    return SignatureKind.SEAL if _is_seal(signer) else SignatureKind.SIGNATURE


def _level(case: Case, stamp: TimestampJudgement) -> SignatureLevel:
    """Return the baseline level whose parts are there (EN 319 142-1 §6), trusted or not."""
    if not case.entry.intact or _other_kind(case.entry) is not None:
        return SignatureLevel.OTHER
    broken = stamp.finding is not None and stamp.finding.reason is Reason.TIMESTAMP_INVALID
    if not ((stamp.stamped_at is not None and not broken) or case.existence.proofs):
        return SignatureLevel.B_B
    if not case.facts.long_term:
        return SignatureLevel.B_T
    return SignatureLevel.B_LTA if case.existence.archived else SignatureLevel.B_LT


def _report(case: Case, findings: list[Finding], *, kind: SignatureKind) -> SignatureReport:
    entry, decisive = case.entry, worst(findings)
    cms = entry.cms
    certificate = certificate_of(cms.certificate) if cms is not None else None
    signed_at = (cms.claimed_at() if cms is not None else None) or entry.stated_at
    return SignatureReport(
        field=entry.field.name,
        kind=kind,
        indication=decisive.indication if decisive else Indication.TOTAL_PASSED,
        sub_indication=decisive.sub_indication if decisive else None,
        integrity=entry.integrity,
        changes=case.changes.changes,
        signed_at=None if entry.is_timestamp else signed_at,
        reason=decisive.reason.value if decisive else "",
        detail=decisive.detail if decisive else case.changes.detail,
        algorithm=cms.algorithm if cms is not None else "",
        certificate_sha256=fingerprint(certificate) if certificate is not None else "",
        revision=case.revision,
        covers_whole_document=entry.whole_file,
        leniencies=ordered(
            case.facts.leniencies | of_signature(entry) | frozenset(case.changes.leniencies)
        ),
    )
