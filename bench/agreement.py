"""Whether reports agree with what is expected of documents, and the counts by category (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from signer.report import Report, SignatureReport
from signer.verdicts import Changes, Integrity, SubIndication, Verdict

_UNTOUCHED: Final = frozenset({Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL})
PASSING: Final = _UNTOUCHED | {Changes.NUMBER_AND_DATE}
"""The changes with which a signature can pass where its signer is trusted."""

_UNFORGED: Final = ("VALID", "GOLDEN", "VALID_CRYPTO_NOT_TRUSTED", "MODS_OK")
FORGED: Final = ("ATTACK", "INVALID_MOD", "INVALID_CRYPTO")
KNOWN: Final = {
    "VALID": "accepted, or undetermined only for SHA-1 or weak keys (CRYPTO_CONSTRAINTS_FAILURE)",
    "GOLDEN": "as VALID: signed well when made, but perhaps edited by hand since",
    "VALID_CRYPTO_NOT_TRUSTED": "accepted or undetermined: only trust speaks against it",
    "MODS_OK": "accepted, or intact with a form filled in (FORM_FILLED)",
    "ATTACK": "refused",
    "INVALID_MOD": "refused",
    "INVALID_CRYPTO": "refused",
    "ATTACK_PRE": "any verdict: prepared before it was signed, and not altered since",
}
"""What is expected of the documents of each category."""


class Outcome(StrEnum):
    """What became of a document, whoever signed it: exactly one of these."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One document: what is expected of it, and the report on it.

    failure: why there is no report, or none to rely on, where the process that judged it died.
    slow: it was stopped at a limit of time.
    """

    file: str
    expected: str
    report: Report | None
    failure: str = ""
    slow: bool = False

    @property
    def outcome(self) -> Outcome:
        """What became of the document."""
        if self.report is None or self.failure:
            return Outcome.CRASHED
        if accepted(self.report):
            return Outcome.ACCEPTED
        undetermined = self.report.verdict in (Verdict.INDETERMINATE, Verdict.VALID)
        return Outcome.UNDETERMINED if undetermined else Outcome.REFUSED

    @property
    def agrees(self) -> bool:
        """Whether the verifier does with this document what its category expects."""
        if self.report is None or self.slow or self.outcome is Outcome.CRASHED:
            return False
        if self.expected in FORGED:
            return self.outcome is Outcome.REFUSED
        if self.expected not in _UNFORGED:
            return True
        if self.report.verdict is Verdict.INVALID:
            # Whatever its signatures say: something in the file itself was found against it.
            return False
        if self.expected == "VALID_CRYPTO_NOT_TRUSTED":
            return self.outcome is not Outcome.REFUSED
        if self.expected == "MODS_OK":
            return untouched(self.report, _UNTOUCHED | {Changes.FORM_FILLED})
        return self.outcome is Outcome.ACCEPTED or merely_weak(self.report)

    @property
    def fooled(self) -> bool:
        """Whether the document is forged, and would be valid if its signers were trusted."""
        if self.report is None or self.expected not in FORGED:
            return False
        return untouched(self.report, PASSING)

    @property
    def fails(self) -> bool:
        """Whether this must never happen: fooled by a forgery, a crash, a hang."""
        return self.fooled or self.slow or self.outcome is Outcome.CRASHED

    @property
    def verdict(self) -> str:
        """The report's verdict; CRASHED where there is none to rely on."""
        if self.report is None or self.outcome is Outcome.CRASHED:
            return "CRASHED"
        return str(self.report.verdict)

    @property
    def cause(self) -> tuple[str, str]:
        """The code that says why the document was not accepted, else the report's, and its detail.

        That nobody is trusted here decides many verdicts, but never whether they are accepted.
        """
        if self.failure or self.report is None:
            return self.failure, ""
        if self.report.verdict is Verdict.INDETERMINATE:
            for entry in self.report.signatures:
                if not _stands(entry, _UNTOUCHED):
                    return entry.reason or f"CHANGES_{entry.changes}", entry.detail
        return self.report.reason, self.report.detail

    def to_json(self) -> dict[str, str]:
        """Return the entry of "disagreements"."""
        told = {"file": self.file, "expected": self.expected}
        return {**told, "verdict": self.verdict, "reason": self.cause[0]}


def accepted(report: Report) -> bool:
    """Whether the report, trust aside, takes the document for untouched."""
    return untouched(report, _UNTOUCHED)


def untouched(report: Report, changes: frozenset[Changes]) -> bool:
    """Whether it is readable, signed, and each signature intact with none but these changes."""
    return (
        report.verdict is not Verdict.UNREADABLE
        and bool(report.signatures)
        and all(_stands(entry, changes) for entry in report.signatures)
    )


def merely_weak(report: Report) -> bool:
    """Whether nothing but SHA-1 or weak keys keeps the document from being accepted."""
    return report.verdict is Verdict.INDETERMINATE and all(
        _stands(entry, _UNTOUCHED)
        or (
            entry.integrity is not Integrity.BROKEN
            and entry.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
        )
        for entry in report.signatures
    )


def counted(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """Count the outcomes by category, in the order of `KNOWN`; `slow` counts beside them."""
    counts: dict[str, dict[str, int]] = {}
    for finding in findings:
        row = counts.setdefault(finding.expected, dict.fromkeys((*Outcome, "slow"), 0))
        row[finding.outcome] += 1
        row["slow"] += finding.slow
    order = [*KNOWN, *sorted(counts.keys() - KNOWN.keys())]
    return {
        category: {str(name): count for name, count in counts[category].items()}
        for category in order
        if category in counts
    }


def disagreements(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings to look at, those that must never happen first."""
    return sorted(
        (each for each in findings if each.fails or not each.agrees),
        key=lambda each: (not each.fails, each.expected, each.file),
    )


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the JSON form of a run."""
    return {
        "categories": counted(findings),
        "disagreements": [each.to_json() for each in disagreements(findings)],
    }


def _stands(entry: SignatureReport, changes: frozenset[Changes]) -> bool:
    return entry.integrity is Integrity.INTACT and entry.changes in changes
