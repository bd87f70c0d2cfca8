"""Filling an empty signature field that a document of the plain kind has already (pure).

Such a field is one with its widget, bound to nothing: no value, lock or seed values, no kids. Where
it has an area, what it shows is replaced by an empty drawing, upright on its page.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.generic import FloatObject

from signer.fastlane_tokens import Entries, NotPlain, Real, literal_text, reference_of
from signer.placement import UPRIGHT

if TYPE_CHECKING:
    from signer.fastlane_form import Form, PlainField
    from signer.fastlane_reading import PlainDocument

MAX_TREE_DEPTH: Final = 16
"""Levels of the page tree above a field's page."""
_NUMBER: Final = rb"-?\d{1,12}(?:\.\d{1,15})?"
_RECT: Final = re.compile(rb"\[ (%b) (%b) (%b) (%b) \]" % ((_NUMBER,) * 4))
_ROTATION: Final = re.compile(rb"-?\d{1,9}")
_BINDING: Final = (b"/V", b"/SV", b"/Lock", b"/Kids", b"/Parent")
# Names whose bytes in PDFDocEncoding begin as those of another name in Unicode do.
_LIKE_MARKS: Final = ("þ", "ÿ", "ï", "\ufeff", "\ufffe")


def empty_field(form: Form, name: str) -> PlainField | None:
    """Return the form's field of that name, None where there is none. Raises NotPlain."""
    if "." in name or name.startswith(_LIKE_MARKS):
        raise NotPlain("a name of several parts, or one that reads in two ways")
    written = literal_text(name)
    if written not in form.fields_by_name:
        return None
    field = form.fields_by_name[written]
    if field is None:
        raise NotPlain("several fields of that name")
    entries = field.entries
    if entries[b"/FT"] != b"/Sig" or entries.get(b"/Subtype") != b"/Widget":
        raise NotPlain("no signature field, or one whose widget is elsewhere")
    if any(key in entries for key in _BINDING):
        raise NotPlain("a field that is filled, or bound to something")
    return field


def blank_drawing(document: PlainDocument, field: Entries) -> bytes | None:
    """Return the form XObject that shows nothing in a field; None where nobody sees the field."""
    rect = _RECT.fullmatch(field.get(b"/Rect", b""))
    if rect is None:
        raise NotPlain("no rectangle of four numbers")
    numbers = [edge.decode("ascii") for edge in rect.groups()]
    x1, y1, x2, y2 = map(float, numbers)
    wide, high = (abs(Decimal(numbers[at]) - Decimal(numbers[at + 2])) for at in (0, 1))
    if wide and 0 < high < 1:
        raise NotPlain("a field that is hardly seen: the engine divides by its height's units")
    width, height = max(x1, x2) - min(x1, x2), max(y1, y2) - min(y1, y2)
    if not width or not height:
        return None
    rotation = _rotation(document, field.get(b"/P"))
    if rotation in (90, 270):
        width, height = height, width
    return (
        b"<<\n/Type /XObject\n/Subtype /Form\n/BBox [ 0 0 %b %b ]\n/Matrix [ %d %d %d %d 0 0 ]\n"
        b"/Resources <<\n>>\n/Length 0\n>>\nstream\n\nendstream"
        % (_written(width), _written(height), *UPRIGHT[rotation])
    )


def _rotation(document: PlainDocument, page: bytes | None) -> int:
    """Return how a page is turned, which it may inherit (ISO 32000-2 §7.7.3.4)."""
    for _ in range(MAX_TREE_DEPTH):
        if page is None:
            return 0
        node = document.entries(reference_of(page))
        rotation = node.get(b"/Rotate")
        if rotation is not None:
            whole = _ROTATION.fullmatch(rotation) and not isinstance(rotation, Real)
            if not whole or int(rotation) % 90:
                raise NotPlain("a page that is turned in an unusual way")
            return int(rotation) % 360
        page = node.get(b"/Parent")
    raise NotPlain("a deep page tree")


def _written(length: float) -> bytes:
    number = FloatObject(round(length, 4))  # type: ignore[no-untyped-call]
    return repr(number).encode("ascii")
