"""OCSP, CRL and CA certificates over HTTP: each question once, and only answers that count.

What stands in a stranger's certificate decides what is asked for, so every answer meets a limit
first: who may be asked (`certs.fetching.policy`), at which addresses and how long (`allowed_http`),
and that the bytes are what was asked for. What was got is kept in this process, and where a
directory is given for all processes that share it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.errors import FetchFailed, FetchRefused, FetchUnavailable
from certs.fetching.allowed_http import AllowedHttp, Resolve, resolve_by_system
from certs.fetching.fetched import EvidenceCache, accepted_evidence, question
from certs.fetching.policy import FetchLimits, FetchPolicy
from certs.parsing import DAMAGE
from certs.revocation.crl_folder import CrlFolder
from certs.revocation.evidence import EvidenceKind, EvidenceRequest, RevocationEvidence
from certs.revocation.evidence_cache import SharedAnswers

__all__ = ["EvidenceFetcher", "FetchFailure", "FetchLimits", "FetchPolicy"]

_REMEMBERED_FAILURES = 100
_REMEMBERED_SILENCES = 256
_NOTING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """A request that brought nothing, and why."""

    request: EvidenceRequest
    error: FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where evidence may come from beside the network: all of it is judged like what is fetched.

    folders: CRLs that an operator puts there. shared: the answers of all processes.
    """

    folders: tuple[CrlFolder, ...] = ()
    shared: SharedAnswers | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EvidenceFetcher:
    """One HTTP session and one cache for a process; use it as `async with EvidenceFetcher(...)`.

    Bound to the event loop it was entered in. failures holds the latest requests that brought
    nothing, newest last; on_failure is told of each.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        sources: Sources | None = None,
        on_failure: Callable[[FetchFailure], None] | None = None,
        clock: Callable[[], datetime] = _utc_now,
        resolve: Resolve = resolve_by_system,
    ) -> None:
        self._policy = policy
        self._sources = sources or Sources()
        self._on_failure = on_failure
        self._clock = clock
        self._http = AllowedHttp(policy, resolve=resolve)
        self._slots = asyncio.Semaphore(policy.limits.concurrent_requests)
        self._cache = EvidenceCache(
            max_answers=policy.limits.cached_answers,
            max_bytes=policy.limits.cached_bytes,
            max_seconds=policy.limits.cached_seconds,
        )
        self._failures: deque[FetchFailure] = deque(maxlen=_REMEMBERED_FAILURES)
        self._silent: OrderedDict[str, datetime] = OrderedDict()
        self._turns: dict[tuple[bytes, ...], tuple[asyncio.Lock, int]] = {}

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    @property
    def policy(self) -> FetchPolicy:
        """Who may be asked, and the limits."""
        return self._policy

    @property
    def failures(self) -> tuple[FetchFailure, ...]:
        """The latest failures of gather()."""
        return tuple(self._failures)

    async def gather(
        self, requests: Iterable[EvidenceRequest], *, at: datetime | None = None
    ) -> RevocationEvidence:
        """Evidence for the requests, as much as there is; what fails goes to failures.

        The addresses given for one certificate are tried in their order until one brings
        evidence that counts now: fresh, and signed by the issuer or its delegate. Folders are
        looked into first, for what counts at the instant `at`, by default now.
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
            *(self._first_usable(group, deadline, at=at) for group in groups.values())
        )
        evidence = RevocationEvidence()
        for each in found:
            evidence = evidence.merged(each)
        return evidence

    async def get(self, url: str, *, max_bytes: int, seconds: float | None = None) -> bytes:
        """The body at an allowed URL. Raises FetchFailed."""
        return await self._http.exchange(url, max_bytes=max_bytes, seconds=seconds)

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
        return await self._http.exchange(url, content, max_bytes=max_bytes, seconds=seconds)

    async def _first_usable(
        self, group: Sequence[EvidenceRequest], deadline: float, *, at: datetime | None
    ) -> RevocationEvidence:
        for request in group:
            if (kept := self._cache.get(request, self._clock())) is not None:
                return kept
        # One of the requests for lists is enough: a folder goes by the issuer, not by addresses.
        for request in [each for each in group if each.kind is EvidenceKind.CRL][:1]:
            for folder in self._sources.folders:
                when = at or self._clock()
                if found := await asyncio.to_thread(folder.evidence_for, request, at=when):
                    return found
        for request in group:
            if (shared := await self._shared(request)) is not None:
                return shared
        for request in group:
            try:
                async with asyncio.timeout_at(deadline), self._turn(request):
                    return await self._asked_once(request)
            except TimeoutError:
                self._note(request, FetchUnavailable("no answer before the overall deadline"))
            except FetchFailed as error:
                self._note(request, error)
        return RevocationEvidence()

    async def _asked_once(self, request: EvidenceRequest) -> RevocationEvidence:
        """Ask, unless another task or process did while this one waited for its turn."""
        if (kept := self._cache.get(request, self._clock())) is not None:
            return kept
        if (shared := await self._shared(request)) is not None:
            return shared
        place = str(self._policy.admit(request.url))
        if await self._is_silent(place):
            raise FetchUnavailable("it did not answer a moment ago, and is not asked again yet")
        try:
            async with self._slots:
                answer = await self._ask(request)
        except FetchUnavailable as error:
            if error.silent:
                await self._note_silence(place)
            raise
        evidence = accepted_evidence(request, answer, now=self._clock())
        self._cache.put(request, evidence, now=self._clock())
        if self._sources.shared is not None:
            await asyncio.to_thread(self._sources.shared.put, request, evidence, now=self._clock())
        return evidence

    async def _shared(self, request: EvidenceRequest) -> RevocationEvidence | None:
        if self._sources.shared is None:
            return None
        now = self._clock()
        found = await asyncio.to_thread(self._sources.shared.get, request, now=now)
        if found is None:
            return None
        evidence, until = found
        self._cache.put(request, evidence, now=now, until=until)
        return evidence

    async def _is_silent(self, place: str) -> bool:
        until = self._silent.get(place)
        if until is not None and self._clock() < until:
            return True
        shared = self._sources.shared
        if shared is None:
            return False
        return await asyncio.to_thread(shared.is_silent, place, now=self._clock())

    async def _note_silence(self, place: str) -> None:
        now = self._clock()
        self._silent.pop(place, None)
        self._silent[place] = now + timedelta(seconds=self._policy.limits.silent_seconds)
        while len(self._silent) > _REMEMBERED_SILENCES:
            self._silent.popitem(last=False)
        if self._sources.shared is not None:
            await asyncio.to_thread(self._sources.shared.note_silence, place, now=now)

    @asynccontextmanager
    async def _turn(self, request: EvidenceRequest) -> AsyncIterator[None]:
        """One task at a time for a question, and where answers are shared one process."""
        key = question(request)
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = lock, waiting + 1
        try:
            async with lock:
                if self._sources.shared is None:
                    yield
                else:
                    # Whoever has the turn now is done by then, or noted that nobody answers.
                    patience = self._policy.limits.total_seconds + _NOTING_SECONDS
                    async with self._sources.shared.turn(request, patience=patience):
                        yield
        finally:
            lock, waiting = self._turns.pop(key)
            if waiting > 1:
                self._turns[key] = lock, waiting - 1

    def _note(self, request: EvidenceRequest, error: FetchFailed) -> None:
        failure = FetchFailure(request, error)
        self._failures.append(failure)
        if self._on_failure is not None:
            self._on_failure(failure)

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
