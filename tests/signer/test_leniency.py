"""What good documents of other makers need, each leniency by its name, and nobody's way in."""

# mypy: allow-untyped-calls
from __future__ import annotations

import re
from dataclasses import replace

import pytest
from asn1crypto import cms, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.practice.authority import Issued
from signer.engine.rsa_moduli import with_unsigned_modulus
from signer.leniencies import Leniency
from signer.reasons import Reason
from signer.verdicts import Changes, Integrity, Verdict
from tests.support.hand_signing import Shape, hand_signed
from tests.support.practice import Practice
from tests.support.verification import Judge

# A modulus that was encoded as a negative number, as the first Estonian cards have it.


def parsed(issued: Issued) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER))


def with_odd_modulus(issued: Issued, practice: Practice) -> Issued:
    """The same person with a certificate whose modulus lacks its zero; the authority signs it."""
    certificate = parsed(issued)
    key = certificate["tbs_certificate"]["subject_public_key_info"]
    written = key["public_key"].parsed
    modulus = written["modulus"].native
    odd = keys.RSAPublicKey(
        {
            "modulus": modulus - (1 << modulus.bit_length()),
            "public_exponent": written["public_exponent"].native,
        }
    )
    key["public_key"] = odd
    authority_key = practice.authority._issuer_key
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    signature = authority_key.sign(
        certificate["tbs_certificate"].dump(force=True), ec.ECDSA(hashes.SHA256())
    )
    certificate["signature_value"] = signature
    return replace(issued, certificate=x509.load_der_x509_certificate(certificate.dump(force=True)))


def test_a_negative_modulus_is_read_and_its_owner_never_trusted(
    judge: Judge, practice: Practice, leader: Issued
) -> None:
    odd = with_odd_modulus(leader, practice)
    with pytest.raises(ValueError, match="invalid value"):
        odd.certificate.public_key()
    report = judge(hand_signed(odd))
    (entry,) = report.signatures
    assert (entry.integrity, entry.changes) == (Integrity.INTACT, Changes.NONE)
    assert entry.leniencies == (Leniency.NEGATIVE_MODULUS,)
    assert (report.verdict, report.reason) == (
        Verdict.INDETERMINATE,
        Reason.CERTIFICATE_UNSUITABLE,
    )


def test_with_a_negative_modulus_altered_bytes_and_other_keys_fail_as_ever(
    judge: Judge, practice: Practice, leader: Issued, seal: Issued
) -> None:
    odd = with_odd_modulus(leader, practice)
    document = hand_signed(odd)
    at = document.index(b"09/QD")
    report = judge(document[:at] + b"10/QD" + document[at + 5 :])
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED)
    report = judge(hand_signed(replace(odd, private_key=seal.private_key)))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.SIGNATURE_BROKEN)


def test_a_key_that_is_written_well_stays_as_it_is(practice: Practice, leader: Issued) -> None:
    good = parsed(leader).public_key
    assert with_unsigned_modulus(good) is good
    meant = with_unsigned_modulus(parsed(with_odd_modulus(leader, practice)).public_key)
    assert meant.dump() == good.dump()


# A scheme in the place of its digest.


def test_a_scheme_named_for_a_digest_makes_no_other_digest_pass(
    judge: Judge, leader: Issued
) -> None:
    document = hand_signed(leader, Shape(digest="sha256"))
    place = re.search(rb"/Contents <([0-9a-f]+)>", document)
    assert place is not None
    message = cms.ContentInfo.load(bytes.fromhex(place.group(1).decode()))
    signer_info = message["content"]["signer_infos"][0]
    signer_info["digest_algorithm"] = {"algorithm": "1.2.840.113549.1.1.5"}
    digits = message.dump(force=True).hex().encode().ljust(len(place.group(1)), b"0")
    report = judge(document[: place.start(1)] + digits + document[place.end(1) :])
    assert report.verdict is not Verdict.VALID
    assert report.signatures[0].integrity is not Integrity.INTACT
    assert report.signatures[0].leniencies == (Leniency.SCHEME_AS_DIGEST,)
