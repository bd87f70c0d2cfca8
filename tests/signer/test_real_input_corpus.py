"""Documents that others made and signed, out of `../shared/corpus`: signed again, harming nothing.

Among them are three that Word wrote (2010, 2013, 365), cut back to what Word wrote.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.keys.file import FileKey
from certs.schemes import scheme_named
from certs.trust.anchors import TrustStore
from signer.errors import DocumentRefused, SignerError, SigningRefused
from signer.report import SignatureReport
from signer.validation.assessing import assess
from signer.verdicts import Changes, Integrity, Verdict
from tests.support import producers
from tests.support.judges import mutool, pdfsig
from tests.support.practice import Practice
from tests.support.verification import Desk, Judge

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
MADE_BY_WORD = ("4e98c47ebacf.pdf", "8cb534627789.pdf", "8ce68e0e9870.pdf")
# Their pages name annotations that do not exist. The engine's difference analysis gives up over
# that, so any later change leaves the earlier signatures undetermined: intact, but not judged.
NAMING_MISSING_OBJECTS = ("0d305a37d9ca.pdf", "0de43d49e7c3.pdf", "85ca66fad1cd.pdf")
MUTOOL_GOOD = "The document is unchanged since signing."
READ_BY_ALL = scheme_named("RSA-PKCS1/sha256")
UNTOUCHED = (Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL)

pytestmark = [] if CORPUS.is_dir() else [pytest.mark.judge("../shared/corpus")]


def listed() -> list[str]:
    if not CORPUS.is_dir():
        return []
    with (CORPUS / "expected.tsv").open(encoding="utf-8", newline="") as table:
        return [row["file"] for row in csv.DictReader(table, delimiter="\t")]


def signatures_of(document: bytes) -> dict[str, SignatureReport]:
    """What our verifier says of each field, whom it trusts aside."""
    report = assess(document, store=TrustStore(), at=datetime.now(UTC))
    return {each.field: each for each in report.signatures}


def good(signature: SignatureReport) -> bool:
    return signature.integrity is Integrity.INTACT and signature.changes in UNTOUCHED


@pytest.fixture(scope="module")
def signed_again(desk: Desk, leader_key: FileKey) -> dict[str, bytes | SignerError]:
    """Every document of the corpus, signed by the leader, or why it was refused."""
    results: dict[str, bytes | SignerError] = {}
    for name in listed():
        document = (CORPUS / "pdf" / name).read_bytes()
        try:
            results[name] = desk.sign(document, leader_key, scheme=READ_BY_ALL)
        except SignerError as refusal:
            results[name] = refusal
    return results


def test_whatever_is_refused_is_refused_with_a_reason_of_ours(
    signed_again: dict[str, bytes | SignerError],
) -> None:
    refusals = [each for each in signed_again.values() if isinstance(each, SignerError)]
    assert all(isinstance(each, DocumentRefused | SigningRefused) for each in refusals), refusals
    # What strictness refuses is counted, so that it only ever shrinks.
    assert len(signed_again) - len(refusals) >= 80, Counter(each.reason for each in refusals)


def test_earlier_signatures_of_others_stay_as_good_as_they_were(
    signed_again: dict[str, bytes | SignerError],
) -> None:
    spoilt = []
    for name, signed in signed_again.items():
        if isinstance(signed, SignerError):
            continue
        before = signatures_of((CORPUS / "pdf" / name).read_bytes())
        after = signatures_of(signed)
        spoilt += [
            (name, field)
            for field, signature in before.items()
            if good(signature) and not good(after[field])
        ]
        assert all(
            after[field].integrity is Integrity.INTACT for field in before if good(before[field])
        ), name
    assert {name for name, _ in spoilt} <= set(NAMING_MISSING_OBJECTS), spoilt


@pytest.mark.judge("pdfsig", "certutil")
def test_poppler_holds_ours_valid_and_earlier_ones_as_valid_as_before(
    signed_again: dict[str, bytes | SignerError], practice: Practice, tmp_path: Path
) -> None:
    root = practice.authority.root
    for name, signed in signed_again.items():
        if isinstance(signed, SignerError):
            continue
        before = pdfsig((CORPUS / "pdf" / name).read_bytes(), root, tmp_path)
        after = pdfsig(signed, root, tmp_path)
        known = {each.field: each.signature for each in before}
        assert {each.field: each.signature for each in after if each.field in known} == known, name
        [ours] = [each for each in after if each.field not in known]
        assert ours.good, (name, ours)
        assert ours.covers_all, name


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.parametrize("name", MADE_BY_WORD)
def test_what_word_wrote_is_signed_sealed_and_valid(
    name: str,
    leader_key: FileKey,
    seal_key: FileKey,
    desk: Desk,
    judge: Judge,
    practice: Practice,
    tmp_path: Path,
) -> None:
    written = producers.made_by_word((CORPUS / "pdf" / name).read_bytes())
    assert b"/XRefStm" in written
    assert b"/ByteRange" not in written
    signed = desk.sign(written, leader_key, scheme=READ_BY_ALL)
    sealed = desk.sign(signed, seal_key, scheme=READ_BY_ALL)
    assert sealed.startswith(written)
    report = judge(sealed)
    assert report.verdict is Verdict.VALID, report
    assert all(each.good for each in pdfsig(sealed, practice.authority.root, tmp_path))
    assert mutool(sealed, tmp_path)[-1] == MUTOOL_GOOD
