"""Where a signature is seen in a document of the plain kind: on a page, or in a field (pure).

The numbers are read here; what is made of them is `signer.pages.placement`'s business.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from signer.fastlane.tokens import Entries, NotPlain, Real, reference_of
from signer.pages.placement import ShownPage, place_on, placement_within, shown_area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signer.fastlane.reading import PlainDocument
    from signer.pages.appearance import Box
    from signer.pages.placement import Placement

MAX_TREE_DEPTH: Final = 16
"""Levels of the page tree above a page."""
_LEAST_UNITS: Final = 1.001
"""The least height, with what rounding may take of it: the engine divides by its whole units."""
_NUMBER: Final = rb"-?\d{1,12}(?:\.\d{1,15})?"
_RECT: Final = re.compile(rb"\[ (%b) (%b) (%b) (%b) \]" % ((_NUMBER,) * 4))
_UNIT: Final = re.compile(_NUMBER)
_ROTATION: Final = re.compile(rb"-?\d{1,9}")


def placement_in_field(document: PlainDocument, field: Entries) -> Placement | None:
    """Return where an existing field is seen, None where it is not."""
    rect = _RECT.fullmatch(field.get(b"/Rect", b""))
    if rect is None:
        raise NotPlain("no rectangle of four numbers")
    edges = [edge.decode("ascii") for edge in rect.groups()]
    width, height = (abs(Decimal(edges[at]) - Decimal(edges[at + 2])) for at in (0, 1))
    if width and 0 < height < 1:
        raise NotPlain("a field that is hardly seen")
    left, bottom, right, top = map(float, edges)
    if left == right or bottom == top:
        return None
    if b"/P" in field:
        page = document.entries(reference_of(field[b"/P"]))
        rotation, unit = _rotation(_inherited(document, page, keys=(b"/Rotate",))), _unit(page)
    else:
        rotation, unit = 0, 1.0
    return placement_within((left, bottom, right, top), rotation=rotation, points_per_unit=unit)


def placement_on_page(document: PlainDocument, page: Entries, *, box: Box) -> Placement:
    """Return where a box lies on the first page. Raises PlacementInvalid where it reaches off."""
    if box.page != 1:
        raise NotPlain("another page than the first")
    found = _inherited(document, page, keys=(b"/MediaBox", b"/CropBox", b"/Rotate"))
    shown = ShownPage(
        area=shown_area(_edges(found, b"/MediaBox"), _edges(found, b"/CropBox")),
        rotation=_rotation(found),
        points_per_unit=_unit(page),
    )
    placement = place_on(shown, box)
    if placement.rect[3] - placement.rect[1] < _LEAST_UNITS:
        raise NotPlain("a field that is hardly seen")
    return placement


def _inherited(document: PlainDocument, page: Entries, *, keys: tuple[bytes, ...]) -> Entries:
    """Return what a page has of these, or takes from its ancestors (ISO 32000-2 §7.7.3.4)."""
    found = Entries()
    for node in _with_ancestors(document, page):
        for key in keys:
            if key in node:
                found.setdefault(key, node[key])
        if len(found) == len(keys):
            break
    return found


def _with_ancestors(document: PlainDocument, page: Entries) -> Iterator[Entries]:
    node = page
    for _ in range(MAX_TREE_DEPTH):
        yield node
        if b"/Parent" not in node:
            return
        node = document.entries(reference_of(node[b"/Parent"]))
    raise NotPlain("a deep page tree")


def _rotation(found: Entries) -> int:
    rotation = found.get(b"/Rotate", b"0")
    if isinstance(rotation, Real) or _ROTATION.fullmatch(rotation) is None or int(rotation) % 90:
        raise NotPlain("a page that is turned in an unusual way")
    return int(rotation) % 360


def _edges(found: Entries, key: bytes) -> tuple[float, float, float, float] | None:
    if key not in found:
        return None
    rect = _RECT.fullmatch(found[key])
    if rect is None:
        raise NotPlain("no rectangle of four numbers")
    left, bottom, right, top = map(float, rect.groups())
    return left, bottom, right, top


def _unit(page: Entries) -> float:
    written = page.get(b"/UserUnit", b"1")
    if _UNIT.fullmatch(written) is None or float(written) <= 0:
        raise NotPlain("an unusual unit")
    return float(written)
