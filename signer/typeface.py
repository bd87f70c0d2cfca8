"""The embedded typeface: Times metrics, every Vietnamese letter, one subset for all documents."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fontTools import subset, ttLib
from pyhanko.pdf_utils import generic

from signer.errors import TextUnprintable
from signer.pdf_values import compressed_stream, dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyhanko.pdf_utils.writer import BasePdfFileWriter

FONT_FILE: Final = Path(__file__).parent / "fonts" / "LiberationSerif-Regular.ttf"
_FONT_NAME: Final = "/CVNTXT+LiberationSerif"
_EM: Final = 1000
"""Glyph space units to the em in PDF (ISO 32000-2 §9.2.4)."""
_SERIF_AND_SYMBOLIC: Final = 0b110
"""Font descriptor flags (ISO 32000-2 Table 121): serifs, letters beyond Adobe's standard set."""
_REPERTOIRE: Final = (
    (0x0020, 0x007E),  # Basic Latin
    (0x00A0, 0x017F),  # Latin-1 Supplement, Latin Extended-A
    (0x01A0, 0x01A1),  # Ơ ơ
    (0x01AF, 0x01B0),  # Ư ư
    (0x1EA0, 0x1EF9),  # the other Vietnamese letters with their tones
    (0x2010, 0x2027),  # dashes, quotation marks, bullets, ellipsis
    (0x20AB, 0x20AC),  # ₫ €
    (0x2116, 0x2116),  # №
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """A font program ready to be embedded, whose character codes are Unicode code points.

    widths: advance of each printable code point in thousandths of the em.
    program, glyph_map, unicode_map: compressed (Flate) streams of the font file, of the map from
    code points to its glyphs and of the map from codes to text that extraction reads.
    """

    widths: dict[int, int]
    ascent: int
    descent: int
    bounds: tuple[int, int, int, int]
    program: bytes
    program_length: int
    glyph_map: bytes
    unicode_map: bytes

    def width(self, text: str) -> float:
        """Return the width of `text` in ems. Raises TextUnprintable for a letter it lacks."""
        try:
            return sum(self.widths[ord(letter)] for letter in text) / _EM
        except KeyError as missing:
            raise TextUnprintable(f"U+{missing.args[0]:04X}") from None

    def encode(self, text: str) -> bytes:
        """Return `text` as the operand of a text-showing operator."""
        self.width(text)
        return b"<" + text.encode("utf-16-be").hex().encode("ascii") + b">"

    def embed(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        """Add the font to a document and return the reference to it (ISO 32000-2 §9.7)."""
        descendant = dictionary(
            {
                "/Type": "/Font",
                "/Subtype": "/CIDFontType2",
                "/BaseFont": _FONT_NAME,
                "/CIDSystemInfo": {
                    "/Registry": generic.TextStringObject("Adobe"),
                    "/Ordering": generic.TextStringObject("Identity"),
                    "/Supplement": 0,
                },
                "/FontDescriptor": writer.add_object(self._descriptor(writer)),
                "/W": _width_runs(self.widths),
                "/CIDToGIDMap": writer.add_object(compressed_stream(self.glyph_map, {})),
            }
        )
        font = dictionary(
            {
                "/Type": "/Font",
                "/Subtype": "/Type0",
                "/BaseFont": _FONT_NAME,
                "/Encoding": "/Identity-H",
                "/DescendantFonts": [writer.add_object(descendant)],
                "/ToUnicode": writer.add_object(compressed_stream(self.unicode_map, {})),
            }
        )
        return writer.add_object(font)

    def _descriptor(self, writer: BasePdfFileWriter) -> generic.DictionaryObject:
        program = compressed_stream(self.program, {"/Length1": self.program_length})
        return dictionary(
            {
                "/Type": "/FontDescriptor",
                "/FontName": _FONT_NAME,
                "/Flags": _SERIF_AND_SYMBOLIC,
                "/FontBBox": self.bounds,
                "/ItalicAngle": 0,
                "/Ascent": self.ascent,
                "/Descent": self.descent,
                "/CapHeight": self.ascent,
                "/StemV": 80,
                "/FontFile2": writer.add_object(program),
            }
        )


@lru_cache(maxsize=1)
def typeface() -> Typeface:
    """Return the typeface, cut down to Vietnamese and Latin letters once per process."""
    font = ttLib.TTFont(BytesIO(FONT_FILE.read_bytes()))
    _cut_down(font)
    scale = _EM / font["head"].unitsPerEm
    glyphs = {code: font.getGlyphID(glyph) for code, glyph in font.getBestCmap().items()}
    advances = {
        code: round(font["hmtx"][glyph][0] * scale) for code, glyph in font.getBestCmap().items()
    }
    head, line = font["head"], font["hhea"]
    out = BytesIO()
    font.save(out)
    return Typeface(
        widths=advances,
        ascent=round(line.ascent * scale),
        descent=round(line.descent * scale),
        bounds=(
            round(head.xMin * scale),
            round(head.yMin * scale),
            round(head.xMax * scale),
            round(head.yMax * scale),
        ),
        program=zlib.compress(out.getvalue(), level=9),
        program_length=len(out.getvalue()),
        glyph_map=zlib.compress(_glyph_map(glyphs), level=9),
        unicode_map=zlib.compress(_unicode_map(glyphs), level=9),
    )


def _cut_down(font: ttLib.TTFont) -> None:
    """Leave the outlines of the repertoire only: viewers take all else from the PDF itself."""
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.notdef_outline = True
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "OS/2", "kern", "name", "post"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(
        unicodes=[code for first, last in _REPERTOIRE for code in range(first, last + 1)]
    )
    # fontTools reports each table that it leaves out, which is what was asked for.
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    subsetter.subset(font)


def _glyph_map(glyphs: dict[int, int]) -> bytes:
    codes = range(max(glyphs) + 1)
    return b"".join(glyphs.get(code, 0).to_bytes(2, "big") for code in codes)


def _unicode_map(codes: Iterable[int]) -> bytes:
    """Map every code to itself: one range for each high byte (ISO 32000-2 §9.10.3)."""
    pages = sorted({code >> 8 for code in codes})
    ranges = "\n".join(f"<{page:02x}00> <{page:02x}ff> <{page:02x}00>" for page in pages)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{len(pages)} beginbfrange\n{ranges}\nendbfrange\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _width_runs(widths: dict[int, int]) -> list[int | list[int]]:
    """Return the widths as runs of consecutive codes (ISO 32000-2 §9.7.4.3)."""
    runs: list[int | list[int]] = []
    run: list[int] = []
    previous = -2
    for code in sorted(widths):
        if code != previous + 1:
            run = []
            runs += [code, run]
        run.append(widths[code])
        previous = code
    return runs
