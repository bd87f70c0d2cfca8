"""The past is judged by what is proved of it: archives over years, and evidence of its own time.

EN 319 102-1 §5.5 and §5.6 with the practice authority: three authorities that follow one another,
each good for a year, and a clock that the tests set.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from certs.practice.profiles import Validity
from certs.revocation.evidence import RevocationEvidence
from signer.creation.requests import Level
from signer.leniencies import Leniency
from signer.reasons import Reason
from signer.report import Report, SignatureReport
from signer.validation.assessing import assess
from signer.verdicts import Indication, SignatureKind, SignatureLevel, SubIndication, Verdict
from tests.support.hand_signing import Shape, hand_signed
from tests.support.office import START, EngineTimestamper, Office

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOTHING = RevocationEvidence()


class Years:
    """Three authorities, each made eleven months after the one before, and one clock for all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.offices: list[Office] = []
        self.succeed(START)

    def succeed(self, at: datetime) -> Office:
        """Let the next authority begin; it is trusted beside the others."""
        office = Office(self.directory / f"authority-{len(self.offices)}", now=at)
        self.offices.append(office)
        self.set(at)
        return office

    def set(self, at: datetime) -> None:
        for office in self.offices:
            office.now = at

    @property
    def now(self) -> datetime:
        return self.offices[-1].now

    def judge(self, document: bytes, *evidence: RevocationEvidence) -> Report:
        known = NOTHING
        for each in evidence:
            known = known.merged(each)
        store = self.offices[0].authority.trust
        for office in self.offices[1:]:
            for anchor in office.authority.trust.anchors:
                store = store.including(anchor)
        return assess(document, store=store, evidence=known, at=self.now)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("years")


@pytest.fixture
def years(directory: Path, request: pytest.FixtureRequest) -> Years:
    return Years(directory / hashlib.sha256(request.node.name.encode()).hexdigest()[:12])


@pytest.fixture
def office(years: Years) -> Office:
    return years.offices[0]


def signature_of(report: Report) -> SignatureReport:
    return next(each for each in report.signatures if each.kind is not SignatureKind.DOC_TIMESTAMP)


def told(report: Report) -> tuple[Verdict, str, SubIndication | None]:
    return report.verdict, report.reason, signature_of(report).sub_indication


GOOD = (Verdict.VALID, "", None)


# Archives: each time-stamp is judged at the time that the next one proves.


def test_an_archive_outlives_the_signer_and_the_authority_that_certified_him(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    successor = years.succeed(START + 330 * DAY)
    # The successor's time-stamp covers the evidence while the first authority still lives.
    document = office.with_store(document)
    archived = successor.with_document_timestamp(document)
    years.set(START + 500 * DAY)
    report = years.judge(archived, successor.evidence())
    assert told(report) == GOOD, report
    signature = signature_of(report)
    assert signature.level is SignatureLevel.B_LTA
    assert signature.proved_at == signature.timestamp_at
    assert {each.proved_at for each in signature.evidence} == {START + 330 * DAY}
    assert all(each.produced_at and each.produced_at <= START for each in signature.evidence)
    assert [each.is_anchor for each in signature.chain] == [False, False, True]
    # Without the archive time-stamp nothing of that is proved any more.
    assert years.judge(document, successor.evidence()).verdict is Verdict.INDETERMINATE


def test_three_archive_time_stamps_prove_each_other_over_years(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    document = office.with_document_timestamp(document)
    for year in (1, 2):
        # Before an authority ends, evidence about its time-stamp is stored, and all is covered.
        predecessor = years.offices[-1]
        successor = years.succeed(START + year * 330 * DAY)
        document = successor.with_document_timestamp(predecessor.with_store(document))
    years.set(START + 800 * DAY)
    report = years.judge(document, years.offices[-1].evidence())
    assert told(report) == GOOD, report
    stamps = [each for each in report.signatures if each.kind is SignatureKind.DOC_TIMESTAMP]
    assert [each.indication for each in stamps] == [Indication.TOTAL_PASSED] * 3
    assert [each.proved_at for each in stamps] == [
        START + 330 * DAY,
        START + 660 * DAY,
        None,
    ]


def test_a_link_of_the_chain_that_came_too_late_proves_nothing(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    document = office.with_document_timestamp(document)
    successor = years.succeed(START + 370 * DAY)
    late = successor.with_document_timestamp(document)
    report = years.judge(late, successor.evidence())
    assert report.verdict is Verdict.INDETERMINATE
    first, second = (e for e in report.signatures if e.kind is SignatureKind.DOC_TIMESTAMP)
    assert first.reason == Reason.TIMESTAMP_UNTRUSTED
    assert second.indication is Indication.TOTAL_PASSED


# Evidence must itself be proved to be older than the end of whoever made it.


def test_evidence_that_was_added_behind_the_time_stamp_is_no_older_than_now(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    """Whoever holds the key of an authority that has ended could make it today."""
    person = office.person(days=30)
    document = office.sign(one_page_pdf, person, Level.B_T)
    evidence = office.evidence(person.certificate)
    stored = office.with_store(document, person.certificate)
    successor = years.succeed(START + 330 * DAY)
    evidence = evidence.merged(office.evidence())
    covered = successor.with_document_timestamp(office.with_store(stored))
    # Covered is what speaks for the time-stamp, not what speaks for the signer.
    bare = successor.with_document_timestamp(office.with_store(document))
    years.set(START + 350 * DAY)
    # While the first authority lives, its word needs no proof.
    assert told(years.judge(bare, evidence, successor.evidence())) == GOOD
    years.set(START + 400 * DAY)
    report = years.judge(bare, evidence, successor.evidence())
    assert report.verdict is Verdict.INDETERMINATE
    assert signature_of(report).sub_indication is SubIndication.NO_POE
    assert told(years.judge(covered, evidence, successor.evidence())) == GOOD


def revoke_authority(office: Office) -> None:
    office.authority.revoke(office.authority.issuer, reason=ReasonFlags.ca_compromise)


def test_an_authority_revoked_later_does_no_harm_to_what_was_archived_before(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    successor = years.succeed(START + 20 * DAY)
    archived = successor.with_document_timestamp(office.with_store(document))
    years.set(START + 30 * DAY)
    revoke_authority(office)
    years.set(START + 31 * DAY)
    known = RevocationEvidence(crls=(office.authority.root_crl(),)).merged(successor.evidence())
    assert told(years.judge(archived, known)) == GOOD


def test_evidence_of_an_authority_revoked_before_it_was_archived_proves_nothing(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    stamped = office.sign(one_page_pdf, person, Level.B_T)
    document = office.with_store(stamped, person.certificate)
    successor = years.succeed(START + 20 * DAY)
    revoke_authority(office)
    years.set(START + 21 * DAY)
    archived = successor.with_document_timestamp(document)
    years.set(START + 22 * DAY)
    known = RevocationEvidence(crls=(office.authority.root_crl(),)).merged(successor.evidence())
    report = years.judge(archived, known)
    assert report.verdict is Verdict.INDETERMINATE
    assert signature_of(report).sub_indication is SubIndication.REVOKED_CA_NO_POE
    bare = years.judge(document, known)
    assert bare.verdict is Verdict.INDETERMINATE
    assert signature_of(bare).sub_indication is SubIndication.REVOKED_CA_NO_POE


def test_the_time_stamping_authority_may_be_revoked_after_another_one_took_over(
    years: Years, office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    successor = years.succeed(START + 20 * DAY)
    archived = successor.with_document_timestamp(office.with_store(document))
    years.set(START + 30 * DAY)
    office.authority.revoke(office.authority._tsa.certificate)
    years.set(START + 31 * DAY)
    known = RevocationEvidence(crls=(office.authority.crl(),)).merged(successor.evidence())
    assert told(years.judge(archived, known)) == GOOD
    report = years.judge(document, known.merged(office.evidence()))
    assert told(report)[:2] == (Verdict.INDETERMINATE, Reason.TIMESTAMP_UNTRUSTED)
    assert signature_of(report).sub_indication is SubIndication.REVOKED_NO_POE


# Revocation against the best signature time.


def test_a_revocation_after_the_time_stamp_needs_no_evidence_of_the_time_before(
    office: Office, one_page_pdf: bytes
) -> None:
    """Word that it is revoked since then says that it was not before (§5.5.4)."""
    person = office.person()
    document = office.sign(one_page_pdf, person, Level.B_T)
    office.now += 10 * DAY
    office.authority.revoke(person.certificate)
    office.now += DAY
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == GOOD, report
    before = office.sign(one_page_pdf, person)
    report = office.judge(before, office.evidence(person.certificate))
    assert report.verdict is not Verdict.VALID


def test_good_word_in_the_store_does_not_hide_a_revocation_known_from_elsewhere(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    stale_crl_day = RevocationEvidence(crls=(office.authority.crl(), office.authority.root_crl()))
    document = office.sign(one_page_pdf, person)
    office.now += HOUR
    office.authority.revoke(person.certificate)
    office.now += HOUR
    word = office.evidence(person.certificate)
    office.now += 10 * HOUR
    # The CRL of the store lives for a day and knows nothing; the answer has ended and knows.
    answers = RevocationEvidence(ocsp_responses=word.ocsp_responses)
    assert office.judge(document, stale_crl_day).verdict is Verdict.VALID
    report = office.judge(document, stale_crl_day.merged(answers))
    assert told(report) == (
        Verdict.INDETERMINATE,
        Reason.CERTIFICATE_REVOKED,
        SubIndication.REVOKED_NO_POE,
    )


def test_with_a_time_stamp_the_same_revocation_is_compared_with_its_time(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    before = office.sign(one_page_pdf, person, Level.B_T)
    good = office.evidence(person.certificate)
    office.now += HOUR
    office.authority.revoke(person.certificate)
    office.now += HOUR / 2
    after = hand_signed(person, Shape(timestamper=EngineTimestamper(office)))
    known = good.merged(office.evidence(person.certificate))
    assert told(office.judge(before, known)) == GOOD
    report = office.judge(after, known)
    assert report.verdict is not Verdict.VALID
    assert report.reason == Reason.CERTIFICATE_REVOKED


# What each status of a path is called.


def test_a_time_stamp_older_than_the_certificate_fails_the_signature(office: Office) -> None:
    validity = Validity(not_before=office.now + DAY, not_after=office.now + 10 * DAY)
    person = office.authority.issue_person(
        "Vũ Văn Sớm", organisation="Sở Nội vụ", validity=validity, key="p256"
    )
    document = hand_signed(person, Shape(timestamper=EngineTimestamper(office)))
    unstamped = hand_signed(person)
    report = office.judge(unstamped, office.evidence(person.certificate))
    assert told(report) == (
        Verdict.INDETERMINATE,
        Reason.CERTIFICATE_NOT_YET_VALID,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
    )
    office.now += 2 * DAY
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (
        Verdict.INVALID,
        Reason.CERTIFICATE_NOT_YET_VALID,
        SubIndication.NOT_YET_VALID,
    )


def test_a_revoked_authority_leaves_what_it_certified_undetermined(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person)
    office.now += DAY
    revoke_authority(office)
    office.now += HOUR
    report = office.judge(document, office.evidence(person.certificate))
    assert told(report) == (
        Verdict.INDETERMINATE,
        Reason.CERTIFICATE_REVOKED,
        SubIndication.REVOKED_CA_NO_POE,
    )


def test_evidence_that_was_never_kept_comes_no_more_once_the_certificate_has_expired(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person(days=30)
    document = office.sign(one_page_pdf, person, Level.B_T)
    office.now += 10 * DAY
    report = office.judge(document, office.evidence())
    assert told(report)[1:] == ("", None)  # the CRL of now speaks for the time before
    report = office.judge(document)
    assert told(report)[1:] == (Reason.REVOCATION_UNKNOWN, SubIndication.TRY_LATER)
    office.now += 60 * DAY
    report = office.judge(document, office.evidence())
    assert told(report)[1:] == (Reason.REVOCATION_UNKNOWN, SubIndication.OUT_OF_BOUNDS_NO_POE)


def test_time_stamps_in_the_wrong_order_prove_nothing(office: Office, one_page_pdf: bytes) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person, Level.B_T)
    then = office.evidence(person.certificate)
    office.now -= HOUR / 2
    covered = office.with_document_timestamp(document)
    office.now += HOUR
    report = office.judge(covered, then.merged(office.evidence(person.certificate)))
    assert told(report) == (
        Verdict.INDETERMINATE,
        Reason.TIMESTAMP_INVALID,
        SubIndication.TIMESTAMP_ORDER_FAILURE,
    )


# The signer's own word.


def test_who_says_he_signed_later_than_the_judgement_is_not_believed_to_have_signed_before(
    office: Office, one_page_pdf: bytes
) -> None:
    person = office.person()
    office.now += HOUR / 2
    document = office.sign(one_page_pdf, person)
    evidence = office.evidence(person.certificate)
    assert told(office.judge(document, evidence)) == GOOD
    office.now -= HOUR / 2
    earlier = office.evidence(person.certificate)
    report = office.judge(document, earlier)
    assert told(report) == (Verdict.INDETERMINATE, Reason.SIGNED_LATER, SubIndication.NO_POE)


def test_a_clock_that_is_a_little_ahead_is_named(office: Office, one_page_pdf: bytes) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person)
    stamped = office.sign(one_page_pdf, person, Level.B_T)
    office.now -= timedelta(minutes=3)
    evidence = office.evidence(person.certificate)
    for each in (document, stamped):
        report = office.judge(each, evidence)
        assert told(report) == GOOD, report
        assert report.signatures[0].leniencies == (Leniency.CLOCK_AHEAD,)
    office.now += timedelta(minutes=4)
    assert office.judge(document, evidence).signatures[0].leniencies == ()


def test_what_counted_is_named_and_handed_over(office: Office, one_page_pdf: bytes) -> None:
    person = office.person()
    document = office.sign(one_page_pdf, person, Level.B_T)
    report = office.judge(document, office.evidence(person.certificate))
    [signature] = report.signatures
    material = report.material
    named = {each.sha256 for each in signature.chain}
    handed = {hashlib.sha256(each).hexdigest() for each in material.certificates}
    assert named <= handed
    assert signature.chain[0].sha256 == signature.certificate_sha256
    assert signature.chain[-1].is_anchor
    assert signature.anchor_class == "PRACTICE"
    evidence = {each.sha256 for each in signature.evidence}
    given = (*material.ocsp_responses, *material.crls)
    assert evidence <= {hashlib.sha256(each).hexdigest() for each in given}
    assert {each.kind for each in signature.evidence} == {"OCSP", "CRL"}
    for der in material.certificates:
        x509.load_der_x509_certificate(der)
