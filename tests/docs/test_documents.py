"""The practice documents are what their catalogue says: exported by LibreOffice, fonts embedded."""

import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader

DOCUMENTS = Path(__file__).parents[1] / "data" / "documents"
PICTURES = DOCUMENTS.parent / "pictures"
CATALOGUE = tomllib.loads((DOCUMENTS / "catalogue.toml").read_text(encoding="utf-8"))["document"]
ENDPOINTS = tomllib.loads((DOCUMENTS / "endpoints.toml").read_text(encoding="utf-8"))["endpoint"]
ANNEXES = [annex for entry in CATALOGUE for annex in entry["annexes"]]
FILES = [entry["file"] for entry in CATALOGUE] + [annex["file"] for annex in ANNEXES]
LARGEST_FILE_BYTES = 100_000

each_file = pytest.mark.parametrize("file", FILES)
each_document = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry["file"])


@cache
def page_texts(file: str) -> tuple[str, ...]:
    """The text of each page with single spaces, in NFC."""
    with pypdfium2.PdfDocument(DOCUMENTS / file) as document:
        raw = [page.get_textpage().get_text_bounded() for page in document]
    return tuple(unicodedata.normalize("NFC", " ".join(text.split())) for text in raw)


def text_of(file: str) -> str:
    return " ".join(page_texts(file))


def font_descriptors(file: str) -> Iterator[Any]:
    with (DOCUMENTS / file).open("rb") as handle:
        kids: list[Any] = list(PdfFileReader(handle).root["/Pages"]["/Kids"])
        for page in kids:
            fonts = page.get_object()["/Resources"]["/Font"]
            yield from (fonts[name]["/FontDescriptor"] for name in fonts)


def test_the_folder_holds_exactly_the_files_of_the_catalogue() -> None:
    assert sorted(path.name for path in DOCUMENTS.glob("*.pdf")) == sorted(FILES)
    assert sorted(path.stem for path in DOCUMENTS.glob("*.fodt")) == sorted(
        Path(file).stem for file in FILES
    )


@each_file
def test_every_document_is_a_small_pdf_exported_by_libreoffice(file: str) -> None:
    with pypdfium2.PdfDocument(DOCUMENTS / file) as document:
        assert document.get_metadata_dict()["Producer"].startswith("LibreOffice")
    assert (DOCUMENTS / file).stat().st_size < LARGEST_FILE_BYTES


@each_file
def test_every_font_is_embedded_and_has_the_widths_of_times(file: str) -> None:
    descriptors = list(font_descriptors(file))
    assert descriptors
    for descriptor in descriptors:
        assert "/FontFile2" in descriptor
        assert "LiberationSerif" in descriptor["/FontName"]


@each_file
def test_every_page_says_that_it_is_practice(file: str) -> None:
    for text in page_texts(file):
        assert "Văn bản thực hành, không có giá trị pháp lý" in text


@each_document
def test_the_page_says_what_the_catalogue_says(entry: dict[str, Any]) -> None:
    text = text_of(entry["file"])
    day: date = entry["promulgated_on"]
    month = f"{day.month:02}" if day.month < 3 else str(day.month)  # NĐ 30/2020 Appendix I, II.4
    assert entry["subject"] in text
    assert f"{entry['place']}, ngày {day.day:02} tháng {month} năm {day.year}" in text
    assert entry["printed_code"] in text
    assert entry["signer"]["full_name"] in text
    assert entry["signer"]["position"] in text
    for capacity in filter(None, entry["signer"]["competence"].split("; ")):
        assert capacity in text
    if entry["type_name"] != "Công văn":  # the only type whose name is not printed
        assert entry["type_name"].upper() in text
    assert len(page_texts(entry["file"])) == entry["pages"]


@each_document
def test_state_front_and_business_write_the_national_heading_and_the_party_its_own(
    entry: dict[str, Any],
) -> None:
    text = text_of(entry["file"])
    is_party = entry["sender"]["block"] == "PARTY"
    assert ("ĐẢNG CỘNG SẢN VIỆT NAM" in text) is is_party
    assert ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in text) is not is_party


@pytest.mark.parametrize("annex", ANNEXES, ids=lambda annex: annex["file"])
def test_an_annex_in_its_own_file_leaves_number_and_date_unfilled(annex: dict[str, Any]) -> None:
    assert "(Kèm theo Thông báo số -TB/VPTU, ngày tháng năm 2026" in text_of(annex["file"])
    assert len(page_texts(annex["file"])) == annex["pages"]


def test_the_six_kinds_of_the_office_are_there() -> None:
    assert {entry["type_name"] for entry in CATALOGUE} == {
        "Quyết định", "Công văn", "Tờ trình", "Giấy mời", "Thông báo", "Báo cáo",
    }  # fmt: skip


@each_document
def test_senders_and_recipients_are_endpoints_of_several_blocks(entry: dict[str, Any]) -> None:
    known = {endpoint["code"]: endpoint for endpoint in ENDPOINTS}
    sender = known[entry["sender"]["code"]]
    assert entry["sender"] == {key: sender[key] for key in ("code", "block", "level", "name")}
    assert 1 <= len(entry["recipients"]) <= 5
    assert set(entry["recipients"]) <= known.keys() - {sender["code"]}


def test_endpoints_cover_four_blocks_on_both_levels() -> None:
    seen = {(endpoint["block"], endpoint["level"]) for endpoint in ENDPOINTS}
    assert seen == {
        (block, level)
        for block in ("PARTY", "STATE", "FRONT", "BUSINESS")
        for level in ("PROVINCE", "COMMUNE")
    }
    codes = {endpoint["code"] for endpoint in ENDPOINTS}
    assert len(codes) == len(ENDPOINTS) >= 8
    assert all(endpoint["parent"] in codes | {""} for endpoint in ENDPOINTS)


@pytest.mark.parametrize("name", ["leader-signature.png", "seal.png"])
def test_pictures_have_a_transparent_ground(name: str) -> None:
    with Image.open(PICTURES / name) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((0, 0))[3] == 0  # type: ignore[index]
        assert picture.getchannel("A").getextrema() == (0, 255)
