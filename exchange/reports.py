"""Rows of verification reports: kept for good, found again by their identifier."""

from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb

from exchange.agency import OrganId
from exchange.assessments import Assessment
from exchange.errors import ReportUnknown
from exchange.grown_documents import keep_parts, later_signatures, parts_of
from exchange.report_material import MaterialItem, items_of, keep_material
from exchange.signing_for import Asked, SignedFor
from signer.report import Report
from storage.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report with its identifier.

    later_signatures: how many signatures the asker's own later revision of the document has, 0
    where none is known. material: the objects that the report rests on.
    on_behalf_of, signed_for: whose signatures they should be, and for each whether it is.
    """

    report_id: UUID
    report: Report
    later_signatures: int = 0
    material: tuple[MaterialItem, ...] = ()
    on_behalf_of: str = ""
    signed_for: tuple[SignedFor | None, ...] = ()

    @property
    def asked(self) -> Asked:
        """Whose signatures they should be, and whether they are."""
        return Asked(on_behalf_of=self.on_behalf_of, outcomes=self.signed_for)


async def keep_report(
    connection: Connection, assessment: Assessment, *, report_id: UUID, requested_by: OrganId
) -> KeptReport:
    """Store a report under its identifier, with what it rests on and how long it holds."""
    report = assessment.report
    await connection.execute(
        "INSERT INTO verification_report (report_id, requested_by, digest, verdict, reason, report,"
        " trust_version, judged_at, judged_under, holds_until, on_behalf_of, signed_for)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            report_id,
            requested_by,
            report.sha256,
            report.verdict.value,
            report.reason,
            Jsonb(report.to_json()),
            report.trust_version,
            report.judged_at,
            assessment.under,
            assessment.holds_until,
            assessment.on_behalf_of,
            [each or "" for each in assessment.signed_for],
        ),
    )
    items = assessment.material
    await keep_material(connection, report_id, items=items, at=report.judged_at)
    parts = assessment.parts
    await keep_parts(connection, requested_by, digest=report.sha256, parts=parts)
    later = await later_signatures(connection, requested_by, parts=parts)
    return KeptReport(
        report_id=report_id,
        report=report,
        later_signatures=later,
        on_behalf_of=assessment.on_behalf_of,
        signed_for=assessment.signed_for,
    )


async def get_report(connection: Connection, report_id: UUID, *, reader: OrganId) -> KeptReport:
    """Read a report that the reader asked for, or on a message that he sent or received.

    Raises:
        ReportUnknown: there is none that this reader may see.

    """
    cursor = await connection.execute(
        "SELECT r.report, r.on_behalf_of, r.signed_for FROM verification_report r"
        " WHERE r.report_id = %s AND (r.requested_by = %s OR EXISTS"
        " (SELECT 1 FROM gate_finding g JOIN delivery d USING (message_id)"
        "  WHERE g.report_id = r.report_id AND d.recipient = %s))",
        (report_id, reader, reader),
    )
    row = await cursor.fetchone()
    if row is None:
        raise ReportUnknown(str(report_id))
    report = Report.from_json(row["report"])
    parts = await parts_of(connection, reader, digest=report.sha256)
    later = await later_signatures(connection, reader, parts=parts)
    material = await items_of(connection, report_id)
    return KeptReport(
        report_id=report_id,
        report=report,
        later_signatures=later,
        material=material,
        on_behalf_of=row["on_behalf_of"],
        signed_for=tuple(SignedFor(each) if each else None for each in row["signed_for"]),
    )
