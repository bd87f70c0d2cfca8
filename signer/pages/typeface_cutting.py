"""Cutting the typeface down to Vietnamese and Latin letters; run by hand when the font changes.

    python -m signer.pages.typeface_cutting

Writes what `signer.pages.typeface` reads, so that no process that signs has to cut the font itself.
"""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Final

from fontTools import subset, ttLib

from signer.pages.typeface import FACE_FILE, FONT_FILE, Typeface

if TYPE_CHECKING:
    from collections.abc import Iterable

_EM: Final = 1000
"""Glyph space units to the em in PDF (ISO 32000-2 §9.2.4)."""
REPERTOIRE: Final = (
    (0x0020, 0x007E),  # Basic Latin
    (0x00A0, 0x017F),  # Latin-1 Supplement, Latin Extended-A
    (0x01A0, 0x01A1),  # Ơ ơ
    (0x01AF, 0x01B0),  # Ư ư
    (0x1EA0, 0x1EF9),  # the other Vietnamese letters with their tones
    (0x2010, 0x2027),  # dashes, quotation marks, bullets, ellipsis
    (0x20AB, 0x20AC),  # ₫ €
    (0x2116, 0x2116),  # №
)


def cut_typeface(font_file: bytes) -> Typeface:
    """Return the typeface of a TrueType font, with the letters of the repertoire only."""
    font = ttLib.TTFont(BytesIO(font_file), recalcTimestamp=False)
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
        code_set=zlib.compress(_code_set(glyphs), level=9),
    )


def as_json(face: Typeface) -> str:
    """Return the typeface as the text of its file."""
    streams = {
        name: b64encode(getattr(face, name)).decode("ascii")
        for name in ("program", "glyph_map", "unicode_map", "code_set")
    }
    plain = {
        "ascent": face.ascent,
        "descent": face.descent,
        "bounds": face.bounds,
        "program_length": face.program_length,
        "widths": sorted(face.widths.items()),
    }
    return json.dumps(plain | streams, indent=None, separators=(",", ":")) + "\n"


def main() -> None:
    """Cut the typeface down and write its file."""
    FACE_FILE.write_text(as_json(cut_typeface(FONT_FILE.read_bytes())), encoding="ascii")


def _cut_down(font: ttLib.TTFont) -> None:
    """Leave the outlines of the repertoire only: viewers take all else from the PDF itself."""
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.notdef_outline = True
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "OS/2", "kern", "name", "post"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(
        unicodes=[code for first, last in REPERTOIRE for code in range(first, last + 1)]
    )
    # fontTools reports each table that it leaves out, which is what was asked for.
    logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
    subsetter.subset(font)


def _glyph_map(glyphs: dict[int, int]) -> bytes:
    codes = range(max(glyphs) + 1)
    return b"".join(glyphs.get(code, 0).to_bytes(2, "big") for code in codes)


def _code_set(codes: Iterable[int]) -> bytes:
    """Return a bit for each code that has a glyph, and for none (ISO 32000-2 §9.8.3.2)."""
    present = {0, *codes}
    bits = bytearray(max(present) // 8 + 1)
    for code in present:
        bits[code // 8] |= 0x80 >> code % 8
    return bytes(bits)


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


if __name__ == "__main__":
    main()
