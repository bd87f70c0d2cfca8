"""The verification sheet as a PDF file to print and to keep: PDF/A-2b, the same bytes each time."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from exchange.inspection import pdf_parts as parts
from exchange.inspection.pdf_archival import Description, make_archival
from exchange.inspection.pdf_typeface import BOLD, REGULAR, printable_letters, register
from exchange.inspection.sheet import Conclusion, Sheet, SheetRevision, SheetSignature
from exchange.inspection.words import Said, Words, words
from exchange.texts import phrase

_LEFT, _RIGHT, _TOP, _BOTTOM = 20 * mm, 15 * mm, 18 * mm, 18 * mm
_TOTAL: Final = "total"
_ROOM_FOR_TOTAL: Final = 6 * mm
_SUMMARY_MM: Final = (10.0, 41.0, 55.0, 39.0, 30.0)
_CERTIFICATES_MM: Final = (52.0, 46.0, 33.0, 44.0)
_EVIDENCE_MM: Final = (22.0, 40.0, 40.0, 73.0)


def pdf_sheet(sheet: Sheet) -> bytes:
    """Render the sheet; the same bytes for the same sheet."""
    register()
    out = BytesIO()
    program = phrase("app.name", "vi")
    title = printable_letters(f"{sheet.title.vi} – {sheet.file_name or sheet.sha256[:12]}")
    subject = f"SHA-256 {sheet.sha256}"
    description = Description(
        title=title, subject=subject, program=program, made_at=sheet.judged_at
    )
    document = _SheetFile(
        out,
        pagesize=A4,
        title=title,
        subject=subject,
        author=program,
        creator=program,
        producer=program,
        invariant=1,
        pageCompression=1,
        lang="vi",
        displayDocTitle=True,
        initialFontName=REGULAR,
    )
    frame = Frame(
        *(_LEFT, _BOTTOM, A4[0] - _LEFT - _RIGHT, A4[1] - _TOP - _BOTTOM),
        *(0, 0, 0, 0),  # its own padding
    )
    edges = partial(_edges, sheet=sheet)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=edges))
    document.description = description
    document.build([*_story(sheet), parts.PageCount(_TOTAL)])
    return out.getvalue()


class _SheetFile(BaseDocTemplate):
    """A file that is made archival before its first page."""

    description: Description

    def beforeDocument(self) -> None:  # noqa: N802 - the writer's name for it
        """Add what the writer leaves out, now that it has begun."""
        make_archival(self.canv, self.description)


def _edges(canvas: Canvas, document: BaseDocTemplate, *, sheet: Sheet) -> None:
    """Draw what every page bears: the practice mark, the document's digest, the page's number."""
    canvas.saveState()
    if sheet.practice:
        _practice_mark(canvas)
    canvas.setFillColor(parts.SOFT)
    canvas.setFont(REGULAR, 8.5)
    canvas.setStrokeColor(parts.LINE)
    canvas.line(_LEFT, _BOTTOM - 4 * mm, A4[0] - _RIGHT, _BOTTOM - 4 * mm)
    canvas.drawString(_LEFT, _BOTTOM - 8 * mm, f"SHA-256: {sheet.sha256}")
    number = words("sheet.page", page=document.page, total="").vi
    right, foot = A4[0] - _RIGHT - _ROOM_FOR_TOTAL, _BOTTOM - 8 * mm
    canvas.drawRightString(right, foot, number)
    # How many pages there are is known, and drawn, at the end.
    canvas.translate(right, foot)
    canvas.doForm(_TOTAL)
    canvas.restoreState()


def _practice_mark(canvas: Canvas) -> None:
    banner = words("practice.banner")
    canvas.setFillColor(parts.ALARM)
    canvas.rect(0, A4[1] - 11 * mm, A4[0], 11 * mm, stroke=0, fill=1)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.setFont(BOLD, 12)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 7.6 * mm, f"{banner.vi} · {banner.en}")
    canvas.saveState()
    canvas.setFillColorRGB(0.97, 0.87, 0.87)
    canvas.setFont(BOLD, 92)
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(52)
    canvas.drawCentredString(0, -30, banner.vi.partition(" – ")[0])
    canvas.restoreState()


def _story(sheet: Sheet) -> list[Flowable]:
    story: list[Flowable] = []
    if sheet.practice:
        why = Paragraph(parts.both(words("practice.why")), parts.style("alarm"))
        story += [parts.box([why], line=parts.ALARM, ground=parts.GROUND_ALARM, weight=1), _gap(6)]
    story += [
        parts.Bookmark(sheet.title.vi, key="sheet", level=0),
        Paragraph(parts.plain(sheet.title.vi.upper()), parts.style("title")),
        Paragraph(parts.plain(sheet.title.en), parts.style("centred")),
        Paragraph(parts.both(words("sheet.made_by"), glue=" · "), parts.style("centred")),
        _gap(8),
        _conclusion(sheet.conclusion),
        *_section("document", [parts.facts(sheet.document)]),
    ]
    if sheet.summary is not None:
        story += _section("summary", [parts.table(sheet.summary, _SUMMARY_MM)])
        story += _section("signatures", [])
        for signature in sheet.signatures:
            story += _signature(signature)
    story += _section("revisions", [])
    if sheet.without_pictures is not None:
        story.append(parts.paragraph(sheet.without_pictures))
    if not sheet.revisions:
        story.append(parts.paragraph(words("revision.none")))
    for revision in sheet.revisions:
        story += _revision(revision)
    story += _section("law", parts.bullets(sheet.law))
    return story + _section("notes", parts.bullets((*sheet.notes, words("note.letters"))))


def _conclusion(conclusion: Conclusion) -> Flowable:
    line, ground = parts.COLOURS[conclusion.verdict]
    colour = f"#{line.hexval()[2:]}"
    verdict = (
        f'<font name="{BOLD}" size="19" color="{colour}">{parts.plain(conclusion.words.vi)}</font>'
    )
    told: list[Flowable] = [
        Paragraph(
            f"{verdict}  {parts.english(conclusion.words.en, size=13)}", parts.style("title_left")
        ),
        parts.paragraph(conclusion.sentence),
        *_reason(conclusion),
    ]
    head = Table(
        [[parts.Mark(conclusion.verdict, size=26), told]],
        colWidths=(40, parts.WIDTH - 66),
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)],
    )
    what = [
        Paragraph(
            parts.both(words("label.what_to_do"), glue=" · ", bold=True), parts.style("text")
        ),
        parts.paragraph(conclusion.what_to_do),
    ]
    return parts.box([head, *what], line=line, ground=ground, weight=7)


def _reason(conclusion: Conclusion) -> list[Flowable]:
    if not conclusion.reason:
        return []
    told = f"{conclusion.reason}: {conclusion.detail}" if conclusion.detail else conclusion.reason
    return [parts.paragraph(Said(text=told), "small")]


def _signature(signature: SheetSignature) -> list[Flowable]:
    conclusion = signature.conclusion
    colour = f"#{parts.COLOURS[conclusion.verdict][0].hexval()[2:]}"
    who = parts.text(signature.who)
    heading = f"{signature.number}. {parts.both(signature.heading, glue=' · ')}: {who}"
    verdict = (
        f'<font name="{BOLD}" color="{colour}">{parts.plain(conclusion.words.vi)}</font> · '
        f"{parts.english(conclusion.words.en)} — {parts.both(conclusion.sentence, glue=' · ')}"
    )
    title = f"{signature.number}. {signature.heading.vi}: {_plain_name(signature)}"
    story: list[Flowable] = [
        parts.room_below(),
        parts.Bookmark(title, key=f"signature-{signature.number}", level=1),
        Paragraph(heading, parts.style("h3")),
        Paragraph(verdict, parts.style("text")),
    ]
    if conclusion.reason:
        label = parts.both(words("label.what_to_do"), glue=" · ", bold=True)
        action = parts.both(conclusion.what_to_do, glue=" · ")
        story += [Paragraph(f"{label}: {action}", parts.style("text")), *_reason(conclusion)]
    story += [_gap(3), parts.facts(signature.rows)]
    story += parts.captioned(signature.certificates, _CERTIFICATES_MM)
    story += parts.captioned(signature.evidence, _EVIDENCE_MM)
    if signature.leniencies:
        story += parts.heading(words("section.leniencies"), 4)
        story += parts.bullets(
            tuple(
                Words(vi=f"{told.vi} ({code.text})", en=told.en)
                for told, code in signature.leniencies
            )
        )
    return [*story, _gap(8)]


def _plain_name(signature: SheetSignature) -> str:
    return signature.who.vi if isinstance(signature.who, Words) else signature.who.text


def _revision(revision: SheetRevision) -> list[Flowable]:
    head = _marked(revision.heading, key=f"revision-{revision.number}", level=1)
    if len(revision.pictures) == 1:
        return [KeepTogether([*head, *parts.illustrated(revision.rows, revision.pictures[0])])]
    return [*head, parts.facts(revision.rows), *parts.pictures(revision.pictures)]


def _marked(title: Words, *, key: str, level: int) -> list[Flowable]:
    """Set a heading that the outline leads to."""
    space, text = parts.heading(title, level + 2)
    return [space, parts.Bookmark(title.vi, key=key, level=level), text]


def _section(name: str, content: list[Flowable]) -> list[Flowable]:
    return [*_marked(words(f"section.{name}"), key=name, level=0), *content]


def _gap(points: float) -> Spacer:
    return Spacer(1, points)
