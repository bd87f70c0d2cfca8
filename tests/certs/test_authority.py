"""The practice authority: what it issues, remembers and answers, and what OpenSSL says to it."""

from __future__ import annotations

import stat
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.errors import IdentityUnreadable, PracticeAuthorityUnusable
from certs.identity import IdentityKind, endpoint_code, identify
from certs.keys.file import FileKey, load_pkcs12
from certs.paths.validation import PathStatus, judge_path
from certs.practice.authority import PRACTICE_MARK, Issued, PracticeAuthority, Validity
from certs.practice.server import serve_practice_authority
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, is_practice
from tests.certs.forging import FrozenClock
from tests.support.practice import AGENCY, LEADER, Practice, ocsp_request, utc_now

HOUR = timedelta(hours=1)
EKU = ExtendedKeyUsageOID


@pytest.fixture
def authority(tmp_path: Path) -> PracticeAuthority:
    """An authority of its own for a test that revokes."""
    return PracticeAuthority.create(
        tmp_path / "authority", base_url="http://127.0.0.1:1", clock=FrozenClock(), key="p256"
    )


def answer_about(authority: PracticeAuthority, issued: Issued) -> ocsp.OCSPResponse:
    request = ocsp_request(issued.certificate, authority.issuer)
    return ocsp.load_der_ocsp_response(authority.answer_ocsp(request))


def test_a_leader_is_a_person_and_a_seal_an_organisation(
    leader_key: FileKey, seal_key: FileKey
) -> None:
    leader = identify(leader_key.certificate)
    assert leader.kind is IdentityKind.PERSON
    assert (leader.common_name, leader.organisation, leader.position) == (
        LEADER,
        AGENCY,
        "Chủ tịch",
    )
    assert identify(seal_key.certificate).kind is IdentityKind.ORGANISATION


def test_nothing_it_makes_can_be_mistaken_for_real(
    practice: Practice, leader: Issued, seal: Issued
) -> None:
    endpoint = practice.authority.issue_endpoint("H56.01").certificate
    made = [practice.authority.root, practice.authority.issuer]
    made += [leader.certificate, seal.certificate, endpoint]
    for certificate in made:
        assert is_practice(certificate)
        assert PRACTICE_MARK in certificate.subject.rfc4514_string()
        assert PRACTICE_MARK in certificate.issuer.rfc4514_string()
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert life <= timedelta(days=365)
    assert practice.trust.anchors[0].practice


def test_signers_may_sign_and_say_where_to_ask(practice: Practice, leader: Issued) -> None:
    extensions = leader.certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.content_commitment
    assert not usage.value.key_cert_sign
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert {each.access_location.value for each in access} == {
        f"{practice.base_url}/ocsp",
        f"{practice.base_url}/ca",
    }


def test_endpoints_are_clients_named_by_uri_and_servers_by_their_addresses(
    practice: Practice,
) -> None:
    endpoint = practice.authority.issue_endpoint("H56.01").certificate
    assert endpoint_code(endpoint) == "H56.01"
    purposes = endpoint.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [EKU.CLIENT_AUTH]
    server = practice.authority.issue_server(("localhost",), ("127.0.0.1", "::1")).certificate
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert len(names.get_values_for_type(x509.IPAddress)) == 2
    with pytest.raises(IdentityUnreadable):
        practice.authority.issue_endpoint("not a code")


def test_a_validity_can_be_chosen(practice: Practice) -> None:
    now = utc_now()
    past = Validity(not_before=now - 2 * HOUR, not_after=now - HOUR)
    issued = practice.authority.issue_person("Old", organisation=AGENCY, validity=past, key="p256")
    verdict = judge_path(
        issued.certificate,
        intermediates=issued.chain,
        store=practice.trust,
        role=AnchorRole.SIGNER,
        at=now,
    )
    assert verdict.status is PathStatus.EXPIRED
    with pytest.raises(PracticeAuthorityUnusable):
        Validity(not_before=now, not_after=now)


def test_ocsp_says_good_revoked_and_unknown(authority: PracticeAuthority) -> None:
    good = authority.issue_person("Good", organisation=AGENCY, key="p256")
    bad = authority.issue_person("Bad", organisation=AGENCY, key="p256")
    authority.revoke(bad.certificate, reason=x509.ReasonFlags.key_compromise)
    assert answer_about(authority, good).certificate_status is ocsp.OCSPCertStatus.GOOD
    revoked = answer_about(authority, bad)
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_reason is x509.ReasonFlags.key_compromise
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        revoked.issuer_name_hash, revoked.issuer_key_hash, 12345, hashes.SHA256()
    )
    request = builder.build().public_bytes(Encoding.DER)
    unknown = ocsp.load_der_ocsp_response(authority.answer_ocsp(request))
    assert unknown.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_the_crl_lists_what_was_revoked_and_the_root_crl_the_issuing_ca(
    authority: PracticeAuthority,
) -> None:
    bad = authority.issue_seal(AGENCY, identifier="GOVVN-1", key="p256")
    authority.revoke(bad.certificate, at=FrozenClock().now - HOUR)
    authority.revoke(authority.issuer)
    listed = x509.load_der_x509_crl(authority.crl())
    assert [each.serial_number for each in listed] == [bad.certificate.serial_number]
    listed = x509.load_der_x509_crl(authority.root_crl())
    assert [each.serial_number for each in listed] == [authority.issuer.serial_number]


def test_a_revocation_in_the_future_has_not_happened_yet(tmp_path: Path) -> None:
    clock = FrozenClock()
    authority = PracticeAuthority.create(
        tmp_path / "a", base_url="http://127.0.0.1:1", clock=clock, key="p256"
    )
    issued = authority.issue_person("P", organisation=AGENCY, key="p256")
    authority.revoke(issued.certificate, at=clock.now + HOUR)
    assert answer_about(authority, issued).certificate_status is ocsp.OCSPCertStatus.GOOD
    clock.now += 2 * HOUR
    assert answer_about(authority, issued).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_only_what_it_issued_can_be_revoked(authority: PracticeAuthority, leader: Issued) -> None:
    with pytest.raises(PracticeAuthorityUnusable):
        authority.revoke(leader.certificate)


def test_its_state_survives_in_its_directory(authority: PracticeAuthority, tmp_path: Path) -> None:
    issued = authority.issue_person("P", organisation=AGENCY, key="p256")
    authority.revoke(issued.certificate)
    again = PracticeAuthority.open(tmp_path / "authority", FrozenClock())
    assert again.trust.version == authority.trust.version
    assert again.addresses == authority.addresses
    assert answer_about(again, issued).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_private_files_are_for_their_owner_alone_and_nothing_is_left_over(
    authority: PracticeAuthority, tmp_path: Path
) -> None:
    authority.issue_endpoint("H56")
    directory = tmp_path / "authority"
    names = {path.name for path in directory.iterdir()}
    own = {
        f"{name}.{kind}" for name in ("root", "issuer", "tsa", "ocsp") for kind in ("key", "crt")
    }
    assert names == own | {"authority.json"}
    for path in directory.iterdir():
        if path.suffix != ".crt":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_directory_that_is_used_or_damaged_is_refused(
    authority: PracticeAuthority, tmp_path: Path
) -> None:
    directory = tmp_path / "authority"
    with pytest.raises(PracticeAuthorityUnusable):
        PracticeAuthority.create(directory, base_url="http://x", clock=utc_now)
    with pytest.raises(PracticeAuthorityUnusable):
        PracticeAuthority.open(tmp_path / "missing", utc_now)
    ledger = directory / "authority.json"
    for content in ("{}", "[]", "junk", ledger.read_text().replace('"format": 1', '"format": 9')):
        ledger.write_text(content)
        with pytest.raises(PracticeAuthorityUnusable):
            PracticeAuthority.open(directory, utc_now)
    (directory / "root.key").write_bytes(b"junk")
    with pytest.raises(PracticeAuthorityUnusable):
        PracticeAuthority.open(directory, utc_now)


def test_a_name_too_long_for_a_certificate_is_refused(authority: PracticeAuthority) -> None:
    with pytest.raises(PracticeAuthorityUnusable):
        authority.issue_person("x" * 65, organisation=AGENCY)


def test_threads_may_issue_at_the_same_time(authority: PracticeAuthority, tmp_path: Path) -> None:
    made: list[Issued] = []
    threads = [
        threading.Thread(target=lambda: made.append(authority.issue_endpoint("H56")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = PracticeAuthority.open(tmp_path / "authority", FrozenClock())
    for issued in made:
        assert answer_about(again, issued).certificate_status is ocsp.OCSPCertStatus.GOOD


def test_what_it_issues_opens_as_pkcs12_and_shows_no_key(leader: Issued) -> None:
    key = load_pkcs12(leader.pkcs12(b"secret"), b"secret")
    assert key.certificate == leader.certificate
    assert key.chain == leader.chain
    assert leader.certificate_pem.count(b"BEGIN CERTIFICATE") == 2
    assert "rsa" not in repr(leader).lower()


@pytest.mark.parametrize(
    ("request_bytes", "failure"),
    [
        (b"", "bad_data_format"),
        (b"junk", "bad_data_format"),
        (b"\x30" * 20_000, "bad_data_format"),
        (
            tsp.TimeStampReq(
                {
                    "version": "v1",
                    "message_imprint": {
                        "hash_algorithm": {"algorithm": "sha1"},
                        "hashed_message": b"0" * 20,
                    },
                }
            ).dump(),
            "bad_alg",
        ),
        (
            tsp.TimeStampReq(
                {
                    "version": "v1",
                    "message_imprint": {
                        "hash_algorithm": {"algorithm": "sha256"},
                        "hashed_message": b"0" * 20,
                    },
                }
            ).dump(),
            "bad_data_format",
        ),
    ],
)
def test_the_tsa_rejects_what_it_cannot_stamp(
    practice: Practice, request_bytes: bytes, failure: str
) -> None:
    answer = practice.authority.answer_timestamp(request_bytes)
    status = tsp.PKIStatusInfo.load(answer[2:] if answer[1] < 0x80 else answer[4:])
    assert status["status"].native == "rejection"
    assert status["fail_info"].native == {failure}


@pytest.mark.parametrize("request_bytes", [b"", b"junk", b"\x30" * 20_000])
def test_the_responder_calls_a_bad_request_malformed(
    practice: Practice, request_bytes: bytes
) -> None:
    answer = ocsp.load_der_ocsp_response(practice.authority.answer_ocsp(request_bytes))
    assert answer.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/crl", "application/pkix-crl"),
        ("/root.crl", "application/pkix-crl"),
        ("/ca", "application/pkix-cert"),
        ("/root", "application/pkix-cert"),
    ],
)
def test_it_serves_its_lists_and_certificates(
    practice: Practice, path: str, media_type: str
) -> None:
    with urllib.request.urlopen(practice.base_url + path) as answer:
        assert answer.headers["Content-Type"] == media_type
        assert answer.read()[:1] == b"\x30"


def test_a_request_that_is_too_large_is_not_read(practice: Practice) -> None:
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(practice.tsa_url, data=b"0" * 100_000)


async def test_a_taken_port_is_told(practice: Practice) -> None:
    port = int(practice.base_url.rpartition(":")[2])
    with pytest.raises(PracticeAuthorityUnusable, match=str(port)):
        async with serve_practice_authority(practice.authority, port=port):
            pass


async def test_a_free_port_is_told_too(practice: Practice) -> None:
    async with serve_practice_authority(practice.authority) as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url != practice.base_url


def test_a_practice_signer_is_valid_with_evidence_and_unknown_without(
    practice: Practice, leader_key: FileKey
) -> None:
    def status(evidence: RevocationEvidence | None) -> PathStatus:
        return judge_path(
            leader_key.certificate,
            intermediates=leader_key.chain,
            store=practice.trust,
            role=AnchorRole.SIGNER,
            at=datetime.now(UTC),
            evidence=evidence,
        ).status

    assert status(practice.evidence(leader_key.certificate)) is PathStatus.VALID
    assert status(None) is PathStatus.REVOCATION_UNKNOWN
