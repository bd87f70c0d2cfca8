"""Certificates that name what they should not: no connection but to what the allow-list has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.fetching.fetcher import EvidenceFetcher
from certs.fetching.policy import FetchLimits, FetchPolicy, parse_policy
from certs.paths.checking import PathChecker
from certs.paths.validation import PathStatus
from certs.revocation.evidence import (
    MAX_ADDRESSES_PER_KIND,
    EvidenceKind,
    EvidenceRequest,
    issuer_addresses,
)
from certs.trust.anchors import AnchorRole
from tests.certs import hostile_http as hostile
from tests.certs.forging import FrozenClock, root

ROOT = root()
ISSUER = ROOT.authority("Issuing")
QUICK = FetchLimits(total_seconds=2, gather_seconds=5)


def naming(*urls: str) -> x509.Certificate:
    """A certificate by a trusted authority that names the addresses for everything."""
    return ISSUER.naming(*urls).certificate


@dataclass
class Names:
    """A resolver that says every name leads to loopback, and remembers which it was asked."""

    asked: list[str] = field(default_factory=list)

    async def resolve(self, place: tuple[str, int], family: int) -> Sequence[str]:
        self.asked.append(place[0])
        return ["127.0.0.1", "::1", "169.254.169.254"]


async def followed(certificate: x509.Certificate, fetcher: EvidenceFetcher) -> PathStatus:
    """Judge it with whatever it makes us fetch, and its issuer's certificate too."""
    await fetcher.gather(issuer_addresses(certificate))
    checker = PathChecker(store=ROOT.store(), fetcher=fetcher, clock=FrozenClock())
    verdict = await checker.check(
        certificate, role=AnchorRole.SIGNER, intermediates=(ISSUER.certificate,)
    )
    return verdict.status


FORMS = [
    "http://127.0.0.1:{trap}/",
    "https://127.0.0.1:{allowed}/",
    "file:///etc/passwd",
    "file://127.0.0.1:{trap}/",
    "gopher://127.0.0.1:{trap}/_x",
    "ftp://127.0.0.1:{trap}/a",
    "ldap://127.0.0.1:{trap}/cn=a",
    "ldap:///cn=a",
    "dict://127.0.0.1:{trap}/x",
    "data:,x",
    "//127.0.0.1:{trap}/",
    "http:/127.0.0.1:{trap}/",
    "http:127.0.0.1:{trap}",
    "http://user@127.0.0.1:{allowed}/",
    "http://127.0.0.1:{allowed}@127.0.0.1:{trap}/",
    "http://127.0.0.1:{trap}#@127.0.0.1:{allowed}/",
    "http://127.0.0.1:{trap}?@127.0.0.1:{allowed}/",
    "http://127.0.0.1:{trap}\\@127.0.0.1:{allowed}/",
    "http://127.0.0.1%3A{allowed}:{trap}/",
    "http://127.0.0.1:{allowed}.evil.example:{trap}/",
    "http://2130706433:{trap}/",
    "http://2130706433:{allowed}/",
    "http://0x7f000001:{allowed}/",
    "http://0177.0.0.1:{allowed}/",
    "http://127.1:{allowed}/",
    "http://0:{allowed}/",
    "http://127.0.0.1.:{allowed}/",
    "http://localhost:{allowed}/",
    "http://[::1]:{trap}/",
    "http://[::1]:{allowed}/",
    "http://[::ffff:127.0.0.1]:{allowed}/",
    "http://[::ffff:7f00:1]:{allowed}/",
    "http://[0:0:0:0:0:0:0:1]:{allowed}/",
    "http://[::1%25lo]:{allowed}/",
    "http://[fe80::1%25lo]:{allowed}/",
    "http://127.0.0.1:0{trap}/",
    "http://127.0.0.1:{trap}0/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://xn--ocp-6cd.example:{trap}/",
    "http://ocsp.example:{trap}/",
    "http://ocsp.example.evil.example:{allowed}/",
    "http://evil.example:{allowed}/",
    "http://127.0.0.1:{trap}/\r\nHost: 127.0.0.1:{allowed}\r\n\r\n",
    "http://127.0.0.1:{allowed}\r\n@127.0.0.1:{trap}/",
    " http://127.0.0.1:{trap}/",
    "\thttp://127.0.0.1:{trap}/",
    "HTTP://127.0.0.1:{trap}/",
    "http://",
    "http://:{allowed}/",
    "",
]
UNICODE = [
    "http://оcsp.example:{allowed}/",
    "http://１２７.０.０.１:{trap}/",
    "http://127。0。0。1:{trap}/",
    "http://ⓛocalhost:{allowed}/",
    "http://127.0.0.1\u2044@127.0.0.1:{trap}/",
]


@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_an_address_leads_past_the_allow_list(form: str) -> None:
    names = Names()
    async with (
        hostile.serving(hostile.answering(b"hit")) as trap,
        hostile.serving(hostile.answering(b"hit")) as allowed,
        EvidenceFetcher(
            parse_policy(allowed=[f"127.0.0.1:{allowed.port}", f"ocsp.example:{allowed.port}"]),
            resolve=names.resolve,
            clock=FrozenClock(),
        ) as fetcher,
    ):
        url = form.format(trap=trap.port, allowed=allowed.port)
        assert await followed(naming(url), fetcher) is PathStatus.REVOCATION_UNKNOWN
        assert (trap.connections, allowed.connections, names.asked) == (0, 0, [])


@pytest.mark.parametrize("form", UNICODE)
async def test_no_letter_that_looks_like_another_leads_past_the_allow_list(form: str) -> None:
    names = Names()
    async with (
        hostile.serving(hostile.answering(b"hit")) as trap,
        hostile.serving(hostile.answering(b"hit")) as allowed,
        EvidenceFetcher(
            parse_policy(allowed=[f"127.0.0.1:{allowed.port}", f"ocsp.example:{allowed.port}"]),
            resolve=names.resolve,
            clock=FrozenClock(),
        ) as fetcher,
    ):
        der = naming("http://a.example/").public_bytes(Encoding.DER)
        url = form.format(trap=trap.port, allowed=allowed.port)
        request = EvidenceRequest(
            kind=EvidenceKind.CRL, url=url, certificate=der, issuer=der, serial=1
        )
        assert not await fetcher.gather([request])
        assert (trap.connections, allowed.connections, names.asked) == (0, 0, [])


async def test_hundreds_of_addresses_cost_a_handful_of_requests() -> None:
    async with hostile.serving(hostile.answering(b"hit")) as allowed:
        policy = FetchPolicy(allowed=frozenset({("127.0.0.1", allowed.port)}), limits=QUICK)
        certificate = naming(*(f"http://127.0.0.1:{allowed.port}/{n}" for n in range(300)))
        async with EvidenceFetcher(policy, clock=FrozenClock()) as fetcher:
            assert await followed(certificate, fetcher) is PathStatus.REVOCATION_UNKNOWN
        # One round each: the issuer's certificate, OCSP, CRL.
        assert 0 < len(allowed.requests) <= 3 * MAX_ADDRESSES_PER_KIND


async def test_ten_thousand_addresses_cost_none() -> None:
    async with hostile.serving(hostile.answering(b"hit")) as allowed:
        policy = FetchPolicy(allowed=frozenset({("127.0.0.1", allowed.port)}), limits=QUICK)
        certificate = naming(*(f"http://127.0.0.1:{allowed.port}/{n}" for n in range(10_000)))
        began = time.monotonic()
        async with EvidenceFetcher(policy, clock=FrozenClock()) as fetcher:
            checker = PathChecker(store=ROOT.store(), fetcher=fetcher, clock=FrozenClock())
            verdict = await checker.check(
                certificate, role=AnchorRole.SIGNER, intermediates=(ISSUER.certificate,)
            )
        assert verdict.status is PathStatus.UNSUITABLE
        assert allowed.connections == 0
        assert time.monotonic() - began < 5


async def test_nobody_is_asked_for_a_certificate_that_leads_to_no_anchor() -> None:
    stranger = root("Stranger")
    async with hostile.serving(hostile.answering(b"hit")) as allowed:
        policy = FetchPolicy(allowed=frozenset({("127.0.0.1", allowed.port)}), limits=QUICK)
        async with EvidenceFetcher(policy, clock=FrozenClock()) as fetcher:
            checker = PathChecker(store=stranger.store(), fetcher=fetcher, clock=FrozenClock())
            certificate = naming(f"http://127.0.0.1:{allowed.port}/")
            verdict = await checker.check(
                certificate, role=AnchorRole.SIGNER, intermediates=(ISSUER.certificate,)
            )
        assert verdict.status is PathStatus.NO_TRUSTED_PATH
        assert allowed.connections == 0


async def test_a_name_that_leads_elsewhere_after_it_was_checked_is_connected_where_it_was() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])

    async def rebinding(place: tuple[str, int], family: int) -> Sequence[str]:
        return next(answers)

    async with hostile.serving(hostile.answering(b"list"), "127.0.0.1") as server:
        policy = parse_policy(allowed=[f"crl.example:{server.port}", f"127.0.0.1:{server.port}"])
        async with EvidenceFetcher(policy, resolve=rebinding) as fetcher:
            url = f"http://crl.example:{server.port}/"
            assert await fetcher.get(url, max_bytes=10) == b"list"
            # The second look-up leads inside, and is checked anew: nothing of the first holds.
            with pytest.raises(Exception, match="not public"):
                await fetcher.get(url, max_bytes=10)
        assert server.connections == 1
    assert next(answers) == ["127.0.0.2"]  # looked up once for each exchange, never behind it
