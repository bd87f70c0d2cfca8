"""Inspecting a judged document: pages and signatures are read in the sandbox, then forms made."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from exchange.inspection.abridging import abridged
from exchange.inspection.composing import Circumstances, WhyWithout, compose
from exchange.inspection.etsi import etsi_report
from exchange.inspection.evidence import evidence_archive
from exchange.inspection.html import html_sheet
from exchange.inspection.sheet import Sheet
from exchange.signing_for import NOT_ASKED, Asked, report_json
from signer.errors import SandboxFailed, SandboxLimitExceeded
from signer.pages.pictures import RevisionPictures, draw_revisions
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.validation.signed_facts import SignedFacts, signed_facts

Form = Literal["json", "html", "pdf", "xml", "evidence"]
"""The forms in which a judgement is handed out."""
REPORT_NAMES: Final[dict[Form, str]] = {
    "json": "report.json",
    "html": "report.html",
    "pdf": "report.pdf",
    "xml": "report.xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A report with all that its forms show beside it."""

    report: Report
    sheet: Sheet
    facts: tuple[SignedFacts, ...] = ()
    file_name: str = ""
    asked: Asked = NOT_ASKED


async def inspect(
    report: Report,
    *,
    sandbox: Sandbox,
    document: bytes | Path | None = None,
    beside: Circumstances | None = None,
) -> Inspection:
    """Look at the document that a report is about, as far as it is at hand and can be drawn.

    beside: the file's name and whose it should be, and why there are no pictures. What can't be
    drawn or read is said on the sheet; it never keeps anybody from the sheet.
    """
    beside = beside or Circumstances()
    facts: tuple[SignedFacts, ...] = ()
    if document is None:
        beside = replace(beside, without_pictures=beside.without_pictures or "no_document")
    else:
        pictures, why = await _drawn(report, document, sandbox=sandbox)
        beside = replace(beside, pictures=pictures, without_pictures=why)
        if report.signatures:
            facts = await _read(document, sandbox=sandbox)
    sheet = compose(report, beside)
    return Inspection(
        report=report, sheet=sheet, facts=facts, file_name=beside.file_name, asked=beside.asked
    )


async def render(
    inspection: Inspection, form: Form, *, sandbox: Sandbox, document: bytes | None = None
) -> bytes:
    """Give one form of an inspection; document: goes into the evidence where it is wanted there.

    Raises SandboxFailed where the PDF can't be set within the sandbox's limits.
    """
    match form:
        case "json":
            return json_report(inspection.report, inspection.asked)
        case "html":
            return html_sheet(inspection.sheet)
        case "xml":
            return etsi_report(inspection.report, inspection.facts, asked=inspection.asked)
        case "pdf":
            return await _pdf(inspection.sheet, sandbox=sandbox)
        case "evidence":
            forms = {
                name: await render(inspection, form, sandbox=sandbox)
                for form, name in REPORT_NAMES.items()
            }
            return evidence_archive(
                inspection.report,
                renderings=forms,
                document=document,
                file_name=inspection.file_name,
            )


def json_report(report: Report, asked: Asked = NOT_ASKED) -> bytes:
    """Give a report as a JSON file."""
    return (json.dumps(report_json(report, asked), ensure_ascii=False, indent=2) + "\n").encode()


async def _pdf(sheet: Sheet, *, sandbox: Sandbox) -> bytes:
    # Imported here: most commands and calls never set a PDF.
    from exchange.inspection.pdf import pdf_sheet  # noqa: PLC0415

    try:
        return await sandbox.run(pdf_sheet, sheet)
    except SandboxLimitExceeded:
        return await sandbox.run(pdf_sheet, abridged(sheet))


async def _drawn(
    report: Report, document: bytes | Path, *, sandbox: Sandbox
) -> tuple[tuple[RevisionPictures, ...], WhyWithout]:
    ends = tuple(each.end for each in report.revisions) or (report.size_bytes,)
    for compare in (True, False):
        try:
            pictures = await sandbox.run(draw_revisions, document, ends=ends, compare=compare)
        except SandboxFailed:
            # Comparing draws many pages; the second time only the first page of each is drawn.
            continue
        if any(each.pictures for each in pictures):
            return pictures, ""
        return (), "not_drawn"
    return (), "limit"


async def _read(document: bytes | Path, *, sandbox: Sandbox) -> tuple[SignedFacts, ...]:
    try:
        return await sandbox.run(signed_facts, document)
    except SandboxFailed:
        return ()
