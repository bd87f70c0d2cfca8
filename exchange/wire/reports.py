"""Verification reports, archive records and rates on the wire. Pure."""

import json
from datetime import datetime
from itertools import zip_longest

from certs.identity import fingerprint
from certs.trust.anchors import TrustAnchor
from congvan.v1 import archive_pb2, common_pb2, verification_pb2
from exchange.reports import KeptReport
from exchange.signing_for import SignedFor, report_json
from exchange.texts import sentence
from exchange.wire.values import blob, timestamp, to_wire
from signer.report import SignatureReport
from storage.archive import ArchiveRecord
from storage.integrity import IntegrityReport


def write_report(kept: KeptReport) -> verification_pb2.VerificationReport:
    """Show a verification report, in fields and as its own JSON."""
    report = kept.report
    reason = report.reason or report.verdict.value
    return verification_pb2.VerificationReport(
        name=f"reports/{kept.report_id}",
        document=blob(report.sha256, report.size_bytes, media_type="application/pdf"),
        verdict=verification_pb2.DocumentVerdict.Value(f"DOCUMENT_VERDICT_{report.verdict.value}"),
        reason=report.reason,
        sentence_vi=sentence(reason, "vi"),
        sentence_en=sentence(reason, "en"),
        signatures=[
            _finding(each, signed_for)
            for each, signed_for in zip_longest(report.signatures, kept.signed_for)
        ],
        on_behalf_of=kept.on_behalf_of,
        policy=report.policy,
        judged_at=timestamp(report.judged_at),
        trust_version=report.trust_version,
        json=json.dumps(report_json(report, kept.asked), ensure_ascii=False, sort_keys=True),
        later_signatures=kept.later_signatures,
    )


def write_record(record: ArchiveRecord) -> archive_pb2.ArchiveRecord:
    """Show an archive record."""
    return archive_pb2.ArchiveRecord(
        name=f"records/{record.record_id}",
        kind=archive_pb2.RecordKind.Value(f"RECORD_KIND_{record.kind.value}"),
        content=blob(record.digest, record.size_bytes, media_type=record.media_type),
        message=f"messages/{record.message_id}" if record.message_id else "",
        owner=record.owner,
        title=record.title,
        keep_time=timestamp(record.kept_at),
    )


def write_integrity(report: IntegrityReport, *, at: datetime) -> archive_pb2.IntegrityReport:
    """Show the outcome of an integrity check."""
    return archive_pb2.IntegrityReport(
        checked=report.checked,
        intact=report.intact,
        missing_sha256=report.missing,
        corrupt_sha256=sorted(report.corrupt + report.wrong_size),
        orphans=len(report.orphans),
        checked_at=timestamp(at),
    )


def _finding(
    entry: SignatureReport, signed_for: SignedFor | None
) -> verification_pb2.SignatureFinding:
    return verification_pb2.SignatureFinding(
        field=entry.field,
        kind=entry.kind.value,
        indication=entry.indication.value,
        sub_indication=entry.sub_indication.value if entry.sub_indication else "",
        integrity=entry.integrity.value,
        changes=entry.changes.value,
        level=entry.level.value,
        reason=entry.reason,
        signer_name=entry.signer.common_name if entry.signer else "",
        signer_organisation=entry.signer.organisation if entry.signer else "",
        signed_at=timestamp(entry.signed_at),
        timestamp_at=timestamp(entry.timestamp_at),
        certificate_sha256=entry.certificate_sha256,
        practice=entry.practice,
        signed_for=write_signed_for(signed_for),
    )


def write_signed_for(found: SignedFor | None) -> verification_pb2.SignedFor.ValueType:
    """Show whether a signature is an endpoint's; unspecified where that is no question."""
    return verification_pb2.SignedFor.Value(f"SIGNED_FOR_{found or 'UNSPECIFIED'}")


def write_anchor(anchor: TrustAnchor) -> verification_pb2.TrustAnchorInfo:
    """Show a trust anchor."""
    return verification_pb2.TrustAnchorInfo(
        subject=anchor.certificate.subject.rfc4514_string(),
        certificate_sha256=fingerprint(anchor.certificate),
        roles=sorted(role.value for role in anchor.roles),
        blocks=[
            common_pb2.Block.ValueType(to_wire(block, common_pb2.Block))
            for block in sorted(anchor.blocks)
        ],
        valid_from=timestamp(anchor.valid_from),
        valid_until=timestamp(anchor.valid_until),
        practice=anchor.practice,
        anchor_class=anchor.anchor_class,
    )
