"""The field of a signature in a document of the plain kind: an empty one, or a new one (pure).

An empty field is taken that is its own widget and bound to nothing: no value, lock, seed values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signer.fastlane.drawing import written_reals
from signer.fastlane.tokens import Entries, NotPlain, literal_text

if TYPE_CHECKING:
    from signer.fastlane.form import Form, PlainField

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


def seen_field(name: str, *, page: int, rect: tuple[float, float, float, float]) -> Entries:
    """Return a new signature field that is its own widget and is seen."""
    return {
        b"/FT": b"/Sig",
        b"/T": literal_text(name),
        b"/Type": b"/Annot",
        b"/Subtype": b"/Widget",
        b"/F": b"132",
        b"/Rect": written_reals(tuple(round(edge, 4) for edge in rect)),
        b"/P": b"%d 0 R" % page,
    }
