"""Evidence counts only when it is fresh, about the certificate, and by whom it must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from certs.paths.validation import PathStatus, judge_path
from certs.practice.answers import Responder
from certs.practice.profiles import OCSP, SIGNING, Validity, make_key
from certs.revocation.evidence import (
    MAX_ADDRESSES_PER_KIND,
    EvidenceKind,
    RevocationEvidence,
    issuer_addresses,
    offered_evidence,
    offers_revocation,
)
from certs.revocation.status import ParsedEvidence, RevocationStatus
from certs.trust.anchors import AnchorRole
from tests.certs.forging import NOW, OFFER, Pair, Saying, crl_with_sha1, root
from tests.support.practice import Practice

ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf")
OTHER = ISSUER.issue("Other")
RESPONDER = ISSUER.responder()
HOUR = timedelta(hours=1)


def status(evidence: RevocationEvidence) -> RevocationStatus:
    found = ParsedEvidence(evidence).finding(LEAF.certificate, ISSUER.certificate, at=NOW)
    verdict = judge_path(
        LEAF.certificate,
        intermediates=[ISSUER.certificate],
        store=ROOT.store(),
        role=AnchorRole.SIGNER,
        at=NOW,
        evidence=evidence,
    )
    # The two walls agree: only what counts as good here may end as VALID there.
    assert (verdict.status is PathStatus.VALID) == (found.status is RevocationStatus.GOOD)
    return found.status


def test_good_revoked_and_unknown_are_told_apart() -> None:
    assert status(Saying().evidence(LEAF, RESPONDER)) is RevocationStatus.GOOD
    unknown = Saying(known=False).evidence(LEAF, RESPONDER)
    assert status(unknown) is RevocationStatus.UNKNOWN
    revoked = Saying(revoked_at=NOW - HOUR).evidence(LEAF, RESPONDER)
    assert status(revoked) is RevocationStatus.REVOKED


def test_an_answer_of_unknown_is_not_healed_by_a_crl() -> None:
    unknown = Saying(known=False).evidence(LEAF, RESPONDER)
    assert status(unknown.merged(ISSUER.crls())) is RevocationStatus.UNKNOWN


def test_an_answer_about_another_serial_is_no_evidence() -> None:
    evidence = Saying(about=OTHER).evidence(LEAF, RESPONDER)
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_stale_or_future_answer_is_no_evidence(hours: int) -> None:
    evidence = Saying(at=NOW + hours * HOUR).evidence(LEAF, RESPONDER)
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


@pytest.mark.parametrize("hours", [-48, 3])
def test_a_stale_or_future_crl_is_no_evidence(hours: int) -> None:
    evidence = RevocationEvidence(crls=(ISSUER.crl(at=NOW + hours * HOUR),))
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


def test_the_newest_answer_counts_whatever_the_order() -> None:
    good = Saying(at=NOW - timedelta(minutes=30)).evidence(LEAF, RESPONDER)
    revoked = Saying(revoked_at=NOW - HOUR).evidence(LEAF, RESPONDER)
    assert status(good.merged(revoked)) is RevocationStatus.REVOKED
    assert status(revoked.merged(good)) is RevocationStatus.REVOKED


def test_later_word_of_a_revocation_before_outweighs_what_was_fresh_then() -> None:
    """Who stole a key time-stamps a signature and encloses the last good answer with it."""
    good = Saying(at=NOW - timedelta(minutes=30)).evidence(LEAF, RESPONDER)
    later = Saying(at=NOW + 48 * HOUR, revoked_at=NOW - HOUR).evidence(LEAF, RESPONDER)
    assert status(good.merged(later)) is RevocationStatus.REVOKED
    assert status(later.merged(ISSUER.crls())) is RevocationStatus.REVOKED
    listed = RevocationEvidence(crls=(ISSUER.crl(LEAF, at=NOW + 48 * HOUR, since=NOW - HOUR),))
    assert status(good.merged(listed)) is RevocationStatus.REVOKED


def test_word_of_a_revocation_outlives_its_answer_beside_good_word_that_lives_longer() -> None:
    """A CRL of a day must not hide what an answer of an hour told after it."""
    crls = RevocationEvidence(crls=(ISSUER.crl(at=NOW - 6 * HOUR),))
    assert status(crls) is RevocationStatus.GOOD
    stale = Saying(at=NOW - 4 * HOUR, revoked_at=NOW - 5 * HOUR).evidence(LEAF, RESPONDER)
    assert status(stale) is RevocationStatus.REVOKED
    assert status(crls.merged(stale)) is RevocationStatus.REVOKED
    listed = RevocationEvidence(crls=(ISSUER.crl(LEAF, at=NOW - 48 * HOUR),))
    assert status(Saying().evidence(LEAF, RESPONDER).merged(listed)) is RevocationStatus.REVOKED


def test_a_hold_is_over_when_younger_word_knows_of_none() -> None:
    held = Saying(at=NOW - 4 * HOUR, revoked_at=NOW - 5 * HOUR, reason="certificate_hold")
    hold = held.evidence(LEAF, RESPONDER)
    older = RevocationEvidence(crls=(ISSUER.crl(at=NOW - 6 * HOUR),))
    assert status(hold.merged(older)) is RevocationStatus.REVOKED
    younger = RevocationEvidence(crls=(ISSUER.crl(at=NOW - 2 * HOUR),))
    assert status(hold.merged(younger)) is RevocationStatus.GOOD
    assert status(hold.merged(Saying().evidence(LEAF, RESPONDER))) is RevocationStatus.GOOD


def test_later_word_of_a_later_revocation_or_by_others_changes_nothing() -> None:
    good = Saying(at=NOW - timedelta(minutes=30)).evidence(LEAF, RESPONDER)
    since = Saying(at=NOW + 48 * HOUR, revoked_at=NOW + HOUR).evidence(LEAF, RESPONDER)
    assert status(good.merged(since)) is RevocationStatus.GOOD
    stranger = Saying(at=NOW + 48 * HOUR, revoked_at=NOW - HOUR).evidence(
        LEAF, root("Test root").authority("Issuing").responder()
    )
    assert status(good.merged(stranger)) is RevocationStatus.GOOD


def test_a_crl_that_lists_the_certificate_outweighs_a_good_answer() -> None:
    good = Saying().evidence(LEAF, RESPONDER)
    assert status(good.merged(ISSUER.crls(LEAF))) is RevocationStatus.REVOKED


def test_the_issuer_may_answer_itself() -> None:
    evidence = Saying().evidence(LEAF, ISSUER.responding_with(ISSUER))
    assert status(evidence) is RevocationStatus.GOOD


OLD = Validity(not_before=NOW - 9 * HOUR, not_after=NOW - 5 * HOUR)


@pytest.mark.parametrize(
    "responder",
    [
        pytest.param(ISSUER.responder(profile=SIGNING), id="without the purpose"),
        pytest.param(ISSUER.responder(validity=OLD), id="expired"),
        pytest.param(
            ISSUER.responding_with(ROOT.issue("R", profile=OCSP)), id="delegated by another CA"
        ),
        pytest.param(
            ISSUER.responding_with(root("S").issue("R", profile=OCSP)), id="delegated by a stranger"
        ),
        pytest.param(ISSUER.responding_with(OTHER), id="somebody the CA certified"),
    ],
)
def test_an_unauthorised_responder_proves_nothing(responder: Responder) -> None:
    assert status(Saying().evidence(LEAF, responder)) is RevocationStatus.NO_EVIDENCE
    revoked = Saying(revoked_at=NOW - HOUR).evidence(LEAF, responder)
    assert status(revoked) is RevocationStatus.NO_EVIDENCE


def look_alike(original: x509.Certificate, thief: Pair) -> x509.Certificate:
    """The original's names, serial and signature value around the thief's key."""
    forged = asn1_x509.Certificate.load(original.public_bytes(Encoding.DER)).copy()
    spki = thief.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    forged["tbs_certificate"]["subject_public_key_info"] = asn1_x509.Certificate.load(
        thief.certificate.public_bytes(Encoding.DER)
    ).public_key
    assert spki in forged.dump(force=True)
    return x509.load_der_x509_certificate(forged.dump(force=True))


@pytest.mark.parametrize("copied", [ISSUER, None], ids=["the issuer", "its responder"])
def test_a_responder_that_only_looks_like_an_authorised_one_proves_nothing(
    copied: Pair | None,
) -> None:
    thief = Pair(ISSUER.certificate, make_key("p256"))
    thief = Pair(thief.issue("T", key=thief.key).certificate, thief.key)
    original = copied.certificate if copied else RESPONDER.certificate
    forged = replace(RESPONDER, certificate=look_alike(original, thief), private_key=thief.key)
    assert status(Saying().evidence(LEAF, forged)) is RevocationStatus.NO_EVIDENCE


def test_a_crl_by_a_namesake_of_the_issuer_proves_nothing() -> None:
    namesake = Pair(ISSUER.certificate, make_key("p256"))
    assert status(namesake.crls()) is RevocationStatus.NO_EVIDENCE
    assert status(namesake.crls(LEAF)) is RevocationStatus.NO_EVIDENCE


def test_a_crl_signed_with_sha1_proves_nothing() -> None:
    evidence = RevocationEvidence(crls=(crl_with_sha1(ISSUER),))
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


def test_an_error_of_the_responder_is_no_evidence() -> None:
    for code in (ocsp.OCSPResponseStatus.TRY_LATER, ocsp.OCSPResponseStatus.UNAUTHORIZED):
        failed = ocsp.OCSPResponseBuilder.build_unsuccessful(code).public_bytes(Encoding.DER)
        evidence = RevocationEvidence(ocsp_responses=(failed,))
        assert status(evidence) is RevocationStatus.NO_EVIDENCE


def test_an_answer_that_was_altered_after_signing_proves_nothing() -> None:
    revoked = Saying(revoked_at=NOW - HOUR).answer(LEAF, RESPONDER)
    response = asn1_ocsp.OCSPResponse.load(revoked)
    basic = response["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["responses"][0]["cert_status"] = asn1_ocsp.CertStatus(
        "good", asn1_ocsp.StatusGood()
    )
    response["response_bytes"]["response"] = basic
    evidence = RevocationEvidence(ocsp_responses=(response.dump(force=True),))
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


def test_thousands_of_pieces_of_evidence_are_not_all_looked_at() -> None:
    junk = tuple(number.to_bytes(4, "big") for number in range(5000))
    evidence = RevocationEvidence(ocsp_responses=junk, crls=junk)
    assert status(evidence) is RevocationStatus.NO_EVIDENCE


def test_merging_keeps_each_piece_once_and_leaves_the_parts_alone() -> None:
    first = RevocationEvidence(ocsp_responses=(b"a",), crls=(b"c",))
    second = RevocationEvidence(ocsp_responses=(b"b", b"a"), crls=(b"c",))
    assert first.merged(second) == RevocationEvidence(ocsp_responses=(b"a", b"b"), crls=(b"c",))
    assert first.ocsp_responses == (b"a",)
    assert not RevocationEvidence()


def test_a_certificate_offers_its_ocsp_first_and_a_hostile_one_only_a_few() -> None:
    kinds = [each.kind for each in offered_evidence(LEAF.certificate, ISSUER.certificate)]
    assert kinds == [EvidenceKind.OCSP, EvidenceKind.CRL]
    assert offers_revocation(LEAF.certificate)
    assert not offers_revocation(ROOT.certificate)
    assert [each.kind for each in offered_evidence(LEAF.certificate, None)] == [EvidenceKind.CRL]
    points = x509.CRLDistributionPoints(
        x509.DistributionPoint(
            [x509.UniformResourceIdentifier(f"{OFFER.crl}/{number}")], None, None, None
        )
        for number in range(200)
    )
    many = (
        x509.CertificateBuilder()
        .subject_name(LEAF.certificate.subject)
        .issuer_name(ISSUER.certificate.subject)
        .public_key(LEAF.key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + HOUR)
        .add_extension(points, critical=False)
        .sign(ISSUER.key, hashes.SHA256())
    )
    assert len(offered_evidence(many, ISSUER.certificate)) == MAX_ADDRESSES_PER_KIND


def test_a_practice_certificate_names_where_its_issuer_is(practice: Practice) -> None:
    server = practice.authority.issue_server(("localhost",))
    found = issuer_addresses(server.certificate)
    assert [(each.kind, each.url) for each in found] == [
        (EvidenceKind.CA_ISSUERS, f"{practice.base_url}/ca")
    ]
