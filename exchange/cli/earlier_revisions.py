"""A document as it was at an earlier revision: its first bytes, judged as a document of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from exchange.cli.errors import RevisionMissing
from signer.report import Report
from signer.validation.evidence_gathering import Assessor


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRevision:
    """The report on a document's first bytes, and of which revision they are the end.

    whole_sha256: of the document with everything that was added later.
    """

    report: Report
    number: int
    revisions: int
    whole_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the report's JSON form with what it is about."""
        about = {
            "number": self.number,
            "revisions": self.revisions,
            "whole_sha256": self.whole_sha256,
        }
        return {**self.report.to_json(), "as_of_revision": about}


async def judge_revision(
    content: bytes, number: int, *, assessor: Assessor, at: datetime
) -> EarlierRevision | Report:
    """Judge the document as it was at the revision `number`, 1 being the first.

    Where the document can't be read at all, the report says so. Raises RevisionMissing.
    """
    # The sandbox tells where the revisions end; no evidence is fetched for that.
    whole = await replace(assessor, fetcher=None).assess(content, at=at)
    if not whole.revisions:
        return whole
    if number > len(whole.revisions):
        raise RevisionMissing(f"{number}, it has {len(whole.revisions)}")
    report = await assessor.assess(content[: whole.revisions[number - 1].end], at=at)
    return EarlierRevision(
        report=report,
        number=number,
        revisions=len(whole.revisions),
        whole_sha256=whole.sha256,
    )
