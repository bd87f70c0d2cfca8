"""Pictures made on the fly, as a signer would hand them in."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageDraw

BLUE = (0, 0, 255, 255)
RED = (255, 0, 0, 255)


def seal_picture(
    colour: tuple[int, int, int, int] = RED, *, width: int = 60, height: int = 60
) -> bytes:
    """A PNG with a filled disc, transparent around it."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((0, 0, width - 1, height - 1), fill=colour)
    return png(image)


def png(image: Image.Image) -> bytes:
    """The PNG file of a picture."""
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A tiny PNG whose header announces any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(16))
    chunks = (header, data, b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )
