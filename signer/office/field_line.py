"""One line of text in a prepared field: how it is drawn, and how a drawing is read back (pure).

What is written here is all that may ever be seen in such a field once somebody has signed: one
line, black, in the typeface that was prepared, within the field's rectangle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer.errors import PlacementInvalid, TextUnprintable
from signer.pdf_values import dictionary, look_up

if TYPE_CHECKING:
    from signer.pages.known_typefaces import Metrics
    from signer.pages.placement import Placement

FONT_SIZE_PT: Final = 13.0
"""Size of number and date by NĐ 30/2020 Appendix I, II.3.b and II.4.b."""
MIN_FONT_SIZE_PT: Final = 8.0
MAX_FONT_SIZE_PT: Final = 16.0
SLANT: Final = 0.2126
"""tan 12°: dates are in italics by II.4.b; the typeface is upright, so its letters are slanted."""

_EM: Final = 1000
_SPACE: Final = 0.25
"""A space in font sizes: what stands between a printed label and the line behind it."""
_SLACK_UNITS: Final = 0.05
_DESCENT: Final = 0.22
_HEIGHT: Final = 0.9
"""What a line takes below and above its base line in font sizes, with tones on capital letters."""
_COMMANDS: Final = re.compile(
    rb"/Tx BMC\nq 0 g BT /([A-Za-z0-9]{1,32}) (\d{1,3}\.\d{4}) Tf "
    rb"1 0 (0|0\.2126) 1 (\d{1,4}\.\d{4}) (\d{1,4}\.\d{4}) Tm "
    rb"<((?:[0-9a-f]{4}){1,200})> Tj ET Q\nEMC"
)
_FORM_KEYS: Final = {"/Type", "/Subtype", "/BBox", "/Matrix", "/Resources"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to draw: its text and its font's name (with the slash) in the form's resources."""

    text: str
    font_name: str
    slanted: bool = False
    centred: bool = True


def draw_line(
    line: Line, placement: Placement, *, font: generic.IndirectObject, metrics: Metrics
) -> generic.StreamObject:
    """Return the form XObject that shows the line, halfway up the field.

    Raises TextUnprintable for a letter the font lacks, PlacementInvalid where the line is too long.
    """
    ems = metrics.width(line.text)
    if ems is None:
        raise TextUnprintable(f"of {line.text[:60]!r}")
    size = _font_size(ems, placement)
    slant = SLANT if line.slanted else 0.0
    spare = max(0.0, placement.width - ems * size)
    x = spare / 2 if line.centred else min(spare, size * _SPACE)
    # The letters' extent from descent to ascent is centred in the field's height.
    y = (placement.height - (metrics.ascent + metrics.descent) / _EM * size) / 2
    operand = line.text.encode("utf-16-be").hex().encode("ascii")
    commands = b"/Tx BMC\nq 0 g BT %b %.4f Tf 1 0 %b 1 %.4f %.4f Tm <%b> Tj ET Q\nEMC" % (
        line.font_name.encode("ascii"),
        size,
        b"%.4f" % slant if slant else b"0",
        x,
        max(0.0, y),
        operand,
    )
    return form_xobject(placement, {"/Font": {line.font_name: font}}, commands=commands)


def form_xobject(
    placement: Placement, resources: dict[str, object], *, commands: bytes
) -> generic.StreamObject:
    """Return a form XObject that fills the field, upright on its page."""
    return generic.StreamObject(
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


def read_line(
    form: object, placement: Placement, *, fonts: generic.DictionaryObject, metrics: Metrics
) -> str | None:
    """Return the text that a form XObject shows in the field.

    None unless it is exactly what `draw_line` makes, whatever the size and place of the line in
    the field: a font of the form's own resources `fonts` (a reference, so not another), whose
    `metrics` are known, and nothing that reaches out of the rectangle.
    """
    if not isinstance(form, generic.StreamObject) or not fills_field(form, placement):
        return None
    match = _COMMANDS.fullmatch(form.data)
    if match is None:
        return None
    name = "/" + match[1].decode("ascii")
    if not _only_font(look_up(form, "/Resources"), name, fonts=fonts):
        return None
    size, x, y = float(match[2]), float(match[4]), float(match[5])
    text = bytes.fromhex(match[6].decode("ascii")).decode("utf-16-be", errors="replace")
    ems = metrics.width(text)
    points = size * placement.points_per_unit
    fits = (
        ems is not None
        and MIN_FONT_SIZE_PT - _SLACK_UNITS <= points <= MAX_FONT_SIZE_PT + _SLACK_UNITS
        and x + ems * size <= placement.width + _SLACK_UNITS
        and y + size * _HEIGHT / 2 <= placement.height
    )
    return text if fits else None


def fills_field(form: generic.StreamObject, placement: Placement) -> bool:
    """Whether a form XObject has the field's size, upright, and no entries beside those of ours."""
    if set(form) - {"/Length"} != _FORM_KEYS:
        return False
    box, matrix = look_up(form, "/BBox"), look_up(form, "/Matrix")
    wanted = (0, 0, placement.width, placement.height)
    return (
        (form.raw_get("/Type"), form.raw_get("/Subtype")) == ("/XObject", "/Form")
        and _are_numbers(box, wanted)
        and _are_numbers(matrix, (*placement.matrix, 0, 0))
    )


def _are_numbers(value: object, wanted: tuple[float, ...]) -> bool:
    return (
        isinstance(value, generic.ArrayObject)
        and len(value) == len(wanted)
        and all(isinstance(each, int | generic.FloatObject) for each in value)
        and all(abs(float(each) - want) < 0.001 for each, want in zip(value, wanted, strict=True))
    )


def _only_font(resources: object, name: str, *, fonts: generic.DictionaryObject) -> bool:
    """Whether the resources hold one font and nothing else, the very object of the form's."""
    if not isinstance(resources, generic.DictionaryObject) or set(resources) != {"/Font"}:
        return False
    used = look_up(resources, "/Font")
    if not isinstance(used, generic.DictionaryObject) or set(used) != {name} or name not in fonts:
        return False
    reference = used.raw_get(name)
    known = fonts.raw_get(name)
    return (
        isinstance(reference, generic.IndirectObject)
        and isinstance(known, generic.IndirectObject)
        and reference.reference == known.reference
    )


def _font_size(ems: float, placement: Placement) -> float:
    """Return the largest size up to 13 pt at which the line fits, in user space units."""
    size = min(
        FONT_SIZE_PT / placement.points_per_unit,
        placement.width / ems if ems else placement.width,
        placement.height / (_HEIGHT + _DESCENT),
    )
    if size * placement.points_per_unit < MIN_FONT_SIZE_PT:
        raise PlacementInvalid(f"the line doesn't fit its field at {MIN_FONT_SIZE_PT:g} pt")
    # Rounded down to what is written, so that the line never reaches out of the field.
    return int(size * 10_000) / 10_000
