"""One thing found against a signature, and what it does to the signature's indication (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from signer.reasons import VERDICTS, Reason
from signer.verdicts import Indication, SubIndication, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a signature does not simply pass; `failed` overrules the reason's usual weight."""

    reason: Reason
    sub_indication: SubIndication
    detail: str = ""
    failed: bool = False

    @property
    def indication(self) -> Indication:
        """What the finding makes of the signature."""
        if self.failed or VERDICTS[self.reason] is Verdict.INVALID:
            return Indication.TOTAL_FAILED
        return Indication.INDETERMINATE


def worst(findings: list[Finding]) -> Finding | None:
    """Return the finding that decides: the first that fails for good, else the first of all."""
    for finding in findings:
        if finding.indication is Indication.TOTAL_FAILED:
            return finding
    return findings[0] if findings else None
