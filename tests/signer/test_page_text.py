"""What is read of pages lies where people see it, however the page is turned or cut."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from signer.errors import DocumentEncrypted, NotAPdf, SignerError
from signer.pages.facts import Area, FieldKind, PageFacts
from signer.pages.text import MAX_PAGES_READ, read_pages
from signer.pages.text_lines import folded, lines, toneless
from signer.sandbox.pool import Sandbox
from tests.support import pdfs
from tests.support.office_pages import BLANKS, HEADING, Text, block, decomposed, document

SIGNED = block("Trần Văn Ví Dụ", "KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")
PAGE = (*HEADING, *BLANKS, *SIGNED)
DAMAGEABLE = pdfs.with_text_field(pdfs.one_page(), "So")


def dark_cells(page: PageFacts, area: Area) -> int:
    assert page.ink is not None
    return page.ink.dark_cells(area, height_mm=page.height_mm)


@pytest.mark.parametrize(
    "entries",
    [
        "/Rotate 0",
        "/Rotate 90",
        "/Rotate 180",
        "/Rotate 270",
        "/CropBox [60 90 560 800]",
        "/UserUnit 2",
    ],
)
def test_words_lie_where_their_letters_are_seen(entries: str) -> None:
    [page] = read_pages(document(PAGE, entries=entries)).pages
    whole = Area(left=0, bottom=0, right=page.width_mm, top=page.height_mm)
    words = [word.area.grown(0.4) for word in page.words]
    assert len(words) > 20
    assert all(dark_cells(page, word) > 0 for word in words)
    inside = sum(dark_cells(page, word) for word in words)
    # Letters at the edge of a cropped page are cut, and tones may touch the line above.
    assert inside >= 0.97 * dark_cells(page, whole)


def test_places_are_those_of_the_page() -> None:
    [page] = read_pages(document((Text(148, 90, "PHÓ CHỦ TỊCH"),))).pages
    [line] = lines(page.words)
    assert line.text == "PHÓ CHỦ TỊCH"
    assert line.area.centre == pytest.approx(148, abs=0.3)
    assert line.area.bottom < 90 < line.area.middle < line.area.top < 96


def test_text_that_comes_decomposed_is_composed() -> None:
    [page] = read_pages(document(PAGE, told=decomposed)).pages
    text = " ".join(word.text for word in page.words)
    assert text == unicodedata.normalize("NFC", text)
    assert "PHÓ CHỦ TỊCH" in text
    assert "Trần Văn Ví Dụ" in text


def test_spaces_of_any_kind_part_words() -> None:
    made = document(PAGE, told=lambda letter: "\u2003" if letter == " " else letter)
    [page] = read_pages(made).pages
    assert {"PHÓ", "CHỦ", "TỊCH", "Trần", "Văn"} <= {word.text for word in page.words}


def test_columns_are_lines_of_their_own() -> None:
    [page] = read_pages(document(PAGE)).pages
    found = [line.text for line in lines(page.words)]
    assert {"KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Trần Văn Ví Dụ", "Nơi nhận:"} <= set(found)


def test_names_are_compared_without_regard_to_case_spaces_and_the_place_of_tones() -> None:
    assert folded("NGUYỄN  Văn\u00a0A") == folded(unicodedata.normalize("NFD", "Nguyễn văn a"))
    assert folded("Lê Thị Hòa") != folded("Lê Thị Hoà")
    assert toneless("Lê Thị Hòa") == toneless("Lê Thị Hoà")
    assert toneless("Đỗ Thơ") != toneless("Đô Tho")


def test_fields_are_found_with_their_kind_and_place() -> None:
    made = pdfs.with_empty_field(document(PAGE), "Ky", box=(340, 180, 460, 240))
    made = pdfs.with_text_field(made, "So", "09")
    [page] = read_pages(made).pages
    found = {field.name: (field.kind, field.filled) for field in page.fields}
    assert found == {"Ky": (FieldKind.SIGNATURE, False), "So": (FieldKind.TEXT, True)}
    places = {field.name: field.area for field in page.fields}
    assert places["Ky"].left == pytest.approx(340 * 25.4 / 72, abs=0.1)


def test_of_many_pages_those_are_read_that_may_name_a_signer() -> None:
    plain = (Text(100, 200, "Nội dung"),)
    many: list[tuple[Text, ...]] = [plain] * 300
    many[250] = SIGNED
    facts = read_pages(document(*many))
    assert facts.page_count == 300
    assert [page.number for page in facts.pages] == [1, 251, 300]


def test_pages_read_are_few_even_where_all_name_signers() -> None:
    facts = read_pages(document(*[SIGNED] * 30))
    assert len(facts.pages) == MAX_PAGES_READ
    assert [page.number for page in facts.pages][-2:] == [29, 30]


def test_bad_documents_get_the_errors_of_signing() -> None:
    with pytest.raises(NotAPdf):
        read_pages(b"no PDF at all")
    with pytest.raises(DocumentEncrypted):
        read_pages(pdfs.encrypted(pdfs.one_page()))


def test_a_document_that_only_its_owner_locked_is_read_like_any_other() -> None:
    plain = document(PAGE)
    writer = copy_into_new_writer(PdfFileReader(BytesIO(plain)))
    handler = StandardSecurityHandler.build_from_pw("owner", "", pdf_mac=False)
    writer.security_handler = handler
    writer._encrypt = writer.add_object(handler.as_pdf_object())
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    assert read_pages(out.getvalue()) == read_pages(plain)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_documents_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(DAMAGEABLE)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SignerError):
        read_pages(bytes(damaged))


async def test_the_service_reads_pages_in_a_sandbox() -> None:
    made = document(PAGE)
    async with Sandbox(workers=1, modules=("signer.pages.text",)) as sandbox:
        assert await sandbox.read_pages(made) == read_pages(made)
        with pytest.raises(NotAPdf):
            await sandbox.read_pages(b"no PDF at all")
