"""Every leniency is named on the signatures that needed it, and on no others."""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import csv
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.leniencies import Leniency
from signer.validation.assessing import assess
from signer.verdicts import Changes, Indication, Integrity, Verdict
from tests.support import pdfs, producers
from tests.support.hand_signing import Shape, hand_signed
from tests.support.office import Office, OfficeTimestamper
from tests.support.verification import Desk, Judge

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
# A judge like the others: skipped with its name where it is missing, an error in CI.
with_corpus = pytest.mark.judge(*(() if CORPUS.is_dir() else ("../shared/corpus",)))
PLAIN = pdfs.one_page()
CONTENTS = re.compile(rb"/Contents <([0-9a-f]+)>")


def with_comment(document: bytes) -> bytes:
    return document.replace(b"startxref", b"%made by another maker\nstartxref")


def with_early_startxref(document: bytes) -> bytes:
    at = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    assert document[at - 1 : at] == b"\n"
    return document.replace(b"startxref\n%d" % at, b"startxref\n%d" % (at - 1))


def with_short_rows(document: bytes) -> bytes:
    """A table whose rows end in a line feed alone: 19 bytes each."""
    return re.sub(rb"(\d{10} \d{5} [nf]) \n", rb"\1\n", document)


FILES: dict[Leniency, bytes] = {
    Leniency.HYBRID_REFERENCES: producers.as_word_writes(),
    Leniency.COMMENT_BEFORE_END: with_comment(PLAIN),
    Leniency.STARTXREF_EARLY: with_early_startxref(PLAIN),
    Leniency.TABLE_ROWS_UNEVEN: with_short_rows(PLAIN),
}


def test_a_plain_document_needs_none(judge: Judge, sealed: bytes) -> None:
    assert [each.leniencies for each in judge(sealed).signatures] == [(), ()]


@pytest.mark.parametrize("leniency", list(FILES), ids=str)
def test_what_the_file_needs_is_named_on_every_signature(
    desk: Desk, judge: Judge, leader_key: FileKey, seal_key: FileKey, leniency: Leniency
) -> None:
    assert FILES[leniency] != PLAIN
    report = judge(desk.sign(desk.sign(FILES[leniency], leader_key), seal_key))
    assert report.verdict is Verdict.VALID, report
    assert [each.leniencies for each in report.signatures] == [(leniency,), (leniency,)]


def test_what_is_freed_again_is_named_on_those_before_alone(
    desk: Desk, judge: Judge, signed: bytes, seal_key: FileKey
) -> None:
    previous = int(re.findall(rb"startxref\s+(\d+)", signed)[-1])
    identity = re.findall(rb"/ID ?\[[^]]*\]", signed)
    update = (
        b"xref\n150 1\n0000000000 00001 f \ntrailer\n"
        b"<< /Size 200 /Root 1 0 R /Prev %d %b >>\nstartxref\n%d\n%%%%EOF\n"
        % (previous, identity[-1] if identity else b"", len(signed))
    )
    report = judge(desk.sign(signed + update, seal_key))
    assert report.verdict is Verdict.VALID, report
    assert [each.leniencies for each in report.signatures] == [(Leniency.FREED_AGAIN,), ()]


# The signature's container.


def replaced(document: bytes, content: bytes) -> bytes:
    """The document with another CMS object in its gap, which nothing signs."""
    place = CONTENTS.search(document)
    assert place is not None
    digits = content.hex().encode().ljust(len(place.group(1)), b"0")
    return document[: place.start(1)] + digits + document[place.end(1) :]


def message_of(document: bytes) -> cms.ContentInfo:
    place = CONTENTS.search(document)
    assert place is not None
    return cms.ContentInfo.load(bytes.fromhex(place.group(1).decode()))


def resigned(
    document: bytes, issued: Issued, change: Callable[[list[bytes]], list[bytes]]
) -> bytes:
    """The document with signed attributes changed, and signed again as they then are."""
    message = message_of(document)
    signer_info = message["content"]["signer_infos"][0]
    encoded = b"".join(change([each.dump() for each in signer_info["signed_attrs"]]))
    attributes = b"\x31\x82" + len(encoded).to_bytes(2, "big") + encoded
    match issued.private_key:
        case rsa.RSAPrivateKey() as key:
            signature = key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey() as curve_key:
            signature = curve_key.sign(attributes, ec.ECDSA(hashes.SHA256()))
        case _:
            raise AssertionError
    signer_info["signed_attrs"] = cms.CMSAttributes.load(attributes)
    signer_info["signature"] = signature
    return replaced(document, message.dump())


def named_by_sha1(issued: Issued) -> bytes:
    """The attribute of RFC 2634, which names the certificate by its SHA-1 digest."""
    der = issued.certificate.public_bytes(Encoding.DER)
    parsed = asn1_x509.Certificate.load(der)["tbs_certificate"]
    named = tsp.ESSCertID(
        {
            "cert_hash": hashlib.sha1(der, usedforsecurity=False).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", parsed["issuer"])],
                "serial_number": parsed["serial_number"].native,
            },
        }
    )
    value = tsp.SigningCertificate({"certs": [named]})
    return bytes(cms.CMSAttribute({"type": "signing_certificate", "values": [value]}).dump())


def test_attributes_in_another_order_are_named(judge: Judge, leader: Issued) -> None:
    document = resigned(hand_signed(leader), leader, lambda each: sorted(each, reverse=True))
    report = judge(document)
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.ATTRIBUTES_UNSORTED,)
    # Moved without the key, the same attributes are a broken signature.
    message = message_of(document)
    signer_info = message["content"]["signer_infos"][0]
    in_order = sorted(each.dump() for each in signer_info["signed_attrs"])
    length = sum(map(len, in_order)).to_bytes(2, "big")
    signer_info["signed_attrs"] = cms.CMSAttributes.load(b"\x31\x82" + length + b"".join(in_order))
    assert judge(replaced(document, message.dump())).verdict is Verdict.INVALID


def test_a_certificate_named_by_sha1_is_named(judge: Judge, leader: Issued, seal: Issued) -> None:
    v2 = cms.CMSAttributeType("signing_certificate_v2").dump()

    def naming(whom: Issued) -> Callable[[list[bytes]], list[bytes]]:
        return lambda found: sorted(
            [*(each for each in found if v2 not in each), named_by_sha1(whom)]
        )

    report = judge(resigned(hand_signed(leader), leader, naming(leader)))
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.CERTIFICATE_NAMED_BY_SHA1,)
    report = judge(resigned(hand_signed(leader), leader, naming(seal)))
    assert report.verdict is not Verdict.VALID


def test_ber_is_named(judge: Judge, leader: Issued) -> None:
    document = hand_signed(leader)
    der = message_of(document).dump()
    assert der[:2] == b"\x30\x82"
    report = judge(replaced(document, b"\x30\x80" + der[4:] + b"\x00\x00"))
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.BER_ENCODING,)


def test_a_time_stamp_that_calls_itself_a_signature_is_named(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    document = hand_signed(office.person(), Shape(sub_filter="/ETSI.RFC3161"))
    place = CONTENTS.search(document)
    assert place is not None
    signed = document[: place.start(1) - 1] + document[place.end(1) + 1 :]
    stamper = OfficeTimestamper(office)
    token = asyncio.run(stamper.stamp(hashlib.sha256(signed).digest(), "sha256"))
    report = office.judge(replaced(document, token), office.evidence())
    assert report.verdict is Verdict.UNSIGNED
    (stamp,) = report.signatures
    assert stamp.indication is Indication.TOTAL_PASSED, stamp
    assert stamp.leniencies == (Leniency.TIMESTAMP_TYPED_SIG,)


# Documents of others.


@with_corpus
def test_accepted_documents_of_others_name_what_they_name() -> None:
    """Each that was found in the corpus, on how many accepted signatures."""
    found: dict[Leniency, int] = {}
    with (CORPUS / "expected.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    for row in rows:
        if row["expected"] not in ("VALID", "GOLDEN"):
            continue
        document = (CORPUS / "pdf" / row["file"]).read_bytes()
        report = assess(
            document, store=TrustStore(), evidence=RevocationEvidence(), at=datetime.now(UTC)
        )
        for entry in report.signatures:
            harmless = (Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL)
            if entry.integrity is Integrity.INTACT and entry.changes in harmless:
                for each in entry.leniencies:
                    found[each] = found.get(each, 0) + 1
    least = {
        Leniency.HYBRID_REFERENCES: 3,
        Leniency.COMMENT_BEFORE_END: 40,
        Leniency.FREED_AGAIN: 5,
        Leniency.STORE_REWRITTEN: 2,
        Leniency.TIMESTAMP_TYPED_SIG: 3,
        Leniency.BER_ENCODING: 3,
        Leniency.CERTIFICATE_NAMED_BY_SHA1: 10,
    }
    assert {each: count for each, count in least.items() if found.get(each, 0) < count} == {}, found
