"""Leader, number and date, organisation: the order of NĐ 30/2020 without a broken signature."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from certs.schemes import SchemeFamily, SignatureScheme
from signer.office.number_and_date import DATE_FIELD, LEADER_FIELD, NUMBER_FIELD, SEAL_FIELD
from signer.pages.appearance import Appearance
from signer.verdicts import Changes, SignatureKind, Verdict
from tests.support import pdfs
from tests.support.judges import engine_verdicts, mutool, pdfsig, pdftotext, qpdf_complaints
from tests.support.lawful import DATE, NUMBER, PLACES, numbered, places_at, prepared
from tests.support.pictures import seal_picture
from tests.support.practice import Practice
from tests.support.verification import Desk, Judge

PKCS1 = SignatureScheme(family=SchemeFamily.RSA_PKCS1, digest_algorithm="sha256")
DOCUMENTS = {
    "classic tables": pdfs.one_page(),
    "stream tables": pdfs.with_stream_xrefs(pdfs.one_page()),
    "a turned page": pdfs.one_page(rotate=90),
}


@pytest.fixture(scope="module", params=DOCUMENTS)
def issued(
    request: pytest.FixtureRequest, desk: Desk, leader_key: FileKey, seal_key: FileKey
) -> bytes:
    """A document that went through the office: prepared, signed, numbered, sealed."""
    return issue(DOCUMENTS[request.param], desk, leader_key, seal_key)


def issue(document: bytes, desk: Desk, leader_key: FileKey, seal_key: FileKey) -> bytes:
    shown = Appearance(picture=seal_picture())

    def sign(document: bytes, key: FileKey, *, field: str) -> bytes:
        # mutool 1.21 reads no RSASSA-PSS.
        return desk.sign(document, key, field_name=field, appearance=shown, scheme=PKCS1)

    # Turned, the page is 210 mm high.
    places = places_at(190) if b"/Rotate 90" in document else PLACES
    signed = sign(prepared(document, places), leader_key, field=LEADER_FIELD)
    return sign(numbered(signed), seal_key, field=SEAL_FIELD)


def test_leader_and_seal_are_valid_and_the_filled_fields_are_told(
    judge: Judge, issued: bytes
) -> None:
    report = judge(issued)
    assert (report.verdict, report.reason) == (Verdict.VALID, "")
    leader, seal = report.signatures
    assert (leader.field, leader.kind) == (LEADER_FIELD, SignatureKind.SIGNATURE)
    assert (seal.field, seal.kind) == (SEAL_FIELD, SignatureKind.SEAL)
    assert (leader.changes, seal.changes) == (Changes.NUMBER_AND_DATE, Changes.NONE)
    assert leader.detail == f"fields: {DATE_FIELD}, {NUMBER_FIELD}"


async def test_plain_pyhanko_agrees(issued: bytes, practice: Practice) -> None:
    assert await engine_verdicts(issued, practice.authority.root) == [True, True]


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.judge("qpdf")
def test_the_other_judges_agree(issued: bytes, practice: Practice, tmp_path: Path) -> None:
    first, second = pdfsig(issued, practice.authority.root, tmp_path)
    assert first.good, first
    assert second.good, second
    assert second.covers_all
    assert mutool(issued, tmp_path) == [
        "The signature is valid but there have been edits since signing.",
        "The document is unchanged since signing.",
    ]
    assert qpdf_complaints(issued, tmp_path) == ""


@pytest.mark.judge("pdftotext")
def test_number_and_date_are_read_from_the_page(issued: bytes, tmp_path: Path) -> None:
    text = pdftotext(issued, tmp_path)
    assert f"Số: {NUMBER}" in text
    assert DATE in text


def test_each_step_keeps_the_bytes_before_it(issued: bytes) -> None:
    reader = PdfFileReader(BytesIO(issued))
    assert reader.xrefs.total_revisions == 5
    assert any(issued.startswith(document) for document in DOCUMENTS.values())
