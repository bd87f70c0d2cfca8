"""The embedded typeface: the file that is read is the font cut down, and has every letter."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
import zlib
from dataclasses import replace

import pytest

from signer.errors import TextUnprintable
from signer.pages.typeface import FONT_FILE, Typeface, typeface
from signer.pages.typeface_cutting import cut_typeface


def opened(face: Typeface) -> Typeface:
    """The typeface with its streams unpacked: packing differs between versions of zlib."""
    return replace(
        face,
        program=zlib.decompress(face.program),
        glyph_map=zlib.decompress(face.glyph_map),
        unicode_map=zlib.decompress(face.unicode_map),
        code_set=zlib.decompress(face.code_set),
    )


def test_the_file_is_what_the_font_gives_when_it_is_cut_down() -> None:
    assert opened(typeface()) == opened(cut_typeface(FONT_FILE.read_bytes()))


def test_every_vietnamese_letter_with_every_tone_has_a_shape_of_its_own() -> None:
    face = opened(typeface())
    tones = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
    letters = {
        unicodedata.normalize("NFC", vowel + tone)
        for vowel in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
        for tone in tones
    } | set("đĐ")
    assert len(letters) == 146
    glyphs = {face.glyph_map[2 * ord(letter) : 2 * ord(letter) + 2] for letter in letters}
    assert len(glyphs) == 146
    assert b"\0\0" not in glyphs


def test_a_letter_that_it_lacks_is_named() -> None:
    with pytest.raises(TextUnprintable, match=r"U\+6F22"):
        typeface().encode("漢")


def test_text_is_drawn_without_the_library_that_cuts_fonts() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from signer.pages.typeface import typeface; typeface(); "
            "sys.exit('fontTools' in sys.modules)",
        ],
        check=False,
        timeout=60,
    )
    assert told.returncode == 0
