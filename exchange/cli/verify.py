"""`congvan verify`: judge the signatures of PDF files in the sandbox, and say what to do."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from certs.fetching import EvidenceFetcher
from exchange.cli.commands import as_command
from exchange.cli.errors import FileUnreadable
from exchange.cli.exits import VERDICT_CODES, ExitCode, worst_verdict
from exchange.cli.files import read_file
from exchange.cli.moments import local_time
from exchange.cli.output import Output, indented, plain
from exchange.cli.trust import TrustOptions, now, trust_of
from signer.evidence_gathering import assess_with_evidence
from signer.limits import DEFAULT as LIMITS
from signer.report import Report, SignatureReport
from signer.sandbox import Sandbox
from signer.verdicts import Indication

MARKS = {"VALID": "✓", "INVALID": "✗", "UNREADABLE": "✗", "INDETERMINATE": "?", "UNSIGNED": "–"}
STYLES = {
    "VALID": "green",
    "INVALID": "bold red",
    "UNREADABLE": "bold red",
    "INDETERMINATE": "yellow",
    "UNSIGNED": "yellow",
}
_INDICATION_VERDICT = {
    Indication.TOTAL_PASSED: "VALID",
    Indication.TOTAL_FAILED: "INVALID",
    Indication.INDETERMINATE: "INDETERMINATE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions(TrustOptions):
    """What `verify` takes."""

    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Tệp PDF cần kiểm tra · PDF files.")
    ]
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch/--no-fetch",
            help="Lấy OCSP, CRL từ nơi được phép · Fetch evidence from allowed places.",
        ),
    ] = True


async def verify_files(options: VerifyOptions, output: Output) -> ExitCode:
    """Kiểm tra chữ ký số · Check the signatures of PDF files.

    Exit code: 0 valid, 3 invalid or unreadable, 5 undetermined, 8 unsigned; of several, the worst.
    """
    trust = trust_of(options)
    findings: list[tuple[Path, Report | FileUnreadable]] = []
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox())
        fetcher = None
        if options.fetch and trust.policy.allowed:
            fetcher = await stack.enter_async_context(EvidenceFetcher(trust.policy))
        for file in options.files:
            try:
                content = await asyncio.to_thread(read_file, file, max_bytes=LIMITS.max_bytes)
            except FileUnreadable as error:
                findings.append((file, error))
                continue
            report = await assess_with_evidence(
                content,
                sandbox=sandbox,
                store=trust.store,
                fetcher=fetcher,
                at=now(),
                evidence=trust.evidence,
            )
            findings.append((file, report))
    return _tell(findings, output)


def lines(name: str, report: Report, *, output: Output) -> list[RenderableType]:
    """Lay a report out for people: the verdict in a sentence, then each signature."""
    verdict = str(report.verdict)
    first = Text(f"{MARKS[verdict]} ", style=STYLES[verdict])
    first.append(output.phrase(f"verdict.{verdict}"))
    first.append(f": {plain(name)}", style="default")
    shown: list[RenderableType] = [first, output.sentence(report.reason or verdict, indent=2)]
    if report.detail and verdict != "VALID":
        shown.append(indented(f"→ {report.detail}", 2))
    for entry in report.signatures:
        shown += _signature_lines(entry, output)
    if any(entry.practice for entry in report.signatures):
        shown.append(Text("  " + output.phrase("verify.practice"), style="yellow"))
    return shown


def file_json(file: Path, found: Report | FileUnreadable) -> dict[str, Any]:
    """Give the JSON of one file: the report's, with its file, or why it can't be read."""
    if isinstance(found, Report):
        return {"file": str(file), **found.to_json()}
    unreadable = {"verdict": "UNREADABLE", "reason": found.reason, "detail": found.detail}
    return {"schema_version": 1, "file": str(file), **unreadable, "signatures": []}


def _tell(findings: list[tuple[Path, Report | FileUnreadable]], output: Output) -> ExitCode:
    documents = [file_json(file, found) for file, found in findings]
    output.document(documents[0] if len(documents) == 1 else {"files": documents})
    for file, found in findings:
        if isinstance(found, Report):
            output.show(*lines(str(file), found, output=output))
        elif not output.as_json:
            output.failure(found)
    verdicts = [str(each["verdict"]) for each in documents]
    return VERDICT_CODES[worst_verdict(verdicts)]


def _signature_lines(entry: SignatureReport, output: Output) -> list[RenderableType]:
    verdict = _INDICATION_VERDICT[entry.indication]
    who = entry.signer.common_name if entry.signer else entry.field
    if entry.signer and entry.signer.position:
        who = f"{who}, {entry.signer.position}"
    if entry.signer and entry.signer.organisation not in ("", entry.signer.common_name):
        who = f"{who} – {entry.signer.organisation}"
    head = Text(f"{MARKS[verdict]} ", style=STYLES[verdict])
    head.append(output.phrase(f"verify.{entry.kind}") + ": " + plain(who))
    moment = entry.timestamp_at or entry.signed_at
    proof = "verify.stamped" if entry.timestamp_at else "verify.claimed"
    small = [f"PAdES {entry.level}", str(entry.field)]
    if moment:
        small.insert(0, output.phrase(proof, time=local_time(moment)))
    shown: list[RenderableType] = [indented(head, 2), indented(" · ".join(small), 4, style="dim")]
    if entry.reason:
        shown.append(output.sentence(entry.reason, indent=4))
        words = " · ".join(str(each) for each in (entry.indication, entry.sub_indication) if each)
        shown.append(indented(f"{words} · {entry.detail}".rstrip(" ·"), 4, style="dim"))
    return shown


app = typer.Typer(add_completion=False)
app.command()(as_command(VerifyOptions, verify_files))
