"""Objects of a document as bare structure: which keys lead to which others (pure).

The engine builds an object of its own for every number and name, and then again for each revision
that it looks at; who only follows references needs none of them. What is spelt in the usual way is
read here, token by token of one pattern, and means what the engine reads; anything else raises
Unusual, and the engine itself has to read it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, Final, NamedTuple
from weakref import ref

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef, XRefSectionData

_SPACE = rb"\x00\t\n\x0c\r "
_AFTER = rb"(?=[" + _SPACE + rb"()<>\[\]{}/%])"
_REGULAR = rb"[!\"$&'*-.0-;=?-Z\\^-z|~]"
_AFTER_HEADER: Final = frozenset(bytes((each,)) for each in b"\x00\t\n\x0c\r <[(/")
_NEAR_BYTES: Final = 4096
MAX_DEPTH: Final = 50
# Each match is the next token after white space; the last group stands for whatever else is there.
_TOKENS = re.compile(
    rb"[" + _SPACE + rb"]*+(?:"
    rb"(/" + _REGULAR + rb"*+" + _AFTER + rb")"
    rb"|([1-9]\d{0,6} \d{1,5} R" + _AFTER + rb")"
    rb"|((?:[+-]?(?:\d{1,12}(?:\.\d{0,15})?|\.\d{1,15})|true|false|null)" + _AFTER + rb""
    rb"|\((?:[^()\\]++|\\[()\\nrtbf])*+\)|<[0-9A-Fa-f]*+>)"
    rb"|(<<|>>|[\[\]])"
    rb"|([^" + _SPACE + rb"]))",
    re.DOTALL,
)
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_GAP = rb"[" + _SPACE + rb"]*+"
# The engine reads on to the next byte after `endobj`, beyond comments too.
_OBJECT_END = re.compile(rb"endobj" + _GAP + rb"[^%" + _SPACE + rb"]")
_STREAM_END = re.compile(_GAP + rb"endstream" + _GAP + _OBJECT_END.pattern)
_LIKE_STREAM = re.compile(_GAP + rb"(?:stream|%)")
_FIRST_WORD = re.compile(rb"endobj|stream")
_PAIRS = re.compile(_GAP + rb"(?:\d{1,8}[" + _SPACE + rb"]++\d{1,9}[" + _SPACE + rb"]++)*+")


_CLOSED: Final[dict[bytes, type]] = {b">>": dict, b"]": list}
_OPENED: Final[dict[bytes, type]] = {b"<<": dict, b"[": list}


class Unusual(ValueError):
    """The object is not spelt in the usual way: the engine has to read it."""


class Ref(NamedTuple):
    """A reference to an object."""

    number: int
    generation: int


class _Other:
    """Stands for every value that leads nowhere and is no name."""


OTHER: Final = _Other()


Path = tuple[str | int, ...]
"""Keys and indices, one after the other."""


class _Packed(NamedTuple):
    """An object stream: its content, and where in it its objects are."""

    content: bytes
    index_of: dict[int, int]
    offsets: list[int]
    ends: list[int]


Bare = Any
"""A dict or a list of such, a Ref, a name with its slash, an int, or OTHER."""


Links = tuple[tuple[Path, Ref], ...]


def numbers_in(section: XRefSectionData) -> frozenset[int]:
    """Return the numbers of all objects of which a cross-reference section says anything."""
    own = (section.standard_xrefs, section.xrefs_in_objstm, section.freed)
    hybrid = numbers_in(section.hybrid.xref_data) if section.hybrid is not None else frozenset()
    return hybrid.union(*own)


class BareObjects:
    """The objects of one document, each read once for all revisions that have it in one place."""

    def __init__(self, reader: PdfFileReader) -> None:
        """Take the reader's bytes. Raises Unusual where the document is not read from memory."""
        if reader.encrypted or not isinstance(reader.stream, BytesIO):
            raise Unusual("an encrypted document, or one that is not in memory")
        # The objects of a reader are kept as long as it lives: they must not keep it alive.
        self._reference = ref(reader)
        self._data = reader.stream.getvalue()
        self._read: dict[tuple[Ref, int], tuple[Bare, Links]] = {}
        self._packed: dict[int, _Packed] = {}
        self._sections = [section.xref_data for section in reader.xrefs._xref_sections]
        self._written_in: dict[int, list[int]] = {}
        for revision, section in enumerate(self._sections):
            for number in numbers_in(section):
                self._written_in.setdefault(number, []).append(revision)

    @property
    def _reader(self) -> PdfFileReader:
        reader = self._reference()
        if reader is None:
            raise Unusual("its reader is gone")
        return reader

    def place(self, target: Ref, revision: int) -> int | ObjStreamRef | None:
        """Return where a revision has the object, as the engine's `get_historical_ref` does."""
        reference = generic.Reference(target.number, target.generation)
        for section in reversed(self._written_in.get(target.number, ())):
            if section <= revision:
                try:
                    return self._sections[section].try_resolve(reference)
                except KeyError:
                    continue
        return None

    def read(self, target: Ref, resolver: HistoricalResolver) -> tuple[Bare, Links]:
        """Return an object of a revision, and what it leads to.

        Raises Unusual where it is missing, and what the engine raises over a broken one.
        """
        # Nothing is known of it but by the revisions up to this one that say something of it.
        written_in = self._written_in.get(target.number, ())
        known = bisect_right(written_in, resolver.revision)
        found = self._read.get((target, known))
        if found is None:
            found = self._read[target, known] = self._found(target, resolver)
        return found

    def _found(self, target: Ref, resolver: HistoricalResolver) -> tuple[Bare, Links]:
        place = self.place(target, resolver.revision)
        if place is None:
            raise Unusual("an object that is missing")
        try:
            if isinstance(place, int):
                parsed = self._plain(target, place)
            else:
                parsed = self._from_stream(target, place)
        except Unusual:
            reference = generic.Reference(target.number, target.generation, resolver)
            value = bare(resolver(reference))
            return value, tuple(links_of(value))
        return parsed.value, () if type(parsed.value) is Ref else parsed.links

    def same(self, target: Ref, revisions: tuple[int, int]) -> bool:
        """Whether two revisions have an object in the same place."""
        written_in = self._written_in.get(target.number, ())
        older, newer = revisions
        return bisect_right(written_in, older) == bisect_right(written_in, newer)

    def _plain(self, target: Ref, at: int) -> _Parsed:
        data = self._data
        header = b"%d %d obj" % target
        begin = at + len(header)
        if not data.startswith(header, at) or data[begin : begin + 1] not in _AFTER_HEADER:
            raise Unusual("its header")
        # Mostly the end is near; what is far away is looked for by a pattern, to look only once.
        word = data.find(b"endobj", begin, begin + _NEAR_BYTES)
        stream = data.find(b"stream", begin, word if word >= 0 else begin + _NEAR_BYTES)
        word = stream if stream >= 0 else word
        if word < 0:
            found = _FIRST_WORD.search(data, begin)
            if found is None:
                raise Unusual("no end")
            word = found.start()
        parsed = _parsed(data, begin, end=word)
        opening = _STREAM.match(data, word)
        if opening is not None and type(parsed.value) is dict:
            self._check_stream(parsed, opening.end())
        elif not _OBJECT_END.match(data, word):
            raise Unusual("its end")
        return parsed

    def _check_stream(self, parsed: _Parsed, begin: int) -> None:
        """Require that the stream ends where its dictionary says."""
        named = parsed.value.get("/Length")
        length: object = int(parsed.length) if parsed.length.isdigit() else None
        if type(named) is Ref:
            # As the engine: by the newest revision, whichever is looked at.
            reference = generic.Reference(named.number, named.generation, self._reader)
            length = self._reader.get_object(reference)  # type: ignore[no-untyped-call]
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise Unusual("its length")
        if not _STREAM_END.match(self._data, begin + length):
            raise Unusual("a stream of another length")

    def _from_stream(self, target: Ref, place: ObjStreamRef) -> _Parsed:
        packed = self._stream(place.obj_stream_id)
        # The engine takes the first of that number, and wants it at this index.
        if target.generation or packed.index_of.get(target.number) != place.ix_in_stream:
            raise Unusual("its place in the stream")
        begin = packed.offsets[place.ix_in_stream]
        following = bisect_right(packed.ends, begin)
        if begin < 0 or following == len(packed.ends):
            raise Unusual("its offset in the stream")
        end = packed.ends[following]
        parsed = _parsed(packed.content, begin, end=end)
        # After a dictionary the engine looks for a stream, whatever it finds there.
        if type(parsed.value) is Ref or _LIKE_STREAM.match(packed.content, end):
            raise Unusual("no object, or what would be taken for a stream")
        return parsed

    def _stream(self, number: int) -> _Packed:
        if number not in self._packed:
            self._packed[number] = self._read_stream(number)
        return self._packed[number]

    def _read_stream(self, number: int) -> _Packed:
        stream = generic.Reference(number, 0, self._reader).get_object()
        if not isinstance(stream, generic.StreamObject) or stream["/Type"] != "/ObjStm":
            raise Unusual("no object stream")
        content = stream.read_data(DecodePurpose.OBJECT_STREAM)
        first, count = int(stream["/First"]), int(stream["/N"])
        head = content[:first]
        if not 0 <= first <= len(content) or _PAIRS.fullmatch(head) is None:
            raise Unusual("the head of an object stream")
        pairs = [int(each) for each in head.split()]
        if len(pairs) != 2 * count:
            raise Unusual("the head of an object stream")
        index_of: dict[int, int] = {}
        for index, named in enumerate(pairs[::2]):
            index_of.setdefault(named, index)
        offsets = [first + at for at in pairs[1::2]]
        ends = sorted({*offsets, len(content)})
        return _Packed(content, index_of, offsets, ends)


class _Parsed(NamedTuple):
    """A value, what it leads to, and the number that its own entry /Length has, if any."""

    value: Bare
    links: Links
    length: bytes


def _parsed(data: bytes, begin: int, *, end: int) -> _Parsed:
    """Return the one value between two offsets. Raises Unusual."""
    top: list[Bare] = []
    current: Bare = top
    key: str | None = None
    way: Path = ()
    outer: list[tuple[Bare, Path]] = []
    links: list[tuple[Path, Ref]] = []
    length = b""
    for name, reference, scalar, bracket, anything in _TOKENS.findall(data, begin, end):
        if anything:
            raise Unusual("an unusual token")
        if bracket in _CLOSED:
            current, way = _closed(outer, current, key=key, bracket=bracket)
            continue
        if key is None and type(current) is dict:
            if not name or (key := name.decode("ascii")) in current:
                raise Unusual("no key, or one that appears twice")
            continue
        step = len(current) if key is None else key
        value: Bare = OTHER if scalar else _opened(name, reference, bracket=bracket)
        if reference:
            links.append(((*way, step), value))
        elif key == "/Length" and not way:
            length = scalar
        if key is None:
            current.append(value)
        else:
            current[key] = value
            key = None
        if bracket:
            outer.append((current, way))
            way, current = (*way, step) if current is not top else (), value
            if len(outer) > MAX_DEPTH:
                raise Unusual("nested deeply")
    if outer or len(top) != 1:
        raise Unusual("no single value")
    return _Parsed(top[0], tuple(each for each in links if "/Parent" not in each[0]), length)


def _opened(name: bytes, reference: bytes, *, bracket: bytes) -> Bare:
    if name:
        return name.decode("ascii")
    if reference:
        number, generation, _ = reference.split(b" ")
        return Ref(int(number), int(generation))
    return _OPENED[bracket]()


def _closed(
    outer: list[tuple[Bare, Path]], current: Bare, *, key: str | None, bracket: bytes
) -> tuple[Bare, Path]:
    if not outer or key is not None or type(current) is not _CLOSED[bracket]:
        raise Unusual("brackets that do not match")
    return outer.pop()


def links_of(value: Bare, way: Path = ()) -> Iterator[tuple[Path, Ref]]:
    """Return the references in an object, with the keys and indices that lead to each.

    Not those under /Parent, which lead back to where one comes from.
    """
    parts: Iterable[tuple[str | int, Bare]] = ()
    if type(value) is dict:
        parts = ((key, part) for key, part in value.items() if key != "/Parent")
    elif type(value) is list:
        parts = enumerate(value)
    for step, part in parts:
        if type(part) is Ref:
            yield (*way, step), part
        elif type(part) is dict or type(part) is list:
            yield from links_of(part, (*way, step))


def bare(value: object) -> Bare:
    """Return the bare structure of an object that the engine read."""
    if isinstance(value, generic.IndirectObject):
        return Ref(value.idnum, value.generation)
    if isinstance(value, generic.DictionaryObject):
        return {str.__str__(key): bare(part) for key, part in dict.items(value)}
    if isinstance(value, generic.ArrayObject):
        return [bare(part) for part in list.__iter__(value)]
    if isinstance(value, generic.NameObject):
        return str.__str__(value)
    return OTHER
