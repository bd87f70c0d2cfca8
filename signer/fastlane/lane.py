"""The quick way to prepare a signature, for documents of the plain kind: the same bytes, sooner.

`fast_update` gives what `prepare_update` gives, byte for byte but for the clock and random
identifiers, or None: whatever is not certain goes to the engine. Plain is a document with tables
or streams of cross-references, not both, without encryption, locks and certification, whose first
page is where every reader finds it; a signature that approves, in a new field or in an empty one
that the form has already, and that shows nothing, or text.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

import tzlocal

from signer import limits as limits_module
from signer.document import NUMBER_WINDOW_BYTES, admit_source
from signer.errors import SignerError
from signer.fastlane.catalog import (
    PADES_VERSION,
    PDF_2,
    Version,
    declare,
    declared_version,
    extensions_for,
    raise_version,
)
from signer.fastlane.drawing import Objects, nothing_seen, text_seen
from signer.fastlane.field import empty_field, seen_field
from signer.fastlane.form import Form, PlainField, add_field, close_form, read_form, with_reference
from signer.fastlane.metadata import new_xmp, updated_info, updated_xmp
from signer.fastlane.placement import placement_in_field, placement_on_page
from signer.fastlane.reading import PlainDocument
from signer.fastlane.tokens import (
    Entries,
    NotPlain,
    bytes_of_string,
    literal_text,
    reference_of,
    write_entries,
)
from signer.fastlane.writing import (
    field_object,
    form_object,
    pending,
    signature_object,
    write_update,
)

if TYPE_CHECKING:
    from signer.creation.credential import Credential
    from signer.creation.requests import SigningRequest
    from signer.creation.update import PendingUpdate
    from signer.limits import DocumentLimits
    from signer.pages.placement import Placement
    from signer.source import Source

_IDENTIFIER_BYTES: Final = 16
# Two strings in canonical form, in which no bracket stands for itself.
_IDENTIFIERS = re.compile(rb"\[ ([(<][^()<>]*+[)>]) [(<][^()<>]*+[)>] \]")
_DIGITS: Final = frozenset(b"0123456789")
_NAME_STEM: Final = "Signature"
_INFO: Final = b"/Info"
_METADATA: Final = b"/Metadata"


def fast_update(
    source: Source,
    *,
    credential: Credential,
    request: SigningRequest,
    reserve: int,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> PendingUpdate | None:
    """Return the update that adds the signature, None where the engine must prepare it.

    A document need not have been admitted (signer.document) before: nothing is searched for in it,
    and what would not be admitted is not taken here either, or refused: raises DocumentRefused.
    """
    if request.lock or request.certification is not None:
        return None
    if source.size > limits.max_bytes:
        return None
    if _may_hold_long_number(source):
        admit_source(source, limits)
    try:
        document = PlainDocument(source)
        return _Update(document, request).prepared(extensions_for(credential), reserve=reserve)
    except (ValueError, LookupError, ArithmeticError, SignerError):
        # What has no place or no letters is refused by the engine's way, in its own words.
        return None


def _may_hold_long_number(source: Source) -> bool:
    # As signer.document has it: a longer run of digits fills an aligned window.
    starts = source.every(NUMBER_WINDOW_BYTES)
    return not _DIGITS.isdisjoint(starts) and any(
        first in _DIGITS
        and source.read(at := index * NUMBER_WINDOW_BYTES, at + NUMBER_WINDOW_BYTES).isdigit()
        for index, first in enumerate(starts)
    )


class _Update:
    """One update in the making: `objects` are those to be written, by number."""

    def __init__(self, document: PlainDocument, request: SigningRequest) -> None:
        self._document = document
        self._request = request
        self._objects: dict[int, bytes] = {}
        self._trailer = document.trailer
        self._root = reference_of(self._trailer.get(b"/Root", b""))
        self._catalog = document.entries(self._root)
        self._last_number = document.object_count

    def prepared(self, extensions: tuple[bytes, ...], *, reserve: int) -> PendingUpdate:
        """Make all changes in the engine's order, for that is how dictionaries are ordered."""
        catalog = self._catalog
        if b"/Perms" in catalog:
            raise NotPlain("the document may be certified")
        as_read = catalog.copy()
        version = declared_version(catalog, self._document.header_version)
        version = raise_version(catalog, version, at_least=PADES_VERSION)
        name, signature = self._add_signature(reserve=reserve)
        version = declare(catalog, version, extensions=extensions)
        has_xmp = self._note_change(version)
        if has_xmp or catalog != as_read:
            self._change(self._root, write_entries(catalog))
        self._identify()
        pieces, places = write_update(
            self._objects,
            self._trailer,
            start=self._document.size,
            last_number=self._last_number,
            as_stream=self._document.has_streams,
        )
        return pending(
            pieces,
            start=self._document.size,
            signature_at=places[signature],
            reserve=reserve,
            field_name=name,
        )

    def _change(self, number: int, written: bytes) -> None:
        # The engine changes one object in two roles twice; here that would lose a change.
        if number in self._objects:
            raise NotPlain("one object in two roles")
        self._objects[number] = written

    def _add(self, written: bytes) -> int:
        self._last_number += 1
        self._objects[self._last_number] = written
        return self._last_number

    def _add_signature(self, *, reserve: int) -> tuple[str, int]:
        """Add the signature to a field, new or there; return the field's name and its number."""
        form = read_form(self._document, self._catalog)
        wanted = self._request.field_name
        page, page_entries = self._document.first_page(self._catalog)
        there = empty_field(form, wanted) if form and wanted else None
        if form and wanted and there:
            return wanted, self._fill(form, there, reserve=reserve)
        name = _field_name(wanted, frozenset(form.fields_by_name if form else ()))
        field = self._last_number + (1 if form else 2)
        if form is None:
            self._catalog[b"/AcroForm"] = b"%d 0 R" % self._add(form_object(field))
        else:
            add_field(form, field, catalog=self._catalog)
            self._change_form(form)
        seen = self._request.appearance
        if seen is None:
            self._add(field_object(name, page=page, signature=field + 1))
            signature = self._add(signature_object(self._request, reserve=reserve))
        else:
            if seen.box is None:
                raise NotPlain("a new field needs a box")
            placement = placement_on_page(self._document, page_entries, box=seen.box)
            self._add(b"")  # its number is the first, its parts have the next
            entries = seen_field(name, page=page, rect=placement.rect)
            signature = self._complete(entries, placement, reserve=reserve)
            self._objects[field] = write_entries(entries)
        self._annotate(page, page_entries, field=field)
        return name, signature

    def _fill(self, form: Form, field: PlainField, *, reserve: int) -> int:
        """Sign an empty field of the form; return the signature's number."""
        close_form(form, catalog=self._catalog)
        self._change_form(form)
        entries = Entries(field.entries)
        placement = placement_in_field(self._document, entries)
        seen = self._request.appearance
        if seen is not None and (seen.box is not None or placement is None):
            raise NotPlain("a field that has another place, or none")
        signature = self._complete(entries, placement, reserve=reserve)
        self._change(field.number, write_entries(entries))
        return signature

    def _complete(self, entries: Entries, placement: Placement | None, *, reserve: int) -> int:
        """Add to a field what is seen of it, and its signature; return the signature's number."""
        if placement is not None:
            entries[b"/AP"] = self._seen(placement)
            entries.pop(b"/AS", None)
        signature = self._add(signature_object(self._request, reserve=reserve))
        entries[b"/V"] = b"%d 0 R" % signature
        return signature

    def _seen(self, placement: Placement) -> bytes:
        appearance = self._request.appearance
        if appearance is None:
            return nothing_seen(placement, add=self._add)
        objects = Objects(self._document, self._catalog, add=self._add)
        return text_seen(appearance, placement, objects=objects)

    def _change_form(self, form: Form) -> None:
        for number, written in form.changed.items():
            self._change(number, written)

    def _annotate(self, page: int, entries: Entries, *, field: int) -> None:
        """Append the field to the page's annotations, which may be an object of their own."""
        annotations = entries.get(b"/Annots", b"[ ]")
        if annotations.startswith(b"["):
            entries[b"/Annots"] = with_reference(annotations, field)
            self._change(page, write_entries(entries))
        else:
            number = reference_of(annotations)
            self._change(number, with_reference(self._document.value(number), field))

    def _note_change(self, version: Version) -> bool:
        """Note in Info and XMP that the document was changed; return whether there is XMP."""
        modified_at = datetime.now(tz=tzlocal.get_localzone())
        described = self._catalog.get(_METADATA)
        has_xmp = version >= PDF_2 or described is not None
        if _INFO in self._trailer:
            number = reference_of(self._trailer[_INFO])
            info = self._document.entries(number)
            if updated_info(info, modified_at=modified_at, has_xmp=has_xmp):
                self._change(number, write_entries(info))
        elif not has_xmp:
            info = Entries()
            updated_info(info, modified_at=modified_at, has_xmp=False)
            self._trailer[_INFO] = b"%d 0 R" % self._add(write_entries(info))
        if described is not None:
            number = reference_of(described)
            entries, encoded = self._document.stream(number)
            self._change(number, updated_xmp(entries, encoded, modified_at=modified_at))
        elif has_xmp:
            written = new_xmp(modified_at.replace(microsecond=0))
            self._catalog[_METADATA] = b"%d 0 R" % self._add(written)
        return has_xmp

    def _identify(self) -> None:
        """Give the file a new second identifier, and a first where it has none."""
        second = os.urandom(_IDENTIFIER_BYTES)
        described = self._trailer.get(b"/ID")
        if described is None:
            first = os.urandom(_IDENTIFIER_BYTES)
        else:
            known = _IDENTIFIERS.fullmatch(described)
            if known is None:
                raise NotPlain("no two identifiers")
            first = bytes_of_string(known[1])
        self._trailer[b"/ID"] = b"[ <%b> <%b> ]" % (first.hex().encode(), second.hex().encode())
        self._trailer[b"/Prev"] = b"%d" % self._document.startxref


def _field_name(wanted: str | None, taken: frozenset[bytes]) -> str:
    if wanted is not None:
        if "." in wanted or literal_text(wanted) in taken:
            raise NotPlain("an existing field, or a name that no new field can have")
        return wanted
    number = 1
    while literal_text(f"{_NAME_STEM}{number}") in taken:
        number += 1
    return f"{_NAME_STEM}{number}"
