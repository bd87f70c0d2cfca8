"""The limits that every document and picture meets before anything reads it (pure)."""

from dataclasses import dataclass, fields
from typing import Final

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """Limits on what is read, with units in the names; each is a positive whole number."""

    max_bytes: int = 100 * MEGABYTE
    """Size of a PDF document in bytes."""
    max_objects: int = 2_000_000
    """Objects that a cross-reference section may announce."""
    max_digits: int = 20
    """Digits in a row in the structural parts of a PDF (a number that no real file has)."""
    max_revisions: int = 500
    """Revisions (incremental updates) of one document."""
    max_pages: int = 10_000
    """Pages of a document to be signed: more than any official document, with room to spare."""
    max_signatures: int = 100
    """Signatures and document time-stamps of one document."""
    max_signature_bytes: int = 4 * MEGABYTE
    """Size of one signature's CMS object in bytes."""
    max_picture_bytes: int = 5 * MEGABYTE
    """Size of a signature picture as it is handed in, in bytes."""
    max_picture_pixels: int = 4 * MEGABYTE
    """Width times height of a signature picture, in pixels, judged before it is decoded."""
    max_appearance_lines: int = 12
    """Lines of text in one visible signature."""
    max_line_characters: int = 200
    """Characters in one line of a visible signature, and in a reason or location."""

    def __post_init__(self) -> None:
        """Refuse a limit that would let nothing, or anything, through."""
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(f"{field.name} must be positive")


DEFAULT: Final = DocumentLimits()
