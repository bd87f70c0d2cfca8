"""Signature fields in documents of the plain kind: which there are, where a new one goes (pure).

Forms are taken whose fields are plain: one level, each a dictionary of its own. Signatures in them
must leave the document open to another one: no locks, no references to transforms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from signer.fastlane.tokens import Entries, NotPlain, read_entries, reference_of, write_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signer.fastlane.reading import PlainDocument

MAX_FIELDS: Final = 200
_FORM: Final = b"/AcroForm"
_FIELDS: Final = b"/Fields"
_APPEND_ONLY: Final = b"3"
"""/SigFlags of a document with signatures (ISO 32000-2 Table 225)."""


@dataclass(frozen=True, slots=True)
class PlainField:
    """A field of a form: the number of its object, and what that holds."""

    number: int
    entries: Entries


@dataclass(slots=True)
class Form:
    """A document's form. changed: further objects to write, by number.

    number: of the form's own object, None where it stands in the catalog.
    fields_by_name: names in canonical form, None where several fields have the same.
    """

    number: int | None
    entries: Entries
    fields_number: int | None
    fields: bytes
    fields_by_name: Mapping[bytes, PlainField | None]
    changed: dict[int, bytes] = field(default_factory=dict)


def read_form(document: PlainDocument, catalog: Entries) -> Form | None:
    """Return the form of a document, None where it has none. Raises NotPlain."""
    described = catalog.get(_FORM)
    if described is None:
        return None
    number = None
    if described.startswith(b"<<"):
        entries, _ = read_entries(described, 0)
    else:
        number = reference_of(described)
        entries = document.entries(number)
    fields, fields_number = entries.get(_FIELDS), None
    if fields is None:
        raise NotPlain("a form without a list of fields")
    if not fields.startswith(b"["):
        fields_number = reference_of(fields)
        fields = document.value(fields_number)
    flags = entries.get(b"/SigFlags", b"0")
    if not flags.isdigit() or b"/XFA" in entries:
        raise NotPlain("an unusual form")
    return Form(
        number=number,
        entries=entries,
        fields_number=fields_number,
        fields=fields,
        fields_by_name=_by_name(document, fields),
    )


def add_field(form: Form, number: int, *, catalog: Entries) -> None:
    """Add a field to the form, which is to be signed."""
    if form.fields_number is None:
        form.entries[_FIELDS] = with_reference(form.fields, number)
    else:
        form.changed[form.fields_number] = with_reference(form.fields, number)
    _settle(form, catalog, changed=form.fields_number is None)


def close_form(form: Form, *, catalog: Entries) -> None:
    """Leave the form open to nothing but further updates: a field of its own is to be signed."""
    _settle(form, catalog, changed=False)


def with_reference(array: bytes, number: int) -> bytes:
    """Return an array in canonical form with a reference appended."""
    if not array.startswith(b"["):
        raise NotPlain("no array")
    return b"%b%d 0 R ]" % (array[:-1], number)


def _settle(form: Form, catalog: Entries, *, changed: bool) -> None:
    """Have the form written, wherever it stands, if anything in it changes."""
    flags = form.entries.get(b"/SigFlags")
    form.entries[b"/SigFlags"] = _APPEND_ONLY
    wants_appearances = form.entries.pop(b"/NeedAppearances", None) is not None
    if not (changed or flags != _APPEND_ONLY or wants_appearances):
        return
    if form.number is None:
        catalog[_FORM] = write_entries(form.entries)
    else:
        form.changed[form.number] = write_entries(form.entries)


def _by_name(document: PlainDocument, fields: bytes) -> dict[bytes, PlainField | None]:
    if not fields.startswith(b"[ "):
        raise NotPlain("no list of fields")
    words = fields[2:-2].split()
    if len(words) % 3 or len(words) > 3 * MAX_FIELDS:
        raise NotPlain("no list of references, or a long one")
    found: dict[bytes, PlainField | None] = {}
    for index in range(0, len(words), 3):
        number = reference_of(b" ".join(words[index : index + 3]))
        entries = document.entries(number)
        name = _name(document, entries)
        found[name] = None if name in found else PlainField(number, entries)
    return found


def _name(document: PlainDocument, entries: Entries) -> bytes:
    name, kind = entries.get(b"/T"), entries.get(b"/FT")
    if name is None or not name.startswith(b"(") or kind is None or not kind.startswith(b"/"):
        raise NotPlain("a field that is not plain")
    if b"/Kids" in entries or b"/Parent" in entries or b"/Lock" in entries:
        raise NotPlain("a field of a hierarchy, or with a lock")
    if kind == b"/Sig" and b"/V" in entries:
        signature = document.entries(reference_of(entries[b"/V"]))
        if b"/Reference" in signature:
            raise NotPlain("a signature that forbids changes")
    return name
