"""Which fonts in a document are our embedded typeface, outline for outline (pure).

Number and date may be filled in after the leader signed only in letters whose shapes are known:
a font that draws a 7 where the text says 1 would show another number than the one that is told.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic

from signer.engine.reading import ENGINE_ERRORS
from signer.pdf_values import look_up

KNOWN_DIGESTS: Final = frozenset(
    {
        "00ea2ef6e7f4207d89e4bb5a8aef68e6e39119ee70ea4e184b30255f81ef2109",
        # With the list of its codes, which PDF/A-1 wants.
        "bac7c09ac96814ee08e1ce68be064345548ea2fa117d61e8db4c6f3f0fadee4b",
    }
)
"""Digests of `signer.pages.typeface` as it is and as it ever was: documents outlive our versions.

When the typeface changes, the new digest is added and the old ones stay.
"""

_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 5_000
_LENGTHS_AND_FILTERS: Final = frozenset({"/Length", "/Filter", "/DecodeParms", "/DL"})
_FONT_HEADER: Final = struct.Struct(">4sHHHH")
_TABLE_ENTRY: Final = struct.Struct(">4sIII")
_MAX_TABLES: Final = 64
_EM: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What setting a line needs of a font: advances by code point, in thousandths of the em."""

    widths: dict[int, int]
    ascent: int
    descent: int

    def width(self, text: str) -> float | None:
        """Return the width of the text in ems, None where the font lacks a letter."""
        if any(ord(letter) not in self.widths for letter in text):
            return None
        return sum(self.widths[ord(letter)] for letter in text) / _EM


def known_metrics(font: object) -> Metrics | None:
    """Return the metrics of a font that is our typeface; None for any other."""
    if not isinstance(font, generic.DictionaryObject):
        return None
    try:
        return _metrics(font) if font_digest(font) in KNOWN_DIGESTS else None
    except (*ENGINE_ERRORS, struct.error, zlib.error):
        return None


def font_digest(font: generic.DictionaryObject) -> str:
    """Return a SHA-256 over all that decides how the font draws, apart from how it is packed.

    The font program's times and checksums are left out: they differ each time it is made.
    """
    hasher = hashlib.sha256()
    for piece in _pieces(font, _Budget(), depth=0):
        hasher.update(len(piece).to_bytes(8, "big") + piece)
    return hasher.hexdigest()


class _Budget:
    """How many items may still be read, so that a font can't keep us busy."""

    def __init__(self) -> None:
        self.left = _MAX_ITEMS

    def take(self, depth: int) -> None:
        self.left -= 1
        if self.left < 0 or depth > _MAX_DEPTH:
            raise ValueError("too large for a font")


def _pieces(value: object, budget: _Budget, *, depth: int) -> list[bytes]:
    budget.take(depth)
    if isinstance(value, generic.IndirectObject):
        value = value.get_object()  # type: ignore[no-untyped-call]
    if isinstance(value, generic.StreamObject):
        data = _without_times(value.data) if "/Length1" in value else value.data
        entries = _dictionary_pieces(value, budget, depth=depth)
        return [b"stream", *entries, hashlib.sha256(data).digest()]
    if isinstance(value, generic.DictionaryObject):
        return [b"<<", *_dictionary_pieces(value, budget, depth=depth), b">>"]
    if isinstance(value, generic.ArrayObject):
        inner = [
            piece for each in value.iterate() for piece in _pieces(each, budget, depth=depth + 1)
        ]
        return [b"[", *inner, b"]"]
    if isinstance(value, generic.TextStringObject):
        return [b"(", value.encode("utf-8")]
    if isinstance(value, generic.ByteStringObject):
        return [b"bytes", bytes(value)]
    return [b" ", str(value).encode("utf-8")]


def _dictionary_pieces(
    value: generic.DictionaryObject, budget: _Budget, *, depth: int
) -> list[bytes]:
    pieces = []
    for key in sorted(set(value) - _LENGTHS_AND_FILTERS):
        pieces += [str(key).encode("utf-8"), *_pieces(value.raw_get(key), budget, depth=depth + 1)]
    return pieces


def _without_times(program: bytes) -> bytes:
    """Return the tables of a TrueType program in order, without times and checksums (head)."""
    _, count, *_ = _FONT_HEADER.unpack_from(program)
    if count > _MAX_TABLES:
        raise ValueError("too many tables")
    entries = [
        _TABLE_ENTRY.unpack_from(program, _FONT_HEADER.size + index * _TABLE_ENTRY.size)
        for index in range(count)
    ]
    tables = {tag: program[start : start + length] for tag, _, start, length in entries}
    if len(tables) != count:
        raise ValueError("a table comes twice")
    head = tables[b"head"]
    # checkSumAdjustment at 8, modified at 28 (OpenType, table head).
    tables[b"head"] = head[:8] + bytes(4) + head[12:28] + bytes(8) + head[36:]
    return b"".join(tag + tables[tag] for tag in sorted(tables))


def _metrics(font: generic.DictionaryObject) -> Metrics:
    descendant = font["/DescendantFonts"][0]
    descriptor = look_up(descendant, "/FontDescriptor")
    if not isinstance(descriptor, generic.DictionaryObject):
        raise TypeError("a font without its descriptor")
    widths: dict[int, int] = {}
    runs = descendant["/W"]
    for index in range(0, len(runs), 2):
        first = int(runs[index])
        widths |= {first + step: int(width) for step, width in enumerate(runs[index + 1])}
    return Metrics(
        widths=widths, ascent=int(descriptor["/Ascent"]), descent=int(descriptor["/Descent"])
    )
