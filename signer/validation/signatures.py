"""Validating one signature or document time-stamp, among what is proved around it (pure).

The building blocks of EN 319 102-1 §5.2, the processes of §5.3 (basic signatures), §5.5 (with time,
with long-term validation material) and §5.6 (with archive time-stamps), numbered as there. Formats
(§5.2.2), the signing certificate (§5.2.3) and cryptography (§5.2.7) were examined before, for the
document as a whole; here is what needs trust and time. A signature's own time-stamp is judged at
the oldest time proved for the document around it, and the signer's path at the time that stamp
proves. Without a good time-stamp the path is judged at the instant of judgement: a signing time
that only the signer states proves nothing (NĐ 68/2024 art. 31).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography import x509

from certs.errors import IdentityUnreadable
from certs.identity import IdentityKind, SignerIdentity, fingerprint, identify
from certs.trust.anchors import AnchorRole
from signer.engine.reading import ENGINE_ERRORS, told
from signer.leniencies import Leniency, ordered
from signer.policy.findings import Standing, accepts_format, signature_findings
from signer.reasons import Reason
from signer.report import SignatureReport
from signer.validation.cases import Case, Judged
from signer.validation.changes import ChangeJudgement
from signer.validation.cms_signatures import (
    CmsSignature,
    certificate_of,
    check_strength,
    digest_parts,
)
from signer.validation.examining import PADES, Examined
from signer.validation.existence import Proof, stored_in
from signer.validation.findings import Finding, worst
from signer.validation.oddities import of_signature
from signer.validation.past_validation import Past, judge_past
from signer.validation.path_reports import PathReport, describe_path
from signer.validation.timestamps import MAX_CLOCK_SKEW, TimestampJudgement, judge_token
from signer.validation.trust import Trust, Use
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
)


def validate(case: Case) -> Judged:
    """Judge the signature or document time-stamp; the engine raises anything over a broken one."""
    return _judge_document_timestamp(case) if case.entry.is_timestamp else _judge_signature(case)


def unreadable(case: Case, error: Exception) -> Judged:
    """Judge what could not be read after all: nothing is known of it, which is never a pass."""
    finding = Finding(
        reason=Reason.FIELD_UNREADABLE,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail=told(error)[:500],
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
            existence=case.existence,
            evidence_proved_at=case.evidence_proved_at,
        )
        findings += [judgement.finding] if judgement.finding is not None else []
        if not findings and judgement.stamped_at is not None:
            # §5.6.2.3: what the time-stamp covers existed when it was made, evidence included.
            proof = Proof(
                end=case.end,
                stamped_at=judgement.stamped_at,
                evidence=stored_in(case.facts.opened.reader, entry.revision),
            )
    path = describe_path(judgement.verdict, proved_at=case.evidence_proved_at)
    report = replace(
        _report(case, findings, kind=SignatureKind.DOC_TIMESTAMP, stamp=judgement),
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
    findings = _own_findings(entry, case.changes)  # §5.2.2, §5.2.3, §5.2.7
    if cms is None or entry.signed_range is None:
        return Judged(report=_report(case, findings, kind=_kind(entry, None)))
    signer = _identity(certificate_of(cms.certificate))
    # §5.5.4 (3), §5.4: the signature's own time-stamp, then the best signature time.
    stamp = _signature_timestamp(case, cms)
    signed = _SignedTime(case=case, cms=cms, stamp=stamp)
    trust = Trust(finding=None)
    if entry.intact:
        # §5.2.6, §5.5.4 (5), §5.6.3.4: the path at the best signature time.
        trust = _judge_signer(signed, is_seal=_is_seal(signer))
        findings += [
            finding
            for finding in (
                check_strength(cms),  # §5.2.8: what is too weak at any time
                trust.finding,
                stamp.finding,
                _refused_kind(case),
                _claimed_later(signed),
            )
            if finding is not None
        ]
        # §5.2.8: what a policy asks for, algorithms at the time for which they are proved.
        findings += _against_policy(signed, trust, kind=_kind(entry, signer))
    path = describe_path(trust.verdict, proved_at=signed.evidence_proved_at)
    stamped = describe_path(stamp.verdict, proved_at=case.evidence_proved_at)
    report = replace(
        _report(case, findings, kind=_kind(entry, signer), stamp=stamp),
        signer=signer,
        level=_level(case, stamp),
        timestamp_at=signed.stamped_at,
        practice=trust.practice,
        proved_at=signed.proved_at,
        **_named(path),
    )
    return Judged(
        report=report,
        whole_file=entry.whole_file,
        missing=trust.missing + stamp.missing,
        material=path.material.merged(stamped.material),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _SignedTime:
    """When a signature was made, as far as it is proved, and when its signer says so."""

    case: Case
    cms: CmsSignature
    stamp: TimestampJudgement

    @property
    def stamped_at(self) -> datetime | None:
        """What the signature's own time-stamp proves."""
        return self.stamp.stamped_at if self.stamp.finding is None else None

    @property
    def proved_at(self) -> datetime | None:
        """The oldest instant at which time-stamps prove that the signature existed."""
        return min(filter(None, (self.stamped_at, self.case.existence.oldest)), default=None)

    @property
    def best(self) -> datetime:
        """The best signature time (§5.5.4): what time-stamps prove, or the judgement's instant."""
        return self.proved_at or self.case.facts.circumstances.at

    @property
    def claimed_at(self) -> datetime | None:
        """The signer's own word."""
        return self.cms.claimed_at() or self.case.entry.stated_at

    def evidence_proved_at(self, der: bytes) -> datetime | None:
        """When evidence is proved to have existed; what the signer signed is as old as that."""
        signed = self.cms.evidence()
        enclosed = der in signed.ocsp_responses or der in signed.crls
        moments = (self.proved_at if enclosed else None, self.case.evidence_proved_at(der))
        return min(filter(None, moments), default=None)


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
            existence=case.existence,
            evidence_proved_at=case.evidence_proved_at,
        )
        if judgement.finding is None:
            return judgement
        first = first or judgement
    return first or TimestampJudgement()


def _judge_signer(signed: _SignedTime, *, is_seal: bool) -> Trust:
    """Judge the signer's path at the best signature time (§5.2.6, §5.6.2.4)."""
    case, cms = signed.case, signed.cms
    found = tuple(other for each in cms.others if (other := certificate_of(each)) is not None)
    use = Use(at=signed.best, judged_at=signed.best, claimed_at=cms.claimed_at())
    return judge_past(
        certificate_of(cms.certificate),
        AnchorRole.SEAL if is_seal else AnchorRole.SIGNER,
        circumstances=case.facts.circumstances.with_found(cms.evidence(), found),
        past=Past(use=use, existence=case.existence, proved_at=signed.evidence_proved_at),
    )


def _claimed_later(signed: _SignedTime) -> Finding | None:
    """Refuse a signature that says it is younger than the judgement, where nothing proves more.

    That it existed at the instant of judgement is otherwise taken for granted: true of the present,
    and of an earlier instant somebody's word (§5.6.2.3, NO_POE).
    """
    claimed_at, at = signed.claimed_at, signed.case.facts.circumstances.at
    if signed.proved_at is not None or claimed_at is None or claimed_at <= at + MAX_CLOCK_SKEW:
        return None
    return Finding(
        reason=Reason.SIGNED_LATER,
        sub_indication=SubIndication.NO_POE,
        detail=f"it states {claimed_at.isoformat()}, and no time-stamp proves it older",
    )


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


def _against_policy(signed: _SignedTime, trust: Trust, *, kind: SignatureKind) -> list[Finding]:
    """Return what the policy asks of a good signature and does not find (§5.2.8)."""
    case = signed.case
    standing = Standing(
        kind=kind,
        sub_filter=case.entry.sub_filter,
        level=_level(case, signed.stamp),
        anchor=trust.verdict.anchor if trust.verdict is not None else None,
        time_proved=signed.proved_at is not None,
    )
    policy = case.facts.circumstances.policy
    return signature_findings(signed.cms, standing, policy=policy, at=signed.best)


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


def _report(
    case: Case,
    findings: list[Finding],
    *,
    kind: SignatureKind,
    stamp: TimestampJudgement | None = None,
) -> SignatureReport:
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
        leniencies=_let_pass(case, stamp, signed_at=None if entry.is_timestamp else signed_at),
    )


def _let_pass(
    case: Case, stamp: TimestampJudgement | None, *, signed_at: datetime | None
) -> tuple[Leniency, ...]:
    found = case.facts.leniencies | of_signature(case.entry) | frozenset(case.changes.leniencies)
    known_by = case.existence.proved_at
    stamped_at = stamp.stamped_at if stamp is not None and stamp.finding is None else None
    # Behind a good time-stamp it does not matter what the signer's clock said.
    claimed = stamped_at if stamped_at is not None else signed_at
    if claimed is not None and known_by < claimed <= known_by + MAX_CLOCK_SKEW:
        found |= {Leniency.CLOCK_AHEAD}
    return ordered(found)
