"""Reports say the same in memory, as JSON and across processes, and never pass for yes or no."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from certs.identity import IdentityKind, SignerIdentity
from signer.reasons import VERDICTS, Reason
from signer.report import (
    CertificateReport,
    EvidenceReport,
    Leniency,
    Report,
    RevisionContent,
    RevisionReport,
    SignatureReport,
    ValidationMaterial,
)
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from tests.support.verification import Judge

SIGNATURE = SignatureReport(
    field="Leader",
    kind=SignatureKind.SIGNATURE,
    indication=Indication.TOTAL_PASSED,
    integrity=Integrity.INTACT,
    changes=Changes.SIGNATURES,
    level=SignatureLevel.B_T,
    signer=SignerIdentity(kind=IdentityKind.PERSON, common_name="Nguyễn Văn An"),
    signed_at=datetime(2026, 11, 23, 8, tzinfo=UTC),
    timestamp_at=datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC),
    algorithm="sha256 rsassa_pkcs1v15",
    certificate_sha256="ab" * 32,
    practice=True,
)
REPORT = Report(
    sha256="cd" * 32,
    size_bytes=1234,
    verdict=Verdict.VALID,
    signatures=(SIGNATURE,),
    judged_at=datetime(2026, 11, 23, 9, tzinfo=UTC),
    trust_version="ef" * 32,
)
FAILED = replace(
    SIGNATURE,
    indication=Indication.TOTAL_FAILED,
    sub_indication=SubIndication.HASH_FAILURE,
    integrity=Integrity.BROKEN,
    changes=Changes.UNKNOWN,
    signer=None,
    signed_at=None,
    reason="DOCUMENT_ALTERED",
)


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(REPORT, verdict=Verdict.INVALID, reason="DOCUMENT_ALTERED", signatures=(FAILED,)),
        replace(REPORT, verdict=Verdict.UNREADABLE, reason="NOT_A_PDF", signatures=()),
    ],
)
def test_a_report_comes_back_from_json_and_from_a_pickle(report: Report) -> None:
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    assert pickle.loads(pickle.dumps(report)) == report


CERTIFICATE = CertificateReport(
    sha256="12" * 32,
    subject="CN=Nguyễn Văn An",
    issuer="CN=CA",
    serial="1f",
    not_before=datetime(2026, 1, 1, tzinfo=UTC),
    not_after=datetime(2027, 1, 1, tzinfo=UTC),
)
FULL = replace(
    REPORT,
    policy="default@1#0123456789ab",
    revisions=(
        RevisionReport(number=1, end=400, changes=(RevisionContent.ORIGINAL,)),
        RevisionReport(
            number=2, end=1234, signed_by=("Leader",), changes=(RevisionContent.SIGNATURE,)
        ),
    ),
    signatures=(
        replace(
            SIGNATURE,
            revision=2,
            covers_whole_document=True,
            proved_at=SIGNATURE.timestamp_at,
            leniencies=(Leniency.COMMENT_BEFORE_END,),
            chain=(CERTIFICATE, replace(CERTIFICATE, subject="CN=CA", is_anchor=True)),
            evidence=(
                EvidenceReport(
                    kind="OCSP",
                    sha256="34" * 32,
                    produced_at=datetime(2026, 11, 23, 8, tzinfo=UTC),
                    proved_at=datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
                ),
            ),
            anchor_class="CONG_VU",
        ),
    ),
    material=ValidationMaterial(certificates=(b"0",), crls=(b"1",)),
)


def test_all_that_a_report_names_comes_back_and_the_material_with_it_in_a_pickle() -> None:
    assert Report.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL
    unpickled = pickle.loads(pickle.dumps(FULL))
    assert (unpickled, unpickled.material) == (FULL, FULL.material)
    assert "material" not in FULL.to_json()


def test_a_report_of_an_earlier_version_is_read_without_what_it_lacks() -> None:
    values = REPORT.to_json()
    for name in ("policy", "revisions"):
        del values[name]
    added = ("revision", "covers_whole_document", "proved_at", "leniencies", "chain", "evidence")
    for name in (*added, "anchor_class"):
        del values["signatures"][0][name]
    assert Report.from_json(values) == REPORT


def test_an_instant_without_a_zone_and_text_that_no_reader_holds_are_kept_out() -> None:
    with pytest.raises(ValueError, match="UTC"):
        replace(CERTIFICATE, not_after=datetime(2027, 1, 1))  # noqa: DTZ001
    assert replace(CERTIFICATE, subject="CN=\x00\ud800").subject == "CN=\ufffd\ufffd"
    revision = RevisionReport(number=1, end=1, signed_by=("\x07",))
    assert revision.signed_by == ("\ufffd",)


def test_the_json_has_the_fields_that_are_promised() -> None:
    values = REPORT.to_json()
    assert {"schema_version", "sha256", "verdict", "reason", "signatures"} <= set(values)
    assert values["schema_version"] == 1
    assert values["judged_at"] == "2026-11-23T09:00:00Z"
    entry = values["signatures"][0]
    assert entry["field"] == "Leader"
    assert entry["kind"] == "SIGNATURE"
    assert entry["indication"] == "TOTAL_PASSED"
    assert entry["sub_indication"] is None
    assert entry["integrity"] == "INTACT"
    assert entry["changes"] == "SIGNATURES"
    assert entry["level"] == "B-T"
    assert entry["signer"]["common_name"] == "Nguyễn Văn An"
    assert type(entry["kind"]) is str


def test_a_report_of_another_schema_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="schema"):
        Report.from_json({**REPORT.to_json(), "schema_version": 2})


@pytest.mark.parametrize("value", [REPORT, SIGNATURE])
def test_a_report_has_no_truth_value(value: Report | SignatureReport) -> None:
    with pytest.raises(TypeError):
        bool(value)


def test_a_pass_can_not_contradict_its_findings() -> None:
    with pytest.raises(ValueError, match="pass"):
        replace(SIGNATURE, changes=Changes.FORBIDDEN)
    with pytest.raises(ValueError, match="pass"):
        replace(SIGNATURE, integrity=Integrity.UNKNOWN)
    with pytest.raises(ValueError, match="valid"):
        replace(REPORT, signatures=(SIGNATURE, FAILED))
    with pytest.raises(ValueError, match="valid"):
        replace(REPORT, signatures=())
    with pytest.raises(ValueError, match="UTC"):
        replace(REPORT, judged_at=datetime(2026, 11, 23))  # noqa: DTZ001


def test_every_reason_has_its_verdict_and_none_is_a_pass() -> None:
    assert set(VERDICTS) == set(Reason)
    assert Verdict.VALID not in VERDICTS.values()
    assert all(reason.value == reason.name for reason in Reason)
    assert all(len(reason.value) <= 63 for reason in Reason)
    assert not get_args(Reason)


def test_a_real_report_survives_json(judge: Judge, sealed: bytes) -> None:
    report = judge(sealed)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
