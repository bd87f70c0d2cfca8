"""Fetching through an HTTP proxy: only when told to, and only what the allow-list has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from certs.errors import FetchRefused, FetchUnavailable
from certs.fetching.fetcher import EvidenceFetcher
from certs.fetching.policy import FetchPolicy, parse_policy
from tests.certs import hostile_http as hostile


def through(proxy: hostile.Server, *allowed: str, direct: Sequence[str] = ()) -> FetchPolicy:
    return parse_policy(allowed=allowed, proxy=f"http://127.0.0.1:{proxy.port}", direct=direct)


async def no_name(place: tuple[str, int], family: int) -> Sequence[str]:
    raise AssertionError(f"{place} was looked up")


async def test_the_proxy_is_asked_for_the_whole_address_and_no_name_is_looked_up() -> None:
    async with (
        hostile.serving(hostile.answering(b"list")) as proxy,
        EvidenceFetcher(through(proxy, "crl.example:80"), resolve=no_name) as fetcher,
    ):
        assert await fetcher.get("http://crl.example/a.crl", max_bytes=10) == b"list"
        assert proxy.requests[0].startswith(b"GET http://crl.example/a.crl HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url",
    ["http://other.example/", "http://169.254.169.254/", "http://127.0.0.1:{proxy}/", "file:///a"],
)
async def test_what_is_not_allowed_does_not_reach_the_proxy(url: str) -> None:
    async with (
        hostile.serving(hostile.answering(b"hit")) as proxy,
        EvidenceFetcher(through(proxy, "crl.example:80"), resolve=no_name) as fetcher,
    ):
        with pytest.raises(FetchRefused):
            await fetcher.get(url.format(proxy=proxy.port), max_bytes=10)
        assert proxy.requests == []


async def test_hosts_named_as_direct_are_asked_without_the_proxy() -> None:
    async with (
        hostile.serving(hostile.answering(b"proxied")) as proxy,
        hostile.serving(hostile.answering(b"direct")) as server,
    ):
        policy = through(proxy, f"127.0.0.1:{server.port}", direct=["127.0.0.1"])
        async with EvidenceFetcher(policy) as fetcher:
            assert await fetcher.get(server.url, max_bytes=10) == b"direct"
        assert proxy.requests == []


async def test_a_proxy_may_have_an_inner_address_and_no_other_name_gets_one_by_that() -> None:
    async def resolve(place: tuple[str, int], family: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with hostile.serving(hostile.answering(b"list")) as proxy:
        policy = parse_policy(
            allowed=["crl.example:80", f"inside.example:{proxy.port}"],
            proxy=f"http://proxy.example:{proxy.port}",
            direct=["inside.example"],
        )
        async with EvidenceFetcher(policy, resolve=resolve) as fetcher:
            assert await fetcher.get("http://crl.example/", max_bytes=10) == b"list"
            with pytest.raises(FetchRefused, match="not public"):
                await fetcher.get(f"http://inside.example:{proxy.port}/", max_bytes=10)
        assert len(proxy.requests) == 1


async def test_the_limits_and_the_rule_against_redirections_hold_behind_a_proxy() -> None:
    async with (
        hostile.serving(hostile.redirecting("http://127.0.0.1:1/")) as proxy,
        EvidenceFetcher(through(proxy, "crl.example:80")) as fetcher,
    ):
        with pytest.raises(FetchUnavailable, match="redirection"):
            await fetcher.get("http://crl.example/", max_bytes=10)
        assert len(proxy.requests) == 1


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        hostile.serving(hostile.answering(b"proxied")) as proxy,
        hostile.serving(hostile.answering(b"direct")) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        policy = parse_policy(allowed=[f"127.0.0.1:{server.port}"])
        async with EvidenceFetcher(policy) as fetcher:
            assert await fetcher.get(server.url, max_bytes=10) == b"direct"
        assert proxy.requests == []
