"""Fields for number, date, leader and seal: where they go, and where it is too late for them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.creation.requests import Permission
from signer.errors import (
    ChangesForbidden,
    DocumentEncrypted,
    FieldExists,
    FieldsPrepared,
    FieldUnusable,
    NumberAfterSignature,
    PlacementInvalid,
    PlaceNotFound,
)
from signer.office.field_places import (
    FieldPlaces,
    SignaturePlace,
    TextPlace,
    leader_field,
    office_fields,
)
from signer.office.number_and_date import (
    DATE_FIELD,
    DAY_FIELD,
    LEADER_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    NumberForm,
)
from signer.office.prepared_fields import prepared_fields
from signer.office.preparing import prepare
from signer.pages.appearance import Box
from signer.pages.text import read_pages
from signer.source import Source
from signer.verdicts import Verdict
from tests.support import attacks, pdfs
from tests.support.judges import pdftotext, qpdf_complaints
from tests.support.lawful import LEADER_BOX, NUMBER_BOX, PLACES, prepared
from tests.support.pdfs import encrypted, with_empty_field, with_text_field
from tests.support.verification import Desk, Judge

DATA = Path(__file__).parents[1] / "data"
DRAFTS = DATA / "drafts"


def draft(name: str) -> bytes:
    return (DRAFTS / f"{name}.pdf").read_bytes()


def fields_of(document: bytes) -> dict[str, str]:
    form = PdfFileReader(BytesIO(document)).root["/AcroForm"]
    fields = [form["/Fields"][index] for index in range(len(form["/Fields"]))]
    return {str(field["/T"]): str(field["/FT"]) for field in fields}


def test_all_fields_are_there_empty_and_recognised(one_page_pdf: bytes) -> None:
    document = prepared(one_page_pdf)
    assert document.startswith(one_page_pdf)
    assert fields_of(document) == {
        NUMBER_FIELD: "/Tx",
        DATE_FIELD: "/Tx",
        LEADER_FIELD: "/Sig",
        SEAL_FIELD: "/Sig",
    }
    found = prepared_fields(PdfFileReader(BytesIO(document)))
    assert {name: field.value for name, field in found.items()} == {
        NUMBER_FIELD: None,
        DATE_FIELD: None,
    }


@pytest.mark.judge("qpdf")
@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize(
    "document",
    [
        pdfs.one_page(),
        pdfs.with_stream_xrefs(pdfs.one_page()),
        with_empty_field(pdfs.one_page(), "Other"),
        with_text_field(pdfs.one_page(), "Other", "kept"),
    ],
    ids=["classic", "stream", "with a signature field", "with a form"],
)
def test_nothing_is_seen_of_the_empty_fields(document: bytes, tmp_path: Path) -> None:
    ready = prepared(document)
    assert qpdf_complaints(ready, tmp_path) == ""
    assert pdftotext(ready, tmp_path) == pdftotext(document, tmp_path)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        (
            "de-trong",
            {
                NUMBER_FIELD: NumberForm.DIGITS,
                DAY_FIELD: NumberForm.LINE,
                MONTH_FIELD: NumberForm.LINE,
            },
        ),
        ("chua-ghi", {NUMBER_FIELD: NumberForm.LINE, DATE_FIELD: NumberForm.LINE}),
        ("chi-co-so", {NUMBER_FIELD: NumberForm.NUMBER, DATE_FIELD: NumberForm.LINE}),
    ],
)
def test_the_fields_are_for_what_the_draft_leaves_blank(
    name: str, texts: dict[str, NumberForm]
) -> None:
    places = office_fields(read_pages(draft(name)))
    assert {text.name: text.form for text in places.texts} == texts
    assert places.names[len(texts) :] == (LEADER_FIELD, SEAL_FIELD)
    # Boxes 3 and 4 of an A4 page stand on one line, below the heading's names.
    lines = {text.box.bottom_mm // 2 for text in places.texts}
    assert len(lines) <= 2
    assert all(250 < text.box.bottom_mm < 270 for text in places.texts)


def test_what_the_page_shows_already_gets_no_field() -> None:
    places = office_fields(read_pages((DATA / "documents" / "quyet-dinh.pdf").read_bytes()))
    assert places.names == (LEADER_FIELD, SEAL_FIELD)


def test_who_signs_is_found_by_name(one_page_pdf: bytes) -> None:
    facts = read_pages(draft("chua-ghi"))
    by_name = office_fields(facts, leaders=("Trần Văn Ví Dụ",))
    assert by_name.leaders == office_fields(facts).leaders
    with pytest.raises(PlaceNotFound):
        office_fields(facts, leaders=("Không Có Tên Này",))


def test_several_leaders_get_a_field_each(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    places = FieldPlaces(
        texts=PLACES.texts,
        leaders=tuple(
            SignaturePlace(
                name=leader_field(number),
                box=Box(page=1, left_mm=30 * number, bottom_mm=60, width_mm=25, height_mm=15),
            )
            for number in (1, 2, 3)
        ),
    )
    document = prepared(one_page_pdf, places)
    for name in (LEADER_FIELD, "LeaderSignature2", "LeaderSignature3"):
        document = desk.sign(document, leader_key, field_name=name)
    assert judge(document).verdict is Verdict.VALID


def test_the_same_fields_again_are_nothing_to_do(one_page_pdf: bytes) -> None:
    ready = prepared(one_page_pdf)
    with pytest.raises(FieldsPrepared):
        prepared(ready)


def test_a_field_of_one_of_these_names_is_in_the_way(one_page_pdf: bytes) -> None:
    for document in (
        with_text_field(one_page_pdf, NUMBER_FIELD),
        with_empty_field(one_page_pdf, NUMBER_FIELD),
        with_empty_field(one_page_pdf, SEAL_FIELD),
    ):
        with pytest.raises(FieldExists):
            prepared(document)


def test_after_the_first_signature_it_is_too_late(
    desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    with pytest.raises(NumberAfterSignature):
        prepared(desk.sign(one_page_pdf, leader_key))
    certified = desk.sign(one_page_pdf, leader_key, certification=Permission.NO_CHANGES)
    with pytest.raises(ChangesForbidden) as refused:
        prepared(certified)
    assert not isinstance(refused.value, NumberAfterSignature)


def test_a_signed_document_is_refused_before_places_are_looked_for(
    desk: Desk, leader_key: FileKey
) -> None:
    document = draft("chua-ghi")
    ready = document + prepare(
        Source.of_bytes(document), places=office_fields(read_pages(document))
    )
    with pytest.raises(FieldsPrepared):
        office_fields(read_pages(ready))


def test_a_document_that_needs_a_password_is_refused(one_page_pdf: bytes) -> None:
    with pytest.raises(DocumentEncrypted):
        prepared(encrypted(one_page_pdf))


def test_forms_of_another_kind_are_refused(one_page_pdf: bytes) -> None:
    with attacks.update(with_text_field(one_page_pdf, "Other")) as (writer, results):
        form = writer.root["/AcroForm"]
        form["/XFA"] = writer.add_object(form["/Fields"])
        writer.update_container(form)
    with pytest.raises(FieldUnusable):
        prepared(results[0])


def test_a_field_for_number_or_date_is_no_larger_than_a_line() -> None:
    with pytest.raises(PlacementInvalid):
        TextPlace(
            name=NUMBER_FIELD, box=Box(page=1, left_mm=0, bottom_mm=0, width_mm=50, height_mm=16)
        )
    with pytest.raises(PlacementInvalid):
        TextPlace(
            name=DATE_FIELD, box=Box(page=1, left_mm=0, bottom_mm=0, width_mm=131, height_mm=6)
        )


@pytest.mark.parametrize(
    "box",
    [
        Box(page=1, left_mm=30, bottom_mm=120, width_mm=40, height_mm=6),
        Box(page=2, left_mm=30, bottom_mm=250, width_mm=40, height_mm=6),
    ],
    ids=["in the text", "on another page"],
)
def test_number_and_date_stand_in_the_heading_and_nowhere_else(box: Box) -> None:
    """Digits that are filled in elsewhere could become part of what the text says."""
    with pytest.raises(PlacementInvalid, match="page 1"):
        prepared(pdfs.pages(2), FieldPlaces(texts=(TextPlace(name=NUMBER_FIELD, box=box),)))


def test_fields_that_mean_nothing_are_refused() -> None:
    with pytest.raises(FieldUnusable):
        FieldPlaces()
    with pytest.raises(FieldUnusable):
        TextPlace(name="Another", box=NUMBER_BOX)
    for name in ("", "a.b", NUMBER_FIELD):
        with pytest.raises(FieldUnusable):
            SignaturePlace(name=name, box=LEADER_BOX)
    twice = SignaturePlace(name=LEADER_FIELD, box=LEADER_BOX)
    with pytest.raises(FieldUnusable):
        FieldPlaces(leaders=(twice, twice))
