"""Composing the verification sheet from a report: which facts stand where, in what words (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from exchange.inspection.revisions import sheet_revisions
from exchange.inspection.sheet import Conclusion, Row, Sheet, SheetSignature, Table
from exchange.inspection.signatures import sheet_signature, signed_for_words
from exchange.inspection.words import (
    Code,
    Words,
    clean,
    happened,
    instant,
    program_words,
    said,
    shortened,
    size,
    to_do,
    words,
)
from exchange.signing_for import NOT_ASKED, Asked, document_for
from signer.pages.pictures import RevisionPictures
from signer.report import Report
from signer.verdicts import Indication, Verdict

WhyWithout = Literal["", "not_drawn", "limit", "no_document", "too_large"]
"""Why a sheet has no pictures of pages; "" where it has, or nobody asked for them."""

_NAME_CHARACTERS: Final = 160
"""Of a name at a glance; it stands in full with its signature."""
_LAW: Final = ("law20", "nd68", "tt15", "nd30", "etsi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a sheet shows beside its report: the file's name, pictures of its pages, whose it is."""

    file_name: str = ""
    pictures: tuple[RevisionPictures, ...] = ()
    without_pictures: WhyWithout = ""
    asked: Asked = NOT_ASKED


def compose(report: Report, circumstances: Circumstances | None = None) -> Sheet:
    """Compose the sheet on a report."""
    beside = circumstances or Circumstances()
    signatures = tuple(
        sheet_signature(entry, number=number, asked=beside.asked)
        for number, entry in enumerate(report.signatures, start=1)
    )
    why = beside.without_pictures
    return Sheet(
        title=words("title"),
        practice=any(entry.practice for entry in report.signatures),
        judged_at=report.judged_at,
        sha256=report.sha256,
        file_name=clean(beside.file_name),
        conclusion=_conclusion(report),
        document=_document_rows(report, beside),
        summary=_summary(report, signatures) if signatures else None,
        signatures=signatures,
        revisions=sheet_revisions(report, beside.pictures),
        without_pictures=_without_pictures(why) if why else None,
        law=tuple(words(f"law.{each}") for each in _LAW),
        notes=_notes(report),
    )


def _conclusion(report: Report) -> Conclusion:
    verdict = report.verdict
    reason = report.reason or str(verdict)
    valid = verdict is Verdict.VALID
    practice = any(entry.practice for entry in report.signatures)
    usable = words("do.PRACTICE" if practice else "do.VALID")
    return Conclusion(
        verdict=verdict,
        words=program_words(f"verdict.{verdict}"),
        sentence=happened(reason),
        what_to_do=usable if valid else to_do(reason),
        reason=report.reason,
        detail="" if valid else report.detail,
    )


def _document_rows(report: Report, beside: Circumstances) -> tuple[Row, ...]:
    passed = sum(each.indication is Indication.TOTAL_PASSED for each in report.signatures)
    name = said(beside.file_name) if beside.file_name else words("doc.name_unknown")
    policy = Code(text=report.policy) if report.policy else words("doc.policy_unstated")
    count = words("doc.signatures_value", count=len(report.signatures), passed=passed)
    asked = beside.asked
    told = document_for(report, asked.outcomes) if asked.outcomes else None
    whose = (signed_for_words(told, asked.on_behalf_of),) if told else ()
    sender = (Row(label=words("doc.signed_for"), values=whose),) if whose else ()
    return (
        Row(label=words("doc.name"), values=(name,)),
        Row(label=words("doc.size"), values=(size(report.size_bytes),)),
        Row(label=words("doc.sha256"), values=(Code(text=report.sha256),)),
        Row(label=words("doc.signatures"), values=(count,)),
        *sender,
        Row(label=words("doc.judged_at"), values=(instant(report.judged_at),)),
        Row(label=words("doc.policy"), values=(policy,)),
        Row(label=words("doc.trust"), values=(Code(text=report.trust_version),)),
    )


def _summary(report: Report, signatures: tuple[SheetSignature, ...]) -> Table:
    rows = []
    for entry, shown in zip(report.signatures, signatures, strict=True):
        moment = entry.timestamp_at or entry.signed_at
        rows.append(
            (
                (Code(text=str(shown.number)),),
                (words(f"kind.{entry.kind}"),),
                (shortened(shown.who, _NAME_CHARACTERS),),
                (instant(moment) if moment else words("sig.no_time"),),
                (shown.conclusion.words,),
            )
        )
    return Table(
        caption=words("section.summary"),
        head=tuple(words(f"head.{each}") for each in ("number", "kind", "who", "when", "result")),
        rows=tuple(rows),
    )


def _without_pictures(why: WhyWithout) -> Words:
    reason = words(f"why.{why}")
    return Words(
        vi=words("revision.no_pictures", why=reason.vi).vi,
        en=words("revision.no_pictures", why=reason.en).en,
    )


def _notes(report: Report) -> tuple[Words, ...]:
    keys = ["automatic", "file", "keep"]
    if report.verdict is Verdict.VALID:
        keys.append("adobe")
    return tuple(words(f"note.{each}") for each in keys)
