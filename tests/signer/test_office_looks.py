"""What the four kinds of office signatures show, drawn by signing and read back by others."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec

from certs.keys.file import FileKey
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.errors import PlacementInvalid, PlaceNotFound
from signer.office.looks import OfficeLook, office_look, picture_size_mm
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD
from signer.office.places import OVERLAP_TOLERANCE, seal_place
from signer.office.roles import CopyForm, OfficeRole, OfficeSigning, broken_lines
from signer.pages.appearance import Appearance, Box
from signer.pages.facts import Area, DocumentFacts
from signer.pages.text import read_pages
from tests.support import pdfs
from tests.support.judges import mutool_text, pdftotext
from tests.support.office_pages import HEADING, Text, block, document, scanned
from tests.support.pictures import png

DATA = Path(__file__).parents[1] / "data"
LETTER = (DATA / "documents" / "cong-van.pdf").read_bytes()
SIGNATURE = (DATA / "pictures" / "leader-signature.png").read_bytes()
SEAL = (DATA / "pictures" / "seal.png").read_bytes()
NAME = "Lê Thị Minh Họa"
NOW = datetime(2026, 11, 9, 17, 30, 5, tzinfo=UTC)
ORGANISATION = "Văn phòng Ủy ban nhân dân phường Hạc Thành"
LEADER = OfficeSigning(role=OfficeRole.LEADER_APPROVAL, at=NOW, signer=NAME, picture=SIGNATURE)
SEALING = OfficeSigning(role=OfficeRole.ORGANISATION_SEAL, at=NOW, signer=NAME, picture=SEAL)
ANNEX = OfficeSigning(role=OfficeRole.ANNEX, at=NOW, code="09/QĐ-UBND")


def copying(form: CopyForm) -> OfficeSigning:
    return OfficeSigning(role=OfficeRole.COPY, at=NOW, form=form, organisation=ORGANISATION)


def look_at(made: bytes, signing: OfficeSigning) -> OfficeLook:
    names = (signing.signer,) if signing.signer else ()
    return office_look(read_pages(made, names=names), signing)


async def signed(made: bytes, key: FileKey, look: OfficeLook) -> bytes:
    request = SigningRequest(
        level=Level.B_B,
        signed_at=datetime.now(UTC),
        appearance=look.appearance,
        field_name=look.field_name,
    )
    return await sign(made, key=key, request=request)


def drawn(made: bytes, name: str) -> Area:
    fields = [field for page in read_pages(made).pages for field in page.fields]
    [found] = [field.drawn for field in fields if field.name == name]
    assert found is not None
    return found


@pytest.mark.parametrize("form", CopyForm)
def test_a_copy_shows_its_form_the_organisation_and_vietnam_s_time(form: CopyForm) -> None:
    look = look_at(LETTER, copying(form))
    assert look.appearance.lines == (str(form), ORGANISATION, "2026-11-10T00:30:05+07:00")
    assert look.appearance.picture is None


def test_an_annex_shows_number_and_symbol_and_vietnam_s_time() -> None:
    look = look_at(LETTER, ANNEX)
    assert look.appearance.lines == ("09/QĐ-UBND", "2026-11-10T00:30:05+07:00")
    assert look.appearance.picture is None


@pytest.mark.parametrize("signing", [ANNEX, copying(CopyForm.SAO_LUC)], ids=["annex", "copy"])
def test_text_stands_at_the_top_right_of_page_one(signing: OfficeSigning) -> None:
    box = look_at(LETTER, signing).appearance.box
    assert box is not None
    assert box.page == 1
    assert box.left_mm > 105
    assert box.left_mm + box.width_mm == pytest.approx(195, abs=0.1)
    assert 277 < box.bottom_mm < box.bottom_mm + box.height_mm < 297


async def test_the_text_is_ten_points_black_and_upright(seal_key: FileKey) -> None:
    made = await signed(LETTER, seal_key, look_at(LETTER, copying(CopyForm.TRICH_SAO)))
    [signature] = PdfFileReader(BytesIO(made)).embedded_regular_signatures
    commands = signature.sig_field["/AP"]["/N"].data
    assert b"0 g BT /F1 10.0000 Tf" in commands
    assert commands.count(b"1 0 0 1 ") == 3


def test_texts_of_several_copies_stand_under_each_other() -> None:
    facts = read_pages(document((*HEADING, Text(150, 288, "SAO Y, Sở Nội vụ, 2026-11-05", 10))))
    box = office_look(facts, copying(CopyForm.SAO_LUC)).appearance.box
    assert box is not None
    assert box.bottom_mm + box.height_mm < 287
    assert facts.first.is_free(Area.of_box(box))


def test_long_names_are_broken_between_words() -> None:
    lines = broken_lines(("Trung tâm Phục vụ hành chính công", "a"), width_of=len, room=16)
    assert lines == ("Trung tâm Phục", "vụ hành chính", "công", "a")
    long = OfficeSigning(
        role=OfficeRole.COPY, at=NOW, form=CopyForm.SAO_Y, organisation=f"{ORGANISATION} " * 2
    )
    box = look_at(LETTER, long).appearance.box
    assert box is not None
    assert box.width_mm < 166


@pytest.mark.judge("pdftotext", "mutool")
async def test_text_read_back_by_three_programs_is_what_was_given(
    seal_key: FileKey, tmp_path: Path
) -> None:
    decomposed = OfficeSigning(
        role=OfficeRole.COPY,
        at=NOW,
        form=CopyForm.SAO_Y,
        organisation=unicodedata.normalize("NFD", ORGANISATION),
    )
    made = await signed(LETTER, seal_key, look_at(LETTER, decomposed))
    with pypdfium2.PdfDocument(made) as opened:
        opened.init_forms()
        opened[0].flatten()
        told = [opened[0].get_textpage().get_text_range()]
    told += [pdftotext(made, tmp_path), mutool_text(made, tmp_path)]
    for text in told:
        for line in ("SAO Y", ORGANISATION, "2026-11-10T00:30:05+07:00"):
            assert line in text


async def test_leader_and_seal_are_drawn_at_their_size_one_over_the_other(
    leader_key: FileKey, seal_key: FileKey
) -> None:
    approved = await signed(LETTER, leader_key, look_at(LETTER, LEADER))
    sealed = await signed(approved, seal_key, look_at(approved, SEALING))
    seal = drawn(sealed, "Signature2")
    assert (seal.width, seal.height) == pytest.approx((36, 36), abs=1)
    picture = drawn(approved, "Signature1")
    assert 148 - 22 < picture.left < picture.right < 148 + 22
    share = (seal.right - picture.left) / picture.width
    assert share == pytest.approx(1 / 3, abs=OVERLAP_TOLERANCE)


async def test_the_seal_follows_the_leader_s_signature_wherever_it_is(
    leader_key: FileKey,
) -> None:
    elsewhere = Box(page=1, left_mm=70, bottom_mm=25, width_mm=44, height_mm=20)
    look = OfficeLook(appearance=Appearance(picture=SIGNATURE, box=elsewhere))
    made = await signed(document((*HEADING, *block(NAME, "GIÁM ĐỐC"))), leader_key, look)
    box = seal_place(read_pages(made), name=NAME)
    picture = drawn(made, "Signature1")
    share = (box.left_mm + box.width_mm - picture.left) / picture.width
    assert share == pytest.approx(1 / 3, abs=OVERLAP_TOLERANCE)
    assert box.bottom_mm + box.height_mm / 2 == pytest.approx(picture.middle, abs=1)


def test_fields_prepared_for_leader_and_seal_are_used() -> None:
    made = pdfs.with_empty_field(LETTER, LEADER_FIELD, box=(360, 178, 480, 232))
    made = pdfs.with_empty_field(made, SEAL_FIELD, box=(296, 148, 398, 250))
    for signing, name in ((LEADER, LEADER_FIELD), (SEALING, SEAL_FIELD)):
        look = look_at(made, signing)
        assert (look.field_name, look.appearance.box) == (name, None)


def test_a_seal_larger_than_its_prepared_field_is_refused() -> None:
    made = pdfs.with_empty_field(LETTER, SEAL_FIELD, box=(296, 148, 398, 250))
    larger = OfficeSigning(
        role=OfficeRole.ORGANISATION_SEAL, at=NOW, signer=NAME, picture=SEAL, seal_mm=40
    )
    with pytest.raises(PlaceNotFound, match="prepare the document for this seal"):
        look_at(made, larger)


async def test_a_seal_in_a_larger_field_keeps_its_actual_size(seal_key: FileKey) -> None:
    made = pdfs.with_empty_field(LETTER, SEAL_FIELD, box=(280, 130, 420, 270))
    sealed = await signed(made, seal_key, look_at(made, SEALING))
    seal = drawn(sealed, SEAL_FIELD)
    assert (seal.width, seal.height) == pytest.approx((36, 36), abs=1)
    assert (seal.centre, seal.middle) == pytest.approx((123.5, 70.6), abs=0.5)


def test_a_field_on_a_page_without_text_is_found_too() -> None:
    pages = document(HEADING, (), (), block(NAME, "GIÁM ĐỐC"))
    spec = SigFieldSpec(sig_field_name=LEADER_FIELD, on_page=1, box=(300, 100, 420, 160))
    look = look_at(pdfs.with_empty_field(pages, LEADER_FIELD, spec=spec), LEADER)
    assert look.field_name == LEADER_FIELD


def test_a_picture_is_as_large_as_its_file_says_within_reason() -> None:
    assert picture_size_mm(SIGNATURE) == pytest.approx((43.9, 20), abs=0.1)
    plain = png(Image.new("RGBA", (200, 100)))
    assert picture_size_mm(plain) == pytest.approx((44, 22))
    high = png(Image.new("RGBA", (100, 300)))
    assert picture_size_mm(high) == pytest.approx((10, 30))


def test_a_scan_with_text_where_the_seal_would_go_is_refused() -> None:
    lines = (*HEADING, *block(NAME, "GIÁM ĐỐC", recipients=["- Sở Nội vụ, Sở Tài chính, " * 2] * 5))
    facts = read_pages(scanned(document(lines)))
    with pytest.raises(PlaceNotFound):
        seal_place(facts)


@pytest.mark.parametrize(
    "values",
    [
        {"role": OfficeRole.LEADER_APPROVAL},
        {"role": OfficeRole.ORGANISATION_SEAL},
        {"role": OfficeRole.ANNEX},
        {"role": OfficeRole.ANNEX, "code": "1/A", "picture": SEAL},
        {"role": OfficeRole.COPY, "form": CopyForm.SAO_Y},
        {"role": OfficeRole.COPY, "organisation": "A"},
        {"role": OfficeRole.COPY, "form": CopyForm.SAO_Y, "organisation": "A", "picture": SEAL},
    ],
    ids=lambda values: "-".join(map(str, values)).lower(),
)
def test_what_appendix_one_does_not_know_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(PlacementInvalid):
        OfficeSigning(at=NOW, **values)  # type: ignore[arg-type]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        OfficeSigning(role=OfficeRole.ANNEX, at=NOW.replace(tzinfo=None), code="1/A")


def test_a_first_page_without_room_at_the_top_right_is_refused() -> None:
    full = tuple(Text(10, 293 - 4 * row, "kín trang " * 14, 10, False) for row in range(20))
    facts: DocumentFacts = read_pages(document(full))
    with pytest.raises(PlaceNotFound):
        office_look(facts, ANNEX)
