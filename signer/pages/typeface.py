"""The embedded typeface: Times metrics, every Vietnamese letter, one subset for all documents."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer.errors import TextUnprintable
from signer.pages.archival import archival_rules
from signer.pdf_values import array, compressed_stream, dictionary

if TYPE_CHECKING:
    from signer.pdf_values import Canvas

FONT_FILE: Final = Path(__file__).parent / "fonts" / "LiberationSerif-Regular.ttf"
FACE_FILE: Final = FONT_FILE.with_name("text-face.json")
"""The font cut down, under a name of its own: its licence keeps the font's name for the font."""
_FONT_NAME: Final = "/CVNTXT+LiberationSerif"
_EM: Final = 1000
"""Glyph space units to the em in PDF (ISO 32000-2 §9.2.4)."""
_SERIF_AND_SYMBOLIC: Final = 0b110
"""Font descriptor flags (ISO 32000-2 Table 121): serifs, letters beyond Adobe's standard set."""


@dataclass(frozen=True, kw_only=True)
class Typeface:
    """A font program ready to be embedded, whose character codes are Unicode code points.

    widths: advance of each printable code point in thousandths of the em.
    program, glyph_map, unicode_map, code_set: compressed (Flate) streams of the font file, of the
    map from code points to its glyphs, of the map from codes to text that extraction reads, and of
    the set of codes that have glyphs, which PDF/A-1 wants (ISO 19005-1 6.3.5).
    """

    widths: dict[int, int]
    ascent: int
    descent: int
    bounds: tuple[int, int, int, int]
    program: bytes
    program_length: int
    glyph_map: bytes
    unicode_map: bytes
    code_set: bytes

    @cached_property
    def written_widths(self) -> bytes:
        """The /W array as it stands in a document, written once: it has hundreds of numbers."""
        buffer = BytesIO()
        array(_width_runs(self.widths)).write_to_stream(buffer)
        return buffer.getvalue()

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

    def embed(self, writer: Canvas) -> generic.IndirectObject:
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
                "/W": _Written(self.written_widths),
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

    def _descriptor(self, writer: Canvas) -> generic.DictionaryObject:
        program = compressed_stream(self.program, {"/Length1": self.program_length})
        descriptor = dictionary(
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
        if archival_rules(writer).code_sets:
            codes = compressed_stream(self.code_set, {})
            descriptor[generic.NameObject("/CIDSet")] = writer.add_object(codes)
        return descriptor


class _Written(generic.PdfObject):
    """An object whose bytes are known already; it holds nothing that encryption would change."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def write_to_stream(
        self, stream: IO[bytes], handler: object = None, container_ref: object = None
    ) -> None:
        del handler, container_ref
        stream.write(self._data)


@lru_cache(maxsize=1)
def typeface() -> Typeface:
    """Return the typeface, read once per process as `signer.pages.typeface_cutting` made it."""
    made = json.loads(FACE_FILE.read_bytes())
    left, bottom, right, top = made["bounds"]
    return Typeface(
        widths=dict(made["widths"]),
        ascent=made["ascent"],
        descent=made["descent"],
        bounds=(left, bottom, right, top),
        program=b64decode(made["program"]),
        program_length=made["program_length"],
        glyph_map=b64decode(made["glyph_map"]),
        unicode_map=b64decode(made["unicode_map"]),
        code_set=b64decode(made["code_set"]),
    )


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
