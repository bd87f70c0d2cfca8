"""From millimetres on the page as people see it to the rectangle that the PDF wants (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer.errors import DocumentMalformed, PlacementInvalid
from signer.pages.facts import Area
from signer.pdf_values import dictionary, look_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.pdf_utils.rw_common import PdfHandler

    from signer.pages.appearance import Box

MM_PER_INCH: Final = 25.4
UNITS_PER_INCH: Final = 72.0
_A4_UNITS: Final = (0.0, 0.0, 595.28, 841.89)
_TOLERANCE_UNITS: Final = 0.05
"""Slack for rounding where a box ends exactly at the page's edge: less than 0.02 mm."""
_MAX_TREE_DEPTH: Final = 64
_UPRIGHT: Final = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""For each page rotation, the matrix that makes drawings upright again (ISO 32000-2 §8.3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a drawing goes on a page.

    rect: left, bottom, right, top in the page's default user space.
    width, height: of the drawing as it is seen, in user space units.
    rotation: of the page in degrees clockwise: 0, 90, 180 or 270.
    points_per_unit: how many points (1/72 inch) one user space unit is (/UserUnit).
    """

    rect: tuple[float, float, float, float]
    width: float
    height: float
    rotation: int
    points_per_unit: float

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        """The upper part of the form matrix under which the drawing is seen upright."""
        return _UPRIGHT[self.rotation]


NOWHERE: Final = Placement(rect=(0, 0, 0, 0), width=0, height=0, rotation=0, points_per_unit=1)
"""The placement of a field that nobody sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPage:
    """The part of a page that viewers show (its crop box), and how they turn it.

    area: left, bottom, right, top in the page's default user space.
    """

    area: tuple[float, float, float, float]
    rotation: int
    points_per_unit: float

    @property
    def units_per_mm(self) -> float:
        """How many user space units a millimetre is."""
        return UNITS_PER_INCH / MM_PER_INCH / self.points_per_unit

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height as people see them."""
        left, bottom, right, top = self.area
        sides = ((right - left) / self.units_per_mm, (top - bottom) / self.units_per_mm)
        return sides if self.rotation in (0, 180) else (sides[1], sides[0])

    def seen(self, rect: tuple[float, float, float, float]) -> Area:
        """Return where people see a rectangle of the page's default user space."""
        left, bottom, right, top = self.area
        x1, y1, x2, y2 = rect
        xs, ys = {
            0: ((x1 - left, x2 - left), (y1 - bottom, y2 - bottom)),
            90: ((y1 - bottom, y2 - bottom), (right - x1, right - x2)),
            180: ((right - x1, right - x2), (top - y1, top - y2)),
            270: ((top - y1, top - y2), (x1 - left, x2 - left)),
        }[self.rotation]
        scale = self.units_per_mm
        return Area(
            left=min(xs) / scale,
            bottom=min(ys) / scale,
            right=max(xs) / scale,
            top=max(ys) / scale,
        )


def shown_page(page: generic.DictionaryObject) -> ShownPage:
    """Return how viewers show a page. Raises DocumentMalformed where it has no area."""
    return ShownPage(
        area=shown_area(
            _numbers(_inherited(page, "/MediaBox")), _numbers(_inherited(page, "/CropBox"))
        ),
        rotation=_rotation(page),
        points_per_unit=_points_per_unit(page),
    )


def place(box: Box, handler: PdfHandler) -> Placement:
    """Find the rectangle of a box in a document. Raises PlacementInvalid when it has none."""
    return place_on(shown_page(page_of(handler, page_index(box, handler))), box)


def place_on(shown: ShownPage, box: Box) -> Placement:
    """Find the rectangle of a box on a page. Raises PlacementInvalid when it has none."""
    left, bottom, right, top = shown.area
    width_mm, height_mm = shown.size_mm
    scale = shown.units_per_mm
    x, y = box.left_mm * scale, box.bottom_mm * scale
    width, height = box.width_mm * scale, box.height_mm * scale
    if (
        x + width > width_mm * scale + _TOLERANCE_UNITS
        or y + height > height_mm * scale + _TOLERANCE_UNITS
    ):
        raise PlacementInvalid(
            f"the box reaches off the page, which is {width_mm:.0f} mm wide "
            f"and {height_mm:.0f} mm high"
        )
    rect = {
        0: (left + x, bottom + y, left + x + width, bottom + y + height),
        90: (right - y - height, bottom + x, right - y, bottom + x + width),
        180: (right - x - width, top - y - height, right - x, top - y),
        270: (left + y, top - x - width, left + y + height, top - x),
    }[shown.rotation]
    return Placement(
        rect=rect,
        width=width,
        height=height,
        rotation=shown.rotation,
        points_per_unit=shown.points_per_unit,
    )


def placement_of(annotation: generic.DictionaryObject) -> Placement | None:
    """Read the placement of a field that exists; None when it is invisible (no area)."""
    edges = _numbers(look_up(annotation, "/Rect"))
    if edges is None:
        return None
    if not edges[2] - edges[0] or not edges[3] - edges[1]:
        return None
    page = look_up(annotation, "/P")
    if not isinstance(page, generic.DictionaryObject):
        page = dictionary({})
    return placement_within(edges, rotation=_rotation(page), points_per_unit=_points_per_unit(page))


def placement_within(
    edges: tuple[float, float, float, float], *, rotation: int, points_per_unit: float
) -> Placement:
    """Return the placement that fills a rectangle, given by two opposite corners."""
    left, right = sorted((edges[0], edges[2]))
    bottom, top = sorted((edges[1], edges[3]))
    width, height = right - left, top - bottom
    if rotation in (90, 270):
        width, height = height, width
    return Placement(
        rect=(left, bottom, right, top),
        width=width,
        height=height,
        rotation=rotation,
        points_per_unit=points_per_unit,
    )


def page_index(box: Box, handler: PdfHandler) -> int:
    """Return the index of the box's page, from 0. Raises PlacementInvalid for no such page."""
    count = handler.root["/Pages"]["/Count"]
    if not isinstance(count, int) or not 1 <= abs(box.page) <= count:
        raise PlacementInvalid(f"the document has no page {box.page}, but {count} pages")
    return box.page - 1 if box.page > 0 else int(count) + box.page


def page_of(handler: PdfHandler, index: int) -> generic.DictionaryObject:
    """Return the page of that index, from 0. Raises DocumentMalformed where it is none."""
    reference, _ = handler.find_page_for_modification(index)  # type: ignore[no-untyped-call]
    page = reference.get_object()
    if not isinstance(page, generic.DictionaryObject):
        raise DocumentMalformed("a page is not a dictionary")
    return page


def _inherited(page: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """Return an attribute that a page may take from its ancestors (ISO 32000-2 §7.7.3.4)."""
    for node in _with_ancestors(page):
        value = look_up(node, key)
        if value is not None:
            return value
    return None


def _with_ancestors(page: generic.DictionaryObject) -> Iterator[generic.DictionaryObject]:
    node = page
    for _ in range(_MAX_TREE_DEPTH):
        yield node
        parent = look_up(node, "/Parent")
        if not isinstance(parent, generic.DictionaryObject):
            return
        node = parent
    raise DocumentMalformed("the page tree is too deep")


def shown_area(
    media: tuple[float, float, float, float] | None, crop: tuple[float, float, float, float] | None
) -> tuple[float, float, float, float]:
    """Return the crop box within the media box (ISO 32000-2 §14.11.2)."""
    media = media or _A4_UNITS
    crop = crop or media
    left = max(min(media[0], media[2]), min(crop[0], crop[2]))
    bottom = max(min(media[1], media[3]), min(crop[1], crop[3]))
    right = min(max(media[0], media[2]), max(crop[0], crop[2]))
    top = min(max(media[1], media[3]), max(crop[1], crop[3]))
    if right <= left or top <= bottom:
        raise DocumentMalformed("the page has no area")
    return left, bottom, right, top


def _rotation(page: generic.DictionaryObject) -> int:
    rotation = _inherited(page, "/Rotate")
    if rotation is None:
        return 0
    if not isinstance(rotation, int) or rotation % 90:
        raise DocumentMalformed("the page is rotated by no multiple of 90 degrees")
    return int(rotation) % 360


def _points_per_unit(page: generic.DictionaryObject) -> float:
    unit = look_up(page, "/UserUnit")
    if not isinstance(unit, generic.NumberObject | generic.FloatObject):
        return 1.0
    points = float(unit)
    return points if math.isfinite(points) and points > 0 else 1.0


def _numbers(value: generic.PdfObject | None) -> tuple[float, float, float, float] | None:
    if not isinstance(value, generic.ArrayObject) or len(value) != 4:
        return None
    first, second, third, fourth = (float(edge) for edge in value)
    return first, second, third, fourth
