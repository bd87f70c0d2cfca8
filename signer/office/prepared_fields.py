"""The fields for number and date as we prepare them: recognising them, and what fills them (pure).

A field counts as prepared only if nothing in it could show anything but one line of number or date
in letters we know: right name and type, bounded, printed, no actions, drawn empty.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer.engine.reading import ENGINE_ERRORS, array, raw
from signer.engine.reading import dictionary as as_dictionary
from signer.errors import DocumentMalformed
from signer.office.field_line import fills_field, read_line
from signer.office.number_and_date import TEXT_FIELDS, NumberForm, is_lawful_value
from signer.pages.known_typefaces import Metrics, known_metrics
from signer.pages.placement import (
    MM_PER_INCH,
    UNITS_PER_INCH,
    Placement,
    page_of,
    placement_of,
    shown_page,
)
from signer.pdf_values import look_up

if TYPE_CHECKING:
    from pyhanko.pdf_utils.rw_common import PdfHandler

HEADING_MM: Final = 90.0
"""How far below the first page's upper edge boxes 3 and 4 end at most (NĐ 30/2020 App. I, IV).

Digits that are filled in elsewhere could become part of what the text says.
"""
MAX_WIDTH_MM: Final = 130.0
MAX_HEIGHT_MM: Final = 15.0
PRINTED: Final = 4
"""Annotation flags: printed, and nothing else (ISO 32000-2 Table 167)."""
READ_ONLY: Final = 1
"""Field flags: viewers offer no typing, which would break the order (ISO 32000-2 Table 227)."""
_KEYS: Final = frozenset(
    ("/Type", "/Subtype", "/FT", "/T", "/TU", "/TM", "/Rect", "/P", "/F", "/Ff", "/DA", "/Q", "/AP")
)

_DEFAULT_APPEARANCE: Final = re.compile(r"(/[A-Za-z0-9]{1,32}) [0-9]{1,2} Tf 0 g")
"""What viewers draw the value with where they do so themselves: one font, black."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedField:
    """A field for number or date: where it is (page, placement), and what its line is drawn with.

    form: how much of the number's line it shows, kept in the field's mapping name (/TM).
    reference: of the field, which is its own widget. fonts: the form's default fonts. font_name:
    the one of the field's /DA. metrics: that font's. value: None while the field is empty.
    """

    name: str
    form: NumberForm
    reference: generic.Reference
    page: generic.Reference
    placement: Placement
    fonts: generic.DictionaryObject
    font_name: str
    metrics: Metrics
    value: str | None
    shown: bytes = b""

    @property
    def state(self) -> tuple[str | None, bytes]:
        """What the field says and what it shows."""
        return self.value, self.shown


def prepared_fields(handler: PdfHandler) -> dict[str, PreparedField]:
    """Return the fields for number and date that are as we prepare or fill them, by name."""
    form = as_dictionary(raw(handler.root, "/AcroForm"))
    entries = look_up(form, "/Fields") if form is not None else None
    # A form of XFA shows its own data, whatever the fields' appearances say.
    if form is None or not isinstance(entries, generic.ArrayObject) or "/XFA" in form:
        return {}
    found: dict[str, PreparedField] = {}
    for entry in entries:
        field = as_dictionary(entry)
        if field is None or not isinstance(entry, generic.IndirectObject):
            continue
        name = str(raw(field, "/T") or "")
        if not name and "/Kids" in field:
            return {}  # its kids have the same full names as fields at the top
        if name in TEXT_FIELDS:
            prepared = _read_contained(field, name, reference=entry.reference, form=form)
            if prepared is None or name in found:
                return {}
            found[name] = prepared
    if found and not all(_in_heading(handler, field) for field in found.values()):
        return {}
    return found


def _in_heading(handler: PdfHandler, field: PreparedField) -> bool:
    """Whether the field is one of the first page's widgets, and lies in its heading."""
    try:
        page = page_of(handler, 0)
        widgets = array(raw(page, "/Annots"))
        if field.page != page.container_ref or widgets is None:
            return False
        shown = shown_page(page)
        area = shown.seen(field.placement.rect)
        at_page = [
            each
            for each in widgets
            if isinstance(each, generic.IndirectObject) and each.reference == field.reference
        ]
    except (*ENGINE_ERRORS, DocumentMalformed):
        return False
    height = shown.size_mm[1]
    return len(at_page) == 1 and height - HEADING_MM <= area.bottom and area.top <= height + 1


def _read_contained(
    field: generic.DictionaryObject,
    name: str,
    *,
    reference: generic.Reference,
    form: generic.DictionaryObject,
) -> PreparedField | None:
    """Read a field; whatever can't be understood was not prepared by us."""
    try:
        return _read(field, name, reference=reference, form=form)
    except (*ENGINE_ERRORS, DocumentMalformed, zlib.error):
        return None


def _read(
    field: generic.DictionaryObject,
    name: str,
    *,
    reference: generic.Reference,
    form: generic.DictionaryObject,
) -> PreparedField | None:
    placement = placement_of(field)
    resources = as_dictionary(raw(form, "/DR"))
    fonts = as_dictionary(raw(resources, "/Font")) if resources is not None else None
    default = _DEFAULT_APPEARANCE.fullmatch(str(raw(field, "/DA")))
    font_name = default[1] if default is not None else ""
    number_form = NumberForm(str(raw(field, "/TM")))
    metrics = known_metrics(as_dictionary(raw(fonts, font_name))) if fonts is not None else None
    if placement is None or fonts is None or metrics is None or not _is_plain(field, placement):
        return None
    appearance, page = _normal_appearance(field), raw(field, "/P")
    if appearance is None or not isinstance(page, generic.IndirectObject):
        return None
    value: str | None = None
    if "/V" in field:
        value = str(field.raw_get("/V"))
        shown = read_line(appearance, placement, fonts=fonts, metrics=metrics)
        if shown != value or not is_lawful_value(name, value, form=number_form):
            return None
    elif appearance.data or not fills_field(appearance, placement):
        return None
    return PreparedField(
        name=name,
        form=number_form,
        reference=reference,
        page=page.reference,
        placement=placement,
        fonts=fonts,
        font_name=font_name,
        metrics=metrics,
        value=value,
        shown=appearance.data,
    )


def _is_plain(field: generic.DictionaryObject, placement: Placement) -> bool:
    """Whether the field is one bounded text widget without actions, as it is or filled."""
    per_mm = UNITS_PER_INCH / MM_PER_INCH / placement.points_per_unit
    return (
        set(field) - {"/V"} == _KEYS
        and (field.raw_get("/Subtype"), field.raw_get("/FT")) == ("/Widget", "/Tx")
        and (field.raw_get("/F"), field.raw_get("/Ff")) == (PRINTED, READ_ONLY)
        and isinstance(field.raw_get("/T"), generic.TextStringObject)
        and isinstance(field.raw_get("/V") if "/V" in field else field.raw_get("/T"), str)
        and placement.width <= MAX_WIDTH_MM * per_mm
        and placement.height <= MAX_HEIGHT_MM * per_mm
    )


def _normal_appearance(field: generic.DictionaryObject) -> generic.StreamObject | None:
    """Return the appearance where it is the only one, plainly referred to."""
    appearances = field.raw_get("/AP")
    if not isinstance(appearances, generic.DictionaryObject) or set(appearances) != {"/N"}:
        return None
    normal = appearances.raw_get("/N")
    if not isinstance(normal, generic.IndirectObject):
        return None
    stream = as_dictionary(normal)
    return stream if isinstance(stream, generic.StreamObject) else None
