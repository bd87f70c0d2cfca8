"""Hybrid documents: taken where every reader shows the same, and refused with the reason else."""

from __future__ import annotations

import pytest

from certs.keys.file import FileKey
from signer.engine.reading import open_document
from signer.errors import DocumentMalformed
from signer.reasons import Reason
from signer.validation.two_readings import readings_differ
from signer.verdicts import Changes, Verdict
from tests.support import attacks, pdfs, producers
from tests.support.verification import Desk, Judge

WORD = producers.as_word_writes()


def signed_by_both(document: bytes, desk: Desk, leader_key: FileKey, seal_key: FileKey) -> bytes:
    return desk.sign(desk.sign(document, leader_key), seal_key)


def test_a_document_of_words_structure_is_signed_twice_and_judged(
    desk: Desk, judge: Judge, leader_key: FileKey, seal_key: FileKey
) -> None:
    report = judge(signed_by_both(WORD, desk, leader_key, seal_key))
    assert report.verdict is Verdict.VALID, report
    assert [each.changes for each in report.signatures] == [Changes.SIGNATURES, Changes.NONE]


def test_ordinary_documents_have_one_reading() -> None:
    for document in (pdfs.one_page(), pdfs.with_stream_xrefs(pdfs.one_page())):
        assert readings_differ(open_document(document)) is None


DIFFERING = {
    # A page that only some readers find: /Contents leads to an object that the tables leave out.
    "the stream alone has the page's content": (
        WORD.replace(b"/Contents 4 0 R", b"/Contents 9 0 R"),
        "only the stream has object 9",
    ),
    "the stream puts an object elsewhere": (
        attacks.with_hybrid_table(pdfs.one_page()),
        "object 4 is another one in the stream",
    ),
}


@pytest.mark.parametrize("kind", DIFFERING)
def test_a_document_that_readers_show_differently_is_not_signed(
    kind: str, desk: Desk, leader_key: FileKey
) -> None:
    document, why = DIFFERING[kind]
    assert why in (readings_differ(open_document(document)) or "")
    with pytest.raises(DocumentMalformed) as refused:
        desk.sign(document, leader_key)
    assert why in str(refused.value)


def test_a_second_table_behind_a_signature_is_not_judged(
    desk: Desk, judge: Judge, leader_key: FileKey
) -> None:
    report = judge(attacks.with_hybrid_table(desk.sign(WORD, leader_key)))
    assert report.verdict is not Verdict.VALID
    assert report.reason in (Reason.HYBRID_REFERENCES, "DOCUMENT_MALFORMED")


def test_a_stream_that_comes_after_its_table_is_refused(desk: Desk, leader_key: FileKey) -> None:
    """It could be added to a document that was signed without it."""
    start = WORD.index(b"/XRefStm ") + len(b"/XRefStm ")
    old = int(WORD[start : WORD.index(b">", start)])
    stream = WORD[old : WORD.index(b"endobj", old) + 8]
    later = WORD.rindex(b"startxref") + 1  # its offset has one digit more
    moved = WORD.replace(b"/XRefStm %d" % old, b"/XRefStm %d" % later)
    moved = moved[:later] + stream + b"\r\n" + moved[later:]
    assert readings_differ(open_document(moved)) == "a stream stands behind its table"
    with pytest.raises(DocumentMalformed):
        desk.sign(moved, leader_key)
