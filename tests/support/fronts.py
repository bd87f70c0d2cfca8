"""A practice authority behind a front that counts what it is asked, and may spoil the answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from asn1crypto import tsp
from cryptography import x509

from certs.fetching.fetcher import EvidenceFetcher, FetchLimits, FetchPolicy
from certs.paths.checking import PathChecker
from certs.practice.authority import PracticeAuthority
from certs.practice.server import serve_practice_authority
from certs.practice.timestamps import answer_timestamp
from certs.timestamping import HttpTimestamper
from tests.support.practice import AuthorityThread

Spoil = Callable[[bytes], bytes]


class Front:
    """Stands between the HTTP service and the authority; `spoil_…` change what it is asked."""

    def __init__(self, authority: PracticeAuthority) -> None:
        self._authority = authority
        self.asked: Counter[str] = Counter()
        self.spoil_timestamp: Spoil | None = None
        self.timestamp_clock: Callable[[], datetime] | None = None
        self.delay_seconds: dict[str, float] = {}

    @property
    def root(self) -> x509.Certificate:
        return self._authority.root

    @property
    def issuer(self) -> x509.Certificate:
        return self._authority.issuer

    def answer_timestamp(self, request: bytes) -> bytes:
        self._note("tsa")
        if self.spoil_timestamp is not None:
            request = self.spoil_timestamp(request)
        if self.timestamp_clock is not None:
            signer = self._authority._tsa
            return answer_timestamp(request, signer=signer, at=self.timestamp_clock())
        return self._authority.answer_timestamp(request)

    def answer_ocsp(self, request: bytes) -> bytes:
        self._note("ocsp")
        return self._authority.answer_ocsp(request)

    def crl(self) -> bytes:
        self._note("crl")
        return self._authority.crl()

    def root_crl(self) -> bytes:
        self._note("crl")
        return self._authority.root_crl()

    def _note(self, what: str) -> None:
        self.asked[what] += 1
        time.sleep(self.delay_seconds.get(what, 0))


class FrontedAuthority(AuthorityThread):
    """Serves an authority of its own through a front."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.front = Front(self.authority)

    async def _serve(self) -> None:
        front = cast(PracticeAuthority, self.front)
        async with serve_practice_authority(front, listener=self._listener):
            self._ready.set()
            await self._stop.wait()


class Services:
    """What signing at the higher levels asks: checker and time-stamper over real HTTP."""

    def __init__(
        self, served: FrontedAuthority, *, seconds: float = 8.0, timeout_seconds: float = 30.0
    ) -> None:
        limits = FetchLimits(total_seconds=seconds, gather_seconds=seconds)
        self._policy = FetchPolicy(allowed=frozenset({("127.0.0.1", served.port)}), limits=limits)
        self._served = served
        self._timeout_seconds = timeout_seconds
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        fetcher = await self._stack.enter_async_context(EvidenceFetcher(self._policy))
        trust = self._served.authority.trust
        self.checker = PathChecker(store=trust, fetcher=fetcher)
        self.timestamper = HttpTimestamper(
            f"{self._served.base_url}/tsa",
            fetcher=fetcher,
            store=trust,
            timeout_seconds=self._timeout_seconds,
            checker=self.checker,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


def about_something_else(request: bytes) -> bytes:
    """Change what a time-stamp is asked for, so that the answer is for another document."""
    asked = tsp.TimeStampReq.load(request)
    imprint = asked["message_imprint"]["hashed_message"].native
    asked["message_imprint"]["hashed_message"] = bytes(len(imprint))
    return bytes(asked.dump(force=True))
