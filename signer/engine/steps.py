"""Small steps that the engine takes again and again, replaced by ones that give the same (pure).

- tokens: pyHanko reads names byte by byte through a generator. Ours looks for the end in pieces.
- cross-reference tables: it splits each row by itself. Ours takes rows of the standard's form, 20
  bytes each (ISO 32000-2 §7.5.4), and leaves any other table to the original.
- views: for a revision it copies each object, numbers and names included, and computes for all of
  them where they stand. Ours hands those back at once that are never copied.
- issuers' names: asn1crypto compares every attribute anew (RFC 5280 §7.1). The result depends on
  nothing but the two encodings, so what a name is compared by is kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import IO, Any, Final, cast

from asn1crypto.x509 import RDNSequence
from pyhanko.pdf_utils import generic, misc, xref
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.pdf_utils.xref import XRefEntry, XRefType

_PIECE_BYTES: Final = 32
_ROW_BYTES: Final = 20
_ROWS_AT_ONCE: Final = 4096
_KEPT_NAMES: Final = 2048
_LONGEST_NAME: Final = 4096
"""Bytes of a distinguished name that is kept; longer ones would fill the memory."""

original_read_until: Final[Callable[..., tuple[bytes, bool]]] = misc._read_until_class
original_parse_table: Final[Callable[[IO[bytes], bool], Iterator[XRefEntry]]] = (
    xref.parse_xref_table
)
original_subsume: Final[Callable[[HistoricalResolver, Any], Any]] = (
    HistoricalResolver._subsume_object
)
original_names_equal: Final[Callable[[RDNSequence, object], bool]] = RDNSequence.__eq__
original_hashable: Final = cast("property", RDNSequence.__dict__["hashable"])

_ENDS: Final = {
    each: re.compile(b"[" + re.escape(each) + b"]")
    for each in (misc.PDF_WHITESPACE, misc.PDF_WHITESPACE + misc.PDF_DELIMITERS)
}
_SECTION = re.compile(rb"[\x00\t\n\x0c\r ]{0,8}(\d{1,10}) (\d{1,7})[ \r\n]{1,4}(?=\d{10} )")
_ROWS = re.compile(rb"(?:\d{10} \d{5} [nf][ \r\n]{2})++")
_NEVER_COPIED: Final = frozenset(
    (
        generic.NameObject,
        generic.NumberObject,
        generic.FloatObject,
        generic.BooleanObject,
        generic.NullObject,
        generic.TextStringObject,
        generic.ByteStringObject,
    )
)


def read_until(
    class_chars: bytes, stream: IO[bytes], *, maxchars: int | None = None
) -> tuple[bytes, bool]:
    """Read to the next byte of the class, as the original does, and say whether the file ended."""
    end = _ENDS.get(class_chars)
    if maxchars is not None or end is None:
        return original_read_until(class_chars, stream, maxchars=maxchars)
    found = b""
    while piece := stream.read(_PIECE_BYTES):
        match = end.search(piece)
        if match is not None:
            stream.seek(match.end() - len(piece), os.SEEK_CUR)
            return found + piece[: match.start()], False
        found += piece
    return found, True


def parse_table(stream: IO[bytes], strict: bool) -> Iterator[XRefEntry]:
    """Yield the rows of a cross-reference table as the original does."""
    while True:
        begin = stream.tell()
        number, rows = _plain_rows(stream)
        if not rows:
            stream.seek(begin)
            yield from original_parse_table(stream, strict)
            return
        for piece in rows:
            for at in range(0, len(piece), _ROW_BYTES):
                used = piece[at + 17] == 0x6E  # n
                yield XRefEntry(
                    xref_type=XRefType.STANDARD if used else XRefType.FREE,
                    location=int(piece[at : at + 10]) if used else None,
                    idnum=number,
                    generation=int(piece[at + 11 : at + 16]),
                )
                number += 1
        misc.read_non_whitespace(stream, seek_back=True)  # type: ignore[no-untyped-call]
        if stream.read(7) == b"trailer":
            misc.read_non_whitespace(stream, seek_back=True)  # type: ignore[no-untyped-call]
            return
        stream.seek(-7, os.SEEK_CUR)


def _plain_rows(stream: IO[bytes]) -> tuple[int, list[bytes]]:
    """Read a subsection whose rows all have the standard's form; no rows where one has not."""
    begin = stream.tell()
    head = _SECTION.match(stream.read(64))
    if head is None:
        return 0, []
    stream.seek(begin + head.end())
    rows: list[bytes] = []
    left = int(head[2])
    while left:
        count = min(left, _ROWS_AT_ONCE)
        piece = stream.read(count * _ROW_BYTES)
        if len(piece) != count * _ROW_BYTES or not _ROWS.fullmatch(piece):
            return 0, []
        rows.append(piece)
        left -= count
    return int(head[1]), rows


def subsume(resolver: HistoricalResolver, value: Any) -> Any:  # noqa: ANN401 - as the original
    """Return the object as the revision sees it, as the original does."""
    if value.container_ref is not None:
        if type(value) in _NEVER_COPIED:
            return value
        if type(value) is generic.IndirectObject:
            return generic.IndirectObject(value.idnum, value.generation, resolver)  # type: ignore[no-untyped-call]
    return original_subsume(resolver, value)


@lru_cache(maxsize=_KEPT_NAMES)
def _compared_by(contents: bytes) -> tuple[tuple[int, frozenset[tuple[str, str]]], ...]:
    """Return how many attributes each part has, and which; raises where one can't be prepared."""
    name = RDNSequence(contents=contents)
    return tuple((len(part), frozenset(part._get_values(part).items())) for part in name)


@lru_cache(maxsize=_KEPT_NAMES)
def _hashable(contents: bytes) -> str:
    return str(original_hashable.__get__(RDNSequence(contents=contents)))


def _short_contents(name: RDNSequence) -> bytes | None:
    contents = name.contents
    return contents if type(contents) is bytes and len(contents) <= _LONGEST_NAME else None


def names_equal(name: RDNSequence, other: object) -> bool:
    """Compare two names as the original does."""
    if not isinstance(other, RDNSequence):
        return False
    ours, theirs = _short_contents(name), _short_contents(other)
    if ours is not None and theirs is not None:
        try:
            return _compared_by(ours) == _compared_by(theirs)
        except (ValueError, TypeError):
            pass  # The original looks at one attribute after the other, and raises late or never.
    return original_names_equal(name, other)


def hashable_name(name: RDNSequence) -> str:
    """Return the text that stands for the name in dictionaries, as the original makes it."""
    contents = _short_contents(name)
    return _hashable(contents) if contents is not None else str(original_hashable.__get__(name))
