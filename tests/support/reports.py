"""Reports made by hand, for tests of what is made from reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from certs.identity import IdentityKind, SignerIdentity
from signer.report import CertificateReport, EvidenceReport, Report, RevisionReport, SignatureReport
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    Verdict,
)

JUDGED_AT = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
LEADER = SignerIdentity(
    kind=IdentityKind.PERSON,
    common_name="Nguyễn Văn An",
    organisation="Ủy ban nhân dân tỉnh Thanh Hóa",
    unit="Văn phòng",
    position="Chủ tịch",
    country="VN",
)


def certificate(name: str, *, anchor: bool = False) -> CertificateReport:
    """A certificate of a path."""
    return CertificateReport(
        sha256=name.encode().hex().ljust(64, "0")[:64],
        subject=f"CN={name},C=VN",
        issuer="CN=Gốc tin cậy,C=VN",
        serial="1f2e3d",
        not_before=JUDGED_AT - timedelta(days=30),
        not_after=JUDGED_AT + timedelta(days=300),
        is_anchor=anchor,
    )


def good_signature(**changes: object) -> SignatureReport:
    """A leader's good signature at B-T; what differs is named."""
    made = SignatureReport(
        field="LeaderSignature",
        kind=SignatureKind.SIGNATURE,
        indication=Indication.TOTAL_PASSED,
        integrity=Integrity.INTACT,
        changes=Changes.NONE,
        level=SignatureLevel.B_T,
        signer=LEADER,
        signed_at=JUDGED_AT - timedelta(hours=2),
        timestamp_at=JUDGED_AT - timedelta(hours=1),
        proved_at=JUDGED_AT - timedelta(hours=1),
        algorithm="sha256 rsassa_pss",
        certificate_sha256=certificate("leader").sha256,
        revision=1,
        covers_whole_document=True,
        chain=(certificate("leader"), certificate("root", anchor=True)),
        evidence=(
            EvidenceReport(
                kind="OCSP",
                sha256="0c" * 32,
                produced_at=JUDGED_AT - timedelta(minutes=30),
                next_update=JUDGED_AT + timedelta(hours=6),
            ),
        ),
        anchor_class="CONG_VU",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def report_on(*signatures: SignatureReport, **changes: object) -> Report:
    """A report on a document with these signatures; VALID where all are good."""
    passed = signatures and all(s.indication is Indication.TOTAL_PASSED for s in signatures)
    made = Report(
        sha256="ab" * 32,
        size_bytes=82_218,
        verdict=Verdict.VALID if passed else Verdict.UNSIGNED,
        reason="" if passed else "UNSIGNED",
        signatures=signatures if passed else (),
        judged_at=JUDGED_AT,
        trust_version="cd" * 32,
        policy="default@1#0123456789ab",
        revisions=(
            RevisionReport(
                number=1,
                end=82_218,
                signed_by=tuple(dict.fromkeys(each.field for each in signatures)),
            ),
        ),
    )
    if not passed and signatures:
        made = replace(
            made,
            verdict=Verdict.INVALID,
            reason=next(each.reason for each in signatures if each.reason),
            signatures=signatures,
        )
    return replace(made, **changes)  # type: ignore[arg-type]
