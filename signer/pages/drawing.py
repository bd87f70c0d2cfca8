"""Draw a signature's appearance as a form XObject: picture and text, upright on any page."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image
from pyhanko.pdf_utils import generic

from signer.errors import PictureUnreadable, PlacementInvalid
from signer.pages.archival import archival_rules
from signer.pages.placement import MM_PER_INCH, UNITS_PER_INCH
from signer.pdf_values import compressed_stream, dictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signer.pages.appearance import Appearance
    from signer.pages.placement import Placement
    from signer.pages.typeface import Typeface
    from signer.pdf_values import Canvas

FONT_SIZE_PT: Final = 10.0
"""Text of signatures that show text, by NĐ 30/2020 Appendix I, III.1.d: upright, black, 10 pt."""
MIN_FONT_SIZE_PT: Final = 4.0
_LEADING: Final = 1.2
"""Distance between lines in font sizes."""
_HALF: Final = 128
"""Opacity, of 255, from which a dot is shown where nothing may be half transparent."""
_FONT: Final = "/F1"
_PICTURE: Final = "/Im1"


def typeface() -> Typeface:
    """The embedded typeface, loaded when a text is first drawn.

    The library that cuts the font down takes as long to load as all the rest of signing.
    """
    from signer.pages.typeface import typeface as cut_down_typeface  # noqa: PLC0415

    return cut_down_typeface()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded picture, its samples compressed (Flate): 8-bit RGB and, if any, transparency."""

    width: int
    height: int
    colours: bytes
    transparency: bytes | None


def draw(
    appearance: Appearance, placement: Placement, *, writer: Canvas
) -> generic.DictionaryObject:
    """Add the drawing to a document and return the annotation's /AP (ISO 32000-2 §12.5.5).

    Raises PictureUnreadable, TextUnprintable, or PlacementInvalid when the text doesn't fit.
    """
    lines = tuple(line for line in appearance.lines if line.strip())
    rules = archival_rules(writer)
    resources: dict[str, object] = {}
    if rules.colour_spaces is not None:
        resources["/ColorSpace"] = rules.colour_spaces
    commands: list[bytes] = []
    size = _font_size(lines, placement, alone=appearance.picture is None) if lines else 0.0
    text_height = len(lines) * size * _LEADING
    if appearance.picture is not None:
        picture = read_picture(appearance.picture)
        soft = rules.soft_masks
        resources["/XObject"] = {_PICTURE: _embed_picture(picture, writer, soft=soft)}
        room = (placement.width, placement.height - text_height)
        unit_mm = placement.points_per_unit * MM_PER_INCH / UNITS_PER_INCH
        scale = appearance.picture_scale(
            (picture.width, picture.height), room_mm=(room[0] * unit_mm, room[1] * unit_mm)
        )
        commands.append(_show_picture(picture, room, bottom=text_height, scale=scale / unit_mm))
    if lines:
        resources["/Font"] = {_FONT: typeface().embed(writer)}
        centred = appearance.picture is not None
        top = text_height if centred else (placement.height + text_height) / 2
        commands.append(
            _show_text(lines, size, top=top, centred_in=placement.width if centred else None)
        )
    return _appearance_dictionary(
        b"\n".join(commands), resources, placement=placement, writer=writer
    )


def draw_nothing(placement: Placement, writer: Canvas) -> generic.DictionaryObject:
    """Return the /AP of a visible field that is to show nothing."""
    return _appearance_dictionary(b"", {}, placement=placement, writer=writer)


@lru_cache(maxsize=8)
def read_picture(content: bytes) -> Picture:
    """Decode a PNG picture whose size was checked before. Raises PictureUnreadable."""
    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            image.load()
            colours, transparency = _layers(image)
    except Exception as error:  # whatever the decoder finds wrong, the picture is unreadable
        raise PictureUnreadable(str(error)[:100]) from error
    return Picture(
        width=colours.width,
        height=colours.height,
        colours=zlib.compress(colours.tobytes()),
        transparency=None if transparency is None else zlib.compress(transparency.tobytes()),
    )


def _layers(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours (RGB) and the transparency (L) of a picture of any kind."""
    if image.mode.startswith("I"):  # 16 bits a sample: keep the upper 8
        return image.convert("I").point(lambda sample: sample / 256).convert("RGB"), None
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    red, green, blue, alpha = image.convert("RGBA").split()
    return Image.merge("RGB", (red, green, blue)), alpha


def _font_size(lines: tuple[str, ...], placement: Placement, *, alone: bool) -> float:
    """Return the largest size up to 10 pt at which all lines fit, in user space units."""
    share = 1.0 if alone else 0.5
    widest = max(typeface().width(line) for line in lines)
    fitting = min(
        FONT_SIZE_PT / placement.points_per_unit,
        placement.width / widest if widest else placement.width,
        placement.height * share / (len(lines) * _LEADING),
    )
    if fitting * placement.points_per_unit < MIN_FONT_SIZE_PT:
        raise PlacementInvalid(f"the text doesn't fit, not even at {MIN_FONT_SIZE_PT:g} pt")
    return fitting


def _show_picture(
    picture: Picture, room: tuple[float, float], *, bottom: float, scale: float
) -> bytes:
    width, height = picture.width * scale, picture.height * scale
    x, y = (room[0] - width) / 2, bottom + (room[1] - height) / 2
    return b"q %.4f 0 0 %.4f %.4f %.4f cm %b Do Q" % (width, height, x, y, _PICTURE.encode())


def _show_text(
    lines: tuple[str, ...], size: float, *, top: float, centred_in: float | None
) -> bytes:
    face = typeface()
    # The letters' extent from descent to ascent is centred in each line's height.
    drop = (_LEADING * size + (face.ascent + face.descent) / 1000 * size) / 2
    commands = [b"q 0 g BT %b %.4f Tf" % (_FONT.encode(), size)]
    for index, line in enumerate(lines):
        x = 0.0 if centred_in is None else (centred_in - face.width(line) * size) / 2
        y = top - index * _LEADING * size - drop
        commands.append(b"1 0 0 1 %.4f %.4f Tm %b Tj" % (x, y, face.encode(line)))
    commands.append(b"ET Q")
    return b"\n".join(commands)


def _embed_picture(picture: Picture, writer: Canvas, *, soft: bool) -> generic.IndirectObject:
    """Add the picture; where soft masks are forbidden, each of its dots is shown or not."""
    image = _samples(picture, picture.colours, colour_space="/DeviceRGB")
    if picture.transparency is not None and not soft:
        image[generic.NameObject("/Mask")] = writer.add_object(_stencil(picture))
    elif picture.transparency is not None:
        mask = writer.add_object(
            _samples(picture, picture.transparency, colour_space="/DeviceGray")
        )
        image[generic.NameObject("/SMask")] = mask
    return writer.add_object(image)


def _stencil(picture: Picture) -> generic.StreamObject:
    """Return the mask that hides what is more clear than drawn (ISO 32000-2 §8.9.6.3)."""
    levels = zlib.decompress(picture.transparency or b"")
    opacity = Image.frombytes("L", (picture.width, picture.height), levels)
    hidden = opacity.point([255] * _HALF + [0] * (256 - _HALF)).convert("1")
    return compressed_stream(
        zlib.compress(hidden.tobytes()),
        {
            "/Type": "/XObject",
            "/Subtype": "/Image",
            "/Width": picture.width,
            "/Height": picture.height,
            "/ImageMask": True,
            "/BitsPerComponent": 1,
        },
    )


def _samples(picture: Picture, data: bytes, *, colour_space: str) -> generic.StreamObject:
    return compressed_stream(
        data,
        {
            "/Type": "/XObject",
            "/Subtype": "/Image",
            "/Width": picture.width,
            "/Height": picture.height,
            "/ColorSpace": colour_space,
            "/BitsPerComponent": 8,
        },
    )


def _appearance_dictionary(
    commands: bytes,
    resources: Mapping[str, object],
    *,
    placement: Placement,
    writer: Canvas,
) -> generic.DictionaryObject:
    form = generic.StreamObject(
        dictionary(
            {
                "/Type": "/XObject",
                "/Subtype": "/Form",
                "/BBox": (0, 0, round(placement.width, 4), round(placement.height, 4)),
                "/Matrix": (*placement.matrix, 0, 0),
                "/Resources": resources,
            }
        ),
        stream_data=commands,
    )
    return dictionary({"/N": writer.add_object(form)})
