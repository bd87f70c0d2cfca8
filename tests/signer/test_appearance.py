"""What people see: the drawing's place, its picture, its text, and what is refused."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image, ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.errors import PictureUnreadable, PlacementInvalid, TextUnprintable
from signer.limits import DEFAULT
from signer.pages.appearance import Appearance, Box
from tests.support import pdfs
from tests.support.judges import engine_verdicts, mutool_text, pdftotext
from tests.support.pictures import BLUE, RED, png, png_that_claims, seal_picture
from tests.support.practice import Practice

PIXELS_PER_MM = 4
POINTS_PER_MM = 72 / 25.4
A4_MM = (210, 297)
VIETNAMESE = (
    "aàảãáạăằẳẵắặâầẩẫấậđeèẻẽéẹêềểễếệiìỉĩíị",
    "oòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵ",
    "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬĐEÈẺẼÉẸÊỀỂỄẾỆ",
    "IÌỈĨÍỊOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢ",
    "UÙỦŨÚỤƯỪỬỮỨỰYỲỶỸÝỴ ₫ “–” …",
)


def box(page: int = 1, *, left: float = 30, bottom: float = 40) -> Box:
    return Box(page=page, left_mm=left, bottom_mm=bottom, width_mm=40, height_mm=20)


async def show(
    document: bytes, key: FileKey, appearance: Appearance, *, field_name: str | None = None
) -> bytes:
    request = SigningRequest(
        level=Level.B_B, signed_at=datetime.now(UTC), appearance=appearance, field_name=field_name
    )
    return await sign(document, key=key, request=request)


def rendered(document: bytes, page: int = 0) -> Image.Image:
    """The page as a viewer shows it, forms included."""
    with pypdfium2.PdfDocument(document) as opened:
        opened.init_forms()
        scale = PIXELS_PER_MM / POINTS_PER_MM
        shown: Image.Image = opened[page].render(scale=scale, may_draw_forms=True).to_pil()
        return shown.convert("RGB")


def extent_mm(picture: Image.Image, colour: tuple[int, int, int]) -> tuple[float, ...]:
    """Left, bottom, right and top of what has about that colour, in mm from the lower left."""
    red, green, blue = ImageChops.difference(
        picture, Image.new("RGB", picture.size, colour)
    ).split()
    distance = ImageChops.lighter(red, ImageChops.lighter(green, blue))
    found = distance.point([255] * 60 + [0] * 196).getbbox()
    assert found is not None, "the colour is nowhere"
    left, upper, right, lower = found
    edges = (left, picture.height - lower, right, picture.height - upper)
    return tuple(edge / PIXELS_PER_MM for edge in edges)


def text_in_annotations(document: bytes) -> str:
    """The text that PDFium extracts once the annotations are made part of the page."""
    with pypdfium2.PdfDocument(document) as opened:
        opened.init_forms()
        page = opened[0]
        page.flatten()
        text: str = opened[0].get_textpage().get_text_range()
        return text.replace("\r\n", "\n")


@pytest.mark.parametrize("rotate", [0, 90, 180, 270, -90])
async def test_a_picture_is_seen_upright_where_the_box_says_on_any_page(
    leader_key: FileKey, practice: Practice, rotate: int
) -> None:
    # Wider than high: a picture that is not upright would not fill the box.
    picture = png(Image.new("RGB", (80, 40), RED[:3]))
    document = pdfs.one_page(rotate=rotate)
    signed = await show(document, leader_key, Appearance(picture=picture, box=box()))
    assert extent_mm(rendered(signed), RED[:3]) == pytest.approx((30, 40, 70, 60), abs=0.5)
    assert await engine_verdicts(signed, practice.authority.root) == [True]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
async def test_the_upper_side_of_the_picture_is_up(leader_key: FileKey, rotate: int) -> None:
    halves = Image.new("RGB", (80, 40), BLUE[:3])
    halves.paste(RED[:3], (0, 20, 80, 40))
    signed = await show(
        pdfs.one_page(rotate=rotate), leader_key, Appearance(picture=png(halves), box=box())
    )
    page = rendered(signed)
    assert extent_mm(page, BLUE[:3]) == pytest.approx((30, 50, 70, 60), abs=0.5)
    assert extent_mm(page, RED[:3]) == pytest.approx((30, 40, 70, 50), abs=0.5)


@pytest.mark.parametrize(
    ("entries", "left", "bottom"),
    [
        ("/CropBox [56.69 85.04 500 700]", 30, 40),
        ("/UserUnit 2", 30, 40),
        ("/CropBox [500 700 56.69 85.04]", 30, 40),
    ],
    ids=["cropped", "larger units", "corners the other way round"],
)
async def test_the_box_counts_from_the_corner_that_is_seen(
    leader_key: FileKey, entries: str, left: float, bottom: float
) -> None:
    picture = png(Image.new("RGB", (80, 40), RED[:3]))
    document = pdfs.one_page(page_entries=entries)
    signed = await show(document, leader_key, Appearance(picture=picture, box=box()))
    unit = 2 if "UserUnit" in entries else 1  # PDFium draws user units as if they were points
    seen = tuple(edge * unit for edge in extent_mm(rendered(signed), RED[:3]))
    assert seen == pytest.approx((left, bottom, left + 40, bottom + 20), abs=1)


async def test_transparent_parts_of_a_picture_stay_transparent(leader_key: FileKey) -> None:
    document = pdfs.one_page()
    covered = await show(
        document, leader_key, Appearance(picture=seal_picture(), box=box(left=29, bottom=255))
    )
    before, after = rendered(document), rendered(covered)
    corner = (29 * PIXELS_PER_MM + 26, (297 - 275) * PIXELS_PER_MM + 5)
    assert after.getpixel(corner) == before.getpixel(corner) == (255, 255, 255)
    assert extent_mm(after, RED[:3])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
async def test_pictures_of_all_png_kinds_are_shown(leader_key: FileKey, mode: str) -> None:
    picture = Image.new("L", (40, 20), 0).convert(mode) if mode != "I;16" else None
    if picture is None:
        picture = Image.new("I;16", (40, 20), 0)
    signed = await show(pdfs.one_page(), leader_key, Appearance(picture=png(picture), box=box()))
    assert extent_mm(rendered(signed), (0, 0, 0))[2:] == pytest.approx((70, 280), abs=25)


async def test_a_picture_keeps_its_proportions(leader_key: FileKey) -> None:
    picture = png(Image.new("RGB", (30, 30), RED[:3]))
    signed = await show(pdfs.one_page(), leader_key, Appearance(picture=picture, box=box()))
    assert extent_mm(rendered(signed), RED[:3]) == pytest.approx((40, 40, 60, 60), abs=0.5)


async def test_negative_pages_count_from_the_end(leader_key: FileKey) -> None:
    picture = png(Image.new("RGB", (80, 40), RED[:3]))
    signed = await show(pdfs.pages(3), leader_key, Appearance(picture=picture, box=box(page=-1)))
    assert extent_mm(rendered(signed, page=2), RED[:3]) == pytest.approx((30, 40, 70, 60), abs=0.5)


async def test_text_that_pdfium_extracts_is_what_was_given(leader_key: FileKey) -> None:
    wide = Box(page=1, left_mm=20, bottom_mm=40, width_mm=160, height_mm=40)
    signed = await show(pdfs.one_page(), leader_key, Appearance(lines=VIETNAMESE, box=wide))
    text = text_in_annotations(signed)
    assert text == unicodedata.normalize("NFC", text)
    for line in VIETNAMESE:
        assert line in text


@pytest.mark.judge("pdftotext")
async def test_text_that_poppler_extracts_is_what_was_given(
    leader_key: FileKey, tmp_path: Path
) -> None:
    wide = Box(page=1, left_mm=20, bottom_mm=40, width_mm=160, height_mm=40)
    decomposed = tuple(unicodedata.normalize("NFD", line) for line in VIETNAMESE)
    signed = await show(pdfs.one_page(), leader_key, Appearance(lines=decomposed, box=wide))
    text = pdftotext(signed, tmp_path)
    for line in VIETNAMESE:
        assert line in text


@pytest.mark.judge("mutool")
async def test_text_that_mupdf_extracts_is_what_was_given(
    leader_key: FileKey, tmp_path: Path
) -> None:
    wide = Box(page=1, left_mm=20, bottom_mm=40, width_mm=160, height_mm=40)
    signed = await show(pdfs.one_page(), leader_key, Appearance(lines=VIETNAMESE, box=wide))
    text = mutool_text(signed, tmp_path)
    assert text == unicodedata.normalize("NFC", text)
    for line in VIETNAMESE:
        assert line in text


async def test_text_is_ten_points_where_it_fits_and_smaller_where_not(
    leader_key: FileKey,
) -> None:
    sizes = []
    for width in (100, 30):
        place = Box(page=1, left_mm=20, bottom_mm=40, width_mm=width, height_mm=20)
        lines = ("Ủy ban nhân dân tỉnh Thanh Hóa",)
        signed = await show(pdfs.one_page(), leader_key, Appearance(lines=lines, box=place))
        [field] = [
            signature.sig_field
            for signature in PdfFileReader(BytesIO(signed)).embedded_regular_signatures
        ]
        commands = field["/AP"]["/N"].data.decode("ascii")
        sizes.append(float(commands.split("/F1 ")[1].split()[0]))
    assert sizes[0] == 10
    assert 4 <= sizes[1] < 10


async def test_picture_and_text_share_the_box(leader_key: FileKey) -> None:
    picture = png(Image.new("RGB", (80, 40), RED[:3]))
    shown = Appearance(picture=picture, lines=("Số: 09/QĐ-UBND",), box=box())
    signed = await show(pdfs.one_page(), leader_key, shown)
    left, bottom, right, top = extent_mm(rendered(signed), RED[:3])
    assert bottom > 43
    assert (left + right) / 2 == pytest.approx(50, abs=0.5)
    assert top == pytest.approx(60, abs=0.5)
    assert "Số: 09/QĐ-UBND" in text_in_annotations(signed)


async def test_an_existing_field_gives_the_place(leader_key: FileKey) -> None:
    edges = (85, 113, 198, 170)
    document = pdfs.with_empty_field(pdfs.one_page(), "LanhDao", box=edges)
    picture = png(Image.new("RGB", (80, 40), RED[:3]))
    signed = await show(document, leader_key, Appearance(picture=picture), field_name="LanhDao")
    seen = extent_mm(rendered(signed), RED[:3])
    assert seen == pytest.approx([edge / POINTS_PER_MM for edge in edges], abs=0.5)


@pytest.mark.parametrize("page", [2, -2, 1000])
async def test_a_page_that_is_not_there_is_refused(leader_key: FileKey, page: int) -> None:
    with pytest.raises(PlacementInvalid):
        await show(pdfs.one_page(), leader_key, Appearance(lines=("a",), box=box(page=page)))


@pytest.mark.parametrize(
    ("left", "bottom", "rotate"), [(171, 40, 0), (30, 278, 0), (258, 40, 90), (30, 191, 270)]
)
async def test_a_box_off_the_page_is_refused(
    leader_key: FileKey, left: float, bottom: float, rotate: int
) -> None:
    with pytest.raises(PlacementInvalid):
        shown = Appearance(lines=("a",), box=box(left=left, bottom=bottom))
        await show(pdfs.one_page(rotate=rotate), leader_key, shown)


async def test_a_box_may_end_at_the_edge_of_the_page(leader_key: FileKey) -> None:
    assert await show(
        pdfs.one_page(), leader_key, Appearance(lines=("a",), box=box(left=170, bottom=277))
    )


@pytest.mark.parametrize(
    "values",
    [
        {"page": 0},
        {"left_mm": -0.1},
        {"bottom_mm": float("nan")},
        {"width_mm": 0},
        {"height_mm": float("inf")},
    ],
    ids=str,
)
def test_boxes_that_lie_nowhere_are_refused_at_once(values: dict[str, float]) -> None:
    whole = {"page": 1, "left_mm": 1, "bottom_mm": 1, "width_mm": 10, "height_mm": 10}
    with pytest.raises(PlacementInvalid):
        Box(**{**whole, **values})  # type: ignore[arg-type]


def test_an_appearance_that_shows_nothing_is_refused_at_once() -> None:
    with pytest.raises(PlacementInvalid):
        Appearance(lines=("  ",), box=box())


async def test_a_place_is_needed_for_a_new_field_and_refused_for_an_existing_one(
    leader_key: FileKey,
) -> None:
    visible = pdfs.with_empty_field(pdfs.one_page(), "A", box=(100, 100, 200, 150))
    invisible = pdfs.with_empty_field(pdfs.one_page(), "A")
    with_box, without_box = Appearance(lines=("a",), box=box()), Appearance(lines=("a",))
    with pytest.raises(PlacementInvalid):
        await show(pdfs.one_page(), leader_key, without_box)
    with pytest.raises(PlacementInvalid):
        await show(visible, leader_key, with_box, field_name="A")
    with pytest.raises(PlacementInvalid):
        await show(invisible, leader_key, without_box, field_name="A")


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"GIF89a",
        seal_picture()[:60],
        seal_picture()[:-30].replace(b"IDAT", b"IDAX"),
        png_that_claims(100_000, 100_000),
        png_that_claims(0, 10),
        bytes(DEFAULT.max_picture_bytes + 1),
    ],
    ids=["empty", "a GIF", "cut short", "no data", "a bomb", "no width", "too many bytes"],
)
async def test_what_is_no_usable_picture_is_refused(leader_key: FileKey, picture: bytes) -> None:
    with pytest.raises(PictureUnreadable):
        await show(pdfs.one_page(), leader_key, Appearance(picture=picture, box=box()))


@pytest.mark.parametrize(
    "lines",
    [("漢字",), ("a\tb",), ("x" * 201,), ("a",) * 13],
    ids=["letters not in the font", "control character", "line too long", "too many lines"],
)
async def test_text_that_cannot_be_drawn_is_refused(
    leader_key: FileKey, lines: tuple[str, ...]
) -> None:
    with pytest.raises(TextUnprintable):
        await show(pdfs.one_page(), leader_key, Appearance(lines=lines, box=box()))


async def test_text_that_would_be_too_small_to_read_is_refused(leader_key: FileKey) -> None:
    narrow = Box(page=1, left_mm=30, bottom_mm=40, width_mm=5, height_mm=20)
    with pytest.raises(PlacementInvalid):
        await show(
            pdfs.one_page(), leader_key, Appearance(lines=("Thanh Hóa, Việt Nam",), box=narrow)
        )
