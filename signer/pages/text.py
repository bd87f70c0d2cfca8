"""Reading where words, fields and ink lie on a document's pages; for sandbox processes only.

PDFium is not safe in threads and reads what strangers made: `Sandbox.read_pages` calls this.
"""

from __future__ import annotations

import ctypes
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Final

from PIL import ImageChops
from pyhanko.pdf_utils import generic

from signer.creation.opening import document_errors, open_for_update
from signer.document import admit
from signer.limits import DEFAULT, DocumentLimits
from signer.pages.facts import Area, DocumentFacts, FieldKind, Ink, PageFacts, SeenField, Word
from signer.pages.placement import MM_PER_INCH, UNITS_PER_INCH, page_of, shown_page
from signer.pages.text_lines import folded
from signer.pdf_values import look_up
from signer.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pypdfium2  # type: ignore[import-untyped]
    from PIL import Image
    from pyhanko.pdf_utils.rw_common import PdfHandler

    from signer.pages.placement import ShownPage

MAX_PAGES_SEARCHED: Final = 200
"""Pages whose text is looked through: as many from the front as from the back."""
MAX_PAGES_READ: Final = 12
"""Pages whose words are placed: the first, and the last ones that matter."""
MAX_CHARACTERS: Final = 100_000
"""Characters of one page that are read; a page of NĐ 30/2020 has about 3 000."""
MAX_FIELDS: Final = 500
"""Annotations of one page that are looked at."""
CELLS_PER_MM: Final = 2
MAX_SIDE_MM: Final = 1200.0
"""Pages larger than A0 are not drawn."""
DARK: Final = 180
"""Grey below which a cell counts as dark, of 255: paler are watermarks and paper."""
SIGNERS_MARKS: Final = ("nơi nhận", "chủ tịch", "giám đốc", "tm.", "kt.", "tl.", "tuq.")
"""What names the pages that may hold a signer's block, beside the signer's name."""
_MAX_DEPTH: Final = 32
_UNSEEN: Final = frozenset("\ufffe\u0002\x00")
"""What PDFium tells of hyphens at the end of a line, and of codes without a letter."""
_GAP_OF_A_WORD: Final = 0.25
"""A gap this wide, in heights of the letters, parts words that no space parts."""


def read_pages(
    document: bytes, *, names: tuple[str, ...] = (), limits: DocumentLimits = DEFAULT
) -> DocumentFacts:
    """Return what lies where on the first page, the last, and those that may name a signer.

    names: what else makes a page matter, such as the signer's name. Raises DocumentRefused.
    """
    # Loaded here: who asks a sandbox need not load PDFium itself.
    import pypdfium2  # noqa: PLC0415

    admit(document, limits)
    with document_errors():
        reader = open_for_update(Source.of_bytes(document))
        with pypdfium2.PdfDocument(document) as opened:
            opened.init_forms()
            marks = tuple(folded(mark) for mark in (*SIGNERS_MARKS, *names))
            count = len(opened)
            numbers = _pages_that_matter(opened, reader, marks=marks)
            pages = tuple(_page(opened, reader, index=index) for index in numbers)
            return DocumentFacts(page_count=count, pages=pages)


def _pages_that_matter(
    opened: pypdfium2.PdfDocument, reader: PdfHandler, *, marks: tuple[str, ...]
) -> list[int]:
    count = len(opened)
    half = MAX_PAGES_SEARCHED // 2
    searched = [i for i in range(count) if i < half or i >= count - half]
    inner = [
        index
        for index in searched
        if 0 < index < count - 1
        and (_mentions(opened[index], marks) or _has_fields(page_of(reader, index)))
    ]
    last = [count - 1] if count > 1 else []
    return [0, *inner[-(MAX_PAGES_READ - 2) :], *last]


def _has_fields(page: generic.DictionaryObject) -> bool:
    return next(_widgets(page), None) is not None


def _mentions(page: pypdfium2.PdfPage, marks: tuple[str, ...]) -> bool:
    text = page.get_textpage()
    wanted = min(text.count_chars(), MAX_CHARACTERS)
    found = folded(text.get_text_range(0, wanted)) if wanted else ""
    return any(mark in found for mark in marks)


def _page(opened: pypdfium2.PdfDocument, reader: PdfHandler, *, index: int) -> PageFacts:
    source = page_of(reader, index)
    shown = shown_page(source)
    width_mm, height_mm = shown.size_mm
    page = opened[index]
    fields = tuple(_fields(source, shown))
    small = max(width_mm, height_mm) <= MAX_SIDE_MM
    blank = _grey(page, shown, forms=False) if small else None
    if blank is not None and any(field.filled for field in fields):
        fields = _with_what_is_drawn(fields, blank=blank, full=_grey(page, shown, forms=True))
    return PageFacts(
        number=index + 1,
        width_mm=width_mm,
        height_mm=height_mm,
        words=tuple(_words(page, shown)),
        fields=fields,
        ink=None if blank is None else _ink(blank),
    )


def _words(page: pypdfium2.PdfPage, shown: ShownPage) -> Iterator[Word]:
    """Yield the runs of characters that nothing parts, where they are seen."""
    letters: list[str] = []
    areas: list[Area] = []
    for letter, area in _characters(page, shown):
        parted = area is None or (bool(areas) and not _follows(areas[-1], area))
        if parted and letters:
            yield _word(letters, areas)
            letters, areas = [], []
        if area is not None:
            letters.append(letter)
            areas.append(area)
    if letters:
        yield _word(letters, areas)


def _word(letters: list[str], areas: list[Area]) -> Word:
    return Word(text=unicodedata.normalize("NFC", "".join(letters)), area=Area.around(areas))


def _follows(before: Area, after: Area) -> bool:
    """Whether a character stands close behind another, or over it as a combining mark does."""
    height = max(before.height, after.height)
    close = -height < after.left - before.right < _GAP_OF_A_WORD * height
    return close and abs(before.middle - after.middle) < height / 2


def _characters(page: pypdfium2.PdfPage, shown: ShownPage) -> Iterator[tuple[str, Area | None]]:
    """Yield each character with its area; None for what parts words, and for what is not seen."""
    from pypdfium2 import raw as pdfium  # noqa: PLC0415

    text = page.get_textpage()
    width_mm, height_mm = shown.size_mm
    rect = pdfium.FS_RECTF()
    for index in range(min(text.count_chars(), MAX_CHARACTERS)):
        code = pdfium.FPDFText_GetUnicode(text, index)
        letter = chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
        parts = letter.isspace() or letter in _UNSEEN
        if parts or not pdfium.FPDFText_GetLooseCharBox(text, index, ctypes.byref(rect)):
            yield letter, None
            continue
        area = shown.seen((rect.left, rect.bottom, rect.right, rect.top))
        off = area.right < 0 or area.top < 0 or area.left > width_mm or area.bottom > height_mm
        yield letter, None if off else area


def _grey(page: pypdfium2.PdfPage, shown: ShownPage, *, forms: bool) -> Image.Image:
    """Draw the page, with or without its annotations, two cells to the millimetre."""
    return page.render(  # type: ignore[no-any-return]
        scale=_cells_per_unit(shown), grayscale=True, may_draw_forms=forms, draw_annots=forms
    ).to_pil()


def _cells_per_unit(shown: ShownPage) -> float:
    # PDFium takes a user space unit for a point, whatever /UserUnit says.
    return CELLS_PER_MM * MM_PER_INCH / UNITS_PER_INCH * shown.points_per_unit


def _ink(grey: Image.Image) -> Ink:
    levels = grey.tobytes()
    width = grey.width
    return Ink(
        cell_mm=1 / CELLS_PER_MM,
        columns=width,
        rows=tuple(
            _bits(levels[start : start + width]) for start in range(0, width * grey.height, width)
        ),
    )


_DARK_DIGITS: Final = bytes(b"1"[0] if level < DARK else b"0"[0] for level in range(256))


def _bits(row: bytes) -> int:
    return int(row.translate(_DARK_DIGITS)[::-1] or b"0", 2)


def _with_what_is_drawn(
    fields: tuple[SeenField, ...], *, blank: Image.Image, full: Image.Image
) -> tuple[SeenField, ...]:
    """Add to each filled field what of it is seen: where the page differs with annotations."""
    changed = ImageChops.difference(blank, full).point([0] * 16 + [255] * 240)
    return tuple(_drawn(field, changed) if field.filled else field for field in fields)


def _drawn(field: SeenField, changed: Image.Image) -> SeenField:
    height = changed.height / CELLS_PER_MM
    place = field.area
    left, upper = round(place.left * CELLS_PER_MM), round((height - place.top) * CELLS_PER_MM)
    right, lower = (
        round(place.right * CELLS_PER_MM),
        round((height - place.bottom) * CELLS_PER_MM),
    )
    found = changed.crop((left, upper, right, lower)).getbbox() if right > left else None
    if found is None:
        return field
    drawn = Area(
        left=(left + found[0]) / CELLS_PER_MM,
        bottom=height - (upper + found[3]) / CELLS_PER_MM,
        right=(left + found[2]) / CELLS_PER_MM,
        top=height - (upper + found[1]) / CELLS_PER_MM,
    )
    return SeenField(
        name=field.name, kind=field.kind, filled=field.filled, area=field.area, drawn=drawn
    )


def _fields(page: generic.DictionaryObject, shown: ShownPage) -> Iterator[SeenField]:
    """Yield the form fields of a page that have an area."""
    for widget in _widgets(page):
        edges = look_up(widget, "/Rect")
        if isinstance(edges, generic.ArrayObject) and len(edges) == 4:
            first, second, third, fourth = (float(edge) for edge in edges)
            area = shown.seen((first, second, third, fourth))
            if area.width > 0 and area.height > 0:
                yield _field(widget, area)


def _widgets(page: generic.DictionaryObject) -> Iterator[generic.DictionaryObject]:
    """Yield the form fields' annotations (ISO 32000-2 §12.5.6.19)."""
    annotations = look_up(page, "/Annots")
    for entry in (
        islice(annotations, MAX_FIELDS) if isinstance(annotations, generic.ArrayObject) else ()
    ):
        annotation = entry.get_object()
        if isinstance(annotation, generic.DictionaryObject) and (
            str(look_up(annotation, "/Subtype")) == "/Widget"
        ):
            yield annotation


def _field(annotation: generic.DictionaryObject, area: Area) -> SeenField:
    chain = tuple(_with_parents(annotation))
    kinds = {"/Sig": FieldKind.SIGNATURE, "/Tx": FieldKind.TEXT}
    named = [str(look_up(node, "/T")) for node in reversed(chain) if look_up(node, "/T")]
    types = [found for node in chain if (found := look_up(node, "/FT")) is not None]
    values = [found for node in chain if (found := look_up(node, "/V")) is not None]
    return SeenField(
        name=".".join(named),
        kind=kinds.get(str(types[0]), FieldKind.OTHER) if types else FieldKind.OTHER,
        filled=bool(values) and values[0] not in (generic.TextStringObject(""), b""),
        area=area,
    )


def _with_parents(node: generic.DictionaryObject) -> Iterator[generic.DictionaryObject]:
    for _ in range(_MAX_DEPTH):
        yield node
        parent = look_up(node, "/Parent")
        if not isinstance(parent, generic.DictionaryObject):
            return
        node = parent
