"""OCSP, CRL and CA certificates over HTTP: allow-listed, limited, cached, never redirected.

What stands in a stranger's certificate decides what is asked for, so every answer meets a limit
first: who may be asked (host and port, then the address behind the name), how long it may take,
how many bytes it may have, and that the bytes are what was asked for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from yarl import URL

from certs.errors import FetchFailed, FetchRefused, FetchTooLarge, FetchUnavailable
from certs.fetched import EvidenceCache, accepted_evidence
from certs.parsing import DAMAGE
from certs.revocation import EvidenceKind, EvidenceRequest, RevocationEvidence

MAX_URL_LETTERS = 2048
_CHUNK_BYTES = 16 * 1024
_REMEMBERED_FAILURES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much an answer may cost. Bytes are counted while reading, as sent on the wire."""

    ocsp_bytes: int = 64 * 1024
    crl_bytes: int = 20 * 1024 * 1024
    certificate_bytes: int = 64 * 1024
    timestamp_bytes: int = 64 * 1024
    total_seconds: float = 8.0
    """For one exchange, from the look-up of the name to the last byte."""
    gather_seconds: float = 15.0
    """For all requests of one gather() together."""
    requests_per_gather: int = 24
    concurrent_requests: int = 4
    cached_answers: int = 2048
    cached_bytes: int = 64 * 1024 * 1024
    cached_seconds: float = 12 * 3600.0
    """An answer is kept until its nextUpdate, but no longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """Who may be asked. The default asks nobody.

    allowed holds (host, port) pairs, hosts in lower case, names and addresses as they stand in
    the URLs. A name is connected to only at public addresses; a private or loopback address must
    be listed itself, as a host of its own, to be reached.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    limits: FetchLimits = field(default_factory=FetchLimits)

    def admit(self, url: str) -> URL:
        """The URL, parsed once for checking and connecting; raises FetchRefused."""
        if len(url) > MAX_URL_LETTERS:
            raise FetchRefused("the address is too long")
        try:
            parsed = URL(url)
            host, port = (parsed.host or "").lower(), parsed.port or 0
        except ValueError:
            raise FetchRefused("the address cannot be parsed") from None
        # Evidence is signed, so plain http loses nothing; https would need TLS anchors of its own.
        if parsed.scheme != "http":
            raise FetchRefused(f"the scheme {parsed.scheme[:20]!r} is not http")
        if parsed.user is not None or parsed.password is not None:
            raise FetchRefused("the address holds a user's name")
        if (host, port) not in self.allowed:
            raise FetchRefused(f"{host[:80]}:{port} is not in the allow-list")
        return parsed

    def admits_address(self, address: str, port: int) -> bool:
        """Whether a name that is allowed may be connected to at this address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        public = parsed.is_global and not parsed.is_multicast
        return public or (str(parsed), port) in self.allowed


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """A request that brought nothing, and why."""

    request: EvidenceRequest
    error: FetchFailed


Resolve = Callable[[tuple[str, int], int], Awaitable[Sequence[str]]]
"""(Host, port), address family → addresses."""


async def _resolve_by_system(place: tuple[str, int], family: int) -> Sequence[str]:
    host, port = place
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, family=family, type=socket.SOCK_STREAM
    )
    return [str(address[4][0]) for address in found]


class _CheckedResolver(AbstractResolver):
    """Gives the connector only addresses that the policy admits, so no name leads inside.

    The connector asks it for names alone; an address in a URL stands in the allow-list itself.
    """

    def __init__(self, policy: FetchPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolve((host, port), family)
        admitted = [each for each in found if self._policy.admits_address(each, port)]
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

    async def close(self) -> None:
        """Nothing to close."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EvidenceFetcher:
    """One HTTP session and one cache for a process; use it as `async with EvidenceFetcher(...)`.

    Bound to the event loop it was entered in. failures holds the latest requests that brought
    nothing, newest last.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        clock: Callable[[], datetime] = _utc_now,
        resolve: Resolve = _resolve_by_system,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._resolver = _CheckedResolver(policy, resolve)
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(policy.limits.concurrent_requests)
        self._cache = EvidenceCache(
            max_answers=policy.limits.cached_answers,
            max_bytes=policy.limits.cached_bytes,
            max_seconds=policy.limits.cached_seconds,
        )
        self._failures: deque[FetchFailure] = deque(maxlen=_REMEMBERED_FAILURES)

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

    @property
    def policy(self) -> FetchPolicy:
        """Who may be asked, and the limits."""
        return self._policy

    @property
    def failures(self) -> tuple[FetchFailure, ...]:
        """The latest failures of gather()."""
        return tuple(self._failures)

    async def gather(self, requests: Iterable[EvidenceRequest]) -> RevocationEvidence:
        """Evidence for the requests, as much as there is; what fails goes to failures.

        The addresses given for one certificate are tried in their order until one brings
        evidence that counts now: fresh, and signed by the issuer or its delegate.
        """
        asked = list(dict.fromkeys(requests))
        limit = self._policy.limits.requests_per_gather
        for request in asked[limit:]:
            self._note(request, FetchRefused(f"more than {limit} requests at once"))
        groups: dict[tuple[bytes, bool], list[EvidenceRequest]] = {}
        for request in asked[:limit]:
            about_issuer = request.kind is EvidenceKind.CA_ISSUERS
            groups.setdefault((request.certificate, about_issuer), []).append(request)
        deadline = asyncio.get_running_loop().time() + self._policy.limits.gather_seconds
        found = await asyncio.gather(
            *(self._first_usable(group, deadline) for group in groups.values())
        )
        evidence = RevocationEvidence()
        for each in found:
            evidence = evidence.merged(each)
        return evidence

    async def get(self, url: str, *, max_bytes: int, seconds: float | None = None) -> bytes:
        """The body at an allowed URL. Raises FetchFailed."""
        return await self._exchange("GET", url, content=None, max_bytes=max_bytes, seconds=seconds)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str,
        max_bytes: int,
        seconds: float | None = None,
    ) -> bytes:
        """The answer of an allowed URL to the body. Raises FetchFailed."""
        content = (body, content_type)
        return await self._exchange(
            "POST", url, content=content, max_bytes=max_bytes, seconds=seconds
        )

    async def _first_usable(
        self, group: Sequence[EvidenceRequest], deadline: float
    ) -> RevocationEvidence:
        now = self._clock()
        for request in group:
            if (kept := self._cache.get(request, now)) is not None:
                return kept
        for request in group:
            try:
                async with asyncio.timeout_at(deadline), self._slots:
                    answer = await self._ask(request)
                evidence = accepted_evidence(request, answer, now=self._clock())
            except TimeoutError:
                self._note(request, FetchUnavailable("no answer before the overall deadline"))
            except FetchFailed as error:
                self._note(request, error)
            else:
                self._cache.put(request, evidence, now=self._clock())
                return evidence
        return RevocationEvidence()

    def _note(self, request: EvidenceRequest, error: FetchFailed) -> None:
        self._failures.append(FetchFailure(request, error))

    async def _ask(self, request: EvidenceRequest) -> bytes:
        limits = self._policy.limits
        match request.kind:
            case EvidenceKind.OCSP:
                return await self.post(
                    request.url,
                    _ocsp_request(request),
                    content_type="application/ocsp-request",
                    max_bytes=limits.ocsp_bytes,
                )
            case EvidenceKind.CRL:
                return await self.get(request.url, max_bytes=limits.crl_bytes)
            case EvidenceKind.CA_ISSUERS:
                return await self.get(request.url, max_bytes=limits.certificate_bytes)

    async def _exchange(
        self,
        method: str,
        url: str,
        *,
        content: tuple[bytes, str] | None,
        max_bytes: int,
        seconds: float | None,
    ) -> bytes:
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
                    method, target, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return await _limited_body(response, max_bytes)
        except TimeoutError:
            raise FetchUnavailable(f"no whole answer within {allowed:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchUnavailable(f"{target.host}: {type(error).__name__}") from error


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


def _ocsp_request(request: EvidenceRequest) -> bytes:
    try:
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_der_x509_certificate(request.certificate),
            x509.load_der_x509_certificate(request.issuer or b""),
            # RFC 5019 §2.1.1 makes SHA-1 the one CertID hash that every responder knows; nothing
            # rests on its strength.
            hashes.SHA1(),  # noqa: S303
        )
        return builder.build().public_bytes(Encoding.DER)
    except DAMAGE:
        raise FetchRefused("an OCSP request needs a certificate and its issuer") from None
