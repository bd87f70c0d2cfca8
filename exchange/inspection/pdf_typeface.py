"""The typeface of the PDF sheet: Liberation Serif, regular and bold, cut down to what is used."""

from __future__ import annotations

from functools import cache
from typing import Final

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from signer.pages.typeface import FONT_FILE

REGULAR: Final = "CongvanSerif"
BOLD: Final = "CongvanSerif-Bold"
BOLD_FILE: Final = FONT_FILE.with_name("LiberationSerif-Bold.ttf")
_FILES: Final = {REGULAR: FONT_FILE, BOLD: BOLD_FILE}
MISSING: Final = "□"
"""What stands for a letter that the typeface lacks; PDF/A-2 forbids the font's own sign for it."""


@cache
def register() -> None:
    """Make both faces known to the PDF writer, under names that no other part uses."""
    # Text around compressed bytes is for mail of the last century, slow to write and larger.
    rl_config.useA85 = 0
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(file)))
    pdfmetrics.registerFontFamily(
        REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD
    )


def printable_letters(text: str) -> str:
    """Replace the letters that the typeface lacks."""
    known = _letters()
    return "".join(letter if ord(letter) in known else MISSING for letter in text)


@cache
def _letters() -> frozenset[int]:
    regular, bold = (frozenset(TTFont("", str(file)).face.charToGlyph) for file in _FILES.values())
    return regular & bold
