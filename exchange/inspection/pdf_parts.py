"""The parts that the PDF sheet is set from: paragraphs, tables of facts, marks, pictures."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepTogether,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from exchange.inspection import sheet as sheets
from exchange.inspection.pdf_typeface import BOLD, REGULAR, printable_letters
from exchange.inspection.words import Code, Said, Value, Words, shortened
from signer.verdicts import Verdict

WIDTH: Final = 175 * mm
"""Of the text on an A4 page: margins of 20 and 15 mm, as NĐ 30/2020 Appendix I has them."""
INK: Final = HexColor("#1a1a1a")
SOFT: Final = HexColor("#4d4d4d")
LINE: Final = HexColor("#b8b8b8")
BAND: Final = HexColor("#f3f4f6")
ALARM: Final = HexColor("#a3141b")
GROUND_ALARM: Final = HexColor("#fdecec")
COLOURS: Final = {
    Verdict.VALID: (HexColor("#12652f"), HexColor("#f1faf3")),
    Verdict.INVALID: (HexColor("#a3141b"), HexColor("#fdf2f2")),
    Verdict.UNREADABLE: (HexColor("#a3141b"), HexColor("#fdf2f2")),
    Verdict.INDETERMINATE: (HexColor("#7a4b00"), HexColor("#fff8ea")),
    Verdict.UNSIGNED: (HexColor("#3d4450"), HexColor("#f3f4f6")),
}
_PICTURE_WIDTH: Final = 82 * mm
_PICTURE_HEIGHT: Final = 112 * mm
_BESIDE: Final = 68 * mm
_LABEL_SHARE: Final = 0.3
_ROOM_BELOW_HEADING: Final = 32 * mm
_LINE_CHARACTERS: Final = 20
_CELL_CHARACTERS: Final = 900
_NAME_CHARACTERS: Final = 500
"""What one cell takes, a wide one and a narrow one, so that no row outgrows a page."""
_ILLUSTRATED_HEIGHT: Final = 150 * mm
"""Facts higher than this don't stand beside a picture."""


@cache
def style(name: str) -> ParagraphStyle:
    """Return one of the sheet's styles of text."""
    common: dict[str, Any] = {
        "fontName": REGULAR,
        "bulletFontName": REGULAR,
        "textColor": INK,
        "splitLongWords": 1,
        "allowWidows": 0,
    }
    made: dict[str, dict[str, Any]] = {
        "text": {"fontSize": 10.5, "leading": 13.5},
        "fact": {"fontSize": 9.5, "leading": 12},
        "small": {"fontSize": 9, "leading": 11.5},
        "title": {"fontName": BOLD, "fontSize": 17, "leading": 21, "alignment": TA_CENTER},
        "title_left": {"fontName": REGULAR, "fontSize": 17, "leading": 23},
        "centred": {"fontSize": 10.5, "leading": 13.5, "alignment": TA_CENTER, "textColor": SOFT},
        "alarm": {"fontSize": 10, "leading": 13, "alignment": TA_CENTER, "textColor": ALARM},
        "h2": {"fontName": BOLD, "fontSize": 13, "leading": 16, "spaceBefore": 14, "spaceAfter": 4},
        "h3": {
            "fontName": BOLD,
            "fontSize": 11.5,
            "leading": 14.5,
            "spaceBefore": 8,
            "spaceAfter": 3,
        },
        "h4": {"fontName": BOLD, "fontSize": 10, "leading": 13, "spaceBefore": 5, "spaceAfter": 3},
        "bullet": {
            "fontSize": 10,
            "leading": 13,
            "leftIndent": 12,
            "bulletIndent": 2,
            "spaceBefore": 2,
        },
    }
    return ParagraphStyle(name, **{**common, **made[name]})


def plain(text: str) -> str:
    """Give a text for a paragraph: no markup in it counts, no letter is missing."""
    return escape(printable_letters(text))


def english(text: str, *, size: float = 9) -> str:
    """Give English words as they stand beside the Vietnamese."""
    return f'<font size="{size}" color="#4d4d4d">{plain(text)}</font>'


def both(words: Words, *, glue: str = "<br/>", bold: bool = False, size: float = 9) -> str:
    """Give words in both languages, Vietnamese first."""
    vietnamese = f'<font name="{BOLD}">{plain(words.vi)}</font>' if bold else plain(words.vi)
    # Headings are bold by their style, the English in them never.
    return f'{vietnamese}{glue}<font name="{REGULAR}">{english(words.en, size=size)}</font>'


def text(value: Value, *, glue: str = " · ") -> str:
    """Give a value as the markup of a paragraph."""
    match value:
        case Words():
            return both(value, glue=glue)
        case Said() | Code():
            return plain(value.text)


def paragraph(value: Value, name: str = "text", *, glue: str = "<br/>") -> Paragraph:
    """Set a value as a paragraph of its own."""
    return Paragraph(text(value, glue=glue), style(name))


def heading(words: Words, level: int) -> list[Flowable]:
    """Set a heading: 2 for sections, 3 within them, 4 above tables; never at the foot of a page."""
    return [room_below(), Paragraph(both(words, glue=" · "), style(f"h{level}"))]


def room_below() -> Flowable:
    """Begin a new page where there is little room left on this one."""
    return CondPageBreak(_ROOM_BELOW_HEADING)


def bullets(entries: tuple[Words, ...]) -> list[Flowable]:
    """Set a list."""
    return [Paragraph(both(each), style("bullet"), bulletText="•") for each in entries]


def facts(rows: tuple[sheets.Row, ...], *, width: float = WIDTH) -> Table:
    """Set facts with their labels on the left; a fact of many values takes several rows."""
    cells = []
    for row in rows:
        for number, some in enumerate(_portions(row.values)):
            label = [Paragraph(both(row.label, size=8), style("fact"))] if not number else []
            cells.append([label, [paragraph(each, "fact", glue=" · ") for each in some]])
    return Table(
        cells,
        colWidths=(width * _LABEL_SHARE, width * (1 - _LABEL_SHARE)),
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (0, -1), BAND),
                ("LINEABOVE", (0, 0), (-1, -1), 0.4, LINE),
                ("LINEBELOW", (0, -1), (-1, -1), 0.4, LINE),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ]
        ),
    )


def _portions(values: tuple[Value, ...]) -> list[list[Value]]:
    """Part values so that each portion fits in one row."""
    portions: list[list[Value]] = [[]]
    room = _CELL_CHARACTERS
    for value in values:
        length = len(value.vi + value.en) if isinstance(value, Words) else len(value.text)
        room -= length + _LINE_CHARACTERS
        if room < 0 and portions[-1]:
            portions.append([])
            room = _CELL_CHARACTERS - length
        portions[-1].append(value)
    return portions


def table(content: sheets.Table, widths_mm: tuple[float, ...]) -> Flowable:
    """Set a table; the columns' widths are in millimetres."""
    head = [Paragraph(both(each, size=7.5, bold=True), style("small")) for each in content.head]
    body = [
        [[paragraph(shortened(each, _NAME_CHARACTERS), "small") for each in cell] for cell in row]
        for row in content.rows
    ]
    return Table(
        [head, *body],
        colWidths=[width * mm for width in widths_mm],
        repeatRows=1,
        style=TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (-1, 0), BAND),
                ("GRID", (0, 0), (-1, -1), 0.4, LINE),
                *((("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4))),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        ),
    )


def captioned(content: sheets.Table, widths_mm: tuple[float, ...]) -> list[Flowable]:
    """Set a table below its caption, or say why there is none."""
    parts = heading(content.caption, 4)
    if content.rows:
        return [*parts, table(content, widths_mm)]
    return (
        [*parts, Paragraph(both(content.empty, glue=" "), style("small"))] if content.empty else []
    )


def illustrated(rows: tuple[sheets.Row, ...], entry: sheets.SheetPicture) -> list[Flowable]:
    """Set facts with one picture on their right, or below them where they are many."""
    left = WIDTH - _BESIDE
    beside = facts(rows, width=left - 4 * mm)
    if beside.wrap(left, _ILLUSTRATED_HEIGHT)[1] > _ILLUSTRATED_HEIGHT:
        return [facts(rows), *pictures((entry,))]
    pair = Table(
        [[beside, _picture(entry, width=_BESIDE - 4 * mm)]],
        colWidths=(left, _BESIDE),
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            *((edge, (0, 0), (-1, -1), 0) for edge in _PADDINGS),
        ],
    )
    return [pair]


def pictures(entries: tuple[sheets.SheetPicture, ...]) -> list[Flowable]:
    """Set pictures of pages, two beside each other."""
    rows: list[Flowable] = []
    for start in range(0, len(entries), 2):
        cells = [_picture(each) for each in entries[start : start + 2]]
        cells += [[] for _ in range(2 - len(cells))]
        pair = Table(
            [cells], colWidths=(WIDTH / 2, WIDTH / 2), style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
        )
        rows.append(KeepTogether([Spacer(1, 4), pair]))
    return rows


def _picture(entry: sheets.SheetPicture, *, width: float = _PICTURE_WIDTH) -> list[Flowable]:
    image = Image(BytesIO(entry.picture.data))
    scale = min(width / image.imageWidth, _PICTURE_HEIGHT / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * scale, image.imageHeight * scale
    framed = Table(
        [[image]],
        style=[
            ("BOX", (0, 0), (-1, -1), 0.5, SOFT),
            *((edge, (0, 0), (-1, -1), 0) for edge in _PADDINGS),
        ],
    )
    return [framed, Paragraph(both(entry.caption, glue=" · ", size=8), style("small"))]


_PADDINGS: Final = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")


class Mark(Flowable):
    """The sign of a verdict, drawn: a check, a cross, a question mark or a dash."""

    def __init__(self, verdict: Verdict, *, size: float) -> None:
        super().__init__()
        self.verdict = verdict
        self.width = self.height = size

    def wrap(self, *_: float) -> tuple[float, float]:
        """Take the same room whatever there is."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw the sign in the colour of its verdict."""
        side = self.width
        self.canv.setStrokeColor(COLOURS[self.verdict][0])
        self.canv.setFillColor(COLOURS[self.verdict][0])
        self.canv.setLineWidth(side / 8)
        self.canv.setLineCap(1)
        if self.verdict is Verdict.INDETERMINATE:
            self.canv.setFont(BOLD, side * 1.15)
            self.canv.drawCentredString(side / 2, side * 0.1, "?")
            return
        strokes = _STROKES.get(self.verdict, _CROSS)
        self.canv.lines([tuple(point * side for point in stroke) for stroke in strokes])


_CROSS: Final = ((0.15, 0.15, 0.85, 0.85), (0.15, 0.85, 0.85, 0.15))
_STROKES: Final = {
    Verdict.VALID: ((0.1, 0.5, 0.38, 0.18), (0.38, 0.18, 0.9, 0.85)),
    Verdict.UNSIGNED: ((0.15, 0.5, 0.85, 0.5),),
}


class Bookmark(Flowable):
    """A place that the file's outline leads to; it takes no room."""

    def __init__(self, title: str, *, key: str, level: int) -> None:
        super().__init__()
        self.entry = (printable_letters(title), key, level)

    def wrap(self, *_: float) -> tuple[float, float]:
        """Take no room."""
        return 0, 0

    def draw(self) -> None:
        """Note the place."""
        title, key, level = self.entry
        self.canv.bookmarkHorizontal(key, 0, 14)
        self.canv.addOutlineEntry(title, key, level, closed=level > 0)


class PageCount(Flowable):
    """The number of pages, drawn once at the end for all the places that refer to it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def wrap(self, *_: float) -> tuple[float, float]:
        """Take no room."""
        return 0, 0

    def draw(self) -> None:
        """Draw the number of the page that this stands on, the last one."""
        total = str(self.canv.getPageNumber())
        self.canv.beginForm(self.name, 0, -3, 40, 10)
        self.canv.setFillColor(SOFT)
        self.canv.setFont(REGULAR, 8.5)
        self.canv.drawString(0, 0, total)
        self.canv.endForm()


def box(content: list[Flowable], *, line: Color, ground: Color, weight: float) -> Table:
    """Set a frame around parts, thick on the left."""
    return Table(
        [[content]],
        colWidths=(WIDTH,),
        style=[
            ("BACKGROUND", (0, 0), (-1, -1), ground),
            ("BOX", (0, 0), (-1, -1), 1, line),
            ("LINEBEFORE", (0, 0), (0, -1), weight, line),
            ("LEFTPADDING", (0, 0), (-1, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
        ],
    )
