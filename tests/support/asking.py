"""A process that gathers evidence as a worker or a clerk's command does; for `spawn`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from certs.fetching.fetcher import EvidenceFetcher, Sources
from certs.fetching.policy import FetchLimits, FetchPolicy
from certs.revocation.evidence import EvidenceRequest, RevocationEvidence
from certs.revocation.evidence_cache import SharedAnswers


def gather_each(
    port: int, directory: Path, *, requests: list[EvidenceRequest], at: datetime, seconds: float
) -> list[RevocationEvidence]:
    """One gather() for each request, all at once."""
    policy = FetchPolicy(
        allowed=frozenset({("127.0.0.1", port)}),
        limits=FetchLimits(total_seconds=seconds, gather_seconds=2 * seconds),
    )

    async def gathered() -> list[RevocationEvidence]:
        sources = Sources(shared=SharedAnswers(directory))
        async with EvidenceFetcher(policy, sources=sources, clock=lambda: at) as fetcher:
            return await asyncio.gather(*(fetcher.gather([each]) for each in requests))

    return asyncio.run(gathered())
