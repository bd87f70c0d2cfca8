"""The document as the quick way to accept reads it: one update, whose signature covers all (pure).

The plain kind of `signer.fastlane.reading`, and narrower: a document as it was first written and
the one update that signed it, in the form that our signer and the engine write. What the full way
asks of a file (`signer.validation.surveying`, `signer.validation.examining`) is established here or
there is no answer: NotPlain, StructureError or another ValueError or LookupError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from signer.document import (
    SignedRange,
    admit,
    count_byte_ranges,
    locate_signature,
)
from signer.fastlane.reading import PlainDocument
from signer.fastlane.tokens import (
    Entries,
    NotPlain,
    bytes_of_string,
    read_entries,
    reference_of,
)
from signer.limits import DocumentLimits
from signer.pdf_tokens import Entry
from signer.source import Source

MAX_FIELDS: Final = 50
_KEY_WINDOW_BYTES: Final = 64
"""How far before its value the key /ByteRange may stand (`signer.validation.surveying`)."""
_TAIL_BYTES: Final = 4096
"""What may follow /Contents in a signature dictionary: reason and location are short."""
_NO_CONTENTS: Final = b"<00>"
_CONTENTS: Final = b"\n<<\n/Contents <"
_BYTE_RANGE = re.compile(rb"\n/ByteRange (\[0 \d{1,12} \d{1,12} \d{1,12}\])[ \n]")
_END = re.compile(
    rb"[\x00\t\n\x0c\r ]*+startxref[\x00\t\n\x0c\r ]{1,8}(\d{1,12})[\x00\t\n\x0c\r ]{1,8}%%EOF"
)
_OBJECT_END = re.compile(rb"[\x00\t\n\x0c\r ]*+endobj[\x00\t\n\x0c\r ]")
_PRINTABLE = re.compile(rb"[ -~]+")
_DATE = re.compile(rb"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:Z|([+-])([01]\d)'([0-5]\d)')")
_FIXED: Final = {
    b"/Type": b"/Sig",
    b"/Filter": b"/Adobe.PPKLite",
    b"/SubFilter": b"/ETSI.CAdES.detached",
}
_TEXTS: Final = frozenset({b"/Name", b"/Location", b"/Reason", b"/ContactInfo"})
_LAYOUT: Final = frozenset({*_FIXED, *_TEXTS, b"/Contents", b"/ByteRange", b"/M"})
"""Keys of a signature dictionary that approves and locks nothing."""
_NOT_IN_CATALOG: Final = (b"/Perms", b"/DSS", b"/Encrypt")
_BINDING: Final = (b"/Kids", b"/Parent", b"/Lock", b"/SV")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSigned:
    """A document with one signature that covers all of it.

    reading: its sections and objects, and the dictionaries among `objects` that were read already.
    field: the name of the signature's field. signature: the number of the signature dictionary.
    stated_at: the time in /M.
    """

    reading: PlainDocument
    objects: Mapping[int, Entries]
    field: str
    signature: int
    signed: SignedRange
    stated_at: datetime


def read_signed(document: bytes, limits: DocumentLimits) -> PlainSigned:
    """Read a signed document of this kind."""
    admit(document, limits)
    reading = PlainDocument(Source.of_bytes(document))
    _check_sections(document, reading)
    objects: dict[int, Entries] = {}
    name, number = _only_signature(reading, objects)
    offset = reading.offset(number)
    signed, byte_range_at = _located(document, offset, number=number, limits=limits)
    keys = count_byte_ranges(document)
    if len(keys) != 1 or not 0 < byte_range_at - keys[0] < _KEY_WINDOW_BYTES:
        raise NotPlain("other places where a signature may be")
    entries = _signature_entries(document, offset, number=number, signed=signed)
    return PlainSigned(
        reading=reading,
        objects=objects,
        field=name,
        signature=number,
        signed=signed,
        stated_at=_stated_at(entries),
    )


def _check_sections(document: bytes, reading: PlainDocument) -> None:
    """Require two revisions, one after the other, each ended by its own section.

    The end of the file is known to follow at once (`PlainDocument`), and that of the first
    revision is that of its section: no byte or comment is between (`signer.document.check_end`).
    """
    sections = reading.sections
    if len(sections) != 2:
        raise NotPlain("not one update")
    first, update = sections
    if not first.closed < reading.startxref < update.end:
        raise NotPlain("sections out of order")
    ends = [_END.match(document, each.closed) for each in sections]
    if None in ends or ends[1] is None or int(ends[1][1]) != reading.startxref:
        raise NotPlain("something between a section and its end")
    if document[ends[1].end() :].strip(b"\r\n"):
        raise NotPlain("something after the end")


def _only_signature(reading: PlainDocument, objects: dict[int, Entries]) -> tuple[str, int]:
    """Return the name of the one filled field and the number of its signature."""
    root = reference_of(reading.trailer.get(b"/Root", b""))
    catalog = objects[root] = reading.entries(root)
    if catalog.get(b"/Type") != b"/Catalog" or any(key in catalog for key in _NOT_IN_CATALOG):
        raise NotPlain("a catalog with more than is looked at")
    described = catalog.get(b"/AcroForm", b"")
    if described.startswith(b"<<"):
        form, _ = read_entries(described, 0)
    else:
        form = objects[reference_of(described)] = reading.entries(reference_of(described))
    listed = form.get(b"/Fields", b"")
    if not listed.startswith(b"["):
        listed = reading.value(reference_of(listed))
    words = listed[2:-2].split()
    if not listed.startswith(b"[ ") or len(words) % 3 or len(words) > 3 * MAX_FIELDS:
        raise NotPlain("no list of references, or a long one")
    numbers = [reference_of(b" ".join(words[at : at + 3])) for at in range(0, len(words), 3)]
    if b"/XFA" in form or len(set(numbers)) != len(numbers):
        raise NotPlain("an unusual form")
    objects |= {number: reading.entries(number) for number in numbers}
    filled = [found for number in numbers if (found := _filled(objects[number]))]
    if len(filled) != 1:
        raise NotPlain("no signature, or several")
    return filled[0]


def _filled(field: Entries) -> tuple[str, int] | None:
    """Return name and value of a signature field, None for other fields and empty ones."""
    kind, name = field.get(b"/FT", b""), field.get(b"/T", b"")
    if not kind.startswith(b"/") or not name.startswith(b"("):
        raise NotPlain("a field without type or name")
    if any(key in field for key in _BINDING):
        raise NotPlain("a field of a hierarchy, or one that binds")
    if kind != b"/Sig" or b"/V" not in field:
        return None
    text = bytes_of_string(name)
    if _PRINTABLE.fullmatch(text) is None:
        raise NotPlain("a name that is not ASCII")
    return text.decode("ascii"), reference_of(field[b"/V"])


def _located(
    document: bytes, offset: int, *, number: int, limits: DocumentLimits
) -> tuple[SignedRange, int]:
    """Return what the signature covers, and where the value of its /ByteRange stands.

    Both keys are where our signer writes them, and nowhere else: `_signature_entries` refuses one
    that appears twice.
    """
    head = b"%d 0 obj%b" % (number, _CONTENTS)
    if not document.startswith(head, offset):
        raise NotPlain("a signature dictionary of another layout")
    start = offset + len(head) - 1
    end = document.index(b">", start) + 1
    key = _BYTE_RANGE.match(document, end)
    if key is None:
        raise NotPlain("a signature dictionary of another layout")
    places = {b"Contents": Entry(start, end), b"ByteRange": Entry(*key.span(1))}
    signed = locate_signature(document, places, limits=limits)
    if signed.end != len(document):
        raise NotPlain("bytes that are not signed")
    return signed, key.start(1)


def _signature_entries(
    document: bytes, offset: int, *, number: int, signed: SignedRange
) -> Entries:
    """Return the signature dictionary with something short for /Contents, read token by token."""
    header = b"%d 0 obj" % number
    tail = document[signed.gap_end : signed.gap_end + _TAIL_BYTES]
    written = document[offset : signed.gap_start] + _NO_CONTENTS + tail
    if not written.startswith(header) or len(written) > 2 * _TAIL_BYTES:
        raise NotPlain("another object there, or a long one")
    entries, end = read_entries(written, len(header))
    if _OBJECT_END.match(written, end) is None:
        raise NotPlain("no dictionary alone")
    if not entries.keys() <= _LAYOUT or any(
        entries.get(key) != value for key, value in _FIXED.items()
    ):
        raise NotPlain("a signature dictionary of another layout")
    if any(not entries[key].startswith(b"(") for key in _TEXTS & entries.keys()):
        raise NotPlain("a text that is none")
    return entries


def _stated_at(entries: Entries) -> datetime:
    """Read /M as `signer.validation.examining` does, in the one form that our signer writes."""
    written = _DATE.fullmatch(bytes_of_string(entries.get(b"/M", b"")))
    if written is None:
        raise NotPlain("a date in another form")
    *numbers, zone, hours, minutes = written.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    stated = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return stated + offset if zone == b"-" else stated - offset
