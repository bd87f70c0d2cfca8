"""Where each revision ends: the document's first bytes are the document as it was then."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.keys.file import FileKey
from certs.trust.anchors import TrustStore
from signer.creation.requests import Level
from signer.report import Report, RevisionContent, RevisionReport
from signer.validation.assessing import assess
from signer.validation.revisions import revision_ends
from signer.verdicts import Integrity, Verdict
from tests.support import attacks, pdfs
from tests.support.office import Office
from tests.support.verification import Desk, Judge

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
# A judge like the others: skipped with its name where it is missing, an error in CI.
with_corpus = pytest.mark.judge(*(() if CORPUS.is_dir() else ("../shared/corpus",)))


def contents(report: Report) -> list[tuple[RevisionContent, ...]]:
    return [each.changes for each in report.revisions]


def test_the_revisions_of_a_signed_and_sealed_document_are_told(
    judge: Judge, sealed: bytes
) -> None:
    report = judge(sealed)
    ends = revision_ends(sealed)
    assert [each.end for each in report.revisions] == list(ends)
    assert [each.number for each in report.revisions] == [1, 2, 3]
    assert [len(each.signed_by) for each in report.revisions] == [0, 1, 1]
    assert contents(report)[0] == (RevisionContent.ORIGINAL,)
    assert all(RevisionContent.SIGNATURE in each for each in contents(report)[1:])
    assert [each.revision for each in report.signatures] == [2, 3]
    assert [each.covers_whole_document for each in report.signatures] == [False, True]
    assert ends[-1] == len(sealed)


def test_a_document_cut_at_a_revision_is_valid_as_it_was(judge: Judge, sealed: bytes) -> None:
    first, second, third = revision_ends(sealed)
    assert judge(sealed[:first]).verdict is Verdict.UNSIGNED
    report = judge(sealed[:second])
    assert (report.verdict, len(report.signatures)) == (Verdict.VALID, 1)
    assert report.signatures[0].covers_whole_document
    assert sealed[:third] == sealed


def test_evidence_and_time_stamps_are_told_apart(tmp_path: Path, one_page_pdf: bytes) -> None:
    office = Office(tmp_path / "office")
    person = office.person()
    document = office.with_store(office.sign(one_page_pdf, person, Level.B_T), person.certificate)
    report = office.judge(office.with_document_timestamp(document))
    assert RevisionContent.EVIDENCE in contents(report)[2]
    assert RevisionContent.SIGNATURE not in contents(report)[2]
    assert RevisionContent.TIMESTAMP in contents(report)[3]


def test_a_form_filled_and_a_page_rewritten_are_told(
    desk: Desk, judge: Judge, leader_key: FileKey
) -> None:
    document = desk.sign(pdfs.with_text_field(pdfs.one_page(), "DocNumber"), leader_key)
    report = judge(attacks.with_filled_text(document, "DocNumber", "12/QD"))
    assert RevisionContent.FORM in contents(report)[-1]
    report = judge(attacks.with_overwritten_content(document))
    assert contents(report)[-1] == (RevisionContent.OTHER,)
    report = judge(attacks.with_replaced_content(document))
    assert RevisionContent.PAGES in contents(report)[-1]


def test_white_space_between_revisions_belongs_to_whoever_signed_it(
    judge: Judge, signed: bytes, sealed: bytes
) -> None:
    spaced = signed + b"\n\n"
    assert revision_ends(spaced)[-1] == len(signed)
    assert judge(spaced[: revision_ends(spaced)[-1]]).verdict is Verdict.VALID


def test_an_unsigned_document_has_revisions_too(judge: Judge, one_page_pdf: bytes) -> None:
    assert judge(one_page_pdf).revisions == (
        RevisionReport(number=1, end=len(one_page_pdf), changes=(RevisionContent.ORIGINAL,)),
    )


@with_corpus
def test_documents_of_others_cut_at_a_signature_keep_that_signature() -> None:
    """Every signature that is intact is so, and covers all, in the document as it was then."""
    cut = 0
    with (CORPUS / "expected.tsv").open(encoding="utf-8", newline="") as table:
        files = [row["file"] for row in csv.DictReader(table, delimiter="\t")][::4]
    for file in files:
        document = (CORPUS / "pdf" / file).read_bytes()
        if len(document) > 2_000_000:
            continue
        report = assess(document, store=TrustStore(), at=datetime.now(UTC))
        for entry in report.signatures:
            if entry.integrity is not Integrity.INTACT or entry.revision is None:
                continue
            then = document[: report.revisions[entry.revision - 1].end]
            earlier = assess(then, store=TrustStore(), at=report.judged_at)
            same = next(each for each in earlier.signatures if each.field == entry.field)
            assert same.integrity is Integrity.INTACT, file
            assert same.covers_whole_document, file
            cut += len(then) < len(document)
    assert cut > 10
