"""Assessing with what can be fetched: judge, fetch what is missing, judge again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from certs.anchors import TrustStore
from certs.fetching import EvidenceFetcher
from certs.revocation import RevocationEvidence
from signer.report import Report
from signer.sandbox import Sandbox

MAX_ROUNDS: Final = 2
"""Rounds of fetching for one document."""


async def assess_with_evidence(
    document: bytes | Path,
    *,
    sandbox: Sandbox,
    store: TrustStore,
    fetcher: EvidenceFetcher | None,
    at: datetime,
    evidence: RevocationEvidence | None = None,
) -> Report:
    """Assess `document` at `at`; fetch the evidence that the judgement misses and judge anew.

    document: its bytes, or the file they lie in; that is not read here but in the sandbox.
    Only certificates that already lead to an anchor of `store` make the judge ask for anything,
    and `fetcher` asks only whom its policy allows. A second round is for what the first one's
    certificates lead to. Without a fetcher, or where nothing comes, the last report stands: what
    is not proved stays INDETERMINATE.
    """
    known = evidence or RevocationEvidence()
    report = await sandbox.assess(document, store=store, evidence=known, at=at)
    for _ in range(MAX_ROUNDS):
        if fetcher is None or not report.missing:
            break
        more = known.merged(await fetcher.gather(report.missing))
        if more == known:
            break
        known = more
        report = await sandbox.assess(document, store=store, evidence=known, at=at)
    return report
