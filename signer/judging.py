"""Judging examined signatures: time, trust, strength and later changes, each to one report (pure).

The order of proof (EN 319 102-1 §5.5, §5.6, in our own steps): document time-stamps first, the
newest at the instant of judgement, each older one at the time the newer ones prove. A signature's
own time-stamp is judged at the oldest time proved for the document around it, and the signer's
path at the time that stamp proves. Without a good time-stamp the path is judged at the instant of
judgement: a signing time that only the signer states proves nothing (NĐ 68/2024 art. 31).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.anchors import AnchorRole
from certs.errors import IdentityUnreadable
from certs.identity import IdentityKind, SignerIdentity, fingerprint, identify
from certs.revocation import EvidenceRequest
from signer.changes import ChangeJudgement, judge_changes
from signer.cms_signatures import CmsSignature, certificate_of, check_strength, digest_parts
from signer.engine import ENGINE_ERRORS
from signer.examining import PADES, Examined
from signer.findings import Finding, worst
from signer.reasons import Reason
from signer.report import SignatureReport
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
    """A signature's report and what evidence would have helped."""

    report: SignatureReport
    whole_file: bool = False
    missing: tuple[EvidenceRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a good document time-stamp proves: the bytes before `end` existed at `stamped_at`."""

    end: int
    stamped_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What all signatures of one document share.

    empty_visible: the object numbers of visible signature fields that nobody filled. long_term:
    whether the security store serves level B-LT. fault: something wrong with the document as a
    whole.
    """

    document: bytes
    reader: PdfFileReader
    circumstances: Circumstances
    empty_visible: frozenset[int]
    long_term: bool
    fault: Finding | None = None


def judge_all(facts: DocumentFacts, examined: tuple[Examined, ...]) -> tuple[Judged, ...]:
    """Judge every signature of the document, in the order given."""
    hollow = facts.empty_visible | frozenset(
        entry.field.number for entry in examined if entry.field.visible and not entry.intact
    )
    stamps = sorted(
        (entry for entry in examined if entry.is_timestamp),
        key=lambda entry: entry.signed_range.end if entry.signed_range else 0,
        reverse=True,
    )
    judged: dict[int, Judged] = {}
    proofs: list[Proof] = []
    for entry in stamps:
        judged[id(entry)] = _judge_contained(facts, entry, hollow, proofs)
    for entry in examined:
        if not entry.is_timestamp:
            judged[id(entry)] = _judge_contained(facts, entry, hollow, proofs)
    results = tuple(judged[id(entry)] for entry in examined)
    return tuple(_name_late_number(entry, results) for entry in results)


def _judge_contained(
    facts: DocumentFacts, entry: Examined, hollow: frozenset[int], proofs: list[Proof]
) -> Judged:
    """Judge one signature; whatever goes wrong stays with it and is never a pass."""
    try:
        changes = _changes(facts, entry, hollow)
        if entry.is_timestamp:
            return _judge_document_timestamp(facts, entry, changes, proofs)
        return _judge_signature(facts, entry, changes, proofs)
    except MemoryError:
        raise
    except Exception as error:  # the engine raises anything, also zlib.error
        finding = Finding(
            reason=Reason.FIELD_UNREADABLE,
            sub_indication=SubIndication.FORMAT_FAILURE,
            detail=f"{type(error).__name__}: {error}"[:500],
        )
        unknown = replace(entry, cms=None, finding=finding, integrity=Integrity.UNKNOWN)
        changes = ChangeJudgement(changes=Changes.UNKNOWN)
        return Judged(report=_report(unknown, changes, [finding], kind=_kind(entry, None)))


def _changes(facts: DocumentFacts, entry: Examined, hollow: frozenset[int]) -> ChangeJudgement:
    if facts.fault is not None:
        return ChangeJudgement(
            changes=Changes.FORBIDDEN, reason=facts.fault.reason, detail=facts.fault.detail
        )
    if not entry.intact or entry.revision is None:
        return ChangeJudgement(changes=Changes.UNKNOWN)
    if facts.reader.xrefs.hybrid_xrefs_present:
        # Readers that follow the one table and those that follow the other see two documents.
        return ChangeJudgement(
            changes=Changes.UNKNOWN,
            reason=Reason.HYBRID_REFERENCES,
            detail="the file has hybrid cross-references",
        )
    if entry.whole_file:
        return ChangeJudgement(changes=Changes.NONE)
    return judge_changes(facts.reader, entry.revision, locks=entry.locks, hollow=hollow)


def _judge_document_timestamp(
    facts: DocumentFacts, entry: Examined, changes: ChangeJudgement, proofs: list[Proof]
) -> Judged:
    findings = _own_findings(entry, changes)
    judgement = TimestampJudgement()
    signed = entry.signed_range
    if entry.intact and entry.cms is not None and signed is not None:
        judgement = judge_token(
            entry.cms.signed_data,
            digest_parts(signed.parts(facts.document)),
            circumstances=facts.circumstances,
            at=_proved_at(facts, proofs, signed.end),
        )
        findings += [judgement.finding] if judgement.finding is not None else []
        if not findings and judgement.stamped_at is not None:
            proofs.append(Proof(end=signed.end, stamped_at=judgement.stamped_at))
    report = _report(
        entry,
        changes,
        findings,
        kind=SignatureKind.DOC_TIMESTAMP,
        timestamp_at=judgement.stamped_at or entry.stated_at,
        practice=judgement.practice,
    )
    return Judged(report=report, whole_file=entry.whole_file, missing=judgement.missing)


def _judge_signature(
    facts: DocumentFacts, entry: Examined, changes: ChangeJudgement, proofs: list[Proof]
) -> Judged:
    findings = _own_findings(entry, changes)
    cms = entry.cms
    signed = entry.signed_range
    if cms is None or signed is None:
        return Judged(report=_report(entry, changes, findings, kind=_kind(entry, None)))
    certificate = certificate_of(cms.certificate)
    signer = _identity(certificate)
    stamp = _signature_timestamp(facts, cms, _proved_at(facts, proofs, signed.end))
    trust = Trust(finding=None)
    if entry.intact:
        # 5. Acceptance of algorithms (§5.2.8), before trust: a weak one needs no path.
        strength = check_strength(cms)
        # 4. The path (§5.2.6) at the proved time of signing.
        best_at = _best_time(facts, proofs, stamp, signed.end)
        trust = _judge_signer(facts, cms, certificate, signer, best_at)
        findings += [
            finding
            for finding in (strength, trust.finding, stamp.finding, _other_kind(entry))
            if finding is not None
        ]
    report = _report(
        entry,
        changes,
        findings,
        kind=_kind(entry, signer),
        signer=signer,
        level=_level(facts, entry, stamp, proofs),
        timestamp_at=stamp.stamped_at if stamp.finding is None else None,
        practice=trust.practice,
    )
    return Judged(report=report, whole_file=entry.whole_file, missing=trust.missing + stamp.missing)


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


def _proved_at(facts: DocumentFacts, proofs: list[Proof], end: int) -> datetime:
    """Return the oldest instant at which the bytes before `end` are proved to have existed."""
    times = [proof.stamped_at for proof in proofs if proof.end > end]
    return min([facts.circumstances.at, *times])


def _best_time(
    facts: DocumentFacts, proofs: list[Proof], stamp: TimestampJudgement, end: int
) -> datetime:
    """Return the best signature time (EN 319 102-1 §5.5.4): what time-stamps prove, or now."""
    proved_at = _proved_at(facts, proofs, end)
    if stamp.stamped_at is None or stamp.finding is not None:
        return proved_at
    return min(stamp.stamped_at, proved_at)


def _signature_timestamp(
    facts: DocumentFacts, cms: CmsSignature, at: datetime
) -> TimestampJudgement:
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
            token, digest_parts((cms.signature,)), circumstances=facts.circumstances, at=at
        )
        if judgement.finding is None:
            return judgement
        first = first or judgement
    return first or TimestampJudgement()


def _judge_signer(
    facts: DocumentFacts,
    cms: CmsSignature,
    certificate: x509.Certificate | None,
    signer: SignerIdentity | None,
    at: datetime,
) -> Trust:
    found = tuple(other for each in cms.others if (other := certificate_of(each)) is not None)
    is_seal = signer is not None and signer.kind is IdentityKind.ORGANISATION
    return judge_certificate(
        certificate,
        AnchorRole.SEAL if is_seal else AnchorRole.SIGNER,
        circumstances=facts.circumstances.with_found(cms.evidence(), found),
        at=at,
        claimed_at=cms.claimed_at(),
    )


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


def _kind(entry: Examined, signer: SignerIdentity | None) -> SignatureKind:
    if entry.is_timestamp:
        return SignatureKind.DOC_TIMESTAMP
    if signer is not None and signer.kind is IdentityKind.ORGANISATION:
        return SignatureKind.SEAL
    return SignatureKind.SIGNATURE


def _level(
    facts: DocumentFacts, entry: Examined, stamp: TimestampJudgement, proofs: list[Proof]
) -> SignatureLevel:
    """Return the baseline level whose parts are there (EN 319 142-1 §6), trusted or not."""
    if not entry.intact or _other_kind(entry) is not None or entry.signed_range is None:
        return SignatureLevel.OTHER
    end = entry.signed_range.end
    archived = any(proof.end > end for proof in proofs)
    broken = stamp.finding is not None and stamp.finding.reason is Reason.TIMESTAMP_INVALID
    stamped = (stamp.stamped_at is not None and not broken) or archived
    if not stamped:
        return SignatureLevel.B_B
    if not facts.long_term:
        return SignatureLevel.B_T
    return SignatureLevel.B_LTA if archived else SignatureLevel.B_LT


def _report(  # noqa: PLR0913 - each a different part of the report, all named
    entry: Examined,
    changes: ChangeJudgement,
    findings: list[Finding],
    *,
    kind: SignatureKind,
    signer: SignerIdentity | None = None,
    level: SignatureLevel = SignatureLevel.OTHER,
    timestamp_at: datetime | None = None,
    practice: bool = False,
) -> SignatureReport:
    decisive = worst(findings)
    cms = entry.cms
    certificate = certificate_of(cms.certificate) if cms is not None else None
    signed_at = (cms.claimed_at() if cms is not None else None) or entry.stated_at
    return SignatureReport(
        field=entry.field.name,
        kind=kind,
        indication=decisive.indication if decisive else Indication.TOTAL_PASSED,
        sub_indication=decisive.sub_indication if decisive else None,
        integrity=entry.integrity,
        changes=changes.changes,
        level=level,
        signer=signer,
        signed_at=None if entry.is_timestamp else signed_at,
        timestamp_at=timestamp_at,
        reason=decisive.reason.value if decisive else "",
        detail=decisive.detail if decisive else "",
        algorithm=cms.algorithm if cms is not None else "",
        certificate_sha256=fingerprint(certificate) if certificate is not None else "",
        practice=practice,
    )


def _name_late_number(entry: Judged, all_judged: tuple[Judged, ...]) -> Judged:
    """Name the usual mistake behind a page that changed after the leader signed.

    Number and date drawn onto the page between the leader's signature and the seal alter what the
    leader signed; where a good seal covers the whole result, that is what happened, most likely.
    """
    altered = entry.report.reason == Reason.DOCUMENT_ALTERED
    if not altered or entry.report.changes is not Changes.FORBIDDEN:
        return entry
    sealed = any(
        other.whole_file
        and other.report.kind is SignatureKind.SEAL
        and other.report.indication is Indication.TOTAL_PASSED
        for other in all_judged
    )
    if not sealed:
        return entry
    reason = Reason.NUMBER_ADDED_AFTER_SIGNATURE.value
    return replace(entry, report=replace(entry.report, reason=reason))
