"""What a person sees of a signature on the page: a picture, lines of text, and where (pure)."""

from __future__ import annotations

import math
import struct
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signer.errors import PictureUnreadable, PlacementInvalid, TextUnprintable

if TYPE_CHECKING:
    from signer.limits import DocumentLimits

MIN_SIDE_MM: Final = 1.0
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = struct.Struct(">I4sII")
"""Length, name, width and height of the IHDR chunk: every PNG opens with it (ISO/IEC 15948)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on a page as a person sees it: rotated and cropped as viewers show it.

    page: counted from 1; from the end where negative (-1 is the last page).
    left_mm, bottom_mm: from the shown page's lower left corner, in millimetres.
    width_mm, height_mm: at least one millimetre each.
    Raises PlacementInvalid for values that no page could fit.
    """

    page: int
    left_mm: float
    bottom_mm: float
    width_mm: float
    height_mm: float

    def __post_init__(self) -> None:
        """Refuse a rectangle that lies nowhere or can't be seen."""
        sides = (self.left_mm, self.bottom_mm, self.width_mm, self.height_mm)
        if self.page == 0:
            raise PlacementInvalid("pages count from 1, or from -1 backwards")
        if not all(math.isfinite(side) for side in sides):
            raise PlacementInvalid("the box must be given in finite millimetres")
        if self.left_mm < 0 or self.bottom_mm < 0:
            raise PlacementInvalid("the box begins off the page")
        if self.width_mm < MIN_SIDE_MM or self.height_mm < MIN_SIDE_MM:
            raise PlacementInvalid(f"the box must be at least {MIN_SIDE_MM:g} mm wide and high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What to show: a PNG picture, lines of text, or both (the picture above the text).

    picture: bytes of a PNG file; transparent parts stay transparent, proportions are kept.
    picture_mm: the length of its longer side, as of a seal that is shown in its actual size; None
    fills the box, which a picture never exceeds.
    lines: kept in Unicode NFC; drawn in black 10 pt Times metrics, smaller where they don't fit.
    box: None takes the rectangle of the existing signature field that is signed.
    Raises PlacementInvalid when there is nothing to show.
    """

    box: Box | None = None
    picture: bytes | None = None
    lines: tuple[str, ...] = ()
    picture_mm: float | None = None

    def __post_init__(self) -> None:
        """Bring the text to NFC and refuse an appearance that shows nothing."""
        composed = tuple(unicodedata.normalize("NFC", line) for line in self.lines)
        object.__setattr__(self, "lines", composed)
        if self.picture is None and not any(line.strip() for line in composed):
            raise PlacementInvalid("a visible signature needs a picture or text")
        length = self.picture_mm
        if length is not None and not (math.isfinite(length) and length >= MIN_SIDE_MM):
            raise PlacementInvalid(f"a picture is at least {MIN_SIDE_MM:g} mm long")

    def picture_scale(self, pixels: tuple[int, int], *, room_mm: tuple[float, float]) -> float:
        """Return how many millimetres a pixel of the picture takes in a room of that size."""
        fitting = min(room_mm[0] / pixels[0], room_mm[1] / pixels[1])
        return fitting if self.picture_mm is None else min(fitting, self.picture_mm / max(pixels))


def check_appearance(appearance: Appearance, limits: DocumentLimits) -> None:
    """Refuse pictures and text beyond the limits, before anything decodes or draws them.

    Raises PictureUnreadable or TextUnprintable.
    """
    if appearance.picture is not None:
        _check_picture(appearance.picture, limits)
    if len(appearance.lines) > limits.max_appearance_lines:
        raise TextUnprintable(f"more than {limits.max_appearance_lines} lines")
    if any(len(line) > limits.max_line_characters for line in appearance.lines):
        raise TextUnprintable(f"a line is longer than {limits.max_line_characters} characters")


def _check_picture(picture: bytes, limits: DocumentLimits) -> None:
    if len(picture) > limits.max_picture_bytes:
        raise PictureUnreadable(f"more than {limits.max_picture_bytes} bytes")
    opening = len(_PNG_SIGNATURE)
    if not picture.startswith(_PNG_SIGNATURE) or len(picture) < opening + _PNG_HEADER.size:
        raise PictureUnreadable("not a PNG file")
    _, chunk, width, height = _PNG_HEADER.unpack_from(picture, opening)
    if chunk != b"IHDR" or not width or not height:
        raise PictureUnreadable("not a PNG file")
    if width * height > limits.max_picture_pixels:
        raise PictureUnreadable(
            f"{width} x {height} pixels, more than {limits.max_picture_pixels} in all"
        )
