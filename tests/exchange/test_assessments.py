"""How long an assessment holds: never longer than what it rests on, and never when it is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.assessments import holds_until, judged_under
from signer.policy.files import parse_policy, shipped_policies
from signer.report import (
    CertificateReport,
    Changes,
    EvidenceReport,
    Indication,
    Integrity,
    Report,
    SignatureKind,
    SignatureReport,
    Verdict,
)

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def certificate(not_after: datetime) -> CertificateReport:
    return CertificateReport(
        sha256="0" * 64,
        subject="CN=s",
        issuer="CN=i",
        serial="1",
        not_before=NOW - 1000 * HOUR,
        not_after=not_after,
    )


def evidence(next_update: datetime | None) -> EvidenceReport:
    return EvidenceReport(kind="OCSP", sha256="0" * 64, produced_at=NOW, next_update=next_update)


def report(
    verdict: Verdict,
    *,
    chain: tuple[CertificateReport, ...] = (),
    evidence: tuple[EvidenceReport, ...] = (),
) -> Report:
    signature = SignatureReport(
        field="Signature1",
        kind=SignatureKind.SIGNATURE,
        indication=Indication.TOTAL_PASSED,
        integrity=Integrity.INTACT,
        changes=Changes.NONE,
        chain=chain,
        evidence=evidence,
    )
    return Report(
        sha256="0" * 64,
        size_bytes=1,
        verdict=verdict,
        signatures=() if verdict is Verdict.UNSIGNED else (signature,),
        judged_at=NOW,
        trust_version="t",
    )


@pytest.mark.parametrize("verdict", [Verdict.VALID, Verdict.INVALID, Verdict.UNSIGNED])
def test_what_is_settled_holds_as_long_as_the_operator_says(verdict: Verdict) -> None:
    assert holds_until(report(verdict), reuse_for=HOUR) == NOW + HOUR


@pytest.mark.parametrize("verdict", [Verdict.INDETERMINATE, Verdict.UNREADABLE])
def test_what_is_open_is_judged_anew_each_time(verdict: Verdict) -> None:
    assert holds_until(report(verdict), reuse_for=HOUR) is None


def test_a_valid_document_holds_no_longer_than_its_evidence_and_its_certificates() -> None:
    soon, sooner = NOW + HOUR / 2, NOW + HOUR / 4
    by_evidence = report(
        Verdict.VALID, evidence=(evidence(soon),), chain=(certificate(NOW + HOUR),)
    )
    assert holds_until(by_evidence, reuse_for=HOUR) == soon
    by_chain = report(Verdict.VALID, evidence=(evidence(soon),), chain=(certificate(sooner),))
    assert holds_until(by_chain, reuse_for=HOUR) == sooner


def test_evidence_that_may_be_renewed_at_any_time_lets_nothing_hold() -> None:
    assert holds_until(report(Verdict.VALID, evidence=(evidence(None),)), reuse_for=HOUR) is None


def test_evidence_of_the_past_that_a_time_stamp_keeps_does_not_bound_the_present() -> None:
    archived = report(
        Verdict.VALID, evidence=(evidence(NOW - HOUR),), chain=(certificate(NOW - HOUR),)
    )
    assert holds_until(archived, reuse_for=HOUR) == NOW + HOUR


@given(
    ends=st.lists(st.timedeltas(-HOUR * 48, HOUR * 48), max_size=5),
    reuse=st.timedeltas(timedelta(seconds=1), HOUR * 24),
)
def test_it_always_ends_after_the_judgement_and_within_the_operator_s_time(
    ends: list[timedelta], reuse: timedelta
) -> None:
    chain = tuple(certificate(NOW + each) for each in ends)
    until = holds_until(report(Verdict.VALID, chain=chain), reuse_for=reuse)
    assert until is not None
    assert NOW < until <= NOW + reuse


def test_nothing_holds_beyond_the_next_end_of_an_algorithm_of_the_policy() -> None:
    text = shipped_policies()["default"].read_text("utf-8")
    for day, until in (("2026-11-25", NOW + 21 * HOUR), ("2026-11-24", NOW + 48 * HOUR)):
        policy = parse_policy(text.replace('sha224 = "open"', f"sha224 = {day}").encode())
        assert policy.next_end(NOW) == (NOW + 21 * HOUR if day.endswith("25") else None)
        assert holds_until(report(Verdict.VALID), reuse_for=48 * HOUR, policy=policy) == until


def test_another_trust_store_or_policy_is_another_assessment() -> None:
    names = {
        judged_under(trust_version=trust, policy=policy) for trust in "ab" for policy in ("", "p@1")
    }
    assert len(names) == 4
