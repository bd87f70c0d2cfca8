"""HTTP to allowed places only: resolved addresses checked, limited, never redirected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from certs.errors import FetchRefused, FetchTooLarge, FetchUnavailable
from certs.fetching.policy import FetchPolicy

_CHUNK_BYTES = 16 * 1024

Resolve = Callable[[tuple[str, int], int], Awaitable[Sequence[str]]]
"""(Host, port), address family → addresses."""


async def resolve_by_system(place: tuple[str, int], family: int) -> Sequence[str]:
    """What the system's resolver says."""
    host, port = place
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, family=family, type=socket.SOCK_STREAM
    )
    return [str(address[4][0]) for address in found]


class AllowedHttp:
    """One HTTP session that reaches only what the policy admits; use it as `async with`.

    Bound to the event loop it was entered in.
    """

    def __init__(self, policy: FetchPolicy, *, resolve: Resolve = resolve_by_system) -> None:
        self._policy = policy
        self._resolver = _CheckedResolver(policy, resolve)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # every exchange brings its own deadline
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def exchange(
        self,
        url: str,
        content: tuple[bytes, str] | None = None,
        *,
        max_bytes: int,
        seconds: float | None = None,
    ) -> bytes:
        """The body at the URL, got, or posted to with a body of a content type.

        Raises FetchFailed; FetchUnavailable says whether anybody answered at all.
        """
        if self._session is None:
            raise RuntimeError("the fetcher is used outside its `async with`")
        target = self._policy.admit(url)
        headers = {"Accept-Encoding": "identity"}
        body = None
        if content is not None:
            body, headers["Content-Type"] = content
        allowed = self._policy.limits.total_seconds if seconds is None else seconds
        try:
            async with (
                asyncio.timeout(allowed),
                self._session.request(
                    "GET" if content is None else "POST",
                    target,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._policy.proxy_for(target),
                ) as response,
            ):
                return await _limited_body(response, max_bytes)
        except TimeoutError:
            raise FetchUnavailable(f"no whole answer within {allowed:g} s", silent=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            silent = isinstance(error, OSError)  # the connection's errors are, those of HTTP not
            detail = f"{target.host}: {type(error).__name__}"
            raise FetchUnavailable(detail, silent=silent) from error


class _CheckedResolver(AbstractResolver):
    """Gives the connector only addresses that the policy admits, so no name leads inside.

    The connector connects to what it is given and asks nobody again, so that a name which leads
    elsewhere a moment later (DNS rebinding) changes nothing. It asks for names alone; an address
    in a URL stands in the allow-list itself.
    """

    def __init__(self, policy: FetchPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolve((host, port), family)
        admitted = [each for each in found if self._admits(host, each, port=port)]
        if found and not admitted:
            raise FetchRefused(f"{host} leads to an address that is not public")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in admitted
        ]

    def _admits(self, host: str, address: str, *, port: int) -> bool:
        proxy = self._policy.proxy
        # The operator named the proxy, no stranger; it stands in the inner network as a rule.
        by_proxy = proxy is not None and (host, port) == ((proxy.host or "").lower(), proxy.port)
        return by_proxy or self._policy.admits_address(address, port)

    async def close(self) -> None:
        """Nothing to close."""


async def _limited_body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if 300 <= response.status < 400:
        raise FetchUnavailable("it answered with a redirection, which is not followed")
    if response.status != 200:
        raise FetchUnavailable(f"it answered with the status {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchUnavailable("it answered with compressed content, which was not asked for")
    if (response.content_length or 0) > max_bytes:
        raise FetchTooLarge(f"it announces more than {max_bytes} bytes")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise FetchTooLarge(f"more than {max_bytes} bytes")
    return bytes(body)
