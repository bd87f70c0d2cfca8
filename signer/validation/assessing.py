"""Assessing a document: bytes, trust store, evidence and an instant in, a report out (pure).

The document's verdict is the worst of: what its signatures' indications say (EN 319 102-1), what
the structure of the file says, and what changed after each signature. Nothing is fetched, the
operating system's trust is never asked, and no document makes it raise.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Final

from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer import limits as limits_module
from signer.accepting.quick_way import accept
from signer.document import count_byte_ranges, has_tail
from signer.engine.reading import accelerated
from signer.errors import (
    DocumentMalformed,
    DocumentRefused,
    DocumentTruncated,
    SignatureInvalid,
    SignatureMissing,
    SignatureUndetermined,
)
from signer.limits import DocumentLimits
from signer.policy import values as policy_module
from signer.policy.findings import signers_finding
from signer.policy.values import VerificationPolicy
from signer.reasons import Reason
from signer.report import Report, RevisionReport, ValidationMaterial
from signer.validation.cases import DocumentFacts, Judged
from signer.validation.findings import Finding
from signer.validation.judging import judge_all
from signer.validation.oddities import of_file
from signer.validation.revisions import describe, ends_of
from signer.validation.surveying import Survey, survey
from signer.validation.trust import Circumstances
from signer.verdicts import Indication, SignatureKind, Verdict

_DETAIL_CHARACTERS: Final = 500


def assess(
    document: bytes,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None = None,
    at: datetime,
    policy: VerificationPolicy = policy_module.DEFAULT,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> Report:
    """Judge all signatures of `document` at the instant `at` (aware, UTC) and return the report.

    store: whom to trust, nobody else. evidence: OCSP responses and CRLs at hand; what is missing
    is named in the report. policy: what is asked of good signatures. Never raises for anything in
    the document; MemoryError passes, so that the sandbox can tell a limit from a verdict.
    """
    known = evidence or RevocationEvidence()
    circumstances = Circumstances(store=store, evidence=known, at=at, policy=policy)
    accepted = accept(document, circumstances=circumstances, limits=limits)
    if accepted is not None:
        return accepted
    return assess_fully(document, circumstances, limits=limits)


def assess_fully(
    document: bytes, circumstances: Circumstances, *, limits: DocumentLimits = limits_module.DEFAULT
) -> Report:
    """Judge all signatures as `assess` does, without the quick way to accept."""
    blank = _blank(document, circumstances)
    try:
        with accelerated():
            return _judge(survey(document, limits), blank, circumstances=circumstances)
    except DocumentRefused as refusal:
        return _refused(blank, refusal, document=document)
    except MemoryError:
        raise
    except Exception as error:  # the engine raises anything, also zlib.error
        malformed = DocumentMalformed(f"{type(error).__name__}: {error}"[:_DETAIL_CHARACTERS])
        return _refused(blank, malformed, document=document)


def verify(
    document: bytes,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None = None,
    at: datetime,
    policy: VerificationPolicy = policy_module.DEFAULT,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> Report:
    """Assess the document and return the report when it is VALID, raise VerificationFailed else.

    SignatureMissing, SignatureUndetermined or SignatureInvalid carry the report.
    """
    report = assess(document, store=store, evidence=evidence, at=at, policy=policy, limits=limits)
    require_valid(report)
    return report


def require_valid(report: Report) -> None:
    """Raise the VerificationFailed that belongs to the report's verdict, unless it is VALID."""
    if report.verdict is Verdict.VALID:
        return
    failure = {
        Verdict.UNSIGNED: SignatureMissing,
        Verdict.INDETERMINATE: SignatureUndetermined,
    }.get(report.verdict, SignatureInvalid)
    raise failure(report, report.reason)


def _refused(blank: Report, refusal: DocumentRefused, *, document: bytes) -> Report:
    """Report a document that can't be read; a signed one with something behind it is forged."""
    if (
        isinstance(refusal, DocumentTruncated)
        and has_tail(document)
        and count_byte_ranges(document)
    ):
        return replace(
            blank,
            verdict=Verdict.INVALID,
            reason=Reason.TRAILING_DATA.value,
            detail="bytes follow the last end marker",
        )
    return replace(blank, reason=refusal.reason, detail=refusal.detail)


def judge_survey(
    surveyed: Survey,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None = None,
    at: datetime,
    policy: VerificationPolicy = policy_module.DEFAULT,
) -> Report:
    """Judge what a survey found; its report lists the signatures in the survey's order."""
    document = surveyed.opened.document
    known = evidence or RevocationEvidence()
    circumstances = Circumstances(store=store, evidence=known, at=at, policy=policy)
    return _judge(surveyed, _blank(document, circumstances), circumstances=circumstances)


def _blank(document: bytes, circumstances: Circumstances) -> Report:
    return Report(
        sha256=hashlib.sha256(document).hexdigest(),
        size_bytes=len(document),
        verdict=Verdict.UNREADABLE,
        judged_at=circumstances.at,
        trust_version=circumstances.store.version,
        policy=circumstances.policy.label,
    )


def _judge(surveyed: Survey, blank: Report, *, circumstances: Circumstances) -> Report:
    if not surveyed.signed:
        unsigned = replace(blank, verdict=Verdict.UNSIGNED, reason=Reason.UNSIGNED.value)
        return replace(unsigned, revisions=_revisions(surveyed, _revision_ends(surveyed)))
    carried = surveyed.carried
    ends = _revision_ends(surveyed)
    facts = DocumentFacts(
        opened=surveyed.opened,
        circumstances=circumstances.with_found(carried.evidence, carried.certificates),
        empty_visible=surveyed.empty_visible,
        long_term=carried.serves_long_term,
        ends=ends,
        leniencies=of_file(surveyed.opened),
        fault=surveyed.fault,
    )
    blank = replace(blank, revisions=_revisions(surveyed, ends))
    judged = judge_all(facts, surveyed.examined)
    report = _concluded(blank, judged, fault=surveyed.fault, too_many=surveyed.unjudged > 0)
    return _as_signed(report, circumstances.policy)


def _as_signed(report: Report, policy: VerificationPolicy) -> Report:
    """Return the report on a valid document, undetermined where others should have signed it."""
    if report.verdict is not Verdict.VALID:
        return report
    kinds = [
        entry.kind for entry in report.signatures if entry.kind is not SignatureKind.DOC_TIMESTAMP
    ]
    lack = signers_finding(kinds, policy)
    if lack is None:
        return report
    return replace(
        report, verdict=Verdict.INDETERMINATE, reason=lack.reason.value, detail=lack.detail
    )


def _revision_ends(surveyed: Survey) -> tuple[int, ...]:
    opened = surveyed.opened
    signed_ends = frozenset(
        entry.signed_range.end for entry in surveyed.examined if entry.signed_range is not None
    )
    return ends_of(opened.reader, opened.document, signed_ends=signed_ends)


def _revisions(surveyed: Survey, ends: tuple[int, ...]) -> tuple[RevisionReport, ...]:
    signed = (
        (entry.signed_range.end, entry.field.name)
        for entry in surveyed.examined
        if entry.signed_range is not None
    )
    return describe(surveyed.opened.reader, ends, signed=signed)


def _concluded(
    blank: Report, judged: tuple[Judged, ...], *, fault: Finding | None, too_many: bool
) -> Report:
    """Return the report whose verdict is the worst of all findings."""
    reports = tuple(entry.report for entry in judged)
    missing = tuple(dict.fromkeys(request for entry in judged for request in entry.missing))
    material = ValidationMaterial()
    for each in judged:
        material = material.merged(each.material)
    report = replace(blank, signatures=reports, missing=missing, material=material)
    if fault is not None:
        return replace(
            report, verdict=Verdict.INVALID, reason=fault.reason.value, detail=fault.detail
        )
    for indication, verdict in (
        (Indication.TOTAL_FAILED, Verdict.INVALID),
        (Indication.INDETERMINATE, Verdict.INDETERMINATE),
    ):
        for entry in reports:
            if entry.indication is indication:
                return replace(report, verdict=verdict, reason=entry.reason, detail=entry.detail)
    if too_many:
        return replace(
            report,
            verdict=Verdict.INDETERMINATE,
            reason=Reason.TOO_MANY_SIGNATURES.value,
            detail="not all signatures were judged",
        )
    if all(entry.kind is SignatureKind.DOC_TIMESTAMP for entry in reports):
        # A time-stamp proves when, and is nobody's signature.
        return replace(
            report,
            verdict=Verdict.UNSIGNED,
            reason=Reason.UNSIGNED.value,
            detail="there are only document time-stamps",
        )
    return replace(report, verdict=Verdict.VALID)
