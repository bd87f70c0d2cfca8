"""Finding every signature field, each on its own, so that a broken one hides no other (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from signer.engine.reading import ENGINE_ERRORS, array, dictionary, raw

MAX_FIELDS: Final = 20_000
"""Fields of all kinds in one form; the largest real forms have some thousands."""
MAX_DEPTH: Final = 32
_MAX_STATES_DEPTH: Final = 2
_COMMENT: Final = re.compile(rb"%[^\r\n]*")
_WHITE_SPACE: Final = b"\x00\t\n\x0c\r "


FieldState = tuple[int, bool]
"""A field's object number, and whether it is filled: what tells a field from its later self."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureField:
    """A signature field as the form shows it; `fault` tells why it can't be read further.

    number: the object number of the field itself. value: the reference in /V, None where the
    field is empty. visible: whether a widget of the field may show on a page.
    """

    name: str
    number: int
    value: generic.Reference | None = None
    visible: bool = False
    fault: str = ""

    @property
    def signed(self) -> bool:
        """Whether the field is filled, or may be."""
        return self.value is not None or bool(self.fault)

    @property
    def state(self) -> FieldState:
        """Which field this is, and whether it is filled."""
        return self.number, self.signed


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk through the form stands: the parent's name and type, how deep, what it saw."""

    name: str = ""
    field_type: str = ""
    depth: int = 0
    seen: set[generic.Reference] = field(default_factory=set)


def signature_fields(handler: PdfFileReader | HistoricalResolver) -> tuple[SignatureField, ...]:
    """Return all signature fields of the form, in its order, and what the catalog adds.

    /Perms /UR3 (usage rights) is listed as the field "/Perms/UR3": it is a signature too, though
    in no form field. A form that can't be read gives one entry with a fault.
    """
    try:
        catalog = handler.root
        form = dictionary(raw(catalog, "/AcroForm"))
        fields = array(raw(form, "/Fields")) if form is not None else None
        found = list(_walk(fields, _Place())) if fields is not None else []
        rights = _usage_rights(catalog)
    except ENGINE_ERRORS as error:
        return (SignatureField(name="", number=0, fault=f"the form: {error}"),)
    return (*found, *rights)


def _usage_rights(catalog: generic.DictionaryObject) -> tuple[SignatureField, ...]:
    permissions = dictionary(raw(catalog, "/Perms"))
    value = raw(permissions, "/UR3") if permissions is not None else None
    if not isinstance(value, generic.IndirectObject):
        return ()
    return (SignatureField(name="/Perms/UR3", number=0, value=value.reference),)


def _walk(fields: generic.ArrayObject, place: _Place) -> Iterator[SignatureField]:
    for entry in list(fields):
        reference = entry.reference if isinstance(entry, generic.IndirectObject) else None
        if reference is not None and reference in place.seen:
            yield SignatureField(name=place.name, number=0, fault="the form goes in circles")
            continue
        if reference is not None:
            place.seen.add(reference)
        if len(place.seen) > MAX_FIELDS or place.depth > MAX_DEPTH:
            yield SignatureField(name=place.name, number=0, fault="the form is too large")
            return
        number = reference.idnum if reference is not None else 0
        try:
            yield from _visit(entry, place, number=number)
        except ENGINE_ERRORS as error:
            yield SignatureField(name=place.name, number=number, fault=f"the field: {error}")


def _visit(entry: generic.PdfObject, place: _Place, *, number: int) -> Iterator[SignatureField]:
    node = dictionary(entry)
    if node is None:
        return
    title = raw(node, "/T")
    partial = str(title) if title is not None else ""
    name = f"{place.name}.{partial}" if place.name and partial else partial or place.name
    field_type = str(node.get("/FT", place.field_type))
    if field_type == "/Sig" and ("/T" in node or "/V" in node):
        yield _signature_field(node, name, number=number)
    kids = array(raw(node, "/Kids"))
    if kids is not None:
        yield from _walk(kids, _Place(name, field_type, place.depth + 1, place.seen))


def _signature_field(node: generic.DictionaryObject, name: str, *, number: int) -> SignatureField:
    visible = is_visible(node)
    value = raw(node, "/V")
    if value is None or isinstance(value, generic.NullObject):
        return SignatureField(name=name, number=number, visible=visible)
    if not isinstance(value, generic.IndirectObject):
        return SignatureField(
            name=name, number=number, visible=visible, fault="/V is not a reference"
        )
    return SignatureField(name=name, number=number, visible=visible, value=value.reference)


def is_visible(node: generic.DictionaryObject) -> bool:
    """Whether the field or one of its widgets may show on a page.

    Whatever is not clearly a rectangle without any extent counts as visible: viewers may read a
    broken rectangle otherwise than we do, and draw lines into one that is only high or only wide
    (ISO 32000-2 §12.7.5.5: a field that is not to be seen has neither width nor height). Viewers
    also draw an appearance whose rectangle has no extent, or that has none, so one that draws
    anything counts too.
    """
    return any(_has_extent(each) or draws(each) for each in _widgets(node))


def _widgets(node: generic.DictionaryObject) -> Iterator[generic.DictionaryObject]:
    yield node
    for kid in array(raw(node, "/Kids")) or ():
        widget = dictionary(kid)
        if widget is not None:
            yield widget


def draws(widget: generic.DictionaryObject) -> bool:
    """Whether the widget has an appearance that may draw anything; what can't be read may."""
    appearances = raw(widget, "/AP")
    if appearances is None:
        return False
    try:
        return _draws(appearances, depth=0)
    except ENGINE_ERRORS:
        return True


def _draws(appearance: generic.PdfObject, *, depth: int) -> bool:
    """Look into an appearance, or into the states and uses that a dictionary names."""
    value = appearance.get_object()  # type: ignore[no-untyped-call]
    if isinstance(value, generic.StreamObject):
        box = array(raw(value, "/BBox"))
        if box is not None and len(box) == 4:
            left, bottom, right, top = (float(each) for each in box)
            if left == right or bottom == top:
                return False  # ISO 32000-2 §8.10.1: what is drawn is cut to the box
        return bool(_COMMENT.sub(b"", value.data).strip(_WHITE_SPACE))
    if isinstance(value, generic.DictionaryObject):
        return depth >= _MAX_STATES_DEPTH or any(
            _draws(each, depth=depth + 1) for each in value.values()
        )
    return not isinstance(value, generic.NullObject)


def _has_extent(widget: generic.DictionaryObject) -> bool:
    if "/Rect" not in widget:
        return False
    try:
        left, bottom, right, top = (float(value) for value in widget["/Rect"])
    except (TypeError, ValueError):
        return True
    return not (right == left and top == bottom)
