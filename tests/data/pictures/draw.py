"""Draw the practice signature and seal: transparent pictures nobody can mistake for real ones.

    python tests/data/pictures/draw.py LiberationSerif-Bold.ttf

The font must hold the Vietnamese letters (Liberation 2.1 does, 1.07 does not).
NĐ 30/2020 Appendix I, II.7 and II.8: blue handwriting, a red seal at its true size (36 mm at
300 dpi).
"""

import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
DOTS_PER_MM = 300 / 25.4
OVERSAMPLING = 4
SEAL_DIAMETER_MM = 36
SIGNATURE_MM = (44, 20)
BLUE = (18, 52, 158, 255)
RED = (205, 18, 32, 255)


def main(font_path: str) -> None:
    """Write leader-signature.png and seal.png beside this file."""
    save(signature(), "leader-signature.png", BLUE)
    save(seal(font_path), "seal.png", RED)


def dots(length_mm: float) -> int:
    """Millimetres as dots of the oversampled drawing."""
    return round(length_mm * DOTS_PER_MM * OVERSAMPLING)


def save(picture: Image.Image, name: str, colour: tuple[int, int, int, int]) -> None:
    """Shrink to 300 dpi and write as a PNG with an alpha channel."""
    size = (picture.width // OVERSAMPLING, picture.height // OVERSAMPLING)
    cover = picture.getchannel("A").resize(size, Image.Resampling.LANCZOS)
    small = Image.new("RGBA", size, colour)
    small.putalpha(cover.point(lambda level: level & 0xF0 | level >> 4))  # 16 levels pack well
    small.save(HERE / name, optimize=True, dpi=(300, 300))


def signature() -> Image.Image:
    """Loops with a flourish: a hand that never signed anything."""
    width_mm, height_mm = SIGNATURE_MM
    picture = Image.new("RGBA", (dots(width_mm), dots(height_mm)), (*BLUE[:3], 0))
    draw = ImageDraw.Draw(picture)
    for step in range(2400):
        t = step / 2400
        x = 4 + 31 * t + 2.4 * math.sin(15 * math.pi * t)
        y = 10 - 5.2 * math.sin(15 * math.pi * t + 1.1) * (1 - 0.72 * t) - 1.5 * math.sin(3 * t)
        pen(draw, x, y, 0.34 + 0.16 * math.sin(22 * t))
    for step in range(900):
        t = step / 900
        pen(draw, 38 - 30 * t, 15.2 + 2.3 * math.sin(math.pi * t) - 3.2 * t, 0.42 - 0.3 * t)
    return picture


def pen(draw: ImageDraw.ImageDraw, x_mm: float, y_mm: float, radius_mm: float) -> None:
    """One touch of the pen."""
    r = max(radius_mm, 0.12)
    draw.ellipse([dots(x_mm - r), dots(y_mm - r), dots(x_mm + r), dots(y_mm + r)], fill=BLUE)


def seal(font_path: str) -> Image.Image:
    """A round red seal that says PRACTICE in its middle and "no legal value" around."""
    side = dots(SEAL_DIAMETER_MM)
    picture = Image.new("RGBA", (side, side), (*RED[:3], 0))
    draw = ImageDraw.Draw(picture)
    for inset_mm, line_mm in ((0.3, 0.9), (1.6, 0.3), (8.2, 0.3)):
        inset = dots(inset_mm)
        draw.ellipse([inset, inset, side - inset, side - inset], outline=RED, width=dots(line_mm))
    around(picture, "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ • NO LEGAL VALUE • ", font_path)
    middle = side // 2
    for text, size_mm, shift_mm in (("THỰC HÀNH", 2.7, -1.7), ("PRACTICE", 2.7, 2.1)):
        font = ImageFont.truetype(font_path, dots(size_mm))
        draw.text((middle, middle + dots(shift_mm)), text, fill=RED, font=font, anchor="mm")
    return picture


def around(picture: Image.Image, text: str, font_path: str) -> None:
    """Write along the rim, each letter upright towards the outside."""
    font = ImageFont.truetype(font_path, dots(3.4))
    total = font.getlength(text)
    cell, middle, radius = dots(7), picture.width / 2, dots(SEAL_DIAMETER_MM / 2 - 5.1)
    walked = 0.0
    for letter in text:
        advance = font.getlength(letter)
        angle = 2 * math.pi * (walked + advance / 2) / total - math.pi
        walked += advance
        stamp = Image.new("RGBA", (cell, cell), (*RED[:3], 0))
        ImageDraw.Draw(stamp).text((cell / 2, cell / 2), letter, fill=RED, font=font, anchor="mm")
        turned = stamp.rotate(-math.degrees(angle), Image.Resampling.BICUBIC)
        x = middle + radius * math.sin(angle) - cell / 2
        y = middle - radius * math.cos(angle) - cell / 2
        picture.alpha_composite(turned, (round(x), round(y)))


if __name__ == "__main__":
    main(sys.argv[1])
