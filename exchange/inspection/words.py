"""Values of the verification sheet: words in two languages, strangers' words, codes (pure)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exchange.texts import knows, phrase, sentence, sheet_text
from exchange.vietnam_time import VIETNAM_TIME

_TO_DO: Final = " — "
"""What parts what happened from what to do, in every sentence of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Our own words, Vietnamese and English."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A stranger's words (a name, a position, a file's name), harmless to show."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What is compared letter by letter: digests, identifiers, codes, instants."""

    text: str


Value = Words | Said | Code


def words(key: str, /, **values: object) -> Words:
    """Give words of the sheet's catalogue with `{name}` places filled in."""
    return Words(vi=sheet_text(key, "vi", **values), en=sheet_text(key, "en", **values))


def program_words(key: str, /, **values: object) -> Words:
    """Give words that the command line uses too."""
    return Words(vi=phrase(key, "vi", **values), en=phrase(key, "en", **values))


def said(text: str) -> Said:
    """Take a stranger's text: without characters that reorder, hide or control what is shown."""
    return Said(text=clean(text))


def clean(text: str) -> str:
    """Replace what is no visible letter: controls, direction marks, unassigned codes."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
        else letter
        for letter in unicodedata.normalize("NFC", text)
    )


def shortened(value: Value, characters: int) -> Value:
    """Cut a stranger's words for a narrow column; the full text stands elsewhere."""
    if not isinstance(value, Said) or len(value.text) <= characters:
        return value
    return Said(text=value.text[:characters] + "…")


def happened(reason: str) -> Words:
    """Say what a reason code means, without what to do about it."""
    return Words(vi=_halves(reason)[0][0], en=_halves(reason)[1][0])


def to_do(reason: str) -> Words:
    """Say what to do about a reason code."""
    if not (knows(reason, "vi") and all(action for _, action in _halves(reason))):
        return words("do.LOOK")
    return Words(vi=_halves(reason)[0][1], en=_halves(reason)[1][1])


def _halves(reason: str) -> tuple[tuple[str, str], tuple[str, str]]:
    vietnamese, english = (_halved(sentence(reason, each)) for each in ("vi", "en"))
    return vietnamese, english


def _halved(text: str) -> tuple[str, str]:
    what, _, action = text.partition(_TO_DO)
    if not action:
        return text, ""
    return what + ".", action[:1].upper() + action[1:]


def instant(at: datetime) -> Code:
    """Write an instant in Vietnam's time, with its zone."""
    return Code(text=at.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S +07:00"))


def size(size_bytes: int) -> Words:
    """Write a size for people, and exactly."""
    if size_bytes < 1_000:
        vi = en = f"{size_bytes} B"
    else:
        amount, unit = (
            (size_bytes / 1_000, "KB") if size_bytes < 1_000_000 else (size_bytes / 1_000_000, "MB")
        )
        vi, en = f"{amount:.1f} {unit}".replace(".", ","), f"{amount:.1f} {unit}"
    return Words(
        vi=sheet_text("doc.size_value", "vi", size=vi, bytes=f"{size_bytes:,}".replace(",", ".")),
        en=sheet_text("doc.size_value", "en", size=en, bytes=f"{size_bytes:,}"),
    )
