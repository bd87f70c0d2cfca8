"""Reading a document of the plain kind: its end, its sections and single objects (pure).

Every piece is read from where the cross-references say, and nothing is searched for. What stands
elsewhere than the standard says raises NotPlain, though the engine would find it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from signer import limits
from signer.fastlane.tables import (
    FREE,
    Place,
    Section,
    decoded,
    read_section,
    stream_data,
)
from signer.fastlane.tokens import (
    MAX_OBJECT_BYTES,
    MAX_VALUES,
    Entries,
    NotPlain,
    integer_of,
    read_entries,
    read_value,
    reference_of,
)

if TYPE_CHECKING:
    from signer.source import Source

MAX_SECTIONS: Final = 16
"""Cross-reference sections, one for each revision, two for a linearised one."""
MAX_TREE_DEPTH: Final = 16
"""Levels of the page tree above the first page."""
WINDOW_BYTES: Final = MAX_OBJECT_BYTES
"""How much of a file is read for one object; those in memory are never copied."""
MAX_SECTION_BYTES: Final = 8 * 1024 * 1024
"""The largest cross-reference section that is read of a file."""
MAX_LOOKUPS: Final = 200_000
"""Comparisons of objects of later revisions with the parts of earlier ones."""
MAX_READ_BYTES: Final = 256 * 1024
"""What is read in all for objects, the same one again included: strangers choose what it costs."""

_HEADER = re.compile(rb"%PDF-([12])\.(\d)[\r\n ]")
_END = re.compile(rb"[\r\n]startxref(?:\r\n|\n)(\d{1,10})(?:\r\n|\n)%%EOF(?:\r\n|\n)?\Z")
_END_BYTES: Final = 64
_SPACE = rb"[\x00\t\n\x0c\r ]"
_AFTER_HEADER: Final = frozenset(b"\x00\t\n\x0c\r <[")
_OBJECT_END = re.compile(_SPACE + rb"*+endobj" + _SPACE)
# After a dictionary the engine looks for a stream, beyond comments too.
_NO_STREAM = re.compile(_SPACE + rb"*+(?![s%])")
_PAIRS = re.compile(rb"(?:[1-9]\d{0,8} \d{1,9}[ \r\n]++)*+")
_FIRST_REFERENCE = re.compile(rb"\[ ([1-9]\d{0,6}) 0 R ")
_NOT_OF_THE_TRAILER: Final = (
    b"/Length",
    b"/Filter",
    b"/DecodeParms",
    b"/W",
    b"/Type",
    b"/Index",
    b"/XRefStm",
)
_OF_OTHER_KINDS: Final = (b"/Encrypt", b"/XRefStm", b"/AuthCode")


@dataclass(frozen=True, slots=True)
class _Packed:
    """An object stream. places: index and offset behind `first` of each object, by number."""

    content: bytes
    first: int
    places: dict[int, tuple[int, int]]

    @classmethod
    def read(cls, entries: Entries, content: bytes) -> Self:
        first, count = integer_of(entries.get(b"/First")), integer_of(entries.get(b"/N"))
        head = content[:first]
        if count > MAX_VALUES or _PAIRS.fullmatch(head) is None:
            raise NotPlain("a large or unusual object stream")
        numbers = [int(each) for each in head.split()]
        if len(numbers) != 2 * count:
            raise NotPlain("an object stream of another length")
        places: dict[int, tuple[int, int]] = {}
        for index in range(count):
            places.setdefault(numbers[2 * index], (index, numbers[2 * index + 1]))
        return cls(content, first, places)


class PlainDocument:
    """A document that is read as far as signing needs it. Raises NotPlain where it is not plain.

    header_version: as the first line has it. startxref: where the newest section begins.
    trailer: the entries of all trailers together, the newest of each.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._size = source.size
        self._whole = source.read() if source.in_memory else None
        self._object_streams: dict[int, _Packed] = {}
        self._left_bytes = MAX_READ_BYTES
        header = _HEADER.match(self._part(0, 16))
        ending = self._part(max(0, self._size - _END_BYTES), self._size)
        end = _END.search(ending)
        if header is None or end is None:
            raise NotPlain("an unusual first or last line")
        self.header_version = (int(header[1]), int(header[2]))
        self.startxref = int(end[1])
        self._sections = self._read_sections()
        self.trailer = _merged(self._sections)
        self.object_count = integer_of(self._sections[-1].trailer.get(b"/Size"))
        self.has_streams = self._sections[-1].stream is not None

    @property
    def size(self) -> int:
        """The document's length in bytes."""
        return self._size

    @property
    def sections(self) -> tuple[Section, ...]:
        """The cross-reference sections, the oldest first."""
        return tuple(self._sections)

    def offset(self, number: int) -> int:
        """Return where object `number` begins, which must be no part of an object stream."""
        place = self._place(number)
        if place.stream is not None:
            raise NotPlain("in an object stream")
        return place.offset

    def entries(self, number: int, *, before_update: bool = False) -> Entries:
        """Return the dictionary that is object `number`, or was so before the last update."""
        data, at, ending = self._object(number, before_update=before_update)
        entries, end = read_entries(data, at)
        self._count(end - at)
        if ending.match(data, end) is None:
            raise NotPlain("no dictionary alone")
        return entries

    def may_have(self, key: bytes, number: int, *, before_update: bool = False) -> bool:
        """Whether the dictionary that is object `number` may have a key; False is certain.

        Where it is no part of a stream its bytes are only looked through: for the key, and for
        escapes that might spell it.
        """
        data, at, _ = self._object(number, before_update=before_update)
        end = data.find(b"endobj", at, at + MAX_OBJECT_BYTES)
        if end < 0:
            return key in self.entries(number, before_update=before_update)
        return b"#" in data[at:end] or key in data[at:end]

    def value(self, number: int) -> bytes:
        """Return object `number` in canonical form."""
        data, at, ending = self._object(number)
        value, end = read_value(data, at)
        self._count(end - at)
        if ending.match(data, end) is None:
            raise NotPlain("no value alone")
        return value

    def stream(self, number: int) -> tuple[Entries, bytes]:
        """Return the dictionary and the encoded data of the stream that is object `number`."""
        place = self._place(number)
        if place.stream is not None:
            raise NotPlain("a stream in a stream")
        return self._stream_at(place.offset, number)

    def first_page(self, catalog: Entries) -> tuple[int, Entries]:
        """Return the first page and its number, on the way that the engine goes to it."""
        number = reference_of(catalog.get(b"/Pages", b""))
        root = self.entries(number)
        resources = root.get(b"/Resources")
        if resources is not None and not resources.startswith(b"<<"):
            self.entries(reference_of(resources))
        if integer_of(root.get(b"/Count")) > limits.DEFAULT.max_pages:
            raise NotPlain("more pages than are signed")
        node = root
        for _ in range(MAX_TREE_DEPTH):
            if integer_of(node.get(b"/Count")) < 1:
                raise NotPlain("a branch without pages")
            number = self._first_kid(node.get(b"/Kids", b""))
            node = self.entries(number)
            kind = node.get(b"/Type")
            if kind == b"/Page":
                return number, node
            if kind != b"/Pages":
                raise NotPlain("neither page nor branch")
        raise NotPlain("a deep page tree")

    def _first_kid(self, kids: bytes) -> int:
        if not kids.startswith(b"["):
            kids = self.value(reference_of(kids))
        first = _FIRST_REFERENCE.match(kids)
        if first is None:
            raise NotPlain("no kids")
        return int(first[1])

    def _read_sections(self) -> list[Section]:
        """Return all sections, the oldest first."""
        sections: list[Section] = []
        seen: set[int] = set()
        at: int | None = self.startxref
        while at is not None:
            if at in seen or len(sections) >= MAX_SECTIONS:
                raise NotPlain("many sections, or a circle of them")
            seen.add(at)
            section = self._read_section(at)
            if not section.trailer.keys().isdisjoint(_OF_OTHER_KINDS):
                raise NotPlain("encrypted or hybrid")
            sections.append(section)
            previous = section.trailer.get(b"/Prev")
            at = None if previous is None else integer_of(previous)
        sections.reverse()
        _check_order(sections)
        return sections

    def _read_section(self, at: int) -> Section:
        if self._whole is not None:
            return read_section(self._whole, at)
        window = WINDOW_BYTES
        while True:
            data = self._part(at, min(at + window, self._size))
            try:
                return read_section(data, 0)
            except NotPlain:
                if window > MAX_SECTION_BYTES or at + window >= self._size:
                    raise
            window *= 8

    def _place(self, number: int, *, before_update: bool = False) -> Place:
        if not 0 < number < self.object_count:
            raise NotPlain("an object beyond the table")
        for section in reversed(self._sections[:-1] if before_update else self._sections):
            place = section.place(number)
            if place is not None:
                return place
        raise NotPlain("an object that is nowhere")

    def _object(
        self, number: int, *, before_update: bool = False
    ) -> tuple[bytes, int, re.Pattern[bytes]]:
        """Return bytes with an object's value in them, where it begins, and what follows it."""
        place = self._place(number, before_update=before_update)
        if place.stream is None:
            return *self._at(place.offset, number), _OBJECT_END
        if before_update and self._sections[-1].kind(place.stream) is not None:
            raise NotPlain("an object stream that was written anew")
        packed = self._object_stream(place.stream)
        # The engine takes the first pair of that number, and wants it at that index.
        index, offset = packed.places[number]
        if index != place.offset:
            raise NotPlain("an object stream with another object there")
        return packed.content, packed.first + offset, _NO_STREAM

    def _object_stream(self, number: int) -> _Packed:
        known = self._object_streams.get(number)
        if known is None:
            place = self._place(number)
            if place.stream is not None or len(self._object_streams) >= MAX_SECTIONS:
                raise NotPlain("object streams in streams, or many")
            entries, encoded = self._stream_at(place.offset, number)
            if entries.get(b"/Type") != b"/ObjStm" or b"/DecodeParms" in entries:
                raise NotPlain("no object stream, or an unusual one")
            known = _Packed.read(entries, decoded(encoded, entries))
            self._object_streams[number] = known
        return known

    def _count(self, read_bytes: int) -> None:
        self._left_bytes -= read_bytes
        if self._left_bytes < 0:
            raise NotPlain("much to be read")

    def _stream_at(self, offset: int, number: int) -> tuple[Entries, bytes]:
        data, begin = self._at(offset, number)
        entries, at = read_entries(data, begin)
        self._count(at - begin)
        length = integer_of(entries.get(b"/Length"))
        if self._whole is None and at + length + _END_BYTES > len(data):
            data = self._part(offset, min(offset + at + length + _END_BYTES, self._size))
        return entries, stream_data(data, at, entries=entries)

    def _at(self, offset: int, number: int) -> tuple[bytes, int]:
        if self._whole is not None:
            data, begin = self._whole, offset
        else:
            data, begin = self._part(offset, min(offset + WINDOW_BYTES, self._size)), 0
        header = b"%d 0 obj" % number
        at = begin + len(header)
        if not data.startswith(header, begin) or data[at] not in _AFTER_HEADER:
            raise NotPlain("another object there")
        return data, at

    def _part(self, start: int, end: int) -> bytes:
        return self._source.read(start, end) if self._whole is None else self._whole[start:end]


def _check_order(sections: list[Section]) -> None:
    """Refuse histories in which the engine would look for a contradiction."""
    if len(sections) == 1:
        return
    if len({section.stream is None for section in sections}) != 1:
        raise NotPlain("tables and streams")
    sizes = [integer_of(section.trailer.get(b"/Size")) for section in sections]
    if sizes != sorted(sizes):
        raise NotPlain("a table smaller than the one before")
    left = MAX_LOOKUPS
    for index, section in enumerate(sections[1:], start=1):
        earlier = sections[:index]
        streams = {each.stream for each in earlier}
        parts = sum(len(each.runs) for each in sections[: index + 1])
        left -= parts * sum(len(run.kinds) for run in section.runs)
        if left < 0:
            raise NotPlain("large revisions")
        for run in section.runs:
            for number, kind in enumerate(run.kinds, start=run.first):
                if number in streams:
                    raise NotPlain("overlapping revisions")
                _check_use(section, number, kind=kind, earlier=earlier)


def _check_use(section: Section, number: int, *, kind: int, earlier: list[Section]) -> None:
    """Refuse what a later section says of an object where the engine would look twice at it."""
    if number == 0:
        return
    if kind == FREE:
        if section.generation(number) == 0:
            raise NotPlain("an object declared dead in a later revision")
    elif any(each.kind(number) == FREE for each in earlier):
        raise NotPlain("a number used again after it was freed")


def _merged(sections: list[Section]) -> Entries:
    merged = Entries()
    for section in sections:
        merged.update(section.trailer)
    for key in _NOT_OF_THE_TRAILER:
        merged.pop(key, None)
    return merged
