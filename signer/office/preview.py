"""How a page will look once it is signed: drawn with the real appearance, with warnings."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import get_single_field_annot

from signer import limits as limits_module
from signer.creation.opening import document_errors, open_for_update
from signer.creation.target_field import choose_field
from signer.errors import FieldUnusable, PlacementInvalid
from signer.office.pictures import picture_facts
from signer.office.warnings import LookWarning, picture_warnings, place_warnings
from signer.pages.appearance import check_appearance
from signer.pages.drawing import draw
from signer.pages.facts import Area, PageFacts
from signer.pages.placement import (
    MM_PER_INCH,
    UNITS_PER_INCH,
    page_index,
    page_of,
    place,
    placement_of,
    shown_page,
)
from signer.pages.text import read_pages
from signer.pdf_values import dictionary, look_up
from signer.source import Source

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    from signer.office.pictures import PictureFacts
    from signer.office.roles import OfficeSigning
    from signer.pages.appearance import Appearance
    from signer.pages.facts import DocumentFacts
    from signer.pages.placement import Placement, ShownPage
    from signer.sandbox.pool import Sandbox

PIXELS_PER_MM: Final = 4
MAX_PIXELS: Final = 20_000_000
"""Larger pages are drawn coarser."""
_OUTLINE: Final = (230, 120, 0)
_PRINTED: Final = 4
"""Annotation flags: printed (ISO 32000-2 Table 167)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A picture (PNG) of the page with the signature's look in an orange box, and warnings."""

    png: bytes
    page: int
    warnings: tuple[LookWarning, ...]


async def preview(
    document: bytes,
    *,
    appearance: Appearance,
    sandbox: Sandbox,
    field_name: str | None = None,
    signing: OfficeSigning | None = None,
) -> Preview:
    """Draw the page as it will look, in a sandbox process.

    field_name: of an existing field that gives the place where the appearance has no box.
    signing: what the signature is for; without it only the page's edge and text are minded.
    Raises DocumentRefused, SigningRefused or SandboxFailed.
    """
    check_appearance(appearance, limits_module.DEFAULT)
    return await sandbox.run(
        draw_preview, document, appearance=appearance, field_name=field_name, signing=signing
    )


def draw_preview(
    document: bytes,
    *,
    appearance: Appearance,
    field_name: str | None = None,
    signing: OfficeSigning | None = None,
) -> Preview:
    """Draw the page as it will look; for sandbox processes only (see `preview`)."""
    names = (signing.signer,) if signing is not None and signing.signer else ()
    facts = read_pages(document, names=names)
    with document_errors():
        writer = open_for_update(Source.of_bytes(document))
        spot = _spot(writer, appearance, field_name=field_name)
        if spot.placement is not None:
            _add(writer, appearance, spot=spot)
        out = BytesIO()
        writer.write(out)  # type: ignore[no-untyped-call]
        return Preview(
            png=_drawn(out.getvalue(), spot),
            page=spot.index + 1,
            warnings=_warnings(facts, appearance, signing=signing, spot=spot),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where it goes: the page's index, the area there; no placement where it reaches off the page.

    field_name: of the existing field that gives the place, empty for a box.
    """

    index: int
    page: ShownPage
    area: Area
    placement: Placement | None
    field_name: str


def _spot(
    writer: IncrementalPdfFileWriter, appearance: Appearance, *, field_name: str | None
) -> _Spot:
    if appearance.box is None:
        return _spot_of_field(writer, field_name)
    index = page_index(appearance.box, writer)
    try:
        placement: Placement | None = place(appearance.box, writer)
    except PlacementInvalid:
        placement = None
    return _Spot(
        index=index,
        page=shown_page(page_of(writer, index)),
        area=Area.of_box(appearance.box),
        placement=placement,
        field_name="",
    )


def _spot_of_field(writer: IncrementalPdfFileWriter, field_name: str | None) -> _Spot:
    target = choose_field(writer.prev, field_name)
    if target.existing is None:
        raise PlacementInvalid("a new field needs a box")
    annotation = get_single_field_annot(target.existing)
    placement = placement_of(annotation)
    if placement is None:
        raise PlacementInvalid(f"the field {target.name} is invisible")
    index = _index_of(annotation, writer)
    page = shown_page(page_of(writer, index))
    return _Spot(
        index=index,
        page=page,
        area=page.seen(placement.rect),
        placement=placement,
        field_name=target.name,
    )


def _index_of(annotation: generic.DictionaryObject, writer: IncrementalPdfFileWriter) -> int:
    """Return the index of the page that shows an annotation."""
    for index in range(int(writer.root["/Pages"]["/Count"])):
        annotations = look_up(page_of(writer, index), "/Annots")
        if isinstance(annotations, generic.ArrayObject) and any(
            entry.get_object() is annotation for entry in annotations
        ):
            return index
    raise FieldUnusable("no page shows the field")


def _add(writer: IncrementalPdfFileWriter, appearance: Appearance, *, spot: _Spot) -> None:
    """Put the look on the page as an annotation that no form knows."""
    if spot.placement is None:
        return
    page, _ = writer.find_page_for_modification(spot.index)  # type: ignore[no-untyped-call]
    stamp = dictionary(
        {
            "/Type": "/Annot",
            "/Subtype": "/Stamp",
            "/F": _PRINTED,
            "/Rect": spot.placement.rect,
            "/AP": draw(appearance, spot.placement, writer=writer),
        }
    )
    writer.register_annotation(page, writer.add_object(stamp))  # type: ignore[no-untyped-call]


def _drawn(document: bytes, spot: _Spot) -> bytes:
    """Return the page with its annotations and the outline of the place, as a PNG."""
    # Loaded here: only sandbox processes load PDFium.
    import pypdfium2  # type: ignore[import-untyped] # noqa: PLC0415

    width_mm, height_mm = spot.page.size_mm
    per_mm = min(PIXELS_PER_MM, (MAX_PIXELS / (width_mm * height_mm)) ** 0.5)
    # PDFium takes a user space unit for a point, whatever /UserUnit says.
    scale = per_mm * MM_PER_INCH / UNITS_PER_INCH * spot.page.points_per_unit
    with pypdfium2.PdfDocument(document) as opened:
        opened.init_forms()
        picture: Image.Image = opened[spot.index].render(scale=scale).to_pil().convert("RGB")
    area = spot.area
    outline = (
        round(area.left * per_mm) - 1,
        round((height_mm - area.top) * per_mm) - 1,
        round(area.right * per_mm) + 1,
        round((height_mm - area.bottom) * per_mm) + 1,
    )
    ImageDraw.Draw(picture).rectangle(outline, outline=_OUTLINE, width=2)
    out = BytesIO()
    picture.save(out, "PNG", dpi=(per_mm * MM_PER_INCH, per_mm * MM_PER_INCH))
    return out.getvalue()


def _warnings(
    facts: DocumentFacts, appearance: Appearance, *, signing: OfficeSigning | None, spot: _Spot
) -> tuple[LookWarning, ...]:
    width_mm, height_mm = spot.page.size_mm
    bare = PageFacts(number=spot.index + 1, width_mm=width_mm, height_mm=height_mm)
    page = facts.page(spot.index + 1) or bare
    looked_at = None if appearance.picture is None else picture_facts(appearance.picture)
    shown = (
        spot.area
        if looked_at is None or appearance.lines
        else _fitted(spot.area, appearance, picture=looked_at)
    )
    role = None if signing is None else signing.role
    found = () if looked_at is None else picture_warnings(looked_at, role)
    return found + place_warnings(facts, signing, page=page, shown=shown, own_field=spot.field_name)


def _fitted(area: Area, appearance: Appearance, *, picture: PictureFacts) -> Area:
    """Return what the picture fills of an area: it keeps its proportions, in the middle."""
    scale = appearance.picture_scale(
        (picture.width, picture.height), room_mm=(area.width, area.height)
    )
    width, height = picture.width * scale, picture.height * scale
    return Area(
        left=area.centre - width / 2,
        bottom=area.middle - height / 2,
        right=area.centre + width / 2,
        top=area.middle + height / 2,
    )
