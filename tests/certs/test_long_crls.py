"""Long CRLs: read as if whole, at the cost of a few entries, and judged once by a process."""

from __future__ import annotations

import hashlib
import inspect
import time
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.revinfo.validate_crl import find_cert_in_list

from certs.paths.validation import PathStatus, PathVerdict, judge_path
from certs.revocation import known_crls
from certs.revocation.crl_entries import narrowed
from certs.revocation.evidence import RevocationEvidence
from certs.revocation.known_crls import KnownCrl, known_crl
from certs.trust.anchors import AnchorRole
from tests.certs.forging import NOW, OFFER, Pair, listed, long_crl, root

CRL_ONLY = replace(OFFER, ocsp="")
ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf", offer=CRL_ONLY)
SERIAL = LEAF.certificate.serial_number
MANY = 20_000


@cache
def many() -> bytes:
    return long_crl(ISSUER, others=MANY)


def judged(*crls: bytes, leaf: Pair = LEAF) -> PathVerdict:
    assert leaf.above is not None
    return judge_path(
        leaf.certificate,
        intermediates=(leaf.above.certificate,),
        store=ROOT.store(),
        role=AnchorRole.SIGNER,
        at=NOW,
        evidence=RevocationEvidence(crls=crls),
    )


def asn1(pair: Pair) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(pair.certificate.public_bytes(Encoding.DER))


def test_twenty_thousand_entries_cost_a_fraction_of_a_second() -> None:
    crl = many()
    assert judged(crl).status is PathStatus.VALID
    started = time.process_time()
    for _ in range(4):
        assert judged(bytes(bytearray(crl))).status is PathStatus.VALID
    # Plainly read it was 0.3 s each time; by a wide margin for slow machines.
    assert time.process_time() - started < 0.4


def test_one_entry_among_twenty_thousand_revokes() -> None:
    verdict = judged(long_crl(ISSUER, listed(SERIAL), others=MANY))
    assert verdict.status is PathStatus.REVOKED
    assert verdict.revoked_at == NOW - timedelta(days=1)


def test_an_entry_of_a_later_day_among_many_does_not_revoke_yet() -> None:
    later = listed(SERIAL, since=NOW + timedelta(hours=1))
    assert judged(long_crl(ISSUER, later, others=2_000)).status is PathStatus.VALID


ENTRIES = {
    "of another certificate": (listed(SERIAL + 1),),
    "of the certificate": (listed(SERIAL),),
    "with a reason": (listed(SERIAL, x509.CRLReason(x509.ReasonFlags.superseded)),),
    "lifted again": (listed(SERIAL, x509.CRLReason(x509.ReasonFlags.remove_from_crl)),),
    "larger than 127 bytes": (
        listed(SERIAL + 2, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"0" * 300)),
        listed(SERIAL, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"0" * 200)),
    ),
    "of another issuer": (
        listed(5, x509.CertificateIssuer([x509.DirectoryName(ROOT.certificate.subject)])),
        listed(SERIAL),
    ),
    "naming the serial number elsewhere": (
        listed(
            5,
            x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.2.3"),
                listed(SERIAL).serial_number.to_bytes(20) + asn1(LEAF)[0]["serial_number"].dump(),
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("others", [0, 500])
def test_the_library_finds_in_the_narrowed_list_what_it_finds_in_the_whole(
    name: str, others: int
) -> None:
    crl, leaf = long_crl(ISSUER, *ENTRIES[name], others=others), asn1(LEAF)

    def found(entries: CertificateList) -> object:
        when, reason = find_cert_in_list(leaf, leaf.issuer, entries, leaf.issuer)
        return when, reason and reason.native

    narrow = narrowed(crl, [leaf, asn1(ISSUER)])
    assert found(narrow) == found(CertificateList.load(crl))
    assert narrow.dump() == crl
    assert narrow["tbs_cert_list"].dump() == CertificateList.load(crl)["tbs_cert_list"].dump()


def test_an_empty_list_stays_empty() -> None:
    crl = long_crl(ISSUER, others=0)
    assert narrowed(crl, [asn1(LEAF)]).dump() == crl
    assert judged(crl).status is PathStatus.VALID


def test_the_library_looks_entries_up_as_the_narrowing_expects() -> None:
    source = inspect.getsource(find_cert_in_list)
    # Another version may look at other entries than those of the serial number: read it first.
    assert hashlib.sha256(source.encode()).hexdigest() == (
        "440272e218a4c3f6565008bdf7b147ee3af144e1b2cd330ee66dfe9e98d3b336"
    )


@pytest.mark.parametrize("others", [0, 300])
def test_a_kept_list_names_exactly_the_serial_numbers_in_it(others: int) -> None:
    crl = KnownCrl(long_crl(ISSUER, listed(SERIAL), others=others))
    for entry in crl.parsed:
        found = crl.entry(entry.serial_number)
        assert found is not None
        assert found.serial_number == entry.serial_number
        assert crl.entry(entry.serial_number ^ 1 << 40) is None


def test_only_what_an_issuer_signed_is_kept() -> None:
    genuine = long_crl(ISSUER, others=3)
    stranger = root("Stranger").authority("Issuing")
    forged = long_crl(stranger, others=3)
    for crl in (forged, genuine):
        judged(crl)
    assert known_crl(genuine) is known_crl(bytes(bytearray(genuine)))
    assert known_crl(forged) is not known_crl(forged)


def test_a_list_that_is_kept_does_not_vouch_for_an_altered_one() -> None:
    crl = long_crl(ISSUER, others=3)
    assert judged(crl).status is PathStatus.VALID
    altered = bytearray(crl)
    position = crl.index(b"\x17\x0d260602") + 7
    altered[position : position + 1] = b"9"
    assert judged(bytes(altered)).status is PathStatus.REVOCATION_UNKNOWN
    assert judged(crl).status is PathStatus.VALID


def test_a_list_that_is_kept_for_one_issuer_says_nothing_for_another_of_its_name() -> None:
    crl = long_crl(ISSUER, others=3)
    assert judged(crl).status is PathStatus.VALID
    namesake = ROOT.authority("Issuing")
    leaf = namesake.issue("Leaf", offer=CRL_ONLY)
    assert judged(crl, leaf=leaf).status is PathStatus.REVOCATION_UNKNOWN


def test_kept_lists_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_crls, "KEPT_CRLS", 2)
    lists = [long_crl(ISSUER, others=number) for number in range(1, 5)]
    for crl in lists:
        judged(crl)
    assert [known_crl(each) is known_crl(each) for each in lists] == [False, False, True, True]
    monkeypatch.setattr(known_crls, "KEPT_BYTES", len(lists[3]))
    judged(lists[0])
    judged(lists[3])
    assert [known_crl(each) is known_crl(each) for each in lists] == [False, False, False, True]
