"""Assessments that were made before: how long each holds, and where it is found again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

from exchange.grown_documents import SignedPart
from exchange.report_material import MaterialItem, items_of
from exchange.signing_for import SignedFor
from signer.policy.values import DEFAULT, VerificationPolicy
from signer.report import Report
from signer.verdicts import Verdict
from storage.database import Connection

_PROGRAM: Final = version("congvan")
_LASTING: Final = frozenset({Verdict.VALID, Verdict.INVALID, Verdict.UNSIGNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A report with what it rests on beside the document.

    under: names trust store, policy and program, so that another one's is another.
    holds_until: until then the same document is judged the same; None where nobody can say.
    parts: what each signature of a valid document covers, as `exchange.grown_documents` knows it.
    material: the objects that the report rests on. signed_for: for each signature whether it is
    that of the endpoint `on_behalf_of`, None for a time-stamp; empty where nobody asked.
    """

    report: Report
    under: str
    holds_until: datetime | None
    parts: tuple[SignedPart, ...] = ()
    material: tuple[MaterialItem, ...] = ()
    on_behalf_of: str = ""
    signed_for: tuple[SignedFor | None, ...] = ()


def judged_under(*, trust_version: str, policy: str) -> str:
    """Name what an assessment rests on beside the document and the instant."""
    return f"{trust_version};{policy};congvan {_PROGRAM}"


def holds_until(
    report: Report, *, reuse_for: timedelta, policy: VerificationPolicy = DEFAULT
) -> datetime | None:
    """Return until when an assessment made anew would be the same, for `reuse_for` at most.

    A valid document's evidence and certificates bound it: after an OCSP response's or a CRL's
    nextUpdate there is newer evidence. So does the next end of an algorithm that the policy names,
    whether the document uses it or not: what was not looked at costs a judgement a year at most.
    Instants before the judgement belong to what time-stamps
    proved of the past. What is undetermined may be determined by the next attempt, and what could
    not be read may have met a limit that is not the document's own: neither holds.
    """
    if report.verdict not in _LASTING:
        return None
    ends = [report.judged_at + reuse_for]
    ends += [end] if (end := policy.next_end(report.judged_at)) else []
    for entry in report.signatures if report.verdict is Verdict.VALID else ():
        if any(each.next_update is None for each in entry.evidence):
            return None  # RFC 6960 §4.2.2.1: newer information is available all the time
        ends += [each.next_update for each in entry.evidence if each.next_update is not None]
        ends += [each.not_after for each in entry.chain]
    return min(end for end in ends if end > report.judged_at)


async def find_assessment(
    connection: Connection, digest: str, *, under: str, at: datetime
) -> Assessment | None:
    """Find the newest assessment of the document that holds at the instant."""
    cursor = await connection.execute(
        "SELECT report_id, report, holds_until FROM verification_report WHERE digest = %s"
        " AND judged_under = %s AND holds_until > %s AND judged_at <= %s"
        " ORDER BY judged_at DESC LIMIT 1",
        (digest, under, at, at),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    report = Report.from_json(row["report"])
    material = await items_of(connection, row["report_id"])
    return Assessment(report=report, under=under, holds_until=row["holds_until"], material=material)
