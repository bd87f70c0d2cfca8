"""From words on a page to lines of text as people read them, and names compared loosely (pure)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from signer.pages.facts import Area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signer.pages.facts import Word

_SAME_ROW: Final = 0.4
"""Middles closer than this, in heights of the lower word, stand on one row."""
_WIDE_GAP: Final = 1.2
"""A gap this wide, in heights, parts columns."""
_NARROW_GAP: Final = 0.5
"""A gap this wide parts columns where the document doesn't write the one word after the other."""
_TONES: Final = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Words side by side in one column."""

    words: tuple[Word, ...]
    area: Area

    @property
    def text(self) -> str:
        """The words with a space between each two."""
        return " ".join(word.text for word in self.words)


def rows(words: Sequence[Word]) -> tuple[tuple[Word, ...], ...]:
    """Return the words row by row from the top, each row from left to right."""
    return tuple(tuple(words[index] for index in row) for row in _rows(words))


@lru_cache(maxsize=16)
def lines(words: tuple[Word, ...]) -> tuple[Line, ...]:
    """Return the lines from the top, those of one row from left to right."""
    return tuple(_line(part) for row in _rows(words) for part in _columns(row, words))


def folded(text: str) -> str:
    """Return text in NFC without regard to case and spaces: what names are compared by."""
    return "".join(unicodedata.normalize("NFC", text).casefold().split())


def toneless(text: str) -> str:
    """Return folded text without tones, which are written over either of two vowels (Hòa, Hoà)."""
    apart = unicodedata.normalize("NFD", folded(text)).translate(_TONES)
    return unicodedata.normalize("NFC", apart)


def _rows(words: Sequence[Word]) -> list[list[int]]:
    """Return the words' indices, row by row."""
    found: list[list[int]] = []
    for index in sorted(range(len(words)), key=lambda index: -words[index].area.middle):
        if found and _beside(words[found[-1][-1]], words[index]):
            found[-1].append(index)
        else:
            found.append([index])
    return [sorted(row, key=lambda index: words[index].area.left) for row in found]


def _beside(one: Word, other: Word) -> bool:
    height = min(one.area.height, other.area.height)
    return abs(one.area.middle - other.area.middle) < _SAME_ROW * height


def _columns(row: list[int], words: Sequence[Word]) -> list[list[Word]]:
    parts = [[words[row[0]]]]
    for before, index in pairwise(row):
        last, word = words[before].area, words[index]
        gap = (word.area.left - last.right) / max(last.height, word.area.height)
        if gap > (_WIDE_GAP if index == before + 1 else _NARROW_GAP):
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


def _line(words: Sequence[Word]) -> Line:
    return Line(words=tuple(words), area=Area.around(word.area for word in words))
