"""Assess a stranger's document where its bytes lie, in memory or in a file: a sandbox's work."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from certs.anchors import TrustStore
from certs.revocation import RevocationEvidence
from signer.assessing import assess
from signer.limits import DocumentLimits
from signer.policy import VerificationPolicy
from signer.report import Report


def assess_for_stranger(
    document: bytes | Path,
    *,
    store: TrustStore,
    evidence: RevocationEvidence | None,
    at: datetime,
    policy: VerificationPolicy,
    limits: DocumentLimits,
) -> Report:
    """Assess as `signer.assessing.assess` does; a file's bytes are read here and nowhere else."""
    content = document.read_bytes() if isinstance(document, Path) else document
    return assess(content, store=store, evidence=evidence, at=at, policy=policy, limits=limits)
