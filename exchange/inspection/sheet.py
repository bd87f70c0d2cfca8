"""The verification sheet as values: all that its renderings show, decided once (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from exchange.inspection.words import Code, Value, Words
from signer.pages.pictures import PagePicture
from signer.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fact with its label: one or several values, one under the other."""

    label: Words
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Facts of one kind side by side."""

    caption: Words
    head: tuple[Words, ...]
    rows: tuple[tuple[tuple[Value, ...], ...], ...]
    empty: Words | None = None
    """What stands in the place of a table without rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """A verdict for people: its words, a plain sentence, what to do; reason is the code or ""."""

    verdict: Verdict
    words: Words
    sentence: Words
    what_to_do: Words
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSignature:
    """One signature, seal or time-stamp; who: the name that its certificate gives."""

    number: int
    heading: Words
    who: Value
    conclusion: Conclusion
    rows: tuple[Row, ...]
    certificates: Table
    evidence: Table
    leniencies: tuple[tuple[Words, Code], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPicture:
    """A page's picture with its caption and the text that stands for it."""

    picture: PagePicture
    caption: Words
    alt: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRevision:
    """One revision of the file."""

    number: int
    heading: Words
    rows: tuple[Row, ...]
    pictures: tuple[SheetPicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole sheet; file_name: harmless to show, "" where nobody knows it.

    practice: that a practice certificate was used, which every form says loudly.
    """

    title: Words
    practice: bool
    judged_at: datetime
    sha256: str
    file_name: str
    conclusion: Conclusion
    document: tuple[Row, ...]
    summary: Table | None
    signatures: tuple[SheetSignature, ...]
    revisions: tuple[SheetRevision, ...]
    without_pictures: Words | None
    law: tuple[Words, ...]
    notes: tuple[Words, ...]
