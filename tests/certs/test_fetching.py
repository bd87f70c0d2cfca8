"""Fetching: nobody is asked by default, and nothing a stranger does costs more than allowed."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from certs.errors import FetchFailed, FetchRefused, FetchTooLarge, FetchUnavailable
from certs.fetching.fetcher import EvidenceFetcher, FetchLimits, FetchPolicy
from certs.keys.file import FileKey
from certs.revocation.evidence import (
    EvidenceKind,
    EvidenceRequest,
    RevocationEvidence,
    issuer_addresses,
    offered_evidence,
)
from tests.certs import hostile_http as hostile
from tests.certs.forging import NOW, OFFER, FrozenClock, Pair, Saying, root
from tests.support.practice import Practice

QUICK = FetchLimits(total_seconds=0.4, gather_seconds=0.6)
ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf")
RESPONDER = ISSUER.responder()


def policy(*ports: int, host: str = "127.0.0.1", limits: FetchLimits = QUICK) -> FetchPolicy:
    return FetchPolicy(allowed=frozenset((host, port) for port in ports), limits=limits)


def asking(kind: EvidenceKind, url: str, pair: Pair = LEAF) -> EvidenceRequest:
    assert pair.above is not None
    return EvidenceRequest(
        kind=kind,
        url=url,
        certificate=pair.certificate.public_bytes(Encoding.DER),
        issuer=pair.above.certificate.public_bytes(Encoding.DER),
        serial=pair.certificate.serial_number,
    )


async def refused(
    behave: hostile.Behaviour, error: type[FetchFailed], *, limits: FetchLimits = QUICK
) -> str:
    """What is said when the server behaves so; each refusal comes within the deadline."""
    async with hostile.serving(behave) as server:
        started = time.monotonic()
        async with EvidenceFetcher(policy(server.port, limits=limits)) as fetcher:
            with pytest.raises(error) as caught:
                await fetcher.get(server.url, max_bytes=100_000)
        assert time.monotonic() - started < limits.total_seconds + 2
        assert len(server.requests) == 1
    return str(caught.value)


async def test_by_default_nobody_is_asked() -> None:
    async with (
        hostile.serving(hostile.answering(b"hit")) as server,
        EvidenceFetcher(FetchPolicy()) as fetcher,
    ):
        with pytest.raises(FetchRefused, match="allow-list"):
            await fetcher.get(server.url, max_bytes=10)
        assert server.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "ldap://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://127.0.0.1/",
        "http://127.0.0.1:{port}@evil.example/",
        "http://evil.example/#@127.0.0.1:{port}/",
        "http://evil.example\\@127.0.0.1:{port}/",
        "http://127.0.0.1:99999/",
        "http://",
        "not a url",
        "",
        "http://127.0.0.1:{port}/" + "x" * 5000,
    ],
)
async def test_whatever_is_not_exactly_allowed_is_refused_without_a_connection(url: str) -> None:
    async with (
        hostile.serving(hostile.answering(b"hit")) as server,
        EvidenceFetcher(policy(server.port)) as fetcher,
    ):
        with pytest.raises(FetchFailed):
            await fetcher.get(url.format(port=server.port), max_bytes=10)
        assert server.requests == []


async def test_an_allowed_name_that_leads_to_an_inner_address_is_refused() -> None:
    async def resolve(place: tuple[str, int], family: int) -> Sequence[str]:
        return ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "::ffff:127.0.0.1", "224.0.0.1"]

    async with hostile.serving(hostile.answering(b"hit")) as server:
        names = policy(server.port, host="ocsp.example")
        async with EvidenceFetcher(names, resolve=resolve) as fetcher:
            with pytest.raises(FetchRefused, match="not public"):
                await fetcher.get(f"http://ocsp.example:{server.port}/", max_bytes=10)
        assert server.requests == []


async def test_a_name_may_lead_to_an_inner_address_that_is_listed_itself() -> None:
    async def resolve(place: tuple[str, int], family: int) -> Sequence[str]:
        return ["10.0.0.7", "127.0.0.1"]

    async with hostile.serving(hostile.answering(b"hit")) as server:
        both = FetchPolicy(
            allowed=frozenset({("ocsp.example", server.port), ("127.0.0.1", server.port)}),
            limits=QUICK,
        )
        async with EvidenceFetcher(both, resolve=resolve) as fetcher:
            answer = await fetcher.get(f"http://ocsp.example:{server.port}/", max_bytes=10)
        assert answer == b"hit"


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    async def resolve(place: tuple[str, int], family: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with EvidenceFetcher(policy(80, host="gone.example"), resolve=resolve) as fetcher:
        with pytest.raises(FetchUnavailable):
            await fetcher.get("http://gone.example/", max_bytes=10)


async def test_a_redirect_is_not_followed() -> None:
    async with hostile.serving(hostile.answering(b"secret")) as inner:
        said = await refused(hostile.redirecting(inner.url), FetchUnavailable)
        assert "redirection" in said
        assert inner.requests == []


@pytest.mark.parametrize(
    "behave",
    [hostile.hanging, hostile.dripping, hostile.dripping_heads],
    ids=lambda each: each.__name__,
)
async def test_a_slow_server_meets_the_deadline(behave: hostile.Behaviour) -> None:
    assert "0.4 s" in await refused(behave, FetchUnavailable)


async def test_an_endless_body_is_cut_at_the_limit_and_not_kept() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limits = replace(QUICK, total_seconds=10)
    await refused(hostile.endless, FetchTooLarge, limits=limits)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


async def test_a_body_announced_too_large_is_not_read() -> None:
    await refused(hostile.answering(b"0" * 100_001), FetchTooLarge)


async def test_compressed_content_is_refused_and_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    behave = hostile.answering(bomb, "200 OK", "Content-Encoding: gzip")
    assert "compressed" in await refused(behave, FetchUnavailable)


@pytest.mark.parametrize(
    "behave",
    [
        hostile.answering(b"", "404 Not Found"),
        hostile.answering(b"x", "500 Internal Server Error"),
        hostile.answering(b"", "204 No Content"),
        hostile.cutting_off,
        hostile.babbling,
    ],
    ids=["404", "500", "204", "cut off", "no HTTP"],
)
async def test_no_whole_good_answer_is_unavailable(behave: hostile.Behaviour) -> None:
    await refused(behave, FetchUnavailable)


async def test_a_port_where_nobody_listens_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with EvidenceFetcher(policy(port)) as fetcher:
        with pytest.raises(FetchUnavailable):
            await fetcher.get(f"http://127.0.0.1:{port}/", max_bytes=10)


async def test_the_request_asks_for_nothing_compressed_and_carries_no_cookie() -> None:
    with_cookie = hostile.answering(b"ok", "200 OK", "Set-Cookie: a=b")
    async with (
        hostile.serving(with_cookie) as server,
        EvidenceFetcher(policy(server.port)) as fetcher,
    ):
        for _ in range(2):
            assert await fetcher.get(server.url, max_bytes=10) == b"ok"
        assert all(b"cookie" not in each.lower() for each in server.requests)
        assert b"accept-encoding: identity" in server.requests[0].lower()


async def gathered(
    answer: bytes, kind: EvidenceKind, *, clock: FrozenClock | None = None
) -> tuple[RevocationEvidence, list[FetchFailed], int]:
    """Gather twice; the evidence, the failures, and how often the server was asked."""
    async with (
        hostile.serving(hostile.answering(answer)) as server,
        EvidenceFetcher(policy(server.port), clock=clock or FrozenClock()) as fetcher,
    ):
        request = asking(kind, server.url)
        first = await fetcher.gather([request, request])
        assert await fetcher.gather([request]) == first
        return first, [each.error for each in fetcher.failures], len(server.requests)


async def test_good_and_revoked_answers_are_kept_and_asked_for_once() -> None:
    for saying in (Saying(), Saying(revoked_at=NOW - timedelta(hours=1))):
        answer = saying.answer(LEAF, RESPONDER)
        evidence, failures, asked = await gathered(answer, EvidenceKind.OCSP)
        assert evidence.ocsp_responses == (answer,)
        assert (failures, asked) == ([], 1)
    crl = ISSUER.crl()
    evidence, failures, asked = await gathered(crl, EvidenceKind.CRL)
    assert (evidence.crls, failures, asked) == ((crl,), [], 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"<html>sign in</html>", id="wrong content"),
        pytest.param(b"", id="nothing"),
        pytest.param(Saying(known=False).answer(LEAF, RESPONDER), id="unknown"),
        pytest.param(Saying(at=NOW - timedelta(days=9)).answer(LEAF, RESPONDER), id="stale"),
        pytest.param(Saying().answer(LEAF, root("S").responder()), id="about another issuer"),
        pytest.param(
            Saying().answer(LEAF, ISSUER.responding_with(root("S").issue("R"))), id="unauthorised"
        ),
        pytest.param(
            Saying(about=ISSUER.issue("Other")).answer(LEAF, RESPONDER), id="another serial"
        ),
    ],
)
async def test_an_answer_that_proves_nothing_is_a_failure_and_is_not_kept(answer: bytes) -> None:
    evidence, failures, asked = await gathered(answer, EvidenceKind.OCSP)
    assert evidence == RevocationEvidence()
    assert [type(each) for each in failures] == [FetchUnavailable, FetchUnavailable]
    assert asked == 2


async def test_a_kept_answer_is_asked_for_again_after_its_next_update() -> None:
    clock = FrozenClock()
    answer = Saying().answer(LEAF, RESPONDER)
    async with (
        hostile.serving(hostile.answering(answer)) as server,
        EvidenceFetcher(policy(server.port), clock=clock) as fetcher,
    ):
        request = asking(EvidenceKind.OCSP, server.url)
        await fetcher.gather([request])
        clock.now += timedelta(minutes=59)
        assert await fetcher.gather([request])
        assert len(server.requests) == 1
        clock.now += timedelta(hours=2)
        assert not await fetcher.gather([request])
        assert len(server.requests) == 2


async def test_the_cache_is_bounded_and_forgets_the_longest_unused() -> None:
    leaves = [ISSUER.issue(f"L{number}") for number in range(3)]
    answers = {each.certificate.serial_number: Saying().answer(each, RESPONDER) for each in leaves}
    served = iter([*answers.values(), *answers.values()])

    async def behave(body: bytes, writer: asyncio.StreamWriter) -> None:
        await hostile.answering(next(served))(body, writer)

    limits = replace(QUICK, cached_answers=2)
    async with (
        hostile.serving(behave) as server,
        EvidenceFetcher(policy(server.port, limits=limits), clock=FrozenClock()) as fetcher,
    ):
        requests = [asking(EvidenceKind.OCSP, server.url, each) for each in leaves]
        for request in requests:
            assert await fetcher.gather([request])
        await fetcher.gather([requests[1]])
        await fetcher.gather([requests[2]])
        assert len(server.requests) == 3
        assert await fetcher.gather([requests[0]])
        assert len(server.requests) == 4


async def test_the_crl_is_asked_for_only_when_ocsp_fails() -> None:
    crl = ISSUER.crl()
    async with (
        hostile.serving(hostile.answering(b"", "500 Broken")) as broken,
        hostile.serving(hostile.answering(crl)) as lists,
        hostile.serving(hostile.answering(Saying().answer(LEAF, RESPONDER))) as fine,
        EvidenceFetcher(policy(broken.port, lists.port, fine.port), clock=FrozenClock()) as fetcher,
    ):
        fallback = asking(EvidenceKind.CRL, lists.url)
        found = await fetcher.gather([asking(EvidenceKind.OCSP, broken.url), fallback])
        assert found == RevocationEvidence(crls=(crl,))
        assert [each.request.url for each in fetcher.failures] == [broken.url]
        other = EvidenceFetcher(policy(lists.port, fine.port), clock=FrozenClock())
        async with other:
            found = await other.gather([asking(EvidenceKind.OCSP, fine.url), fallback])
        assert found.crls == ()
        assert len(lists.requests) == 1


async def test_all_requests_together_meet_one_deadline_and_one_number() -> None:
    limits = replace(QUICK, total_seconds=30, concurrent_requests=1, requests_per_gather=5)
    leaves = [ISSUER.issue(f"L{number}", offer=OFFER) for number in range(8)]
    async with (
        hostile.serving(hostile.hanging) as server,
        EvidenceFetcher(policy(server.port, limits=limits)) as fetcher,
    ):
        started = time.monotonic()
        found = await fetcher.gather(asking(EvidenceKind.OCSP, server.url, each) for each in leaves)
        assert time.monotonic() - started < limits.gather_seconds + 2
        assert not found
        kinds = [type(each.error) for each in fetcher.failures]
        assert kinds.count(FetchRefused) == 3
        assert kinds.count(FetchUnavailable) == 5


async def test_an_issuer_is_fetched_alone_or_in_a_bag_and_only_by_its_name() -> None:
    der = ISSUER.certificate.public_bytes(Encoding.DER)
    bag = pkcs7.serialize_certificates([ROOT.certificate, ISSUER.certificate], Encoding.DER)
    for answer in (der, bag, ISSUER.certificate.public_bytes(Encoding.PEM)):
        evidence, failures, _ = await gathered(answer, EvidenceKind.CA_ISSUERS)
        assert (evidence.certificates, failures) == ((der,), [])
    stranger = ROOT.certificate.public_bytes(Encoding.DER)
    evidence, failures, _ = await gathered(stranger, EvidenceKind.CA_ISSUERS)
    assert evidence == RevocationEvidence()
    assert len(failures) == 2


async def test_a_crl_in_pem_is_understood() -> None:
    der = ISSUER.crl()
    pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
    evidence, _, _ = await gathered(pem, EvidenceKind.CRL)
    assert evidence.crls == (der,)


async def test_the_practice_authority_gives_all_that_its_certificates_offer(
    practice: Practice, leader_key: FileKey
) -> None:
    issuer = practice.authority.issuer
    requests = [
        *offered_evidence(leader_key.certificate, issuer),
        *offered_evidence(issuer, practice.authority.root),
        *issuer_addresses(leader_key.certificate),
    ]
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        evidence = await fetcher.gather(requests)
        assert fetcher.failures == ()
    assert len(evidence.ocsp_responses) == 1
    assert len(evidence.crls) == 1
    assert evidence.certificates == (issuer.public_bytes(Encoding.DER),)


@pytest.mark.parametrize("kind", EvidenceKind)
async def test_a_request_about_a_damaged_certificate_fails_by_name(kind: EvidenceKind) -> None:
    async with (
        hostile.serving(hostile.answering(b"hit")) as server,
        EvidenceFetcher(policy(server.port)) as fetcher,
    ):
        request = replace(asking(kind, server.url), certificate=b"junk", issuer=None)
        assert not await fetcher.gather([request])
        assert isinstance(fetcher.failures[0].error, FetchFailed)


async def test_outside_its_context_a_fetcher_does_not_work() -> None:
    with pytest.raises(RuntimeError):
        await EvidenceFetcher(policy(1)).get("http://127.0.0.1:1/", max_bytes=1)
