"""The preview shows what signing will draw, and warns of what NĐ 30/2020 wants otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from signer.errors import NotAPdf, PictureUnreadable
from signer.office.looks import office_look
from signer.office.preview import PIXELS_PER_MM, draw_preview, preview
from signer.office.roles import CopyForm, OfficeRole, OfficeSigning
from signer.office.warnings import LookWarning
from signer.pages.appearance import Appearance, Box
from signer.pages.text import read_pages
from signer.sandbox.pool import Sandbox
from tests.support import pdfs
from tests.support.pictures import png

DATA = Path(__file__).parents[1] / "data"
LETTER = (DATA / "documents" / "cong-van.pdf").read_bytes()
SIGNATURE = (DATA / "pictures" / "leader-signature.png").read_bytes()
SEAL = (DATA / "pictures" / "seal.png").read_bytes()
NAME = "Lê Thị Minh Họa"
NOW = datetime(2026, 11, 9, 3, 0, tzinfo=UTC)
LEADER = OfficeSigning(role=OfficeRole.LEADER_APPROVAL, at=NOW, signer=NAME, picture=SIGNATURE)
SEALING = OfficeSigning(role=OfficeRole.ORGANISATION_SEAL, at=NOW, signer=NAME, picture=SEAL)


def box(left: float, bottom: float, width: float = 44, height: float = 20) -> Box:
    return Box(page=1, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)


def warned(picture: bytes, place: Box, signing: OfficeSigning) -> set[LookWarning]:
    appearance = Appearance(picture=picture, box=place)
    return set(draw_preview(LETTER, appearance=appearance, signing=signing).warnings)


def scribble(colour: tuple[int, int, int], *, ground: tuple[int, ...] = (0, 0, 0, 0)) -> bytes:
    image = Image.new("RGBA", (220, 100), ground)
    ImageDraw.Draw(image).line((10, 10, 210, 90, 10, 90, 210, 10), fill=(*colour, 255), width=6)
    return png(image)


@pytest.mark.parametrize(
    "signing",
    [
        LEADER,
        SEALING,
        OfficeSigning(role=OfficeRole.ANNEX, at=NOW, code="1286/SKHCN-CĐS"),
        OfficeSigning(
            role=OfficeRole.COPY, at=NOW, form=CopyForm.SAO_Y, organisation="Sở Tài chính"
        ),
    ],
    ids=lambda signing: signing.role,
)
def test_what_is_placed_automatically_gives_no_warning(signing: OfficeSigning) -> None:
    look = office_look(read_pages(LETTER), signing)
    assert draw_preview(LETTER, appearance=look.appearance, signing=signing).warnings == ()


async def test_the_picture_shows_the_whole_page_with_the_look_in_its_place() -> None:
    async with Sandbox(workers=1, modules=("signer.office.preview",)) as sandbox:
        facts = await sandbox.read_pages(LETTER, names=(NAME,))
        place = office_look(facts, LEADER).appearance
        shown = await preview(LETTER, appearance=place, sandbox=sandbox, signing=LEADER)
    picture = Image.open(BytesIO(shown.png))
    assert picture.size == pytest.approx((210 * PIXELS_PER_MM, 297 * PIXELS_PER_MM), abs=2)
    assert place.box is not None
    upper = 297 - place.box.bottom_mm - 17
    sides = tuple(round(PIXELS_PER_MM * side) for side in (133, upper, 163, upper + 14))
    cut = picture.crop((sides[0], sides[1], sides[2], sides[3]))
    colours = {colour for _, colour in cut.getcolors(100_000) or ()}
    assert any(isinstance(c, tuple) and c[2] > 120 > c[0] + 40 for c in colours), "no blue ink"


@pytest.mark.parametrize(
    ("colour", "signing", "place", "warning"),
    [
        ((0, 0, 0), LEADER, box(126, 61.7), LookWarning.PICTURE_NOT_BLUE),
        ((200, 20, 30), LEADER, box(126, 61.7), LookWarning.PICTURE_NOT_BLUE),
        ((20, 50, 160), SEALING, box(104.7, 52.2, 36, 36), LookWarning.PICTURE_NOT_RED),
    ],
)
def test_a_picture_of_another_colour_is_warned_of(
    colour: tuple[int, int, int], signing: OfficeSigning, place: Box, warning: LookWarning
) -> None:
    assert warned(scribble(colour), place, signing) == {warning}


def test_a_picture_on_white_is_warned_of() -> None:
    opaque = scribble((18, 52, 158), ground=(255, 255, 255, 255))
    found = warned(opaque, box(126, 61.7), LEADER)
    assert LookWarning.PICTURE_NOT_TRANSPARENT in found


@pytest.mark.parametrize("shift", [-4, 4, 30])
def test_a_seal_that_does_not_cover_a_third_is_warned_of(shift: float) -> None:
    assert LookWarning.OVERLAP_NOT_A_THIRD in warned(
        SEAL, box(104.7 + shift, 52.2, 36, 36), SEALING
    )


@pytest.mark.parametrize("side", [30, 34, 40])
def test_a_seal_of_another_size_is_warned_of(side: float) -> None:
    place = box(140.7 - side, 70.2 - side / 2, side, side)
    assert LookWarning.SEAL_SIZE_WRONG in warned(SEAL, place, SEALING)


def test_what_reaches_off_the_page_is_shown_and_warned_of() -> None:
    found = warned(SIGNATURE, box(180, 61.7), LEADER)
    assert {LookWarning.OFF_PAGE, LookWarning.MARGIN_BREACHED} <= found


def test_what_covers_text_is_warned_of() -> None:
    assert warned(SIGNATURE, box(60, 150), LEADER) == {LookWarning.COVERS_TEXT}


def test_what_reaches_into_the_margin_is_warned_of() -> None:
    assert warned(SIGNATURE, box(155, 20.2), LEADER) == {LookWarning.MARGIN_BREACHED}


def test_a_prepared_field_gives_the_place() -> None:
    prepared = pdfs.with_empty_field(LETTER, "Ky", box=(360, 178, 480, 232))
    shown = draw_preview(
        prepared, appearance=Appearance(picture=SIGNATURE), field_name="Ky", signing=LEADER
    )
    assert (shown.page, shown.warnings) == (1, ())


def test_without_a_role_only_edge_and_text_are_minded() -> None:
    plain = Appearance(lines=("Đã duyệt",), box=box(60, 150))
    assert draw_preview(LETTER, appearance=plain).warnings == (LookWarning.COVERS_TEXT,)


def test_bad_input_gets_the_errors_of_signing() -> None:
    with pytest.raises(NotAPdf):
        draw_preview(b"no PDF", appearance=Appearance(lines=("a",), box=box(60, 150)))
    with pytest.raises(PictureUnreadable):
        draw_preview(LETTER, appearance=Appearance(picture=b"no PNG", box=box(60, 150)))
