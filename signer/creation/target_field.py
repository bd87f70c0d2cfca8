"""Which field takes the signature, and whether the signatures already there allow that (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import FormFillingError
from pyhanko.sign.fields import FieldMDPSpec, enumerate_sig_fields

from signer.errors import ChangesForbidden, FieldExists, FieldUnusable
from signer.pdf_values import look_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.pdf_utils.reader import PdfFileReader

_NO_CHANGES: Final = 1
"""DocMDP permission P that forbids every change (ISO 32000-2 Table 257)."""
_DEFAULT_PERMISSION: Final = 2
_NAME_STEM: Final = "Signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetField:
    """The field to sign: its name, and its dictionary when it exists already."""

    name: str
    existing: generic.DictionaryObject | None


def choose_field(reader: PdfFileReader, name: str | None) -> TargetField:
    """Find the empty field of that name, or settle the name of a new one.

    Without a name a new field gets the first free one of Signature1, Signature2, …
    Raises FieldExists when the field is signed or no signature field, FieldUnusable for a
    name that no new field can have.
    """
    if name is None:
        taken = set(_top_level_names(reader))
        numbers = range(1, len(taken) + 2)
        free = next(f"{_NAME_STEM}{n}" for n in numbers if f"{_NAME_STEM}{n}" not in taken)
        return TargetField(name=free, existing=None)
    try:
        found = next(enumerate_sig_fields(reader, with_name=name), None)
    except FormFillingError as error:
        raise FieldExists(f"{name} is no signature field") from error
    if found is not None:
        field = found[2].get_object()
        if look_up(field, "/V") is not None:
            raise FieldExists(f"{name} is signed")
        return TargetField(name=name, existing=field)
    if "." in name:
        raise FieldUnusable("the name of a new field may not contain a full stop")
    if name in set(_top_level_names(reader)):
        raise FieldExists(f"{name} is no signature field")
    return TargetField(name=name, existing=None)


def ensure_changes_allowed(
    reader: PdfFileReader, target: TargetField, *, visible: bool, certifies: bool = False
) -> None:
    """Refuse a signature that would break one made before.

    ISO 32000-2 §12.8.2.2 (DocMDP) and §12.8.2.4 (FieldMDP). A new visible field after a
    certification is refused too: verifiers rightly hold it for an overlay.
    certifies: whether the new signature is to certify, which only the first one can.
    Raises ChangesForbidden.
    """
    for signed_name, lock, signature in _signatures(reader):
        if certifies:
            raise ChangesForbidden(f"{signed_name} came before: only the first can certify")
        certified = False
        for method, parameters in _transforms(signature):
            if method == "/DocMDP":
                certified = True
                _ensure_permitted(look_up(parameters, "/P") or _DEFAULT_PERMISSION, signed_name)
            elif method == "/FieldMDP":
                _ensure_permitted(look_up(parameters, "/P"), signed_name)
                _ensure_unlocked(parameters, target, signed_name=signed_name)
        if isinstance(lock, generic.DictionaryObject):
            _ensure_permitted(look_up(lock, "/P"), signed_name)
            _ensure_unlocked(lock, target, signed_name=signed_name)
        if certified and visible and target.existing is None:
            raise ChangesForbidden(
                f"{signed_name} certifies the document: only fields prepared before can be visible"
            )


def forbids_changes(reader: PdfFileReader) -> bool:
    """Whether a signature forbids every change to the document (DocMDP, P 1)."""
    try:
        for signed_name, lock, signature in _signatures(reader):
            for _, parameters in _transforms(signature):
                _ensure_permitted(look_up(parameters, "/P"), signed_name)
            if isinstance(lock, generic.DictionaryObject):
                _ensure_permitted(look_up(lock, "/P"), signed_name)
    except ChangesForbidden:
        return True
    return False


def _ensure_permitted(permission: object, signed_name: str) -> None:
    if permission == _NO_CHANGES:
        raise ChangesForbidden(f"{signed_name} forbids all changes")


def _ensure_unlocked(
    parameters: generic.DictionaryObject, target: TargetField, *, signed_name: str
) -> None:
    if FieldMDPSpec.from_pdf_object(parameters).is_locked(target.name):
        raise ChangesForbidden(f"{signed_name} locks the field {target.name}")


def _signatures(
    reader: PdfFileReader,
) -> Iterator[tuple[str, generic.PdfObject | None, generic.DictionaryObject]]:
    """Yield the name, the /Lock and the value of each signed field, and the certification."""
    for name, _, reference in enumerate_sig_fields(reader):
        field = reference.get_object()
        signature = look_up(field, "/V")
        if isinstance(signature, generic.DictionaryObject):
            yield name, look_up(field, "/Lock"), signature
    permissions = look_up(reader.root, "/Perms")
    if isinstance(permissions, generic.DictionaryObject):
        certification = look_up(permissions, "/DocMDP")
        if isinstance(certification, generic.DictionaryObject):
            yield "the certification", None, certification


def _transforms(
    signature: generic.DictionaryObject,
) -> Iterator[tuple[object, generic.DictionaryObject]]:
    for entry in _dictionaries(look_up(signature, "/Reference")):
        parameters = look_up(entry, "/TransformParams")
        if isinstance(parameters, generic.DictionaryObject):
            yield look_up(entry, "/TransformMethod"), parameters


def _top_level_names(reader: PdfFileReader) -> Iterator[str]:
    form = look_up(reader.root, "/AcroForm")
    fields = look_up(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    for field in _dictionaries(fields):
        if "/T" in field:
            yield str(field["/T"])


def _dictionaries(entries: object) -> Iterator[generic.DictionaryObject]:
    """Yield the dictionaries among an array's members, which are mostly references to them."""
    for entry in entries if isinstance(entries, generic.ArrayObject) else ():
        resolved = entry.get_object()
        if isinstance(resolved, generic.DictionaryObject):
            yield resolved
