"""Time-stamps are believed only when they prove to answer this very question."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.anchors import AnchorRole, TrustStore
from certs.authority_profiles import SIGNING, TSA, Offer, Validity
from certs.authority_timestamps import TimestampSigner, answer_timestamp
from certs.errors import TimestampFailed, TsaAnswerInvalid, TsaUnavailable
from certs.fetching import EvidenceFetcher, FetchLimits, FetchPolicy
from certs.timestamp_tokens import StampRequest, check_answer
from certs.timestamping import HttpTimestamper
from tests.certs import hostile_http as hostile
from tests.certs.forging import NOW, FrozenClock, Pair, Saying, root
from tests.support.practice import Practice

ROOT = root()
ISSUER = ROOT.authority("Issuing")
GENUINE = ISSUER.issue("TSA", profile=TSA, offer=Offer())
PERSON = ISSUER.issue("Person", profile=SIGNING, offer=Offer())
IMPRINT = hashlib.sha256(b"a document").digest()
ASKED = StampRequest(imprint=IMPRINT, digest_algorithm="sha256", nonce=(1 << 63) + 5)
HOUR = timedelta(hours=1)

Answer = Callable[[bytes], bytes]


def signer(pair: Pair, *others: Pair) -> TimestampSigner:
    chain = (*(each.certificate for each in others), ISSUER.certificate)
    return TimestampSigner(pair.certificate, pair.key, chain)


def stamping(pair: Pair = GENUINE, *others: Pair, at: timedelta = timedelta(0)) -> Answer:
    return lambda request: answer_timestamp(request, signer=signer(pair, *others), at=NOW + at)


def serving(answer: Answer) -> hostile.Behaviour:
    async def behave(body: bytes, writer: asyncio.StreamWriter) -> None:
        await hostile.answering(answer(body))(body, writer)

    return behave


async def stamped(
    behave: hostile.Behaviour,
    *,
    store: TrustStore | None = None,
    digest: str = "sha256",
    evidence: hostile.Behaviour | None = None,
    evidence_port: int = 0,
) -> bytes:
    """A token from a server that behaves so, asked for at NOW with a short patience."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(hostile.serving(behave))
        ports = {server.port, evidence_port}
        policy = FetchPolicy(
            allowed=frozenset(("127.0.0.1", port) for port in ports),
            limits=FetchLimits(total_seconds=0.5, timestamp_bytes=20_000),
        )
        fetcher = await stack.enter_async_context(EvidenceFetcher(policy, clock=FrozenClock()))
        timestamper = HttpTimestamper(
            server.url,
            fetcher=fetcher,
            store=store or ROOT.store(AnchorRole.TSA),
            timeout_seconds=0.5,
            clock=FrozenClock(),
        )
        return await timestamper.stamp(hashlib.new(digest, b"a document").digest(), digest)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
async def test_a_right_answer_gives_the_token_as_received(digest: str) -> None:
    sent: list[bytes] = []

    def answer(request: bytes) -> bytes:
        sent.append(stamping()(request))
        return sent[-1]

    token = await stamped(serving(answer), digest=digest)
    assert token in sent[0]
    info = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
    assert (
        info["message_imprint"]["hashed_message"].native
        == hashlib.new(digest, b"a document").digest()
    )


async def test_the_practice_authority_stamps_with_its_revocation_checked(
    practice: Practice,
) -> None:
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        timestamper = HttpTimestamper(practice.tsa_url, fetcher=fetcher, store=practice.trust)
        tokens = [await timestamper.stamp(IMPRINT, "sha256") for _ in range(2)]
        assert fetcher.failures == ()
    assert tokens[0] != tokens[1]


async def test_every_question_has_a_nonce_of_its_own() -> None:
    nonces = set()

    def answer(request: bytes) -> bytes:
        nonces.add(tsp.TimeStampReq.load(request)["nonce"].native)
        return stamping()(request)

    for _ in range(3):
        await stamped(serving(answer))
    assert len(nonces) == 3
    assert min(nonces) >= 1 << 63


def altered_question(**changes: object) -> Answer:
    def answer(request: bytes) -> bytes:
        question = tsp.TimeStampReq.load(request).copy()
        for name, value in changes.items():
            if value is None:
                del question[name]
            else:
                question[name] = value
        return stamping()(question.dump(force=True))

    return answer


def imprint(digest: str, content: bytes) -> dict[str, object]:
    hashed = hashlib.new(digest, content).digest()
    return {"hash_algorithm": {"algorithm": digest}, "hashed_message": hashed}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (altered_question(message_imprint=imprint("sha256", b"other")), "another document"),
        (altered_question(message_imprint=imprint("sha512", b"a document")), "another document"),
        (altered_question(nonce=5), "nonce"),
        (altered_question(nonce=None), "nonce"),
        (lambda _: stamping()(ASKED.to_der()), "nonce"),
        (stamping(at=HOUR), "time"),
        (stamping(at=-HOUR), "time"),
        (stamping(PERSON), "UNSUITABLE"),
        (stamping(PERSON, GENUINE), "UNSUITABLE"),
        (lambda _: b"<html>sign in</html>", "parsed"),
        (lambda _: b"", "parsed"),
        (lambda _: b"\x30\x80", "parsed"),
        (lambda request: stamping()(request) + b"more", "parsed"),
        (lambda request: stamping()(request)[:-10], "parsed"),
        (lambda _: stamping()(b"junk"), "bad_data_format"),
        (lambda _: b"0" * 20_001, "20000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "answer",
)
async def test_a_wrong_answer_is_invalid(answer: Answer, said: str) -> None:
    with pytest.raises(TsaAnswerInvalid, match=said):
        await stamped(serving(answer))


def refusing(status: str, failure: str | None) -> Answer:
    fields: dict[str, object] = {"status": status}
    if failure:
        fields["fail_info"] = {failure}
    content = tsp.PKIStatusInfo(fields).dump()
    return lambda _: b"\x30" + bytes([len(content)]) + content


@pytest.mark.parametrize(
    ("status", "failure", "error"),
    [
        ("rejection", "bad_alg", TsaAnswerInvalid),
        ("rejection", "unaccepted_policy", TsaAnswerInvalid),
        ("rejection", None, TsaAnswerInvalid),
        ("waiting", None, TsaAnswerInvalid),
        ("rejection", "system_failure", TsaUnavailable),
        ("rejection", "time_not_available", TsaUnavailable),
        ("granted", None, TsaAnswerInvalid),
    ],
)
async def test_a_refusal_is_told_apart_by_whether_it_may_pass(
    status: str, failure: str | None, error: type[TimestampFailed]
) -> None:
    with pytest.raises(error):
        await stamped(serving(refusing(status, failure)))


@pytest.mark.parametrize(
    "behave",
    [
        hostile.hanging,
        hostile.dripping,
        hostile.cutting_off,
        hostile.babbling,
        hostile.redirecting("http://127.0.0.1:1/"),
        hostile.answering(b"", "503 Service Unavailable"),
    ],
    ids=["hung", "dripping", "cut off", "no HTTP", "redirecting", "503"],
)
async def test_a_server_that_gives_no_answer_is_unavailable(behave: hostile.Behaviour) -> None:
    with pytest.raises(TsaUnavailable):
        await stamped(behave)


async def test_a_server_that_is_down_or_not_allowed_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for allowed in (frozenset[tuple[str, int]](), frozenset({("127.0.0.1", port)})):
        async with EvidenceFetcher(FetchPolicy(allowed=allowed)) as fetcher:
            timestamper = HttpTimestamper(
                f"http://127.0.0.1:{port}/tsa", fetcher=fetcher, store=ROOT.store()
            )
            with pytest.raises(TsaUnavailable):
                await timestamper.stamp(IMPRINT, "sha256")


async def test_an_authority_without_an_anchor_for_time_stamps_is_not_believed() -> None:
    for store in (TrustStore(), root().store(), ROOT.store(AnchorRole.SIGNER)):
        with pytest.raises(TsaAnswerInvalid, match="NO_TRUSTED_PATH"):
            await stamped(serving(stamping()), store=store)


async def test_an_expired_authority_is_not_believed() -> None:
    past = Validity(not_before=NOW - 9 * HOUR, not_after=NOW - HOUR)
    old = ISSUER.issue("Old", profile=TSA, validity=past, offer=Offer())
    with pytest.raises(TsaAnswerInvalid, match="EXPIRED"):
        await stamped(serving(stamping(old)))


async def test_an_authority_whose_purpose_is_not_critical_is_not_believed() -> None:
    loose = ISSUER.issue("Loose", profile=replace(TSA, purposes_critical=False), offer=Offer())
    with pytest.raises(TsaAnswerInvalid, match="critical"):
        await stamped(serving(stamping(loose)))
    both = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH)
    wide = ISSUER.issue("Wide", profile=replace(TSA, purposes=both), offer=Offer())
    with pytest.raises(TsaAnswerInvalid, match="one purpose"):
        await stamped(serving(stamping(wide)))


@pytest.mark.parametrize(
    ("saying", "error"),
    [
        (Saying(), None),
        (Saying(revoked_at=NOW - HOUR), TsaAnswerInvalid),
        (Saying(known=False), TsaUnavailable),
        (Saying(at=NOW - 9 * HOUR), TsaUnavailable),
        (None, TsaUnavailable),
    ],
    ids=["good", "revoked", "unknown", "stale", "down"],
)
async def test_the_authority_must_be_known_not_to_be_revoked(
    saying: Saying | None, error: type[TimestampFailed] | None
) -> None:
    answers: list[bytes] = []

    async def behave(body: bytes, writer: asyncio.StreamWriter) -> None:
        answer = hostile.answering(answers[0]) if answers else hostile.answering(b"", "500 Down")
        await answer(body, writer)

    async with hostile.serving(behave) as responder:
        tsa = ISSUER.issue("TSA", profile=TSA, offer=Offer(ocsp=responder.url))
        if saying is not None:
            answers.append(saying.answer(tsa, ISSUER.responder()))
        work = stamped(serving(stamping(tsa)), evidence_port=responder.port)
        if error is None:
            assert await work
        else:
            with pytest.raises(error):
                await work
        assert len(responder.requests) == 1


# From here on tokens are taken apart and put together anew.

Alter = Callable[[cms.SignedData, cms.SignerInfo], None]


def asn1(pair: Pair) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(pair.certificate.public_bytes(Encoding.DER))


def crafted(alter: Alter, *, signed_by: Pair | None = GENUINE) -> bytes:
    """A token for ASKED, altered, then signed over the altered attributes unless by None."""
    answer = answer_timestamp(ASKED.to_der(), signer=signer(GENUINE, PERSON), at=NOW)
    response = tsp.TimeStampResp.load(answer).copy()
    signed = response["time_stamp_token"]["content"]
    info = signed["signer_infos"][0]
    alter(signed, info)
    if signed_by is not None:
        assert isinstance(signed_by.key, ec.EllipticCurvePrivateKey)
        content = b"\x31" + info["signed_attrs"].dump(force=True)[1:]
        info["signature"] = signed_by.key.sign(content, ec.ECDSA(hashes.SHA256()))
    return bytes(response.dump(force=True))


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


@settings(max_examples=150, deadline=None)
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


@given(st.binary(max_size=300))
def test_no_bytes_make_the_check_fail_otherwise(content: bytes) -> None:
    with pytest.raises(TimestampFailed):
        check_answer(content, ASKED)


def test_a_question_checks_itself() -> None:
    with pytest.raises(ValueError, match="not one of"):
        replace(ASKED, digest_algorithm="sha1")
    with pytest.raises(ValueError, match="imprint"):
        replace(ASKED, imprint=b"short")
