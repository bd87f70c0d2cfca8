"""The verification sheet in PDF: every fact readable, whatever the names, the same each time."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader

from exchange.inspection.abridging import abridged
from exchange.inspection.composing import Circumstances, compose
from exchange.inspection.pdf import pdf_sheet
from signer.pages.pictures import PagePicture, RevisionPictures
from signer.report import Report, RevisionReport
from tests.support.java_judges import JavaJudges
from tests.support.judges import pdftotext
from tests.support.reports import LEADER, good_signature, report_on


def pdf_of(report: Report, **circumstances: object) -> bytes:
    return pdf_sheet(compose(report, Circumstances(**circumstances)))  # type: ignore[arg-type]


def text_of(document: bytes) -> str:
    """All text, without line breaks: long codes and names wrap."""
    with pypdfium2.PdfDocument(document) as opened:
        pages = [page.get_textpage().get_text_range() for page in opened]
    return " ".join(" ".join(pages).replace("\ufffe", "").split())


def picture(page: int, colour: tuple[int, int, int] = (200, 30, 30)) -> PagePicture:
    out = BytesIO()
    Image.new("RGB", (80, 113), colour).save(out, "PNG")
    return PagePicture(page=page, media_type="image/png", data=out.getvalue())


def test_every_fact_of_a_valid_document_can_be_read() -> None:
    told = text_of(pdf_of(report_on(good_signature()), file_name="công văn số 9.pdf"))
    squeezed = told.replace(" ", "")
    for fact in (
        "PHIẾU KIỂM TRA CHỮ KÝ SỐ", "HỢP LỆ", "Việc cần làm", "công văn số 9.pdf",
        "Nguyễn Văn An", "Chủ tịch", "Ủy ban nhân dân tỉnh Thanh Hóa", "PAdES B-T",
        "24/11/2026 08:30:00 +07:00", "24/11/2026 09:30:00 +07:00", "Chuyên dùng công vụ",
        "ab" * 32, "cd" * 32, "0c" * 32, "default@1#0123456789ab", "trang 1/", "Căn cứ",
    ):  # fmt: skip
        assert fact.replace(" ", "") in squeezed, fact
    assert "THỰCHÀNH" not in squeezed


def test_practice_stands_on_every_page() -> None:
    report = report_on(good_signature(practice=True, anchor_class="PRACTICE"))
    with pypdfium2.PdfDocument(pdf_of(report)) as opened:
        assert len(opened) > 1
        for page in opened:
            assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in page.get_textpage().get_text_range()


def test_pages_are_numbered_and_the_outline_leads_to_each_part() -> None:
    document = pdf_of(report_on(good_signature()))
    with pypdfium2.PdfDocument(document) as opened:
        for number, page in enumerate(opened, start=1):
            words = page.get_textpage().get_text_range().replace("\r\n", "")
            assert f"trang {number}/{len(opened)}" in words
        titles = [entry.get_title() for entry in opened.get_toc()]
    assert "1. Chữ ký số của cá nhân: Nguyễn Văn An" in titles
    assert "Phiên bản 1" in titles


def test_the_file_says_its_language_its_title_and_when_it_was_judged() -> None:
    reader = PdfFileReader(BytesIO(pdf_of(report_on(good_signature()), file_name="a.pdf")))
    assert reader.root["/Lang"] == "vi"
    assert reader.root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.trailer["/Info"]["/Title"] == "Phiếu kiểm tra chữ ký số – a.pdf"
    assert reader.trailer["/Info"]["/CreationDate"] == "D:20261124103000+07'00'"
    assert b"pdfaid:part>2<" in reader.root["/Metadata"].data


def test_the_same_report_gives_the_same_bytes_and_another_one_others() -> None:
    first, second = (pdf_of(report_on(good_signature())) for _ in range(2))
    assert first == second
    assert first != pdf_of(report_on(good_signature(), sha256="ba" * 32))


def test_pictures_of_revisions_stand_with_their_captions() -> None:
    drawn = (
        RevisionPictures(number=1, page_count=2, pictures=(picture(1),)),
        RevisionPictures(
            number=2,
            page_count=2,
            compared=2,
            changed=(1, 2),
            pictures=(picture(1), picture(2, (0, 0, 200))),
        ),
    )
    revisions = (RevisionReport(number=1, end=10), RevisionReport(number=2, end=20))
    document = pdf_of(report_on(good_signature(), revisions=revisions), pictures=drawn)
    told = text_of(document)
    assert "Trang 1 ở phiên bản 1" in told
    assert "Trang 2 ở phiên bản 2" in told
    assert "Trang trông khác phiên bản trước: 1, 2 (đã so sánh 2/2 trang)." in told


def test_a_hundred_signatures_are_all_there() -> None:
    signatures = tuple(
        good_signature(
            field=f"Signature{number}",
            signer=replace(LEADER, common_name=f"Người ký {number} " + "W" * 60),
        )
        for number in range(1, 101)
    )
    document = pdf_of(report_on(*signatures))
    with pypdfium2.PdfDocument(document) as opened:
        assert len(opened) > 40
    told = text_of(document)
    for number in range(1, 101):
        assert f"{number}. Chữ ký số của cá nhân" in told


def test_a_very_long_name_wraps_and_a_shorter_sheet_says_that_it_is_one() -> None:
    entry = good_signature(signer=replace(LEADER, common_name="W" * 999, organisation="Ữ" * 999))
    sheet = compose(report_on(*(entry for _ in range(25))))
    short = text_of(pdf_sheet(abridged(sheet)))
    assert "Phiếu rút gọn" in short
    assert "20. Chữ ký số của cá nhân" in short
    assert "21. Chữ ký số của cá nhân" not in short
    whole = text_of(pdf_sheet(compose(report_on(entry)))).replace(" ", "")
    assert "W" * 900 in whole
    assert "Ữ" * 900 in whole


def test_letters_that_the_typeface_lacks_are_shown_as_boxes() -> None:
    signer = replace(LEADER, common_name="李明 An 😀")
    assert "□□ An □" in text_of(pdf_of(report_on(good_signature(signer=signer))))


@settings(max_examples=15, deadline=None)
@given(
    st.text(max_size=200)
    | st.sampled_from(
        [
            "<img src='/etc/passwd'/>",
            "<b>",
            "&#0;",
            "]]>",
            "<a href='x'>",
            "W" * 2000,
            "<para>",
            "\n",
        ]
    )
)
def test_no_text_of_a_stranger_is_markup_or_breaks_the_sheet(text: str) -> None:
    signer = replace(LEADER, common_name=text or "x", organisation=text)
    report = report_on(good_signature(signer=signer, field=text or "x"))
    assert "Nghị định 68/2024" in text_of(pdf_of(report, file_name=text))


@pytest.mark.judge("verapdf")
@pytest.mark.parametrize("practice", [False, True])
def test_the_sheet_is_pdf_a(java_judges: JavaJudges, practice: bool) -> None:
    report = report_on(good_signature(practice=practice))
    drawn = (RevisionPictures(number=1, page_count=1, pictures=(picture(1),)),)
    answer = java_judges.verapdf(pdf_of(report, pictures=drawn), "2b")
    assert answer.compliant, answer.failures


@pytest.mark.judge("pdftotext")
def test_poppler_reads_the_vietnamese_letters_too(tmp_path: Path) -> None:
    told = pdftotext(pdf_of(report_on(good_signature())), tmp_path)
    assert "PHIẾU KIỂM TRA CHỮ KÝ SỐ" in told
    assert "Nguyễn Văn An" in told
