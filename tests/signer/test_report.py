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
from signer.report import Report, SignatureReport
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
