"""Where number and date are left blank: in the heading, beside what is printed there."""

from __future__ import annotations

import pytest

from signer.errors import PlaceNotFound
from signer.office.blanks import printed_symbol
from signer.office.places import date_places, number_place, office_places
from signer.pages.appearance import Box
from signer.pages.facts import Area, PageFacts
from signer.pages.text import read_pages
from tests.support.office_pages import BLANKS, HEADING, Text, block, document, scanned

BODY = (Text(30, 240, "Căn cứ Quyết định số 12/QĐ-UBND ngày 05 tháng 11 năm 2026;", 13, False),)


def first_page(*lines: Text) -> PageFacts:
    return read_pages(document((*HEADING, *lines, *BODY))).first


def at(x: float, text: str) -> Text:
    return Text(x, 259, text, 13, centred=False)


def sides(box: Box | None) -> tuple[float, float]:
    assert box is not None
    area = Area.of_box(box)
    assert 255 < area.bottom < 259 < area.top < 265
    return area.left, area.right


def test_the_blank_for_the_number_lies_between_its_label_and_the_symbol() -> None:
    number, labelled = number_place(first_page(*BLANKS))
    assert labelled
    left, right = sides(number)
    assert 45 + at(45, "Số:").width_mm < left < 54
    assert right == pytest.approx(63, abs=1)


def test_the_symbol_is_the_one_printed_behind_the_blank() -> None:
    assert printed_symbol(first_page(*BLANKS)) == "/QĐ-UBND"
    assert printed_symbol(first_page(at(45, "Số:"))) == ""


def test_blanks_for_day_and_month_lie_behind_their_words() -> None:
    page = first_page(*BLANKS)
    whole, (day, month, year) = date_places(page)
    assert whole is None
    assert year is None
    left, right = sides(day)
    assert 107 + at(107, "Thanh Hóa, ngày").width_mm < left < right < 149
    left, right = sides(month)
    assert 149 < left < right < 167
    for box in (day, month):
        assert box is not None
        assert page.is_free(Area.of_box(box))


def test_a_year_that_is_blank_has_its_place_too() -> None:
    lines = [line for line in BLANKS if not line.text.startswith("năm")]
    _, (_, _, year) = date_places(first_page(*lines, at(167, "năm")))
    left, right = sides(year)
    assert 167 + at(0, "năm").width_mm < left < right


@pytest.mark.parametrize("text", ["Số: 12/QĐ-UBND", "Số:12/QĐ-UBND", "Số 118-TB/VPTU"])
def test_a_number_that_is_printed_needs_no_place(text: str) -> None:
    assert number_place(first_page(at(45, text))) == (None, True)


def test_a_date_that_is_printed_needs_no_place() -> None:
    places = date_places(first_page(at(107, "Thanh Hóa, ngày 05 tháng 11 năm 2026")))
    assert places == (None, (None, None, None))


def test_dots_on_the_line_count_as_blank() -> None:
    number, _ = number_place(first_page(at(45, "Số: ……… /QĐ-UBND")))
    left, right = sides(number)
    assert right - left > 8


def test_a_label_alone_leaves_the_rest_of_its_column() -> None:
    number, labelled = number_place(first_page(at(45, "Số:"), at(107, "Thanh Hóa, ngày")))
    left, right = sides(number)
    assert labelled
    assert left < 54
    assert 90 < right < 107


def test_blanks_too_narrow_are_refused_with_what_to_do() -> None:
    with pytest.raises(PlaceNotFound, match="leave at least 6 mm"):
        number_place(first_page(at(45, "Số: /QĐ-UBND")))
    with pytest.raises(PlaceNotFound, match=r"leave at least 3\.5 mm"):
        date_places(first_page(at(107, "Thanh Hóa, ngày tháng năm 2026")))


@pytest.mark.parametrize("scan", [False, True], ids=["text", "scan"])
def test_where_nothing_is_printed_a_free_line_under_the_heading_takes_all(scan: bool) -> None:
    made = document((*HEADING, *BODY))
    page = read_pages(scanned(made) if scan else made).first
    number, labelled = number_place(page)
    date, parts = date_places(page)
    assert (labelled, parts) == (False, (None, None, None))
    assert number is not None
    assert date is not None
    assert number.bottom_mm == date.bottom_mm
    assert 240 < number.bottom_mm < 265
    assert number.left_mm + number.width_mm <= date.left_mm
    # Boxes 3 and 4 stand centred under the names above them, at 64 and 144 mm.
    assert Area.of_box(number).centre == pytest.approx(64, abs=1)
    assert Area.of_box(date).centre == pytest.approx(144, abs=3)
    for box in (number, date):
        assert page.is_free(Area.of_box(box))


def test_all_places_come_together() -> None:
    lines = (*HEADING, *BLANKS, *BODY, *block("Trần Văn Ví Dụ", "CHỦ TỊCH"))
    places = office_places(read_pages(document(lines)))
    boxes = (places.number, places.day, places.month, places.leader, places.seal)
    assert all(isinstance(box, Box) for box in boxes)
    assert places.name == "Trần Văn Ví Dụ"
