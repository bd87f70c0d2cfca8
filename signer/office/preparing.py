"""Prepare a document for the office: fields for number, date, leader and seal, before anyone signs.

What is added after the leader signed breaks that signature, unless it fills a field that was there
before (NĐ 30/2020 art. 13, 14; `signer.validation.changes`). One incremental update; nothing is
written over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer import limits as limits_module
from signer.creation.opening import document_errors, open_for_update, written_update
from signer.creation.target_field import forbids_changes
from signer.document import admit_source
from signer.errors import (
    ChangesForbidden,
    FieldExists,
    FieldsPrepared,
    FieldUnusable,
    NumberAfterSignature,
    PlacementInvalid,
)
from signer.office.field_line import FONT_SIZE_PT, form_xobject
from signer.office.number_and_date import (
    DATE_FIELD,
    DAY_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    YEAR_FIELD,
)
from signer.office.prepared_fields import HEADING_MM, PRINTED, READ_ONLY
from signer.pages.placement import page_index, page_of, place, placement_of, shown_page
from signer.pdf_values import dictionary, look_up
from signer.signature_fields import signature_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    from signer.limits import DocumentLimits
    from signer.office.field_places import FieldPlaces, TextPlace
    from signer.pages.appearance import Box
    from signer.source import Source

_FONT_STEM: Final = "/CvSerif"
_CENTRED: Final = 1
_SIGNATURES_EXIST: Final = 1
"""/SigFlags of a form that has signature fields (ISO 32000-2 Table 225)."""
_TOLD: Final = {
    NUMBER_FIELD: "Số, ký hiệu văn bản",
    DATE_FIELD: "Địa danh, ngày tháng năm ban hành",
    DAY_FIELD: "Ngày ban hành",
    MONTH_FIELD: "Tháng ban hành",
    YEAR_FIELD: "Năm ban hành",
}
"""What screen readers say of each field (/TU)."""


def prepare(
    source: Source, *, places: FieldPlaces, limits: DocumentLimits = limits_module.DEFAULT
) -> bytes:
    """Return the update that adds the empty fields; the document stays as it is before it.

    Raises DocumentRefused; NumberAfterSignature where somebody signed already, ChangesForbidden
    where a certification forbids it; FieldsPrepared where all these fields are there, FieldExists
    where some are; PlacementInvalid where a box has no place.
    """
    admit_source(source, limits)
    with document_errors():
        writer = open_for_update(source)
        _refuse_existing(writer, places)
        _refuse_signed(writer)
        form = _form(writer)
        if places.texts:
            font = _add_font(form, writer)
            for text in places.texts:
                _ensure_in_heading(text, writer)
                _add(writer, form, box=text.box, entries=_text_entries(text, font))
        for signature in places.signatures:
            entries: dict[str, object] = {
                "/FT": "/Sig",
                "/T": generic.pdf_string(signature.name),
                "/F": PRINTED,
            }
            _add(writer, form, box=signature.box, entries=entries)
        if places.signatures:
            flags = int(form.get("/SigFlags", 0)) | _SIGNATURES_EXIST
            form[generic.NameObject("/SigFlags")] = generic.NumberObject(flags)  # type: ignore[no-untyped-call]
        return written_update(writer, source)


def _ensure_in_heading(text: TextPlace, writer: IncrementalPdfFileWriter) -> None:
    """Refuse a number or date where boxes 3 and 4 never are: verification would not admit it."""
    page = page_index(text.box, writer)
    height = shown_page(page_of(writer, page)).size_mm[1]
    if page or text.box.bottom_mm < height - HEADING_MM:
        raise PlacementInvalid(
            f"{text.name}: number and date stand on page 1, in its upper {HEADING_MM:g} mm"
        )


def _refuse_signed(writer: IncrementalPdfFileWriter) -> None:
    signed = [field.name for field in signature_fields(writer.prev) if field.signed]
    if forbids_changes(writer.prev):
        raise ChangesForbidden("the document is certified: nothing may be added")
    if signed:
        raise NumberAfterSignature(f"{', '.join(signed)[:100]} is signed already")


def _refuse_existing(writer: IncrementalPdfFileWriter, places: FieldPlaces) -> None:
    existing = dict(_top_level_fields(writer))
    there = [name for name in places.names if name in existing]
    if not there:
        return
    kinds = {
        **dict.fromkeys((text.name for text in places.texts), "/Tx"),
        **dict.fromkeys((each.name for each in places.signatures), "/Sig"),
    }
    told = ", ".join(there)
    if len(there) == len(places.names) and all(existing[name] == kinds[name] for name in there):
        raise FieldsPrepared(told)
    raise FieldExists(told)


def _top_level_fields(writer: IncrementalPdfFileWriter) -> Iterator[tuple[str, str]]:
    form = look_up(writer.root, "/AcroForm")
    fields = look_up(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    for entry in fields if isinstance(fields, generic.ArrayObject) else ():
        field = entry.get_object()
        if isinstance(field, generic.DictionaryObject) and "/T" in field:
            yield str(field["/T"]), str(field.get("/FT", ""))


def _form(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    """Return the document's form, to be written anew; a new one where there is none."""
    form = look_up(writer.root, "/AcroForm")
    if form is None:
        form = dictionary({"/Fields": []})
        writer.root[generic.NameObject("/AcroForm")] = writer.add_object(form)
        writer.update_root()  # type: ignore[no-untyped-call]
    if not isinstance(form, generic.DictionaryObject) or "/XFA" in form:
        raise FieldUnusable("the document has a form of another kind (XFA)")
    if not isinstance(look_up(form, "/Fields"), generic.ArrayObject):
        form[generic.NameObject("/Fields")] = generic.ArrayObject()
    writer.update_container(form)
    return form


def _add_font(form: generic.DictionaryObject, writer: IncrementalPdfFileWriter) -> str:
    """Embed the typeface into the form's default resources and return its name there."""
    from signer.pages.typeface import typeface  # noqa: PLC0415

    resources = _own_dictionary(form, "/DR", writer=writer)
    fonts = _own_dictionary(resources, "/Font", writer=writer)
    name = next(
        name
        for name in (_FONT_STEM, *(f"{_FONT_STEM}{number}" for number in range(2, 1000)))
        if name not in fonts
    )
    fonts[generic.NameObject(name)] = typeface().embed(writer)
    return name


def _own_dictionary(
    container: generic.DictionaryObject, key: str, *, writer: IncrementalPdfFileWriter
) -> generic.DictionaryObject:
    value = look_up(container, key)
    if not isinstance(value, generic.DictionaryObject):
        value = dictionary({})
        container[generic.NameObject(key)] = value
        return value
    writer.update_container(value)
    return value


def _text_entries(text: TextPlace, font: str) -> dict[str, object]:
    return {
        "/FT": "/Tx",
        "/T": generic.pdf_string(text.name),
        "/TU": generic.pdf_string(_TOLD[text.name]),
        "/TM": generic.pdf_string(text.form),
        "/F": PRINTED,
        "/Ff": READ_ONLY,
        "/DA": generic.pdf_string(f"{font} {FONT_SIZE_PT:g} Tf 0 g"),
        "/Q": _CENTRED,
    }


def _add(
    writer: IncrementalPdfFileWriter,
    form: generic.DictionaryObject,
    *,
    box: Box,
    entries: dict[str, object],
) -> None:
    """Add a field that is its own widget, drawn empty as PDF/A wants it (ISO 19005-2 §6.3.3)."""
    page, _ = writer.find_page_for_modification(page_index(box, writer))  # type: ignore[no-untyped-call]
    field = dictionary(
        {
            "/Type": "/Annot",
            "/Subtype": "/Widget",
            **entries,
            "/Rect": tuple(round(edge, 4) for edge in place(box, writer).rect),
            "/P": page,
        }
    )
    # Read back from the rounded rectangle, as whoever fills the field does: its box stays the same.
    placement = placement_of(field)
    if placement is None:
        raise PlacementInvalid("the field has no area")
    empty = writer.add_object(form_xobject(placement, {}, commands=b""))
    field[generic.NameObject("/AP")] = dictionary({"/N": empty})
    reference = writer.add_object(field)
    writer.register_annotation(page, reference)  # type: ignore[no-untyped-call]
    fields = look_up(form, "/Fields")
    if not isinstance(fields, generic.ArrayObject):
        raise FieldUnusable("the form has no list of fields")
    fields.append(reference)
    writer.update_container(fields)
