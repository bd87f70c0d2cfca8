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


async def inspect(
    report: Report,
    *,
    sandbox: Sandbox,
    document: bytes | Path | None = None,
    file_name: str = "",
) -> Inspection:
    """Look at the document that a report is about, as far as it is at hand and can be drawn.

    What can't be drawn or read is said on the sheet; it never keeps anybody from the sheet.
    """
    circumstances = Circumstances(file_name=file_name, without_pictures="no_document")
    facts: tuple[SignedFacts, ...] = ()
    if document is not None:
        pictures, why = await _drawn(report, document, sandbox=sandbox)
        circumstances = replace(circumstances, pictures=pictures, without_pictures=why)
        if report.signatures:
            facts = await _read(document, sandbox=sandbox)
    sheet = compose(report, circumstances)
    return Inspection(report=report, sheet=sheet, facts=facts, file_name=file_name)


async def render(
    inspection: Inspection, form: Form, *, sandbox: Sandbox, document: bytes | None = None
) -> bytes:
    """Give one form of an inspection; document: goes into the evidence where it is wanted there.

    Raises SandboxFailed where the PDF can't be set within the sandbox's limits.
    """
    match form:
        case "json":
            return json_report(inspection.report)
        case "html":
            return html_sheet(inspection.sheet)
        case "xml":
            return etsi_report(inspection.report, inspection.facts)
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


def json_report(report: Report) -> bytes:
    """Give a report as a JSON file."""
    return (json.dumps(report.to_json(), ensure_ascii=False, indent=2) + "\n").encode()


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
