"""Which block of text is the signer's, on documents as offices and their programs make them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.errors import PlaceNotFound
from signer.office.blocks import signer_block
from signer.office.places import leader_place, office_places, seal_place
from signer.pages.facts import Area, DocumentFacts, PageFacts, Word
from signer.pages.text import read_pages
from tests.support.office_pages import HEADING, Text, block, decomposed, document, scanned

NAME = "Trần Văn Ví Dụ"
POSITION = ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH")
BODY = tuple(
    Text(30, 240 - 6 * row, "Căn cứ Luật Tổ chức chính quyền địa phương ngày 16 tháng 6", 13, False)
    for row in range(20)
)


def centre_of(pages: bytes, name: str | None = NAME) -> tuple[int, float, float]:
    box, _ = leader_place(read_pages(pages, names=(name,) if name else ()), name=name)
    area = Area.of_box(box)
    return box.page, round(area.centre), round(area.middle)


EXPECTED = (1, 148, 73)
"""The middle of the block that `block` makes: position's lower edge and name's upper edge."""


@pytest.mark.parametrize(
    "asked", [NAME, "trần văn ví dụ", "TRẦN  VĂN VÍ DỤ", "Tra\u0302\u0300n Văn Vi\u0301 Dụ"]
)
def test_the_name_is_found_whatever_its_case_spaces_and_composition(asked: str) -> None:
    assert centre_of(document((*HEADING, *block(NAME, *POSITION))), asked) == EXPECTED


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_pages_that_lie_turned_are_read_as_they_are_seen(turned: int) -> None:
    pages = document((*HEADING, *block(NAME, *POSITION)), turned=turned)
    assert centre_of(pages) == EXPECTED


def test_text_that_people_see_lying_on_its_side_gives_no_place() -> None:
    pages = document((*HEADING, *block(NAME, *POSITION)), entries="/Rotate 90")
    with pytest.raises(PlaceNotFound):
        centre_of(pages)


def test_a_cropped_page_is_measured_from_the_corner_that_is_seen() -> None:
    pages = document((*HEADING, *block(NAME, *POSITION)), entries="/CropBox [28.35 56.7 590 835]")
    assert centre_of(pages) == (1, EXPECTED[1] - 10, EXPECTED[2] - 20)


def test_a_decomposed_document_is_read_like_any_other() -> None:
    pages = document((*HEADING, *block(NAME, *POSITION)), told=decomposed)
    assert centre_of(pages) == EXPECTED


def test_either_way_to_set_a_tone_is_the_same_name() -> None:
    assert centre_of(document(block("Lê Thị Hoà", *POSITION)), "Lê Thị Hòa") == EXPECTED


def test_a_name_whose_letters_are_set_apart_is_found() -> None:
    whole = block(NAME, *POSITION)
    parts = [line for line in whole if line.text != NAME]
    base = next(line for line in whole if line.text == NAME)
    x = base.x - base.width_mm / 2
    for piece in ("Tr", "ần Vă", "n Ví", " Dụ"):
        part = Text(x, base.y, piece, base.size, centred=False)
        parts.append(part)
        x += part.width_mm + 0.6
    _, centre, middle = centre_of(document(parts))
    assert (centre, middle) == pytest.approx((148, 73), abs=1)


def test_a_name_on_two_lines_is_found() -> None:
    lines = [line for line in block("x", *POSITION) if line.text != "x"]
    lines += [Text(148, 57.4, "Hoàng Thị Thanh"), Text(148, 51.8, "Thực Hành")]
    assert centre_of(document(lines), "Hoàng Thị Thanh Thực Hành") == EXPECTED


def test_of_several_places_the_signer_s_block_on_the_last_page_is_taken() -> None:
    first = (*HEADING, *BODY, Text(100, 100, f"Đồng chí {NAME}, Phó Chủ tịch, chủ trì"))
    table = (Text(60, 200, "NGƯỜI LẬP BIỂU"), Text(60, 170, NAME))
    last = (*BODY[:5], *block(NAME, *POSITION))
    assert centre_of(document(first, table, last)) == (3, 148, 73)
    assert centre_of(document(first, last, table)) == (2, 148, 73)


def test_without_a_name_the_position_tells() -> None:
    pages = document((*HEADING, *BODY, *block(NAME, "TL. BỘ TRƯỞNG", "CHÁNH VĂN PHÒNG")))
    assert centre_of(pages, None) == EXPECTED


def test_headings_in_capitals_are_no_signer_s_block() -> None:
    heading = (Text(110, 200, "CHỦ TỊCH ỦY BAN NHÂN DÂN TỈNH THANH HÓA"), Text(110, 190, "Căn cứ"))
    with pytest.raises(PlaceNotFound, match="no position"):
        signer_block(read_pages(document((*HEADING, *heading))), None)


def test_two_signers_side_by_side_are_told_apart_by_name_only() -> None:
    left = block("Lê Thị Minh Họa", "GIÁM ĐỐC", centre=70, recipients=())
    pages = document((*[line for line in left if line.centred], *block(NAME, *POSITION)[:3]))
    assert centre_of(pages, "Lê Thị Minh Họa")[1] == 70
    assert centre_of(pages)[1] == 148
    with pytest.raises(PlaceNotFound, match="several signers"):
        leader_place(read_pages(pages))


def test_a_block_without_room_is_refused() -> None:
    pages = document((*HEADING, *block(NAME, *POSITION, room=9)))
    with pytest.raises(PlaceNotFound):
        office_places(read_pages(pages), name=NAME)


def test_a_document_with_text_but_without_a_block_gets_no_place_by_guessing() -> None:
    facts = read_pages(document((*HEADING, *BODY)))
    with pytest.raises(PlaceNotFound):
        leader_place(facts)
    with pytest.raises(PlaceNotFound):
        leader_place(facts, name=NAME)


def test_a_low_room_makes_the_picture_smaller_in_proportion() -> None:
    facts = read_pages(document(block(NAME, *POSITION, room=20)))
    box, _ = leader_place(facts, name=NAME)
    assert 10 < box.height_mm < 16
    assert box.width_mm / box.height_mm == pytest.approx(2.2, abs=0.02)


def test_recipients_under_the_seal_are_never_covered() -> None:
    long = "- Các cơ quan tham mưu, giúp việc Tỉnh ủy, đảng ủy xã;"
    facts = read_pages(document(block(NAME, *POSITION, recipients=[long] * 5)))
    with pytest.raises(PlaceNotFound, match="shorten the lines"):
        seal_place(facts, name=NAME)


def test_a_scan_gets_its_place_between_what_is_dark() -> None:
    scan = scanned(document((*HEADING, *BODY, *block(NAME, *POSITION))))
    facts = read_pages(scan)
    assert facts.first.is_picture
    page, centre, middle = centre_of(scan, None)
    assert page == 1
    assert (centre, middle) == pytest.approx((EXPECTED[1], EXPECTED[2]), abs=4)
    leader = Area.of_box(leader_place(facts)[0])
    assert facts.first.is_free(leader)


def test_a_scan_full_of_text_has_no_place() -> None:
    full = tuple(
        Text(20, 285 - 5 * row, "Văn bản kín trang, không còn chỗ trống nào cả " * 2, 12, False)
        for row in range(56)
    )
    with pytest.raises(PlaceNotFound):
        leader_place(read_pages(scanned(document(full), dots_per_inch=100)))


# Pages as words only: what is placed is free, wherever the words lie.
_NAMES = st.sampled_from([NAME, "Lê Thị Minh Họa", "Đỗ Thử Nghiệm", "Y Moan"])
ALL_POSITIONS = (*POSITION, "GIÁM ĐỐC", "TM. ỦY BAN NHÂN DÂN", "TUQ. CHỦ TỊCH", "CHÁNH VĂN PHÒNG")
_POSITIONS = st.sampled_from(
    [POSITION, ALL_POSITIONS[2:3], (ALL_POSITIONS[3], "CHỦ TỊCH"), ALL_POSITIONS[4:]]
)


@st.composite
def _pages(draw: st.DrawFn) -> tuple[PageFacts, str]:
    name = draw(_NAMES)
    top = draw(st.floats(70, 240))
    made = block(
        name,
        *draw(_POSITIONS),
        top=top,
        room=draw(st.floats(8, 60)),
        centre=draw(st.floats(120, 165)),
        recipients=[
            "- " + "Sở, " * draw(st.integers(1, 22)) for _ in range(draw(st.integers(0, 8)))
        ],
    )
    strewn = [
        Text(draw(st.floats(20, 180)), draw(st.floats(5, 290)), "chen giữa", 13, False)
        for _ in range(draw(st.integers(0, 4)))
    ]
    words = tuple(word for line in (*made, *strewn) for word in _words(line))
    return PageFacts(number=1, width_mm=210, height_mm=297, words=words), name


def _words(line: Text) -> list[Word]:
    x = line.x - line.width_mm / 2 if line.centred else line.x
    found = []
    for piece in line.text.split():
        width = Text(0, 0, piece, line.size).width_mm
        height = line.size * 0.35
        area = Area(left=x, bottom=line.y - height / 4, right=x + width, top=line.y + height)
        found.append(Word(text=piece, area=area))
        x += width + line.size * 0.09
    return found


@settings(max_examples=150, deadline=None)
@given(_pages())
def test_nothing_is_ever_placed_on_text_but_the_seal_on_the_signer_s_own(
    made: tuple[PageFacts, str],
) -> None:
    page, name = made
    facts = DocumentFacts(page_count=1, pages=(page,))
    try:
        leader = Area.of_box(leader_place(facts, name=name)[0])
        seal = Area.of_box(seal_place(facts, name=name))
    except PlaceNotFound:
        return
    assert not page.words_within(leader.grown(-0.05))
    assert (seal.right - leader.left) / leader.width == pytest.approx(1 / 3, abs=0.05)
    own = {*name.split(), *(word for line in ALL_POSITIONS for word in line.split())}
    radius = seal.width / 2 - 0.05
    for word in page.words_within(seal):
        x = min(max(seal.centre, word.area.left), word.area.right) - seal.centre
        y = min(max(seal.middle, word.area.bottom), word.area.top) - seal.middle
        assert word.text in own or x * x + y * y >= radius * radius
