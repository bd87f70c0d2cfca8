"""Signing and judging for tests: our own signer and verifier over the practice authority."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys.file import FileKey
from certs.revocation.evidence import RevocationEvidence
from certs.timestamping import HttpTimestamper, Timestamper
from signer.accepting.quick_way import accept
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.limits import DEFAULT
from signer.report import Report
from signer.validation.assessing import assess, assess_fully
from signer.validation.trust import Circumstances
from tests.support.practice import Practice


@dataclass(frozen=True)
class Judge:
    """Assesses documents with the practice authority's trust store and fresh evidence."""

    practice: Practice
    evidence: RevocationEvidence

    def __call__(self, document: bytes, *, at: datetime | None = None) -> Report:
        """Assess at the instant, now by default; both ways must agree where the quick one may."""
        circumstances = Circumstances(
            store=self.practice.trust, evidence=self.evidence, at=at or datetime.now(UTC)
        )
        accepted = accept(document, circumstances=circumstances, limits=DEFAULT)
        if accepted is not None:
            assert accepted == assess_fully(document, circumstances)
        return assess(
            document,
            store=circumstances.store,
            evidence=circumstances.evidence,
            at=circumstances.at,
        )


@dataclass(frozen=True)
class Desk:
    """Signs with our own signer, time-stamps from the practice authority's service."""

    practice: Practice

    def sign(
        self, document: bytes, key: FileKey, level: Level = Level.B_B, **options: object
    ) -> bytes:
        """Return the document signed; options go into the SigningRequest."""

        async def make(timestamper: Timestamper | None) -> bytes:
            request = SigningRequest(level=level, signed_at=datetime.now(UTC), **options)  # type: ignore[arg-type]
            return await sign(document, key=key, request=request, timestamper=timestamper)

        return asyncio.run(self._with_timestamper(make, level))

    async def _with_timestamper(
        self, make: Callable[[Timestamper | None], Awaitable[bytes]], level: Level
    ) -> bytes:
        if level is Level.B_B:
            return await make(None)
        async with EvidenceFetcher(self.practice.fetch_policy) as fetcher:
            return await make(
                HttpTimestamper(self.practice.tsa_url, fetcher=fetcher, store=self.practice.trust)
            )
