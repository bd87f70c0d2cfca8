"""Revisions on the verification sheet: what each added, who signed it, how pages look (pure)."""

from __future__ import annotations

from exchange.inspection.sheet import Row, SheetPicture, SheetRevision
from exchange.inspection.words import Code, Value, Words, said, words
from signer.pages.pictures import RevisionPictures
from signer.report import Report, RevisionReport

_PAGES_LISTED = 12


def sheet_revisions(
    report: Report, pictures: tuple[RevisionPictures, ...]
) -> tuple[SheetRevision, ...]:
    """Say everything about each revision; pictures are found by their revision's number."""
    drawn = {each.number: each for each in pictures}
    revisions = report.revisions
    if not revisions and drawn:
        # A report of an older form: of the file as it is there is a picture all the same.
        revisions = (RevisionReport(number=1, end=report.size_bytes),)
    return tuple(
        SheetRevision(
            number=each.number,
            heading=words("revision.heading", number=each.number),
            rows=tuple(_rows(each, report, drawn=drawn)),
            pictures=_pictures(drawn.get(each.number)),
        )
        for each in revisions
    )


def _rows(
    revision: RevisionReport, report: Report, *, drawn: dict[int, RevisionPictures]
) -> list[Row]:
    names = {entry.field: entry.signer.common_name for entry in report.signatures if entry.signer}
    by: list[Value] = [said(names.get(field, field)) for field in revision.signed_by]
    rows = [
        Row(
            label=words("revision.signed_by"),
            values=tuple(by) or (words("revision.unsigned"),),
        )
    ]
    if revision.changes:
        added = tuple(words(f"content.{each}") for each in revision.changes)
        rows.insert(0, Row(label=words("revision.added"), values=added))
    rows.append(Row(label=words("revision.end"), values=(Code(text=f"{revision.end}"),)))
    if drawn:
        rows.append(_looks(revision.number, drawn.get(revision.number)))
    return rows


def _looks(number: int, drawn: RevisionPictures | None) -> Row:
    return Row(label=words("revision.pages"), values=(_looks_in_words(number, drawn),))


def _looks_in_words(number: int, drawn: RevisionPictures | None) -> Words:
    if drawn is None:
        return words("revision.left_out")
    if not drawn.page_count:
        return words("revision.not_drawn")
    places = {"compared": drawn.compared, "total": drawn.page_count}
    if drawn.changed:
        listed = ", ".join(str(page) for page in drawn.changed[:_PAGES_LISTED])
        more = ", …" if len(drawn.changed) > _PAGES_LISTED else ""
        return words("revision.changed", pages=listed + more, **places)
    if drawn.compared:
        return words("revision.same", **places)
    key = "page_count" if number == 1 else "not_compared"
    return words(f"revision.{key}", total=drawn.page_count)


def _pictures(drawn: RevisionPictures | None) -> tuple[SheetPicture, ...]:
    if drawn is None:
        return ()
    return tuple(
        SheetPicture(
            picture=each,
            caption=words("picture.caption", page=each.page, number=drawn.number),
            alt=words("picture.alt", page=each.page, number=drawn.number),
        )
        for each in drawn.pictures
    )
