"""Assess a stranger's document where its bytes lie, in memory or in a file: a sandbox's work."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.limits import DocumentLimits
from signer.policy.values import VerificationPolicy
from signer.report import Report
from signer.validation.assessing import assess


def assess_for_stranger(
    document: bytes | Path,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None,
    at: datetime,
    policy: VerificationPolicy,
    limits: DocumentLimits,
) -> Report:
    """Assess as `assess` does; a file's bytes are read here and nowhere else."""
    content = document.read_bytes() if isinstance(document, Path) else document
    return assess(content, store=store, evidence=evidence, at=at, policy=policy, limits=limits)
