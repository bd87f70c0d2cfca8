"""Official documents made on the fly: text anywhere on pages, as an office's template sets it."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from signer.pages.typeface import Typeface, typeface
from signer.pdf_values import array, dictionary, pdf_object

POINTS_PER_MM = 72 / 25.4
A4_MM = (210.0, 297.0)


@dataclass(frozen=True)
class Text:
    """A line: where its base line is, centred at x or beginning there."""

    x: float
    y: float
    text: str
    size: float = 14
    centred: bool = True

    @property
    def width_mm(self) -> float:
        return typeface().width(self.text) * self.size / POINTS_PER_MM


HEADING = (
    Text(64, 273, "ỦY BAN NHÂN DÂN", 13),
    Text(64, 268, "TỈNH THANH HÓA", 13),
    Text(144, 273, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12),
    Text(144, 267, "Độc lập - Tự do - Hạnh phúc", 13),
)
BLANKS = (
    Text(45, 259, "Số:", 13, centred=False),
    Text(63, 259, "/QĐ-UBND", 13, centred=False),
    Text(107, 259, "Thanh Hóa, ngày", 13, centred=False),
    Text(149, 259, "tháng", 13, centred=False),
    Text(167, 259, "năm 2026", 13, centred=False),
)


def block(
    name: str,
    *position: str,
    top: float = 90,
    room: float = 27,
    centre: float = 148,
    recipients: Sequence[str] = ("- Như trên;", "- Lưu: VT, VP."),
) -> tuple[Text, ...]:
    """Recipients on the left, the signer's position, room and name on the right."""
    step = 5.6
    lines = [Text(centre, top - step * index, line) for index, line in enumerate(position)]
    lines.append(Text(centre, lines[-1].y - room, name))
    lines.append(Text(30, top, "Nơi nhận:", 12, centred=False))
    lines += [
        Text(30, top - 5 * index, line, 11, centred=False)
        for index, line in enumerate(recipients, start=1)
    ]
    return tuple(lines)


def document(
    *pages: Sequence[Text],
    entries: str = "",
    told: Callable[[str], str] | None = None,
    turned: int = 0,
) -> bytes:
    """A document of A4 pages with these lines.

    entries: further entries of each page dictionary, as names and numbers in PDF. told: what
    extraction makes of a letter. turned: the pages lie so, and /Rotate sets them right.
    """
    writer = PdfFileWriter()  # type: ignore[no-untyped-call]
    face = typeface() if told is None else _telling(typeface(), told)
    font = face.embed(writer)
    width, height = (side * POINTS_PER_MM for side in A4_MM)
    if turned in (90, 270):
        width, height = height, width
    turn = {
        0: b"",
        90: b"0 1 -1 0 %.3f 0 cm\n" % width,
        180: b"-1 0 0 -1 %.3f %.3f cm\n" % (width, height),
        270: b"0 -1 1 0 0 %.3f cm\n" % height,
    }[turned]
    for lines in pages:
        content = turn + b"\n".join(_shown(line, face) for line in lines)
        page = PageObject(  # type: ignore[no-untyped-call]
            contents=writer.add_object(generic.StreamObject(stream_data=content)),
            media_box=(0, 0, width, height),
            resources=dictionary({"/Font": {"/F1": font}}),
        )
        turning = {"/Rotate": pdf_object(turned)} if turned else {}
        for key, value in (_entries(entries) | turning).items():
            page[generic.NameObject(key)] = value
        writer.insert_page(page)  # type: ignore[no-untyped-call]
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def scanned(source: bytes, *, dots_per_inch: int = 200) -> bytes:
    """The document as a scanner makes it: a picture on each page, and no text."""
    writer = PdfFileWriter()  # type: ignore[no-untyped-call]
    with pypdfium2.PdfDocument(source) as opened:
        for page in opened:
            width, height = page.get_size()
            shown = page.render(scale=dots_per_inch / 72).to_pil().convert("RGB")
            jpeg = BytesIO()
            shown.save(jpeg, "JPEG", quality=70)
            picture = generic.StreamObject(
                dictionary(
                    {
                        "/Type": "/XObject",
                        "/Subtype": "/Image",
                        "/Width": shown.width,
                        "/Height": shown.height,
                        "/ColorSpace": "/DeviceRGB",
                        "/BitsPerComponent": 8,
                        "/Filter": "/DCTDecode",
                    }
                ),
                encoded_data=jpeg.getvalue(),
            )
            content = b"q %.2f 0 0 %.2f 0 0 cm /Im1 Do Q" % (width, height)
            made = PageObject(  # type: ignore[no-untyped-call]
                contents=writer.add_object(generic.StreamObject(stream_data=content)),
                media_box=(0, 0, width, height),
                resources=dictionary({"/XObject": {"/Im1": writer.add_object(picture)}}),
            )
            writer.insert_page(made)  # type: ignore[no-untyped-call]
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def decomposed(letter: str) -> str:
    """The letter taken apart: Unicode NFD."""
    return unicodedata.normalize("NFD", letter)


def _shown(line: Text, face: Typeface) -> bytes:
    left = line.x - line.width_mm / 2 if line.centred else line.x
    return b"BT /F1 %.2f Tf %.3f %.3f Td %b Tj ET" % (
        line.size,
        left * POINTS_PER_MM,
        line.y * POINTS_PER_MM,
        face.encode(line.text),
    )


def _entries(text: str) -> dict[str, generic.PdfObject]:
    """Read "/Rotate 90" or "/CropBox [0 0 1 1]"."""
    if not text:
        return {}
    key, _, value = text.partition(" ")
    numbers = [float(part) if "." in part else int(part) for part in value.strip("[]").split()]
    if value.startswith("["):
        return {key: array(numbers)}
    return dict(dictionary({key: numbers[0]}))


def _telling(face: Typeface, told: Callable[[str], str]) -> Typeface:
    """The typeface with another map from its letters to the text that is extracted."""
    codes = sorted(face.widths)
    apart = [f"<{code:04x}> <{told(chr(code)).encode('utf-16-be').hex()}>" for code in codes]
    chunks = [apart[start : start + 100] for start in range(0, len(apart), 100)]
    body = "\n".join(
        f"{len(chunk)} beginbfchar\n" + "\n".join(chunk) + "\nendbfchar" for chunk in chunks
    )
    cmap = zlib.decompress(face.unicode_map).decode("ascii")
    start, end = cmap.index("endcodespacerange") + 18, cmap.index("endcmap")
    changed = cmap[:start] + body + "\n" + cmap[end:]
    return replace(face, unicode_map=zlib.compress(changed.encode("ascii")))
