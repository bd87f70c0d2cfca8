"""What the verifier says of good documents, and of trust, time and evidence that lack something."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.practice.timestamps import TimestampSigner
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.creation.requests import Level
from signer.errors import SignatureInvalid, SignatureMissing, SignatureUndetermined
from signer.limits import DocumentLimits
from signer.reasons import Reason
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.validation.assessing import assess, verify
from signer.validation.evidence_gathering import assess_with_evidence
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from tests.support.attacks import with_replaced_content
from tests.support.hand_signing import Shape, hand_signed
from tests.support.judges import mutool, pdfsig
from tests.support.office import EngineTimestamper, Office
from tests.support.pdfs import encrypted, one_page
from tests.support.practice import AGENCY, LEADER, Practice
from tests.support.verification import Desk, Judge


@pytest.fixture(scope="module")
def authority_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture
def office(authority_directory: Path, request: pytest.FixtureRequest) -> Office:
    """An office of its own for each test: its clock and its revocations are the test's."""
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return Office(authority_directory / name)


def told(report: Report) -> tuple[Verdict, str]:
    return report.verdict, report.reason


# What is good.


def test_a_signed_document_is_valid_and_says_who_signed(judge: Judge, signed: bytes) -> None:
    report = judge(signed)
    assert told(report) == (Verdict.VALID, "")
    (entry,) = report.signatures
    assert entry.signer is not None
    assert (entry.signer.common_name.startswith(LEADER), entry.signer.organisation) == (
        True,
        AGENCY,
    )
    assert (entry.kind, entry.level) == (SignatureKind.SIGNATURE, SignatureLevel.B_B)
    assert (entry.integrity, entry.changes) == (Integrity.INTACT, Changes.NONE)
    assert entry.practice
    assert entry.signed_at is not None
    assert entry.timestamp_at is None
    assert report.sha256 == hashlib.sha256(signed).hexdigest()


def test_leader_then_seal_raises_no_false_alarm(judge: Judge, sealed: bytes) -> None:
    report = judge(sealed)
    assert told(report) == (Verdict.VALID, "")
    first, second = report.signatures
    assert (first.kind, second.kind) == (SignatureKind.SIGNATURE, SignatureKind.SEAL)
    assert (first.changes, second.changes) == (Changes.SIGNATURES, Changes.NONE)
    assert (first.level, second.level) == (SignatureLevel.B_T, SignatureLevel.B_T)
    assert first.timestamp_at is not None


def test_a_document_without_a_signature_is_unsigned(judge: Judge, one_page_pdf: bytes) -> None:
    assert told(judge(one_page_pdf)) == (Verdict.UNSIGNED, Reason.UNSIGNED)


def test_an_encrypted_document_is_unreadable(judge: Judge, one_page_pdf: bytes) -> None:
    assert told(judge(encrypted(one_page_pdf))) == (Verdict.UNREADABLE, "DOCUMENT_ENCRYPTED")


# verify() raises what must not be ignored.


def test_verify_returns_only_for_a_valid_document(
    judge: Judge, signed: bytes, one_page_pdf: bytes
) -> None:
    now = judge(signed).judged_at
    trust = judge.practice.trust
    assert verify(signed, store=trust, evidence=judge.evidence, at=now).verdict is Verdict.VALID
    with pytest.raises(SignatureMissing):
        verify(one_page_pdf, store=trust, at=now)
    with pytest.raises(SignatureUndetermined) as caught:
        verify(signed, store=trust, at=now)
    assert caught.value.report.reason == Reason.REVOCATION_UNKNOWN
    with pytest.raises(SignatureInvalid):
        verify(with_replaced_content(signed), store=trust, evidence=judge.evidence, at=now)
    with pytest.raises(SignatureInvalid):
        verify(b"no document", store=trust, at=now)


# Evidence.


def test_without_revocation_evidence_nothing_passes(judge: Judge, sealed: bytes) -> None:
    report = assess(sealed, store=judge.practice.trust, at=judge(sealed).judged_at)
    assert told(report) == (Verdict.INDETERMINATE, Reason.REVOCATION_UNKNOWN)
    assert {entry.sub_indication for entry in report.signatures} == {SubIndication.TRY_LATER}
    assert {request.url for request in report.missing}
    assert all(entry.integrity is Integrity.INTACT for entry in report.signatures)


async def test_missing_evidence_is_fetched_from_whom_the_policy_allows(
    practice: Practice, judge: Judge, sealed: bytes
) -> None:
    now = judge(sealed).judged_at
    async with Sandbox(1) as sandbox:

        async def assessed(policy: FetchPolicy | None) -> Report:
            if policy is None:
                return await assess_with_evidence(
                    sealed, sandbox=sandbox, store=practice.trust, fetcher=None, at=now
                )
            async with EvidenceFetcher(policy) as fetcher:
                return await assess_with_evidence(
                    sealed, sandbox=sandbox, store=practice.trust, fetcher=fetcher, at=now
                )

        undetermined = (Verdict.INDETERMINATE, Reason.REVOCATION_UNKNOWN)
        assert told(await assessed(None)) == undetermined
        assert told(await assessed(FetchPolicy())) == undetermined
        report = await assessed(practice.fetch_policy)
        assert (told(report), report.missing) == ((Verdict.VALID, ""), ())


async def test_strangers_make_nobody_ask_for_anything(
    practice: Practice, judge: Judge, sealed: bytes
) -> None:
    async with Sandbox(1) as sandbox, EvidenceFetcher(practice.fetch_policy) as fetcher:
        report = await assess_with_evidence(
            sealed,
            sandbox=sandbox,
            store=TrustStore(),
            fetcher=fetcher,
            at=judge(sealed).judged_at,
        )
    assert told(report) == (Verdict.INDETERMINATE, Reason.NO_TRUSTED_PATH)
    assert report.missing == ()


# Time.


def test_a_time_that_only_the_signer_states_proves_nothing(
    office: Office, one_page_pdf: bytes
) -> None:
    """NĐ 68/2024 art. 31: without a time-stamp, validity is judged at the instant of judgement."""
    person = office.person(days=30)
    document = office.sign(one_page_pdf, person)
    evidence = office.evidence(person.certificate)
    assert told(office.judge(document, evidence)) == (Verdict.VALID, "")
    office.now += timedelta(days=60)
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (Verdict.INDETERMINATE, Reason.CERTIFICATE_EXPIRED)
    assert report.signatures[0].sub_indication is SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
    report = office.judge(document, evidence)
    assert told(report) == (Verdict.INDETERMINATE, Reason.CERTIFICATE_EXPIRED)
    assert report.signatures[0].sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_a_time_stamp_proves_that_the_certificate_was_valid_then(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    document = office.sign(one_page_pdf, person, Level.B_T)
    then = office.evidence(person.certificate)
    office.now += timedelta(days=60)
    evidence = then.merged(office.evidence())
    report = office.judge(document, evidence)
    assert told(report) == (Verdict.VALID, ""), report.detail
    assert report.signatures[0].timestamp_at is not None


def test_a_revocation_after_the_time_stamp_does_no_harm(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person, Level.B_T)
    then = office.evidence(person.certificate)
    office.now += timedelta(days=10)
    office.authority.revoke(person.certificate)
    office.now += timedelta(days=1)
    report = office.judge(document, then.merged(office.evidence(person.certificate)))
    assert told(report) == (Verdict.VALID, ""), report.detail


def test_a_revocation_without_a_time_stamp_leaves_the_signature_undetermined(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person)
    office.now += timedelta(days=10)
    office.authority.revoke(person.certificate)
    office.now += timedelta(days=1)
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (Verdict.INDETERMINATE, Reason.CERTIFICATE_REVOKED)
    assert report.signatures[0].sub_indication is SubIndication.REVOKED_NO_POE


def test_a_signature_made_after_the_revocation_fails(office: Office, one_page_pdf: bytes) -> None:
    person = office.person()
    office.authority.revoke(person.certificate)
    office.now += timedelta(days=1)
    document = office.sign(one_page_pdf, person, Level.B_T)
    report = office.judge(document, office.evidence(person.certificate))
    assert report.reason == Reason.CERTIFICATE_REVOKED
    assert report.verdict in (Verdict.INVALID, Verdict.INDETERMINATE)
    assert report.signatures[0].indication is not Indication.TOTAL_PASSED


def test_a_time_stamp_of_another_signature_proves_nothing(office: Office) -> None:
    person = office.person()
    stamper = EngineTimestamper(office, stamped=b"\x00" * 32)
    document = hand_signed(person, Shape(timestamper=stamper))
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (Verdict.INDETERMINATE, Reason.TIMESTAMP_INVALID)
    assert report.signatures[0].level is SignatureLevel.B_B
    assert report.signatures[0].timestamp_at is None


def test_a_time_stamp_by_one_who_is_no_time_stamping_authority_proves_nothing(
    office: Office,
) -> None:
    """The usage must stand in the certificate that signed the token, not in one beside it."""
    person = office.person()
    assert isinstance(person.private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    impostor = TimestampSigner(
        certificate=person.certificate, private_key=person.private_key, chain=person.chain
    )
    stamper = EngineTimestamper(office, signer=impostor)
    document = hand_signed(person, Shape(timestamper=stamper))
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (Verdict.INDETERMINATE, Reason.TIMESTAMP_UNTRUSTED)


# Levels: each is judged by the procedure that fits it.


def test_each_level_is_told_apart_and_judged_by_what_it_carries(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    basic = office.sign(one_page_pdf, person)
    evidence = office.evidence(person.certificate)
    levels = [office.judge(basic, evidence).signatures[0].level]
    timed = office.sign(one_page_pdf, person, Level.B_T)
    levels.append(office.judge(timed, evidence).signatures[0].level)
    long_term = office.with_store(timed, person.certificate)
    report = office.judge(long_term)
    assert told(report) == (Verdict.VALID, ""), report.detail
    assert report.signatures[0].changes is Changes.ARCHIVAL
    levels.append(report.signatures[0].level)
    office.now += timedelta(hours=1)
    archived = office.with_document_timestamp(long_term)
    office.now += timedelta(days=60)
    report = office.judge(archived, office.evidence())
    assert told(report) == (Verdict.VALID, ""), report.detail
    levels.append(report.signatures[0].level)
    assert levels == ["B-B", "B-T", "B-LT", "B-LTA"]
    assert report.signatures[0].changes is Changes.ARCHIVAL
    assert report.signatures[1].kind is SignatureKind.DOC_TIMESTAMP
    assert report.signatures[1].timestamp_at is not None


def test_a_time_stamp_alone_is_nobodys_signature(office: Office, one_page_pdf: bytes) -> None:
    report = office.judge(office.with_document_timestamp(one_page_pdf), office.evidence())
    assert told(report) == (Verdict.UNSIGNED, Reason.UNSIGNED)
    assert report.signatures[0].indication is Indication.TOTAL_PASSED


def test_a_document_time_stamp_over_other_bytes_fails(office: Office, one_page_pdf: bytes) -> None:
    document = office.with_document_timestamp(one_page_pdf)
    at = document.index(b"Practice page")
    report = office.judge(document[:at] + b"p" + document[at + 1 :], office.evidence())
    assert report.verdict is Verdict.INVALID
    assert report.signatures[0].integrity is Integrity.BROKEN


# Formats and strength.


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Shape(sub_filter="/adbe.pkcs7.detached", use_pades=False), Reason.NOT_PADES),
        (Shape(sub_filter="/adbe.pkcs7.sha1"), Reason.UNSUPPORTED_FORMAT),
        (Shape(sub_filter="/adbe.x509.rsa_sha1"), Reason.UNSUPPORTED_FORMAT),
        (Shape(sub_filter="null"), Reason.UNSUPPORTED_FORMAT),
    ],
)
def test_other_kinds_are_listed_and_never_dropped(
    judge: Judge, leader: Issued, shape: Shape, reason: Reason
) -> None:
    report = judge(hand_signed(leader, shape))
    assert told(report) == (Verdict.INDETERMINATE, reason)
    (entry,) = report.signatures
    assert (entry.level, entry.sub_indication) == (
        SignatureLevel.OTHER,
        SubIndication.FORMAT_FAILURE,
    )


def test_a_weak_digest_is_undetermined_and_not_a_crash(judge: Judge, leader: Issued) -> None:
    report = judge(hand_signed(leader, Shape(digest="sha1")))
    assert told(report) == (Verdict.INDETERMINATE, Reason.WEAK_ALGORITHM)
    assert report.signatures[0].sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    assert report.signatures[0].integrity is Integrity.INTACT


def test_more_signatures_than_the_limit_are_not_passed_over(judge: Judge, sealed: bytes) -> None:
    report = assess(
        sealed,
        store=judge.practice.trust,
        evidence=judge.evidence,
        at=judge(sealed).judged_at,
        limits=DocumentLimits(max_signatures=1),
    )
    assert told(report) == (Verdict.INDETERMINATE, Reason.TOO_MANY_SIGNATURES)


def test_evidence_of_others_does_not_count(
    judge: Judge, practice: Practice, signed: bytes, seal: Issued
) -> None:
    """Good news about another certificate is no news about this one."""
    others = RevocationEvidence(
        ocsp_responses=practice.evidence(seal.certificate).ocsp_responses,
        crls=(practice.authority.root_crl(),),
    )
    report = assess(signed, store=practice.trust, evidence=others, at=judge(signed).judged_at)
    assert told(report) == (Verdict.INDETERMINATE, Reason.REVOCATION_UNKNOWN)


# Independent judges agree on what is tampered.


@pytest.mark.judge("pdfsig", "mutool", "certutil")
def test_other_judges_refuse_the_tampered_file_that_we_refuse(
    judge: Judge, practice: Practice, desk: Desk, leader_key: FileKey, tmp_path: Path
) -> None:
    document = desk.sign(one_page(), leader_key)
    at = document.index(b"09/QD-UBND")
    tampered = document[:at] + b"10" + document[at + 2 :]
    assert judge(document).verdict is Verdict.VALID
    assert judge(tampered).reason == Reason.DOCUMENT_ALTERED
    assert all(answer.good for answer in pdfsig(document, practice.authority.root, tmp_path))
    assert not any(answer.good for answer in pdfsig(tampered, practice.authority.root, tmp_path))
    assert mutool(document, tmp_path) != mutool(tampered, tmp_path)
