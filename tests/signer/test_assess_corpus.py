"""Signed documents that others made: none that was forged passes, and none makes us crash.

The folder lies beside the project (`../shared/corpus`) and is no part of it: its licences are
mixed. Without it the tests are skipped, except where everything is required.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.agreement import FORGED, accepted
from certs.trust.anchors import TrustStore
from signer.report import Report
from signer.validation.assessing import assess
from signer.verdicts import Changes, Verdict

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

# A judge like the others: skipped with its name where it is missing, an error in CI.
pytestmark = [] if CORPUS.is_dir() else [pytest.mark.judge("../shared/corpus")]


@pytest.fixture(scope="module")
def assessed() -> dict[str, list[tuple[str, Report]]]:
    """Every document of the corpus by what its makers expect, judged without any anchor."""
    results: dict[str, list[tuple[str, Report]]] = {}
    with (CORPUS / "expected.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            document = (CORPUS / "pdf" / row["file"]).read_bytes()
            report = assess(document, store=TrustStore(), at=datetime.now(UTC))
            results.setdefault(row["expected"], []).append((row["file"], report))
    return results


@pytest.mark.parametrize("kind", FORGED)
def test_nothing_forged_is_accepted(
    assessed: dict[str, list[tuple[str, Report]]], kind: str
) -> None:
    wrong = [(file, report.verdict) for file, report in assessed[kind] if accepted(report)]
    assert wrong == []


def test_nothing_is_valid_without_an_anchor_and_everything_has_a_reason(
    assessed: dict[str, list[tuple[str, Report]]],
) -> None:
    for file, report in (entry for entries in assessed.values() for entry in entries):
        assert report.verdict is not Verdict.VALID, file
        assert report.reason, file


def test_good_documents_of_others_are_read_no_worse_than_before(
    assessed: dict[str, list[tuple[str, Report]]],
) -> None:
    """Leniency towards good foreign files is measured, so that it only ever grows."""
    counts = Counter(
        kind for kind, entries in assessed.items() for _, report in entries if accepted(report)
    )
    assert counts["VALID"] >= 34
    assert counts["GOLDEN"] >= 37
    permitted = [report.signatures[0].changes for _, report in assessed["MODS_OK"]]
    assert permitted == [Changes.FORM_FILLED] * 3
