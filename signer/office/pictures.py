"""What a signature's picture looks like: its size, what of it is clear, its colour (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image

from signer.errors import PictureUnreadable

_MM_PER_INCH: Final = 25.4
_SAMPLE_PIXELS: Final = 256
"""Larger pictures are looked at in a smaller copy."""
_CLEAR: Final = 32
_SOLID: Final = 128
"""Opacity, of 255, below which a pixel counts as clear and from which it counts as drawn."""
_COLOURED: Final = 60
"""Saturation, of 255, below which a pixel counts as grey."""
_BLUE: Final = range(134, 192)
_RED: Final = (*range(15), *range(235, 256))
"""Hues of 256: blue from 188° to 269°, red up to 20° and from 330°."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """What a picture looks like.

    width, height: in pixels; natural_mm: what its file says of its size, None where it says
    nothing. clear, blue, red: shares of its pixels that are clear, and of the drawn ones that have
    the colour.
    """

    width: int
    height: int
    natural_mm: tuple[float, float] | None
    clear: float
    blue: float
    red: float


def picture_facts(content: bytes) -> PictureFacts:
    """Look at a PNG picture whose size was checked before. Raises PictureUnreadable."""
    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            dots = image.info.get("dpi")
            width, height = image.size
            small = image.convert("RGBA")
    except Exception as error:  # whatever the decoder finds wrong, the picture is unreadable
        raise PictureUnreadable(str(error)[:100]) from error
    small.thumbnail((_SAMPLE_PIXELS, _SAMPLE_PIXELS), Image.Resampling.NEAREST)
    opacity = small.getchannel("A")
    counts = opacity.histogram()
    total = sum(counts)
    hues = _hues(small, opacity)
    drawn = sum(hues) or 1
    return PictureFacts(
        width=width,
        height=height,
        natural_mm=_natural(width, height, dots=dots),
        clear=sum(counts[:_CLEAR]) / total,
        blue=sum(hues[hue] for hue in _BLUE) / drawn,
        red=sum(hues[hue] for hue in _RED) / drawn,
    )


def _hues(picture: Image.Image, opacity: Image.Image) -> list[int]:
    """Count the drawn pixels by hue; those without colour come last, as a 257th."""
    hue, saturation, _ = picture.convert("RGB").convert("HSV").split()
    drawn = opacity.point([0] * _SOLID + [255] * (256 - _SOLID))
    grey = saturation.point([255] * _COLOURED + [0] * (256 - _COLOURED))
    coloured = Image.composite(Image.new("L", picture.size, 0), drawn, grey)
    counted = hue.histogram(coloured)
    return [*counted, sum(drawn.histogram()[_SOLID:]) - sum(counted)]


def _natural(width: int, height: int, *, dots: object) -> tuple[float, float] | None:
    if not isinstance(dots, tuple) or len(dots) != 2 or not all(dot and dot > 1 for dot in dots):
        return None
    return width / float(dots[0]) * _MM_PER_INCH, height / float(dots[1]) * _MM_PER_INCH
