"""A shorter sheet, for documents whose whole one takes more work than the sandbox allows (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exchange.inspection.sheet import Row, Sheet
from exchange.inspection.words import shortened, words

DETAILED: Final = 20
"""Signatures and revisions that a shorter sheet tells all about."""
NAME_CHARACTERS: Final = 120


def abridged(sheet: Sheet) -> Sheet:
    """Leave out pictures and the details of most signatures; all stay in the summary.

    The sheet says that it is abridged, and where the rest can be read.
    """
    return replace(
        sheet,
        signatures=tuple(
            replace(each, who=shortened(each.who, NAME_CHARACTERS), rows=_rows(each.rows))
            for each in sheet.signatures[:DETAILED]
        ),
        revisions=tuple(
            replace(each, rows=_rows(each.rows), pictures=()) for each in sheet.revisions[:DETAILED]
        ),
        notes=(words("note.abridged", count=DETAILED), *sheet.notes),
    )


def _rows(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(
        replace(row, values=tuple(shortened(each, NAME_CHARACTERS) for each in row.values))
        for row in rows
    )
