"""Number and date may be filled in; whatever else could show something with them is refused."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD, FieldValues
from signer.pages.typeface import typeface
from signer.pdf_values import dictionary
from signer.reasons import Reason
from signer.report import Report
from signer.verdicts import Changes, Verdict
from tests.support import attacks
from tests.support.hand_filling import LAWFUL, Filling, filled
from tests.support.lawful import VALUES, numbered, prepared
from tests.support.verification import Desk, Judge


@pytest.fixture(scope="module")
def ready(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """A prepared document that the leader signed."""
    return desk.sign(prepared(one_page_pdf), leader_key, field_name=LEADER_FIELD)


def changes(report: Report) -> Changes:
    return report.signatures[0].changes


def test_the_filling_by_hand_that_the_others_spoil_is_lawful(judge: Judge, ready: bytes) -> None:
    report = judge(filled(ready))
    assert (report.verdict, changes(report)) == (Verdict.VALID, Changes.NUMBER_AND_DATE)


def with_more_commands(filling: Filling) -> None:
    filling.redraw(filling.commands() + b"\n1 g 0 0 500 500 re f")


def with_picture(filling: Filling) -> None:
    picture = generic.StreamObject(
        dictionary(
            {
                "/Type": "/XObject",
                "/Subtype": "/Image",
                "/Width": 1,
                "/Height": 1,
                "/ColorSpace": "/DeviceGray",
                "/BitsPerComponent": 8,
            }
        ),
        stream_data=b"\xff",
    )
    filling.drawn["/Resources"][pdf_name("/XObject")] = dictionary(
        {"/Im1": filling.writer.add_object(picture)}
    )


def with_large_box(filling: Filling) -> None:
    filling.drawn[pdf_name("/BBox")] = generic.ArrayObject(
        generic.NumberObject(edge) for edge in (-500, -500, 500, 500)
    )


def with_scaling(filling: Filling) -> None:
    filling.drawn[pdf_name("/Matrix")] = generic.ArrayObject(
        generic.NumberObject(each) for each in (9, 0, 0, 9, 0, 0)
    )


def with_line_reaching_out(filling: Filling) -> None:
    filling.redraw(filling.commands().replace(b"1 0 0 1 ", b"1 0 0 1 1"))


def with_huge_letters(filling: Filling) -> None:
    filling.redraw(filling.commands().replace(b" 13.0000 Tf", b" 99.0000 Tf"))


def with_white_letters(filling: Filling) -> None:
    filling.redraw(filling.commands().replace(b"0 g", b"1 g"))


def with_other_text(filling: Filling) -> None:
    told = LAWFUL.encode("utf-16-be").hex().encode()
    shown = LAWFUL.replace("09", "90").encode("utf-16-be").hex().encode()
    filling.redraw(filling.commands().replace(told, shown))


def with_another_value(filling: Filling) -> None:
    filling.widget[pdf_name("/V")] = generic.pdf_string(LAWFUL.replace("09", "90"))


def with_appearance_of_its_own_font(filling: Filling) -> None:
    font = typeface().embed(filling.writer)
    filling.drawn["/Resources"]["/Font"][pdf_name("/CvSerif")] = font


def with_second_font(filling: Filling) -> None:
    fonts = filling.drawn["/Resources"]["/Font"]
    fonts[pdf_name("/F2")] = fonts.raw_get("/CvSerif")


def with_hidden_number(filling: Filling) -> None:
    filling.widget[pdf_name("/F")] = generic.NumberObject(2)


def with_free_typing(filling: Filling) -> None:
    filling.widget[pdf_name("/Ff")] = generic.NumberObject(0)


def with_script(filling: Filling) -> None:
    script = dictionary({"/S": "/JavaScript", "/JS": generic.pdf_string("app.alert(1)")})
    filling.widget[pdf_name("/AA")] = dictionary({"/F": script})


def with_action(filling: Filling) -> None:
    filling.widget[pdf_name("/A")] = dictionary(
        {"/S": "/URI", "/URI": generic.pdf_string("http://127.0.0.1/")}
    )


def with_moved_rectangle(filling: Filling) -> None:
    filling.widget[pdf_name("/Rect")] = generic.ArrayObject(
        generic.NumberObject(edge) for edge in (50, 600, 220, 617)
    )


def with_rollover(filling: Filling) -> None:
    filling.appearance[pdf_name("/R")] = filling.appearance.raw_get("/N")


def with_background(filling: Filling) -> None:
    filling.widget[pdf_name("/MK")] = dictionary({"/BG": (1, 1, 1)})


def with_other_letters_for_the_form(filling: Filling) -> None:
    fonts = filling.form["/DR"]["/Font"]
    fonts[pdf_name("/CvSerif")] = typeface().embed(filling.writer)
    filling.writer.update_container(fonts)


def with_new_page_content(filling: Filling) -> None:
    page = attacks._page(filling.writer)
    stream = generic.StreamObject(stream_data=b"BT /F1 14 Tf 72 770 Td (So: 10) Tj ET")
    page[pdf_name("/Contents")] = filling.writer.add_object(stream)
    filling.writer.update_container(page)


def with_drawn_seal(filling: Filling) -> None:
    """A visible prepared field gets a look, but nobody's signature."""
    seal = attacks._field(filling.writer, SEAL_FIELD)
    seal[pdf_name("/AP")] = dictionary({"/N": filling.writer.add_object(filling.drawn)})
    filling.writer.update_container(seal)


def with_hollow_seal(filling: Filling) -> None:
    """A visible prepared field gets a value that is nobody's signature."""
    seal = attacks._field(filling.writer, SEAL_FIELD)
    value = dictionary({"/Type": "/Sig", "/Filter": "/Adobe.PPKLite"})
    seal[pdf_name("/V")] = filling.writer.add_object(value)
    filling.writer.update_container(seal)


ATTACKS = [
    value
    for name, value in list(globals().items())
    if name.startswith("with_") and value.__module__ == __name__
]


@pytest.mark.parametrize("spoil", ATTACKS, ids=lambda each: each.__name__)
def test_a_spoilt_filling_is_never_valid(
    spoil: Callable[[Filling], None],
    judge: Judge,
    desk: Desk,
    ready: bytes,
    seal_key: FileKey,
) -> None:
    spoilt = filled(ready, spoil)
    report = judge(spoilt)
    assert report.verdict in (Verdict.INVALID, Verdict.INDETERMINATE)
    assert changes(report) in (Changes.FORBIDDEN, Changes.FORM_FILLED)
    sealed = judge(desk.sign(spoilt, seal_key))
    assert sealed.verdict is not Verdict.VALID
    assert changes(sealed) in (Changes.FORBIDDEN, Changes.FORM_FILLED)


@pytest.mark.parametrize(
    "spoil", [with_drawn_seal, with_hollow_seal, with_new_page_content, with_moved_rectangle]
)
def test_what_changes_the_page_is_forbidden(
    spoil: Callable[[Filling], None], judge: Judge, ready: bytes
) -> None:
    report = judge(filled(ready, spoil))
    assert (report.verdict, changes(report)) == (Verdict.INVALID, Changes.FORBIDDEN)


@pytest.mark.parametrize(
    "text",
    [
        "Số: 9/QĐ-UBND",
        "Số: 009/QĐ-UBND",
        "không có giá trị",
        "Số: 09/QĐ-UBND ngày 05",
        "Số: 09/QĐ-UBND hết hiệu lực",
    ],
)
def test_only_a_number_may_stand_where_the_number_goes(
    text: str, judge: Judge, ready: bytes
) -> None:
    report = judge(filled(ready, text=text))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)


def test_a_number_after_the_seal_is_refused(
    judge: Judge, desk: Desk, ready: bytes, seal_key: FileKey
) -> None:
    for sealed in (desk.sign(ready, seal_key, field_name=SEAL_FIELD), desk.sign(ready, seal_key)):
        report = judge(filled(sealed))
        assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)
        assert [each.changes for each in report.signatures[:2]] == [Changes.FORM_FILLED] * 2


def test_a_number_is_filled_in_once(judge: Judge, ready: bytes) -> None:
    once = filled(ready)
    report = judge(filled(once, text=LAWFUL.replace("09", "10")))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)
    report = judge(filled(filled(once, text=LAWFUL.replace("09", "10"))))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)


def test_a_number_that_is_taken_out_again_is_refused(judge: Judge, ready: bytes) -> None:
    before = PdfFileReader(BytesIO(ready)).root["/AcroForm"]["/Fields"][0]["/AP"].raw_get("/N")

    def empty(filling: Filling) -> None:
        del filling.widget["/V"]
        filling.widget[pdf_name("/AP")] = dictionary(
            {"/N": generic.IndirectObject(before.idnum, 0, filling.writer)}
        )

    report = judge(filled(filled(ready), empty))
    assert report.verdict is not Verdict.VALID


def test_date_and_number_may_come_one_after_the_other(judge: Judge, ready: bytes) -> None:
    first = filled(ready)
    second = numbered(first, FieldValues.read(date="Thanh Hóa, ngày 05 tháng 02 năm 2026"))
    report = judge(second)
    assert (report.verdict, changes(report)) == (Verdict.VALID, Changes.NUMBER_AND_DATE)


def test_fields_of_these_names_that_come_after_the_signature_are_refused(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes, ready: bytes
) -> None:
    late = PdfFileReader(BytesIO(ready))
    assert late is not None
    signed = desk.sign(one_page_pdf, leader_key)
    with attacks.update(signed) as (writer, results):
        page, _ = writer.find_page_for_modification(0)
        font = typeface().embed(writer)
        form = writer.root["/AcroForm"]
        form[pdf_name("/DR")] = dictionary({"/Font": {"/CvSerif": font}})
        copied = dict(late.root["/AcroForm"]["/Fields"][0])
        empty = generic.StreamObject(
            dict(copied["/AP"].raw_get("/N").get_object()), stream_data=b""
        )
        copied[pdf_name("/AP")] = dictionary({"/N": writer.add_object(empty)})
        copied[pdf_name("/P")] = page
        reference = writer.add_object(generic.DictionaryObject(copied))
        form["/Fields"].append(reference)
        writer.update_container(form)
        writer.register_annotation(page, reference)
    added = results[0]
    for document in (added, filled(added)):
        report = judge(document)
        assert (report.verdict, changes(report)) == (Verdict.INVALID, Changes.FORBIDDEN)


def test_all_values_are_filled_in_one_revision(ready: bytes) -> None:
    document = numbered(ready, VALUES)
    revisions = [PdfFileReader(BytesIO(each)).xrefs.total_revisions for each in (ready, document)]
    assert revisions[1] == revisions[0] + 1
