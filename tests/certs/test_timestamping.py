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
from asn1crypto import cms, tsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.errors import TimestampFailed, TsaAnswerInvalid, TsaUnavailable
from certs.fetching.fetcher import EvidenceFetcher, FetchLimits, FetchPolicy
from certs.practice.profiles import SIGNING, TSA, Offer, Validity
from certs.practice.timestamps import TimestampSigner, answer_timestamp
from certs.timestamp_tokens import StampRequest
from certs.timestamping import HttpTimestamper
from certs.trust.anchors import AnchorRole, TrustStore
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
