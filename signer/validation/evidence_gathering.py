"""Assessing with what can be fetched: judge, fetch what is missing, judge again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from certs.fetching.fetcher import EvidenceFetcher
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.policy import values as policy_module
from signer.policy.values import VerificationPolicy
from signer.report import Report
from signer.sandbox.pool import Sandbox

MAX_ROUNDS: Final = 2
"""Rounds of fetching for one document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessor:
    """How documents are assessed: where, whom we trust, by which policy, and what can be fetched.

    Only certificates that already lead to an anchor of `store` make the judge ask for anything,
    and `fetcher` asks only whom its policy allows. A second round is for what the first one's
    certificates lead to. Without a fetcher, or where nothing comes, the last report stands: what
    is not proved stays INDETERMINATE.
    """

    sandbox: Sandbox
    store: TrustStore
    fetcher: EvidenceFetcher | None
    evidence: RevocationEvidence = field(default_factory=RevocationEvidence)
    policy: VerificationPolicy = policy_module.DEFAULT

    async def assess(self, document: bytes | Path, *, at: datetime) -> Report:
        """Assess `document` at `at`; fetch the evidence that the judgement misses, judge anew.

        document: its bytes, or the file they lie in; that is not read here but in the sandbox.
        """
        known = self.evidence
        report = await self._judge(document, known, at=at)
        for _ in range(MAX_ROUNDS):
            if self.fetcher is None or not report.missing:
                break
            more = known.merged(await self.fetcher.gather(report.missing, at=at))
            if more == known:
                break
            known = more
            report = await self._judge(document, known, at=at)
        return report

    async def _judge(
        self, document: bytes | Path, known: RevocationEvidence, *, at: datetime
    ) -> Report:
        return await self.sandbox.assess(
            document, store=self.store, evidence=known, at=at, policy=self.policy
        )


async def assess_with_evidence(
    document: bytes | Path,
    *,
    sandbox: Sandbox,
    store: TrustStore,
    fetcher: EvidenceFetcher | None,
    at: datetime,
    policy: VerificationPolicy = policy_module.DEFAULT,
) -> Report:
    """Assess one document, as an `Assessor` does who has no evidence at hand."""
    assessor = Assessor(sandbox=sandbox, store=store, fetcher=fetcher, policy=policy)
    return await assessor.assess(document, at=at)
