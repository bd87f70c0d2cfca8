"""Who is trusted, for what and when; and that everything else is refused with its reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certs.algorithms import key_weakness
from certs.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRefused,
    CertificateRevoked,
    CertificateUnsuitable,
    NoTrustedPath,
    RevocationUnknown,
)
from certs.parsing import DAMAGE
from certs.paths.building import MAX_DEPTH
from certs.paths.validation import PathStatus, PathVerdict, judge_path
from certs.practice.profiles import (
    AUTHORITY,
    SIGNING,
    TSA,
    Offer,
    Profile,
    Validity,
    endpoint_profile,
    make_key,
    server_profile,
)
from certs.revocation.evidence import EvidenceKind, RevocationEvidence
from certs.trust.anchors import AnchorRole, TrustStore
from tests.certs.forging import NOW, VALID, Pair, Saying, certificate_with_sha1, root, weak_rsa

ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf")
GOOD = ISSUER.crls()
HOUR = timedelta(hours=1)


def judge(
    pair: Pair,
    *,
    role: AnchorRole = AnchorRole.SIGNER,
    evidence: RevocationEvidence = GOOD,
    store: TrustStore | None = None,
    bag: tuple[Pair, ...] = (ISSUER,),
    **more: object,
) -> PathVerdict:
    return judge_path(
        pair.certificate,
        intermediates=[each.certificate for each in bag],
        store=store or ROOT.store(),
        role=role,
        at=more.get("at", NOW),  # type: ignore[arg-type]
        evidence=evidence,
    )


def test_a_signer_with_fresh_evidence_is_valid_and_the_path_is_told() -> None:
    verdict = judge(LEAF)
    assert (verdict.status, verdict.detail) == (PathStatus.VALID, "")
    assert verdict.chain == (LEAF.certificate, ISSUER.certificate)
    assert verdict.anchor == ROOT.anchor()
    assert verdict.evidence == GOOD
    assert verdict.missing == ()
    verdict.raise_for_status()


def test_only_the_evidence_that_counted_is_handed_on() -> None:
    good = Saying().evidence(LEAF, ISSUER.responder())
    stale = RevocationEvidence(crls=(ISSUER.crl(at=NOW - timedelta(days=9)),))
    forged = Saying().evidence(LEAF, ISSUER.responding_with(ISSUER.issue("Nobody")))
    junk = RevocationEvidence(ocsp_responses=(b"junk",), crls=(b"junk",))
    verdict = judge(LEAF, evidence=junk.merged(forged).merged(stale).merged(good))
    assert verdict.status is PathStatus.VALID
    assert verdict.evidence == good


def test_ocsp_alone_is_enough() -> None:
    evidence = Saying().evidence(LEAF, ISSUER.responder())
    assert judge(LEAF, evidence=evidence).status is PathStatus.VALID


def test_a_verdict_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError):
        bool(judge(LEAF))


def test_an_empty_store_trusts_nobody() -> None:
    assert judge(LEAF, store=TrustStore()).status is PathStatus.NO_TRUSTED_PATH


def test_a_root_of_the_same_name_with_another_key_is_not_trusted() -> None:
    impostor = root()
    assert impostor.certificate.subject == ROOT.certificate.subject
    assert judge(LEAF, store=impostor.store()).status is PathStatus.NO_TRUSTED_PATH


def test_the_roots_that_a_stranger_brings_along_are_not_trusted() -> None:
    theirs = root("Theirs")
    leaf = theirs.issue("Leaf")
    verdict = judge(leaf, bag=(theirs,), evidence=theirs.crls())
    assert verdict.status is PathStatus.NO_TRUSTED_PATH
    assert verdict.missing == ()


def test_a_missing_intermediate_leaves_no_path_and_asks_nobody() -> None:
    verdict = judge(LEAF, bag=())
    assert verdict.status is PathStatus.NO_TRUSTED_PATH
    assert verdict.missing == ()


def test_an_intermediate_that_was_fetched_helps_on_the_way_up() -> None:
    fetched = RevocationEvidence(certificates=(ISSUER.certificate.public_bytes(Encoding.DER),))
    assert judge(LEAF, bag=(), evidence=GOOD.merged(fetched)).status is PathStatus.VALID


def test_an_anchor_for_another_role_does_not_count() -> None:
    store = ROOT.store(AnchorRole.TSA, AnchorRole.TLS)
    assert judge(LEAF, store=store).status is PathStatus.NO_TRUSTED_PATH


def test_an_anchor_outside_its_window_does_not_count() -> None:
    anchor = replace(ROOT.anchor(), valid_until=NOW - HOUR)
    assert judge(LEAF, store=TrustStore(anchors=(anchor,))).status is PathStatus.NO_TRUSTED_PATH


def test_expired_and_not_yet_valid_are_told_before_revocation_is_asked() -> None:
    none = RevocationEvidence()
    late = judge(LEAF, evidence=none, at=VALID.not_after + timedelta(seconds=1))
    early = judge(LEAF, evidence=none, at=VALID.not_before - timedelta(seconds=1))
    assert (late.status, early.status) == (PathStatus.EXPIRED, PathStatus.NOT_YET_VALID)


def test_the_last_second_of_validity_counts() -> None:
    leaf = ISSUER.issue("L", validity=Validity(not_before=NOW - HOUR, not_after=NOW))
    assert judge(leaf).status is PathStatus.VALID


def test_an_expired_issuer_expires_the_path() -> None:
    old = Validity(not_before=NOW - 9 * HOUR, not_after=NOW - HOUR)
    issuer = ROOT.issue("Old", profile=AUTHORITY, validity=old, offer=Offer())
    verdict = judge(issuer.issue("Leaf"), bag=(issuer,), evidence=issuer.crls())
    assert verdict.status is PathStatus.EXPIRED


def test_without_evidence_revocation_is_unknown_and_the_addresses_are_named() -> None:
    verdict = judge(LEAF, evidence=RevocationEvidence())
    assert verdict.status is PathStatus.REVOCATION_UNKNOWN
    assert [(each.kind, each.url) for each in verdict.missing] == [
        (EvidenceKind.OCSP, "http://ocsp.example/ocsp"),
        (EvidenceKind.CRL, "http://crl.example/crl"),
    ]
    assert verdict.missing[0].serial == LEAF.certificate.serial_number
    assert verdict.missing[0].issuer == ISSUER.certificate.public_bytes(Encoding.DER)


def test_a_certificate_that_offers_no_revocation_needs_none() -> None:
    leaf = ISSUER.issue("Leaf", offer=Offer())
    assert judge(leaf, evidence=RevocationEvidence()).status is PathStatus.VALID


def test_an_issuer_that_offers_revocation_needs_evidence_too() -> None:
    issuer = ROOT.authority("Listed", offer=Offer(crl="http://crl.example/root"))
    leaf = issuer.issue("Leaf")
    verdict = judge(leaf, bag=(issuer,), evidence=issuer.crls())
    assert verdict.status is PathStatus.REVOCATION_UNKNOWN
    assert [each.url for each in verdict.missing] == ["http://crl.example/root"]
    both = issuer.crls().merged(ROOT.crls())
    assert judge(leaf, bag=(issuer,), evidence=both).status is PathStatus.VALID


def test_a_revoked_certificate_is_refused_with_its_time() -> None:
    since = NOW - HOUR
    by_crl = judge(LEAF, evidence=ISSUER.crls(LEAF))
    by_ocsp = judge(LEAF, evidence=Saying(revoked_at=since).evidence(LEAF, ISSUER.responder()))
    for verdict in (by_crl, by_ocsp):
        assert verdict.status is PathStatus.REVOKED
        assert verdict.revoked_at == since


def test_a_revoked_issuer_revokes_the_path() -> None:
    verdict = judge(LEAF, evidence=GOOD.merged(ROOT.crls(ISSUER)))
    assert verdict.status is PathStatus.REVOKED


def test_a_later_revocation_does_not_reach_back() -> None:
    later = RevocationEvidence(crls=(ISSUER.crl(LEAF, since=NOW + HOUR),))
    assert judge(LEAF, evidence=later).status is PathStatus.VALID


@pytest.mark.parametrize("key", ["rsa", "curve"])
def test_weak_keys_are_unsuitable(key: str) -> None:
    weak = weak_rsa() if key == "rsa" else ec.generate_private_key(ec.SECP224R1())
    assert judge(ISSUER.issue("Weak", key=weak)).status is PathStatus.UNSUITABLE


def test_an_issuer_with_a_weak_key_proves_nothing() -> None:
    issuer = ROOT.issue("I", profile=AUTHORITY, key=weak_rsa(), offer=Offer())
    verdict = judge(issuer.issue("Leaf"), bag=(issuer,), evidence=issuer.crls())
    assert verdict.status is PathStatus.NO_TRUSTED_PATH


@pytest.mark.parametrize(
    ("bits", "weak"), [(2047, True), (2048, False), (8192, False), (16384, True)]
)
def test_a_key_may_be_neither_too_small_nor_too_large(bits: int, weak: bool) -> None:
    key = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1).public_key()
    assert bool(key_weakness(key)) == weak


def test_a_sha1_signature_is_unsuitable() -> None:
    verdict = judge(Pair(certificate_with_sha1(LEAF), LEAF.key))
    assert verdict.status is PathStatus.UNSUITABLE
    assert "sha1" in verdict.detail


def with_purposes(*purposes: x509.ObjectIdentifier, critical: bool = False) -> Profile:
    return replace(SIGNING, purposes=purposes, purposes_critical=critical)


EKU = ExtendedKeyUsageOID
ENDPOINT = endpoint_profile("H56.01")
SERVER = server_profile(("a.example",), ())
TWO = with_purposes(EKU.TIME_STAMPING, EKU.CODE_SIGNING, critical=True)


@pytest.mark.parametrize(
    ("profile", "role", "suits"),
    [
        (SIGNING, AnchorRole.SIGNER, True),
        (SIGNING, AnchorRole.SEAL, True),
        (Profile(usages=frozenset({"digital_signature"})), AnchorRole.SIGNER, True),
        (Profile(usages=frozenset({"content_commitment"})), AnchorRole.SIGNER, True),
        (Profile(usages=frozenset({"key_encipherment"})), AnchorRole.SIGNER, False),
        (with_purposes(EKU.EMAIL_PROTECTION, EKU.CLIENT_AUTH), AnchorRole.SIGNER, True),
        (with_purposes(EKU.SERVER_AUTH), AnchorRole.SIGNER, False),
        (TSA, AnchorRole.SIGNER, False),
        (ENDPOINT, AnchorRole.SIGNER, False),
        (TSA, AnchorRole.TSA, True),
        (SIGNING, AnchorRole.TSA, False),
        (with_purposes(EKU.TIME_STAMPING), AnchorRole.TSA, False),
        (TWO, AnchorRole.TSA, False),
        (ENDPOINT, AnchorRole.TLS, True),
        (SERVER, AnchorRole.TLS, True),
        (SIGNING, AnchorRole.TLS, False),
        (AUTHORITY, AnchorRole.SIGNER, False),
    ],
)
def test_each_role_wants_its_own_usage(profile: Profile, role: AnchorRole, suits: bool) -> None:
    verdict = judge(ISSUER.issue("Leaf", profile=profile), role=role)
    assert verdict.status is (PathStatus.VALID if suits else PathStatus.UNSUITABLE), verdict.detail


def test_an_end_entity_cannot_issue() -> None:
    verdict = judge(LEAF.issue("Below"), bag=(ISSUER, LEAF), evidence=GOOD.merged(LEAF.crls()))
    assert verdict.status is not PathStatus.VALID


def test_a_path_longer_than_its_authority_allows_is_refused() -> None:
    lower = ISSUER.authority("Lower")  # the issuing CA's path length is 0
    verdict = judge(lower.issue("Leaf"), bag=(ISSUER, lower), evidence=GOOD.merged(lower.crls()))
    assert verdict.status is PathStatus.NO_TRUSTED_PATH


def test_loops_and_thickets_of_cross_signed_certificates_end_soon() -> None:
    key = make_key("p256")
    thicket = [Pair(ROOT.certificate, key).issue("Knot", profile=AUTHORITY, key=key)]
    for _ in range(40):
        thicket.append(thicket[-1].issue("Knot", profile=AUTHORITY, key=key))
    leaf = thicket[-1].issue("Leaf")
    verdict = judge(leaf, bag=tuple(thicket))
    assert verdict.status is PathStatus.NO_TRUSTED_PATH


def test_a_chain_deeper_than_the_limit_is_not_followed() -> None:
    top = ROOT
    chain = []
    for number in range(MAX_DEPTH + 1):
        top = top.authority(f"Level {number}")
        chain.append(top)
    assert judge(top.issue("Leaf"), bag=tuple(chain)).status is PathStatus.NO_TRUSTED_PATH


def test_an_end_entity_that_is_itself_an_anchor_is_trusted_by_decision() -> None:
    tsa = root("Own").issue("TSA", profile=TSA)
    assert judge(tsa, role=AnchorRole.TSA, store=tsa.store()).status is PathStatus.VALID
    late = VALID.not_after + HOUR
    expired = judge(tsa, role=AnchorRole.TSA, store=tsa.store(), at=late)
    assert expired.status is PathStatus.EXPIRED


def test_an_unknown_critical_extension_is_refused() -> None:
    key = make_key("p256")
    builder = (
        x509.CertificateBuilder()
        .subject_name(LEAF.certificate.subject)
        .issuer_name(ISSUER.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(VALID.not_before)
        .not_valid_after(VALID.not_after)
        .add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), critical=True
        )
    )
    leaf = Pair(builder.sign(ISSUER.key, hashes.SHA256()), key)
    assert judge(leaf).status is PathStatus.NO_TRUSTED_PATH


def test_a_certificate_with_thousands_of_names_is_refused_by_its_size() -> None:
    names = tuple(x509.DNSName(f"n{number}.example") for number in range(10_000))
    verdict = judge(ISSUER.issue("Wide", profile=replace(SIGNING, names=names)))
    assert verdict.status is PathStatus.UNSUITABLE
    assert "too large" in verdict.detail


async def test_it_judges_inside_a_running_loop_and_in_a_thread_without_one() -> None:
    assert judge(LEAF).status is PathStatus.VALID
    assert (await asyncio.to_thread(judge, LEAF)).status is PathStatus.VALID


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_flipped_byte_never_makes_a_certificate_valid_and_never_raises(
    data: st.DataObject,
) -> None:
    der = bytearray(LEAF.certificate.public_bytes(Encoding.DER))
    place = data.draw(st.integers(0, len(der) - 1))
    der[place] ^= data.draw(st.integers(1, 255))
    try:
        hostile = x509.load_der_x509_certificate(bytes(der))
    except DAMAGE:
        return
    verdict = judge(Pair(hostile, LEAF.key))
    assert verdict.status is not PathStatus.VALID


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_evidence_never_proves_anything_and_never_raises(data: st.DataObject) -> None:
    crl = bytearray(GOOD.crls[0])
    place = data.draw(st.integers(0, len(crl) - 1))
    crl[place] ^= data.draw(st.integers(1, 255))
    garbage = data.draw(st.binary(max_size=200))
    evidence = RevocationEvidence(ocsp_responses=(garbage,), crls=(bytes(crl), garbage))
    assert judge(LEAF, evidence=evidence).status is PathStatus.REVOCATION_UNKNOWN


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (PathStatus.EXPIRED, CertificateExpired),
        (PathStatus.NOT_YET_VALID, CertificateNotYetValid),
        (PathStatus.REVOKED, CertificateRevoked),
        (PathStatus.NO_TRUSTED_PATH, NoTrustedPath),
        (PathStatus.UNSUITABLE, CertificateUnsuitable),
        (PathStatus.REVOCATION_UNKNOWN, RevocationUnknown),
    ],
)
def test_every_refusal_raises_its_own_error(
    status: PathStatus, error: type[CertificateRefused]
) -> None:
    with pytest.raises(error, match="why"):
        PathVerdict(status=status, at=NOW, detail="why").raise_for_status()
