"""Verification sheets, ETSI reports and evidence as files: where each goes, and writing it once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from exchange.cli.errors import OutputUnwritable, UsageInvalid
from exchange.cli.files import is_folder, require_new, write_new
from exchange.cli.policies import JudgingOptions
from exchange.inspection.composing import Circumstances
from exchange.inspection.inspecting import Form, inspect, render
from signer.report import Report
from signer.sandbox.pool import Sandbox

_ENDINGS: Final[dict[Form, str]] = {
    "html": ".html",
    "pdf": "_phieu.pdf",
    "xml": ".xml",
    "evidence": ".zip",
}
"""How names end that are made from the documents' names; a sheet is no document to verify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFileOptions(JudgingOptions):
    """Where reports on what was judged are written: a file, or a folder for several documents."""

    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="OUT", help="Phiếu kiểm tra dạng HTML · The sheet as HTML."),
    ] = None
    pdf: Annotated[
        Path | None,
        typer.Option("--pdf", metavar="OUT", help="Phiếu kiểm tra dạng PDF · The sheet as PDF/A."),
    ] = None
    xml: Annotated[
        Path | None,
        typer.Option(
            "--xml", metavar="OUT", help="Báo cáo ETSI TS 119 102-2 · ETSI validation report."
        ),
    ] = None
    evidence: Annotated[
        Path | None,
        typer.Option(
            "--evidence", metavar="OUT", help="Gói bằng chứng (ZIP) · Evidence as a ZIP file."
        ),
    ] = None
    with_document: Annotated[
        bool,
        typer.Option(
            "--with-document",
            help="Để cả văn bản vào gói bằng chứng · Put the document into the evidence.",
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """Which files are written for each document; made before anything is judged."""

    targets: dict[Path, dict[Form, Path]] = field(default_factory=dict)
    with_document: bool = False

    @classmethod
    def planned(
        cls, options: ReportFileOptions, documents: Sequence[Path], *, several: bool
    ) -> ReportFiles:
        """Choose the names: for several documents in the named folder, made from their names.

        Raises OutputExists where one is there already, OutputUnwritable where the folder is not,
        and UsageInvalid for options that contradict each other.
        """
        if options.with_document and options.evidence is None:
            raise UsageInvalid("--with-document needs --evidence")
        targets: dict[Path, dict[Form, Path]] = {document: {} for document in documents}
        taken: set[Path] = set()
        for form, out in _chosen(options).items():
            for document in documents:
                path = _beneath(out, document, form=form, taken=taken) if several else out
                if path in taken:
                    raise UsageInvalid(f"{path}: two reports can't be one file")
                require_new(path)
                taken.add(path)
                targets[document][form] = path
        return cls(targets=targets, with_document=options.with_document)

    async def write(
        self, document: Path, report: Report, *, content: bytes, sandbox: Sandbox
    ) -> None:
        """Write what is wanted for one document; content: the bytes that were judged."""
        wanted = self.targets.get(document)
        if not wanted:
            return
        inspection = await inspect(
            report, sandbox=sandbox, document=content, beside=Circumstances(file_name=document.name)
        )
        for form, path in wanted.items():
            put_in = content if form == "evidence" and self.with_document else None
            made = await render(inspection, form, sandbox=sandbox, document=put_in)
            await asyncio.to_thread(write_new, path, made)


def _chosen(options: ReportFileOptions) -> dict[Form, Path]:
    named: dict[Form, Path | None] = {
        "html": options.html,
        "pdf": options.pdf,
        "xml": options.xml,
        "evidence": options.evidence,
    }
    return {form: out for form, out in named.items() if out is not None}


def _beneath(folder: Path, document: Path, *, form: Form, taken: set[Path]) -> Path:
    """Name a report after its document; documents of one name in several folders are counted."""
    if not is_folder(folder):
        raise OutputUnwritable(f"{folder}: a folder is needed for the reports on several files")
    path = folder / f"{document.stem}{_ENDINGS[form]}"
    number = 1
    while path in taken:
        number += 1
        path = folder / f"{document.stem}-{number}{_ENDINGS[form]}"
    return path
