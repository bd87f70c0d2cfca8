"""Pictures of a document's pages as each of its revisions shows them; for sandbox processes only.

PDFium is not safe in threads and reads what strangers made: `Sandbox.run` calls `draw_revisions`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from signer.pages.placement import MM_PER_INCH, UNITS_PER_INCH

if TYPE_CHECKING:
    from pathlib import Path

    import pypdfium2  # type: ignore[import-untyped]
    from PIL import Image

MAX_REVISIONS_DRAWN: Final = 30
"""Revisions that get a picture: the first one and the last ones."""
MAX_PICTURES_OF_REVISION: Final = 2
MAX_PAGES_COMPARED: Final = 60
"""Pages of one revision that are compared with the one before: as many from either end."""
MAX_DRAWINGS: Final = 400
"""Pages drawn for comparing, over all revisions."""
PICTURE_PIXELS: Final = 800
"""The longer side of a page of A4 is this many pixels times 1.41: 96 dots to the inch."""
COMPARED_PIXELS: Final = 500
_A4_RATIO: Final = 1.415
_MAX_SIDE_MM: Final = 5_000
_PALETTE: Final = 64
_MAX_PNG_BYTES: Final = 120_000
"""Above this a page is a photograph, for which JPEG is made."""
_JPEG_QUALITY: Final = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture:
    """A picture of one page; data: PNG or JPEG, as media_type says."""

    page: int
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionPictures:
    """What a revision's pages look like.

    changed: pages that look other than in the revision before; compared: how many were looked at.
    pictures: of the first changed pages, else of page 1; none where the revision can't be drawn.
    """

    number: int
    page_count: int = 0
    compared: int = 0
    changed: tuple[int, ...] = ()
    pictures: tuple[PagePicture, ...] = ()


def draw_revisions(
    document: bytes | Path, *, ends: tuple[int, ...], compare: bool = True
) -> tuple[RevisionPictures, ...]:
    """Draw pages of the revisions that end at these offsets; the first, and the last ones.

    compare: whether to look for the pages that changed; without, page 1 is drawn of each.
    """
    content = document if isinstance(document, bytes) else document.read_bytes()
    numbered = list(enumerate(ends, start=1))
    chosen = numbered[:1] + numbered[1:][-(MAX_REVISIONS_DRAWN - 1) :]
    drawn: list[RevisionPictures] = []
    before = _Looks(page_count=0, digests={})
    left = MAX_DRAWINGS if compare else 0
    for number, end in chosen:
        if drawn and drawn[-1].number != number - 1:
            before = _Looks(page_count=0, digests={})
        revision, before = _draw(content[:end], number=number, before=before, left=left)
        left -= len(before.digests)
        drawn.append(revision)
    return tuple(drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looks:
    """How pages of a revision look, by their index: pages that look the same have one digest."""

    page_count: int
    digests: dict[int, bytes]


def _draw(
    content: bytes, *, number: int, before: _Looks, left: int
) -> tuple[RevisionPictures, _Looks]:
    """Draw one revision; give with it how its pages look, to compare the next one with."""
    # Loaded here: only sandbox processes load PDFium.
    import pypdfium2  # noqa: PLC0415

    try:
        with pypdfium2.PdfDocument(content) as opened:
            opened.init_forms()
            count = len(opened)
            looks = {
                index: _look(opened[index])
                for index in _from_both_ends(count, at_most=min(MAX_PAGES_COMPARED, left))
            }
            known = before.digests
            added = range(before.page_count, count) if known else range(0)
            compared = [index for index in looks if index in known or index in added]
            changed = [index for index in compared if known.get(index) != looks[index]]
            shown = changed[:MAX_PICTURES_OF_REVISION] or ([0] if count else [])
            pictures = tuple(_picture(opened[index], index=index) for index in shown)
    except (pypdfium2.PdfiumError, ValueError, OSError):
        return RevisionPictures(number=number), _Looks(page_count=0, digests={})
    revision = RevisionPictures(
        number=number,
        page_count=count,
        compared=len(compared),
        changed=tuple(index + 1 for index in changed),
        pictures=pictures,
    )
    return revision, _Looks(page_count=count, digests=looks)


def _from_both_ends(count: int, *, at_most: int) -> list[int]:
    if count <= at_most:
        return list(range(count))
    first = (at_most + 1) // 2
    return [*range(first), *range(count - (at_most - first), count)]


def _look(page: pypdfium2.PdfPage) -> bytes:
    """Return a digest of how the page looks, the same for pages that look the same."""
    picture = _rendered(page, pixels=COMPARED_PIXELS)
    return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()


def _picture(page: pypdfium2.PdfPage, *, index: int) -> PagePicture:
    picture = _rendered(page, pixels=PICTURE_PIXELS)
    out = BytesIO()
    picture.quantize(_PALETTE).save(out, "PNG", compress_level=9)
    if out.tell() <= _MAX_PNG_BYTES:
        return PagePicture(page=index + 1, media_type="image/png", data=out.getvalue())
    out = BytesIO()
    picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    return PagePicture(page=index + 1, media_type="image/jpeg", data=out.getvalue())


def _rendered(page: pypdfium2.PdfPage, *, pixels: int) -> Image.Image:
    """Draw the page so that its area has the pixels of an A4 page that is `pixels` wide."""
    width, height = page.get_size()
    largest = _MAX_SIDE_MM * UNITS_PER_INCH / MM_PER_INCH
    if not (0 < width < largest and 0 < height < largest):
        raise ValueError("a page of this size is not drawn")
    scale = (pixels * pixels * _A4_RATIO / (width * height)) ** 0.5
    if max(width, height) * scale > pixels * 20:
        raise ValueError("a page of this shape is not drawn")
    picture: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
    return picture
