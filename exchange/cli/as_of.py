"""A report as of an earlier instant: what says that it was made later does not count (pure)."""

from dataclasses import replace
from datetime import datetime

from exchange.cli.errors import SignedLater
from signer.report import Report, SignatureReport
from signer.verdicts import Indication, SubIndication, Verdict


def as_of(report: Report, at: datetime) -> Report:
    """Return the report, judged at `at`, without passes for signatures that say they are younger.

    The judgement takes for granted that the document lay before it at its instant, which is so for
    the present one. Of an earlier one nothing but a time-stamp proves it (EN 319 102-1, NO_POE),
    and the signer's own word can speak against it.
    """
    signatures = tuple(_as_of(entry, at) for entry in report.signatures)
    if signatures == report.signatures:
        return report
    if report.verdict is not Verdict.VALID:
        return replace(report, signatures=signatures)
    return replace(
        report,
        verdict=Verdict.INDETERMINATE,
        reason=SignedLater.reason,
        detail=next(each.detail for each in signatures if each.reason == SignedLater.reason),
        signatures=signatures,
    )


def _as_of(entry: SignatureReport, at: datetime) -> SignatureReport:
    passed = entry.indication is Indication.TOTAL_PASSED and entry.timestamp_at is None
    if not passed or entry.signed_at is None or entry.signed_at <= at:
        return entry
    return replace(
        entry,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.NO_POE,
        reason=SignedLater.reason,
        detail=f"it states {entry.signed_at.isoformat()}, and no time-stamp proves it older",
    )
