"""Cross-reference sections of documents of the plain kind, tables and streams (pure).

What the engine would refuse in one is refused here too: every entry is looked at. That is done on
whole columns of a section at once, for documents of a thousand pages.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

from signer.fastlane.tokens import Entries, NotPlain, Real, integer_of, read_entries

MAX_ENTRIES: Final = 200_000
"""Entries in one cross-reference section."""
MAX_SUBSECTIONS: Final = 200
MAX_TRAILER_BYTES: Final = 8 * 1024
"""The longest trailer, or dictionary of a cross-reference stream."""
MAX_DECODED_BYTES: Final = 2_000_000
"""Decoded size of one stream; the engine's own limits lie higher."""

_SPACE = rb"[\x00\t\n\x0c\r ]"
_TABLE = re.compile(rb"xref[\t ]?(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"(\d{1,7}) (\d{1,7})[\t ]?(?:\r\n|\n|\r)")
_TRAILER = re.compile(_SPACE + rb"*+trailer")
_LINES = (b" \n", b"\r\n", b" \r")
_ENTRY_BYTES: Final = 20
_ANY_ENTRIES = re.compile(
    rb"(?:\d{10} (?:00000 n|(?:[0-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]) f)"
    rb"(?: \n|\r\n| \r))*+"
)
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_OBJECT = re.compile(rb"([1-9]\d{0,6}) (\d{1,5}) obj(?=[\x00\t\n\x0c\r <\[])")
_STREAM = re.compile(_SPACE + rb"*+stream\r?\n")
_STREAM_END = re.compile(_SPACE + rb"*+endstream" + _SPACE + rb"*+endobj")
_END_OF_STREAM: Final = b"endstream"
_END_OF_OBJECT: Final = b"endobj"
_WIDTHS = re.compile(rb"\[ 1 ([1-8]) ([0-2]) \]")
_UP_PREDICTOR: Final = 2


class Place(NamedTuple):
    """Where an object lies: at a byte of the file, or in an object stream at an index."""

    offset: int
    stream: int | None = None


class Run(NamedTuple):
    """Entries of consecutive objects. kinds: one byte each, as `_KINDS` has them."""

    first: int
    kinds: bytes
    rows: bytes
    row_bytes: int

    @property
    def end(self) -> int:
        """The number after the last."""
        return self.first + len(self.kinds)

    def row(self, number: int) -> bytes:
        """Return the entry of one object."""
        at = (number - self.first) * self.row_bytes
        return self.rows[at : at + self.row_bytes]


FREE, USED, COMPRESSED = 0, 1, 2


class Section(NamedTuple):
    """One cross-reference section. stream: the number of its object where it is a stream.

    end: the offset behind its entries, where a table's trailer or a stream's `endobj` follows.
    closed: the offset behind that.
    """

    runs: tuple[Run, ...]
    trailer: Entries
    stream: int | None
    offset_bytes: int
    end: int
    closed: int

    def kind(self, number: int) -> int | None:
        """Return whether the section has an object free, used or compressed; None: not at all."""
        for run in self.runs:
            index = number - run.first
            if 0 <= index < len(run.kinds):
                return run.kinds[index]
        return None

    def place(self, number: int) -> Place | None:
        """Return where an object lies, None where the section does not name it."""
        for run in self.runs:
            index = number - run.first
            if 0 <= index < len(run.kinds):
                row, kind = run.row(number), run.kinds[index]
                if kind == FREE:
                    raise NotPlain("a reference to a free object")
                if self.stream is None:
                    return Place(int(row[:10]))
                middle = 1 + self.offset_bytes
                first = int.from_bytes(row[1:middle], "big")
                if kind == USED:
                    return Place(first)
                return Place(int.from_bytes(row[middle:], "big"), first)
        return None

    def generation(self, number: int) -> int:
        """Return the generation that the entry of an object has."""
        [row] = [run.row(number) for run in self.runs if run.first <= number < run.end]
        if self.stream is None:
            return int(row[11:16])
        return int.from_bytes(row[1 + self.offset_bytes :], "big")

    def numbers(self) -> Iterator[int]:
        """Return the numbers of all its objects but 0."""
        return (number for run in self.runs for number in range(max(1, run.first), run.end))


def read_section(data: bytes, at: int) -> Section:
    """Read the cross-reference section that begins exactly at `at`."""
    table = _TABLE.match(data, at)
    if table is not None:
        return _read_table(data, table.end())
    return _read_stream(data, at)


def stream_data(data: bytes, at: int, *, entries: Entries) -> bytes:
    """Return the encoded data of a stream whose dictionary ends at `at`."""
    begun = _STREAM.match(data, at)
    if begun is None:
        raise NotPlain("no stream")
    end = begun.end() + integer_of(entries.get(b"/Length"))
    if _STREAM_END.match(data, end) is None:
        raise NotPlain("the stream's length is not exact")
    return data[begun.end() : end]


def _behind_stream(data: bytes, at: int, *, encoded: bytes) -> int:
    """Return the offset behind `endstream` of a stream whose dictionary ends at `at`."""
    begin = data.index(b"stream", at) + len(b"stream")
    return data.index(_END_OF_STREAM, begin + len(encoded)) + len(_END_OF_STREAM)


def decoded(encoded: bytes, entries: Entries) -> bytes:
    """Return a stream's data decoded; with a predictor the rows still carry their tags."""
    filters = entries.get(b"/Filter")
    if filters is None:
        if len(encoded) > MAX_DECODED_BYTES:
            raise NotPlain("a large stream")
        return encoded
    if filters not in (b"/FlateDecode", b"[ /FlateDecode ]"):
        raise NotPlain("another filter")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(encoded, MAX_DECODED_BYTES)
    except zlib.error as error:
        raise NotPlain("not compressed as it says") from error
    if not inflate.eof:
        raise NotPlain("a large or truncated stream")
    return content


def object_header(data: bytes, at: int) -> tuple[int, int, int]:
    """Return number and generation of the object at `at`, and the offset behind its header."""
    header = _OBJECT.match(data, at)
    if header is None:
        raise NotPlain("no object")
    return int(header[1]), int(header[2]), header.end()


def _read_table(data: bytes, at: int) -> Section:
    runs: list[Run] = []
    left = MAX_ENTRIES
    while (heading := _SUBSECTION.match(data, at)) is not None:
        first, count = int(heading[1]), int(heading[2])
        left -= count
        if left < 0 or len(runs) >= MAX_SUBSECTIONS or (runs and first < runs[-1].end):
            raise NotPlain("many subsections, or out of order")
        at = heading.end() + _ENTRY_BYTES * count
        runs.append(_table_run(data[heading.end() : at], first=first, count=count))
    end = _TRAILER.match(data, at)
    if end is None:
        raise NotPlain("no trailer")
    trailer, closed = read_entries(data, end.end(), within=MAX_TRAILER_BYTES)
    if runs and runs[-1].end > integer_of(trailer.get(b"/Size")):
        raise NotPlain("more objects than the trailer says")
    return Section(
        runs=tuple(runs), trailer=trailer, stream=None, offset_bytes=0, end=at, closed=closed
    )


def _table_run(rows: bytes, *, first: int, count: int) -> Run:
    if len(rows) != _ENTRY_BYTES * count:
        raise NotPlain("a truncated table")
    # Nearly always only the first entry is free, and all lines end alike.
    begin = 1 if rows[17:18] == b"f" else 0
    used = rows[_ENTRY_BYTES * begin :]
    generation_0 = b" 00000 n" + rows[18:20]
    shape = b"0000000000" + generation_0
    if (
        rows[18:20] in _LINES
        and used.translate(_DIGITS_TO_ZERO) == shape * (count - begin)
        and used.count(generation_0) == count - begin
        and _ANY_ENTRIES.fullmatch(rows, 0, _ENTRY_BYTES * begin)
    ):
        kinds = bytes((FREE,)) * begin + bytes((USED,)) * (count - begin)
    elif _ANY_ENTRIES.fullmatch(rows):
        kinds = rows[17::_ENTRY_BYTES].translate(bytes.maketrans(b"fn", bytes((FREE, USED))))
    else:
        raise NotPlain("an entry that is none")
    return Run(first, kinds, rows, _ENTRY_BYTES)


def _read_stream(data: bytes, at: int) -> Section:
    number, generation, at = object_header(data, at)
    entries, at = read_entries(data, at, within=MAX_TRAILER_BYTES)
    if entries.get(b"/Type") != b"/XRef" or generation:
        raise NotPlain("no cross-reference section")
    if Real in map(type, entries.values()):
        raise NotPlain("numbers that are no integers")
    widths = _WIDTHS.fullmatch(entries.get(b"/W", b""))
    if widths is None:
        raise NotPlain("unusual widths")
    offset_bytes, generation_bytes = int(widths[1]), int(widths[2])
    width = 1 + offset_bytes + generation_bytes
    size = integer_of(entries.get(b"/Size"))
    ranges = _ranges(entries.get(b"/Index"), size=size)
    encoded = stream_data(data, at, entries=entries)
    rows = _unpredicted(decoded(encoded, entries), entries, width=width)
    if len(rows) != width * sum(count for _, count in ranges):
        raise NotPlain("another number of entries than it says")
    kinds = rows[::width]
    if kinds.strip(bytes((FREE, USED, COMPRESSED))):
        raise NotPlain("entries of unknown kinds")
    _refuse_generations(rows, kinds, columns=range(1 + offset_bytes, width), width=width)
    runs, begin = [], 0
    for first, count in ranges:
        after = begin + count
        runs.append(Run(first, kinds[begin:after], rows[width * begin : width * after], width))
        begin = after
    end = _behind_stream(data, at, encoded=encoded)
    return Section(
        runs=tuple(runs),
        trailer=entries,
        stream=number,
        offset_bytes=offset_bytes,
        end=end,
        closed=data.index(_END_OF_OBJECT, end) + len(_END_OF_OBJECT),
    )


def _ranges(index: bytes | None, *, size: int) -> list[tuple[int, int]]:
    if index is None:
        numbers = [0, size]
    else:
        if not (index.startswith(b"[ ") and index[2:-2].replace(b" ", b"").isdigit()):
            raise NotPlain("no index")
        numbers = [int(number) for number in index[2:-2].split()]
    if len(numbers) % 2 or len(numbers) > 2 * MAX_SUBSECTIONS:
        raise NotPlain("an index of odd length, or of many parts")
    ranges = list(zip(numbers[::2], numbers[1::2], strict=True))
    last = 0
    for first, count in ranges:
        if first < last or count > MAX_ENTRIES:
            raise NotPlain("an index out of order, or large")
        last = first + count
    return ranges


def _unpredicted(rows: bytes, entries: Entries, *, width: int) -> bytes:
    """Undo the PNG predictor of a cross-reference stream (ISO 32000-2 §7.4.4.4), if it has one."""
    parameters = entries.get(b"/DecodeParms")
    if parameters is None:
        return rows
    if b"/Filter" not in entries:
        raise NotPlain("parameters of no filter")
    known, _ = read_entries(parameters, 0)
    predictor = known.get(b"/Predictor", b"1")
    if predictor == b"1":
        return rows
    if predictor not in (b"10", b"11", b"12", b"13", b"14", b"15"):
        raise NotPlain("another predictor")
    if integer_of(known.get(b"/Columns")) != width or len(rows) % (width + 1):
        raise NotPlain("a predictor of another width")
    tags = rows[:: width + 1]
    columns = [rows[column :: width + 1] for column in range(1, width + 1)]
    if not tags.strip(bytes((_UP_PREDICTOR,))):
        columns = [bytes([value & 0xFF for value in accumulate(column)]) for column in columns]
    elif tags.strip(b"\x00"):
        raise NotPlain("predictors of several kinds")
    plain = bytearray(width * len(tags))
    for offset, column in enumerate(columns):
        plain[offset::width] = column
    return bytes(plain)


def _refuse_generations(rows: bytes, kinds: bytes, *, columns: range, width: int) -> None:
    """Refuse objects of higher generations: the engine wants to know where they were freed."""
    used = kinds.translate(bytes((0, 0xFF, 0)) + bytes(253))
    mask = int.from_bytes(used, "big")
    for column in columns:
        if int.from_bytes(rows[column::width], "big") & mask:
            raise NotPlain("an object of a higher generation")
