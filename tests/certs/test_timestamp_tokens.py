"""Tokens taken apart and put together anew: one certificate signs, is bound, named and judged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.errors import TimestampFailed, TsaAnswerInvalid
from certs.practice.profiles import SIGNING, TSA, Offer
from certs.practice.timestamps import TimestampSigner, answer_timestamp
from certs.timestamp_tokens import StampRequest, check_answer
from tests.certs.forging import NOW, Pair, root

ROOT = root()
ISSUER = ROOT.authority("Issuing")
GENUINE = ISSUER.issue("TSA", profile=TSA, offer=Offer())
PERSON = ISSUER.issue("Person", profile=SIGNING, offer=Offer())
IMPRINT = hashlib.sha256(b"a document").digest()
ASKED = StampRequest(imprint=IMPRINT, digest_algorithm="sha256", nonce=(1 << 63) + 5)
HOUR = timedelta(hours=1)


def signer(pair: Pair, *others: Pair) -> TimestampSigner:
    chain = (*(each.certificate for each in others), ISSUER.certificate)
    return TimestampSigner(pair.certificate, pair.key, chain)


Alter = Callable[[cms.SignedData, cms.SignerInfo], None]


def asn1(pair: Pair) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(pair.certificate.public_bytes(Encoding.DER))


def crafted(alter: Alter, *, signed_by: Pair | None = GENUINE) -> bytes:
    """A token for ASKED, altered, then signed over the altered attributes unless by None."""
    answer = answer_timestamp(ASKED.to_der(), signer=signer(GENUINE, PERSON), at=NOW)
    token = tsp.TimeStampResp.load(answer)["time_stamp_token"]
    # Parts are loaded by themselves: writing a deeply nested altered structure takes ages.
    signed = cms.SignedData.load(token["content"].untag().dump())
    info = cms.SignerInfo.load(signed["signer_infos"][0].dump())
    alter(signed, info)
    if signed_by is not None:
        assert isinstance(signed_by.key, ec.EllipticCurvePrivateKey)
        content = b"\x31" + info["signed_attrs"].dump()[1:]
        info["signature"] = signed_by.key.sign(content, ec.ECDSA(hashes.SHA256()))
    count = len(signed["signer_infos"])
    signed["signer_infos"] = [cms.SignerInfo.load(info.dump())] * count
    made = cms.ContentInfo(
        {"content_type": "signed_data", "content": cms.SignedData.load(signed.dump())}
    )
    status = {"status": "granted"}
    return bytes(tsp.TimeStampResp({"status": status, "time_stamp_token": made}).dump())


def attribute(info: cms.SignerInfo, name: str, value: object) -> None:
    kept = [each for each in info["signed_attrs"] if each["type"].native != name]
    if value is not None:
        kept.append(cms.CMSAttribute({"type": name, "values": [value]}))
    info["signed_attrs"] = cms.CMSAttributes(kept)


def bind(info: cms.SignerInfo, pair: Pair) -> None:
    digest = hashlib.sha256(asn1(pair).dump()).digest()
    attribute(
        info, "signing_certificate_v2", tsp.SigningCertificateV2({"certs": [{"cert_hash": digest}]})
    )


def name(info: cms.SignerInfo, pair: Pair) -> None:
    certificate = asn1(pair)
    info["sid"] = cms.SignerIdentifier(
        {
            "issuer_and_serial_number": {
                "issuer": certificate.issuer,
                "serial_number": certificate.serial_number,
            }
        }
    )


def check(alter: Alter, *, signed_by: Pair | None = GENUINE) -> None:
    check_answer(crafted(alter, signed_by=signed_by), ASKED)


def test_a_token_put_together_unaltered_is_right() -> None:
    check(lambda signed, info: None)


@pytest.mark.parametrize(
    ("bound", "named"),
    [(GENUINE, GENUINE), (GENUINE, PERSON), (PERSON, GENUINE)],
    ids=["posing as the authority", "bound to the authority", "named as the authority"],
)
def test_the_certificate_that_signs_is_the_one_that_is_judged(bound: Pair, named: Pair) -> None:
    def alter(signed: cms.SignedData, info: cms.SignerInfo) -> None:
        bind(info, bound)
        name(info, named)

    with pytest.raises(TsaAnswerInvalid):
        check(alter, signed_by=PERSON)


def test_a_signer_without_the_purpose_is_the_one_that_is_reported() -> None:
    def alter(signed: cms.SignedData, info: cms.SignerInfo) -> None:
        bind(info, PERSON)
        name(info, PERSON)

    token = check_answer(crafted(alter, signed_by=PERSON), ASKED)
    assert token.signer == PERSON.certificate
    assert GENUINE.certificate in token.certificates


def two_signers(signed: cms.SignedData, info: cms.SignerInfo) -> None:
    signed["signer_infos"] = cms.SignerInfos([info, info.copy()])


def other_content(signed: cms.SignedData, info: cms.SignerInfo) -> None:
    stamp = signed["encap_content_info"]["content"].parsed.copy()
    stamp["gen_time"] = NOW - HOUR
    content = cms.ParsableOctetString(stamp.dump(force=True))
    signed["encap_content_info"] = {"content_type": "tst_info", "content": content}


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (two_signers, "exactly one"),
        (other_content, "another time-stamp"),
        (lambda signed, info: attribute(info, "signing_certificate_v2", None), "not bound"),
        (lambda signed, info: attribute(info, "content_type", "data"), "content type"),
        (lambda signed, info: attribute(info, "message_digest", b"0" * 32), "another time-stamp"),
        (lambda signed, info: bind(info, ROOT), "not included"),
        (lambda signed, info: signed.__setitem__("certificates", []), "not included"),
        (
            lambda signed, info: info.__setitem__("digest_algorithm", {"algorithm": "sha1"}),
            "signed with sha1",
        ),
        (
            lambda signed, info: info.__setitem__(
                "signature_algorithm", {"algorithm": "sha1_ecdsa"}
            ),
            "weak digest",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "alter",
)
def test_an_altered_token_is_invalid_even_when_signed_anew(alter: Alter, said: str) -> None:
    with pytest.raises(TsaAnswerInvalid, match=said):
        check(alter)


def test_an_attribute_altered_after_signing_is_invalid() -> None:
    moment = cms.Time({"utc_time": core.UTCTime(NOW - HOUR)})
    with pytest.raises(TsaAnswerInvalid, match="signature is wrong"):
        check(lambda signed, info: attribute(info, "signing_time", moment), signed_by=None)


def test_the_older_binding_with_sha1_is_understood() -> None:
    def alter(signed: cms.SignedData, info: cms.SignerInfo) -> None:
        attribute(info, "signing_certificate_v2", None)
        digest = hashlib.sha1(asn1(GENUINE).dump()).digest()
        bound = tsp.SigningCertificate({"certs": [{"cert_hash": digest}]})
        attribute(info, "signing_certificate", bound)

    check(alter)


RIGHT = answer_timestamp(ASKED.to_der(), signer=signer(GENUINE), at=NOW)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_flipped_byte_is_an_invalid_answer_or_changes_nothing(data: st.DataObject) -> None:
    answer = bytearray(RIGHT)
    place = data.draw(st.integers(0, len(answer) - 1))
    answer[place] ^= data.draw(st.integers(1, 255))
    try:
        token = check_answer(bytes(answer), ASKED)
    except TimestampFailed:
        return
    # What the signature does not cover: the status texts, the issuers' certificates, the versions.
    assert token.signer == GENUINE.certificate
    assert token.stamped_at == NOW


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_check_fail_otherwise(content: bytes) -> None:
    with pytest.raises(TimestampFailed):
        check_answer(content, ASKED)


def test_a_question_checks_itself() -> None:
    with pytest.raises(ValueError, match="not one of"):
        replace(ASKED, digest_algorithm="sha1")
    with pytest.raises(ValueError, match="imprint"):
        replace(ASKED, imprint=b"short")
