"""Number and date filled in: what is seen, what is refused, and that archives stay archives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.creation.requests import FieldLock, Level, LockAction
from signer.errors import (
    FieldUnusable,
    NumberAfterSignature,
    NumberInvalid,
    NumberMissing,
    PlacementInvalid,
)
from signer.office.field_places import FieldPlaces, TextPlace, office_fields
from signer.office.number_and_date import (
    LEADER_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    FieldValues,
    NumberForm,
)
from signer.office.prepared_fields import prepared_fields
from signer.office.preparing import prepare
from signer.pages.appearance import Box
from signer.pages.text import read_pages
from signer.source import Source
from signer.verdicts import Changes, Verdict
from tests.support import pdfs, producers
from tests.support.java_judges import JavaJudges
from tests.support.judges import engine_verdicts, pdfsig, pdftotext, qpdf_complaints
from tests.support.lawful import DATE, NUMBER, PLACES, VALUES, numbered, places_at, prepared
from tests.support.practice import Practice
from tests.support.verification import Desk, Judge

Maker = Callable[[Path], bytes]
DATA = Path(__file__).parents[1] / "data"
DRAFTS = {
    "de-trong": ("9/TTr-UBND", "Hạc Thành, ngày 05 tháng 02 năm 2026", "Số: 09 /TTr-UBND"),
    "chua-ghi": ("9/QĐ-UBND", "Thanh Hóa, ngày 05 tháng 02 năm 2026", "Số: 09/QĐ-UBND"),
    "chi-co-so": ("1286/SKHCN-CĐS", "Thanh Hóa, ngày 23 tháng 11 năm 2026", "Số: 1286/SKHCN-CĐS"),
}


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("pdftotext")
@pytest.mark.judge("qpdf")
@pytest.mark.parametrize("name", DRAFTS)
async def test_a_draft_becomes_a_document_that_all_judges_hold_valid(
    name: str,
    judge: Judge,
    desk: Desk,
    leader_key: FileKey,
    seal_key: FileKey,
    practice: Practice,
    tmp_path: Path,
) -> None:
    number, date, shown = DRAFTS[name]
    document = (DATA / "drafts" / f"{name}.pdf").read_bytes()
    places = office_fields(read_pages(document))
    document += prepare(Source.of_bytes(document), places=places)
    signed = await asyncio.to_thread(desk.sign, document, leader_key, field_name=LEADER_FIELD)
    filled = numbered(signed, FieldValues.read(number=number, date=date))
    sealed = await asyncio.to_thread(desk.sign, filled, seal_key, field_name=SEAL_FIELD)
    report = judge(sealed)
    assert (report.verdict, report.reason) == (Verdict.VALID, "")
    assert [each.changes for each in report.signatures] == [Changes.NUMBER_AND_DATE, Changes.NONE]
    assert await engine_verdicts(sealed, practice.authority.root) == [True, True]
    root = practice.authority.root
    assert [answer.good for answer in pdfsig(sealed, root, tmp_path)] == [True, True]
    assert qpdf_complaints(sealed, tmp_path) == ""
    text = " ".join(pdftotext(sealed, tmp_path).split())
    assert date in text
    assert shown.replace(" ", "") in text.replace(" ", "")


@pytest.mark.judge("dss")
def test_eu_dss_holds_both_signatures_valid(
    judge: Judge,
    desk: Desk,
    leader_key: FileKey,
    seal_key: FileKey,
    practice: Practice,
    java_judges: JavaJudges,
    one_page_pdf: bytes,
) -> None:
    signed = desk.sign(prepared(one_page_pdf), leader_key, Level.B_T, field_name=LEADER_FIELD)
    sealed = desk.sign(numbered(signed), seal_key, Level.B_T, field_name=SEAL_FIELD)
    answer = java_judges.dss(sealed, practice.authority.root, evidence=judge.evidence)
    assert [each.indication for each in answer.signatures] == ["TOTAL_PASSED"] * 2
    assert [each.level for each in answer.signatures] == ["PAdES-BASELINE-T"] * 2
    assert [each.undefined_changes for each in answer.signatures] == [0, 0]


@pytest.mark.judge("verapdf")
@pytest.mark.parametrize("flavour", ["1b", "2b", "3b"])
def test_an_archive_stays_one(
    flavour: str,
    desk: Desk,
    leader_key: FileKey,
    seal_key: FileKey,
    java_judges: JavaJudges,
) -> None:
    document = (DATA / "producers" / f"libreoffice-pdfa-{flavour}.pdf").read_bytes()
    ready = prepared(document)
    assert java_judges.verapdf(ready, flavour).failures == ()
    signed = desk.sign(ready, leader_key, field_name=LEADER_FIELD)
    sealed = desk.sign(numbered(signed), seal_key, field_name=SEAL_FIELD)
    assert java_judges.verapdf(sealed, flavour).failures == ()


def test_the_document_s_own_typeface_is_used_and_no_other_embedded(one_page_pdf: bytes) -> None:
    ready = prepared(one_page_pdf)
    filled = numbered(ready)
    assert len(filled) - len(ready) < 3_000
    for name, field in prepared_fields(PdfFileReader(BytesIO(filled))).items():
        assert field.value == VALUES.text(name, field.form)


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_number_and_date_stand_upright_on_any_page(
    rotate: int, judge: Judge, desk: Desk, leader_key: FileKey, tmp_path: Path
) -> None:
    places = places_at(190) if rotate in (90, 270) else PLACES
    ready = prepared(pdfs.one_page(rotate=rotate), places)
    document = numbered(desk.sign(ready, leader_key, field_name=LEADER_FIELD))
    assert judge(document).verdict is Verdict.VALID
    text = pdftotext(document, tmp_path)
    assert NUMBER in text
    assert DATE in text


def test_a_cropped_and_scaled_page_keeps_the_law_s_size(
    judge: Judge, desk: Desk, leader_key: FileKey
) -> None:
    page = pdfs.one_page(page_entries="/UserUnit 2 /CropBox [20 20 560 800]")
    # Each unit of the page is two points: it is seen 381 mm wide and 550 mm high.
    ready = prepared(page, places_at(500))
    document = numbered(desk.sign(ready, leader_key, field_name=LEADER_FIELD))
    assert judge(document).verdict is Verdict.VALID
    field = prepared_fields(PdfFileReader(BytesIO(document)))[NUMBER_FIELD]
    assert b" 6.5000 Tf " in field.shown


def _by_qpdf(*options: str) -> Maker:
    return lambda directory: producers.by_qpdf(pdfs.one_page(), *options, directory=directory)


KINDS: dict[str, Maker] = {
    "the structure of Word": lambda _: producers.as_word_writes(),
    "Chromium": lambda _: (DATA / "producers" / "chromium.pdf").read_bytes(),
    "a scan": lambda _: producers.scanned_in_colour(),
    "linearized with object streams": _by_qpdf("--linearize", "--object-streams=generate"),
    "owner's password, AES-256": _by_qpdf("--encrypt", "", "owner", "256", "--"),
    "owner's password, AES-128": _by_qpdf("--encrypt", "", "owner", "128", "--use-aes=y", "--"),
    "owner's password, RC4-128": _by_qpdf("--encrypt", "", "owner", "128", "--use-aes=n", "--"),
    "1 000 pages": lambda _: pdfs.pages(1000),
}


@pytest.mark.judge("qpdf")
@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.parametrize("kind", KINDS)
def test_documents_of_any_program_go_through_the_office(
    kind: str,
    judge: Judge,
    desk: Desk,
    leader_key: FileKey,
    seal_key: FileKey,
    practice: Practice,
    tmp_path: Path,
) -> None:
    signed = desk.sign(prepared(KINDS[kind](tmp_path)), leader_key, field_name=LEADER_FIELD)
    sealed = desk.sign(numbered(signed), seal_key, field_name=SEAL_FIELD)
    report = judge(sealed)
    assert (report.verdict, report.reason) == (Verdict.VALID, ""), report
    assert report.signatures[0].changes is Changes.NUMBER_AND_DATE
    answers = pdfsig(sealed, practice.authority.root, tmp_path)
    assert [answer.good for answer in answers] == [True, True]


def test_what_was_not_prepared_cannot_be_filled(
    desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    with pytest.raises(FieldUnusable):
        numbered(one_page_pdf)
    with pytest.raises(NumberAfterSignature):
        numbered(desk.sign(one_page_pdf, leader_key))


def test_what_is_filled_or_sealed_is_not_filled_again(
    desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    signed = desk.sign(prepared(one_page_pdf), leader_key, field_name=LEADER_FIELD)
    with pytest.raises(NumberAfterSignature, match="already"):
        numbered(numbered(signed))
    with pytest.raises(NumberAfterSignature, match="sealed"):
        numbered(desk.sign(signed, seal_key, field_name=SEAL_FIELD))


def test_every_field_gets_a_value_or_none_does(one_page_pdf: bytes) -> None:
    ready = prepared(one_page_pdf)
    for half in (FieldValues.read(number=NUMBER), FieldValues.read(date=DATE), FieldValues()):
        with pytest.raises(NumberMissing):
            numbered(ready, half)


def test_a_number_without_its_symbol_is_refused_where_it_is_needed(one_page_pdf: bytes) -> None:
    with pytest.raises(NumberInvalid):
        numbered(prepared(one_page_pdf), FieldValues.read(number="9", date=DATE))


def test_a_number_that_does_not_fit_is_refused(one_page_pdf: bytes) -> None:
    narrow = FieldPlaces(
        texts=(
            TextPlace(
                name=NUMBER_FIELD,
                box=Box(page=1, left_mm=30, bottom_mm=250, width_mm=8, height_mm=6),
                form=NumberForm.LINE,
            ),
        )
    )
    ready = prepared(one_page_pdf, narrow)
    with pytest.raises(PlacementInvalid):
        numbered(ready, FieldValues.read(number="123456/QĐ-UBND"))


def test_a_lock_on_the_number_is_respected(
    desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    lock = FieldLock(action=LockAction.INCLUDE, fields=(NUMBER_FIELD,))
    signed = desk.sign(prepared(one_page_pdf, PLACES), leader_key, lock=lock)
    with pytest.raises(NumberAfterSignature, match=NUMBER_FIELD):
        numbered(signed)
