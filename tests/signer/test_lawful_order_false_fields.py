"""Fields of number and date that were prepared to show something else are not ours."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.office.number_and_date import DATE_FIELD, LEADER_FIELD, NUMBER_FIELD
from signer.pages.known_typefaces import font_digest, known_metrics
from signer.pages.typeface import typeface
from signer.pdf_values import dictionary
from signer.reasons import Reason
from signer.verdicts import Verdict
from tests.support import attacks
from tests.support.hand_filling import filled
from tests.support.lawful import prepared
from tests.support.pdfs import pages, with_text_field
from tests.support.verification import Desk, Judge


@pytest.mark.parametrize("name", [NUMBER_FIELD, DATE_FIELD])
def test_a_field_that_others_prepared_under_the_name_counts_as_any_form_field(
    name: str, judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    signed = desk.sign(with_text_field(one_page_pdf, name), leader_key)
    report = judge(attacks.with_filled_text(signed, name, "09/QD-UBND"))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)


def _tampered(one_page_pdf: bytes, tamper: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    with attacks.update(prepared(one_page_pdf)) as (writer, results):
        tamper(writer)
    return results[0]


def _other_shapes(writer: IncrementalPdfFileWriter) -> None:
    """Let the letters' shapes be those of others: what is told is not what is seen."""
    descendant = writer.root["/AcroForm"]["/DR"]["/Font"]["/CvSerif"]["/DescendantFonts"][0]
    codes = descendant["/CIDToGIDMap"]
    swapped = bytearray(codes.data)
    one, seven = 2 * ord("1"), 2 * ord("7")
    swapped[one : one + 2], swapped[seven : seven + 2] = (
        codes.data[seven : seven + 2],
        codes.data[one : one + 2],
    )
    descendant[pdf_name("/CIDToGIDMap")] = writer.add_object(
        generic.StreamObject(stream_data=bytes(swapped))
    )
    writer.update_container(descendant)


def _whole_page(writer: IncrementalPdfFileWriter) -> None:
    widget = attacks._field(writer, NUMBER_FIELD)
    widget[pdf_name("/Rect")] = generic.ArrayObject(
        generic.NumberObject(edge) for edge in (0, 0, 590, 840)
    )
    writer.update_container(widget)


def _in_the_text(writer: IncrementalPdfFileWriter) -> None:
    """Let digits be filled in beside an amount of money."""
    widget = attacks._field(writer, NUMBER_FIELD)
    widget[pdf_name("/Rect")] = generic.ArrayObject(
        generic.NumberObject(edge) for edge in (100, 300, 270, 317)
    )
    writer.update_container(widget)


def _of_a_page_apart(writer: IncrementalPdfFileWriter) -> None:
    """Name a page that is none: what its size and turn say means nothing."""
    widget = attacks._field(writer, NUMBER_FIELD)
    widget[pdf_name("/P")] = writer.add_object(
        dictionary({"/Type": "/Page", "/MediaBox": (0, 0, 595, 842)})
    )
    writer.update_container(widget)


def _scripted(writer: IncrementalPdfFileWriter) -> None:
    widget = attacks._field(writer, NUMBER_FIELD)
    script = dictionary({"/S": "/JavaScript", "/JS": generic.pdf_string("app.alert(1)")})
    widget[pdf_name("/AA")] = dictionary({"/F": script})
    writer.update_container(widget)


def _with_another_flag(writer: IncrementalPdfFileWriter) -> None:
    widget = attacks._field(writer, NUMBER_FIELD)
    widget[pdf_name("/F")] = generic.NumberObject(6)
    writer.update_container(widget)


def _twice_on_the_page(writer: IncrementalPdfFileWriter) -> None:
    widgets = attacks._page(writer)["/Annots"]
    widgets.append(widgets.raw_get(0))
    writer.update_container(widgets)


def _painted(writer: IncrementalPdfFileWriter) -> None:
    widget = attacks._field(writer, NUMBER_FIELD)
    empty = widget["/AP"]["/N"]
    painted = generic.StreamObject(dict(empty), stream_data=b"1 g 0 0 100 100 re f")
    widget[pdf_name("/AP")] = dictionary({"/N": writer.add_object(painted)})
    writer.update_container(widget)


def _drawn_by_viewers_otherwise(writer: IncrementalPdfFileWriter) -> None:
    widget = attacks._field(writer, NUMBER_FIELD)
    widget[pdf_name("/DA")] = generic.pdf_string("/CvSerif 13 Tf 0 g /Other 90 Tf 1 g")
    writer.update_container(widget)


def _with_a_namesake(writer: IncrementalPdfFileWriter) -> None:
    """Add a second field of the same full name, below a parent without a name."""
    parent = writer.add_object(dictionary({}))
    namesake = dictionary(
        {
            "/Type": "/Annot",
            "/Subtype": "/Widget",
            "/FT": "/Tx",
            "/F": 4,
            "/T": generic.pdf_string(NUMBER_FIELD),
            "/Rect": (50, 50, 300, 300),
            "/Parent": parent,
        }
    )
    kid = writer.add_object(namesake)
    parent.get_object()[pdf_name("/Kids")] = generic.ArrayObject([kid])
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(parent)
    writer.update_container(fields)
    writer.register_annotation(writer.find_page_for_modification(0)[0], kid)


def _with_a_form_of_its_own(writer: IncrementalPdfFileWriter) -> None:
    form = writer.root["/AcroForm"]
    form[pdf_name("/XFA")] = writer.add_object(generic.StreamObject(stream_data=b"<xdp/>"))
    writer.update_container(form)


@pytest.mark.parametrize(
    "tamper",
    [
        _drawn_by_viewers_otherwise,
        _with_a_namesake,
        _with_a_form_of_its_own,
        _other_shapes,
        _whole_page,
        _in_the_text,
        _of_a_page_apart,
        _scripted,
        _painted,
        _with_another_flag,
        _twice_on_the_page,
    ],
)
def test_fields_that_were_prepared_to_show_something_else_are_not_ours(
    tamper: Callable[[IncrementalPdfFileWriter], None],
    judge: Judge,
    desk: Desk,
    leader_key: FileKey,
    one_page_pdf: bytes,
) -> None:
    signed = desk.sign(_tampered(one_page_pdf, tamper), leader_key, field_name=LEADER_FIELD)
    report = judge(filled(signed))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)


def test_a_number_that_would_be_shown_on_two_pages_is_refused(
    judge: Judge, desk: Desk, leader_key: FileKey
) -> None:
    with attacks.update(prepared(pages(2))) as (writer, results):
        widget = writer.root["/AcroForm"]["/Fields"].raw_get(0)
        page, _ = writer.find_page_for_modification(1)
        writer.register_annotation(page, widget)
    signed = desk.sign(results[0], leader_key, field_name=LEADER_FIELD)
    report = judge(filled(signed))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)


def test_the_typeface_that_is_embedded_today_is_known_to_verification(
    one_page_pdf: bytes,
) -> None:
    """When it changes: add its digest, and keep those of documents that exist already."""
    with attacks.update(one_page_pdf) as (writer, results):
        embedded = typeface().embed(writer)
    reader = PdfFileReader(BytesIO(results[0]))
    font = reader.get_object(generic.Reference(embedded.idnum, embedded.generation))
    assert known_metrics(font) is not None, f"add {font_digest(font)} to KNOWN_DIGESTS"
