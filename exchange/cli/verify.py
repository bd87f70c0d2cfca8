"""`congvan verify`: judge the signatures of PDF files in the sandbox, and say what to do."""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from certs.fetching.fetcher import EvidenceFetcher
from exchange.cli.commands import as_command
from exchange.cli.earlier_revisions import EarlierRevision, judge_revision
from exchange.cli.errors import (
    FileUnreadable,
    NothingToVerify,
    OutputExists,
    OutputUnwritable,
)
from exchange.cli.exits import VERDICT_CODES, ExitCode, worst_verdict
from exchange.cli.files import read_file
from exchange.cli.in_order import run_in_order
from exchange.cli.moments import local_time, parse_instant
from exchange.cli.named_files import is_batch, named_files
from exchange.cli.output import Output, indented, plain, reason_and_detail
from exchange.cli.policies import policy_of
from exchange.cli.report_files import ReportFileOptions, ReportFiles
from exchange.cli.signing.options import Files, NoProgress, Recursive
from exchange.cli.signing.progress import progress
from exchange.cli.trust import Trust, now, trust_of
from exchange.texts import sheet_text
from signer.errors import SandboxBroken, SandboxFailed
from signer.limits import DEFAULT as LIMITS
from signer.report import Report, SignatureReport
from signer.sandbox.pool import Sandbox
from signer.validation.evidence_gathering import Assessor
from signer.verdicts import Indication

MAX_AT_ONCE: Final = 4
"""Documents judged at once, each in a process of its own with up to 1.5 GB."""
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
class VerifyOptions(ReportFileOptions):
    """What `verify` takes."""

    files: Files
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            help="Xét vào lúc, hoặc cuối ngày ấy · Judge at a time, or a day's end.",
        ),
    ] = ""
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch/--no-fetch",
            help="Lấy OCSP, CRL từ nơi được phép · Fetch evidence from allowed places.",
        ),
    ] = True
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            min=1,
            help="Xét như ở lần sửa N, 1 là bản đầu · Judge as of revision N, 1 being the first.",
        ),
    ] = None
    recursive: Recursive = False
    no_progress: NoProgress = False


Found = Report | EarlierRevision | FileUnreadable | SandboxBroken
"""What came of one file: the report on it, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What is told of one file; unwritten: why its sheets could not be written."""

    file: Path
    found: Found
    unwritten: OutputUnwritable | OutputExists | SandboxFailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """How each file is judged; at is None for now, revision None for the last one.

    several: whether one of many can't be waited for, such as a pipe that nobody writes into.
    """

    assessor: Assessor
    at: datetime | None
    revision: int | None
    several: bool
    files: ReportFiles

    async def judge(self, file: Path) -> _Told:
        """Judge one file; of several, none keeps the others from being judged and written of."""
        try:
            content = await asyncio.to_thread(self._read, file)
            found = await self._judge(content, at=self.at or now())
        except FileUnreadable as error:
            return _Told(file=file, found=error)
        except SandboxBroken as error:
            if not self.several:
                raise
            return _Told(file=file, found=error)
        try:
            await self._write(file, found, content=content)
        except (OutputUnwritable, OutputExists, SandboxFailed) as error:
            if not self.several:
                raise
            return _Told(file=file, found=found, unwritten=error)
        return _Told(file=file, found=found)

    async def _judge(self, content: bytes, *, at: datetime) -> Report | EarlierRevision:
        if self.revision is not None:
            return await judge_revision(content, self.revision, assessor=self.assessor, at=at)
        return await self.assessor.assess(content, at=at)

    async def _write(self, file: Path, found: Report | EarlierRevision, *, content: bytes) -> None:
        report = found.report if isinstance(found, EarlierRevision) else found
        judged = content[: report.size_bytes]
        sandbox = self.assessor.sandbox
        await self.files.write(file, report, content=judged, sandbox=sandbox)

    def _read(self, file: Path) -> bytes:
        if self.several and os.path.exists(file) and not os.path.isfile(file):
            raise FileUnreadable(f"{file}: not a regular file")
        return read_file(file, max_bytes=LIMITS.max_bytes)


@dataclass(slots=True, kw_only=True)
class _Telling:
    """What is told of each file, and how many there were of each verdict."""

    output: Output
    several: bool
    verdicts: Counter[str] = field(default_factory=Counter)
    unwritten: int = 0

    def tell(self, told: _Told) -> None:
        """Tell of one file."""
        file, found = told.file, told.found
        document = file_json(file, found)
        self.verdicts[document["verdict"]] += 1
        if told.unwritten is not None:
            self.unwritten += 1
            reason, detail = reason_and_detail(told.unwritten)
            document["not_written"] = {"reason": reason, "detail": detail}
        (self.output.line if self.several else self.output.document)(document)
        if isinstance(found, EarlierRevision):
            about = {"number": found.number, "revisions": found.revisions}
            self.output.say("verify.revision", **about)
            found = found.report
        if isinstance(found, Report):
            self.output.show(*lines(str(file), found, output=self.output))
        else:
            self.output.show(*_unreadable_lines(file, found, output=self.output))
        if told.unwritten is not None:
            self.output.show(*_unwritten_lines(told.unwritten, output=self.output))

    def end(self, total: int, *, interrupted: bool) -> None:
        """Tell the sums."""
        judged = {verdict: self.verdicts[verdict] for verdict in MARKS}
        left = total - self.verdicts.total()
        sums = {"verdicts": judged, "not_judged": left, "interrupted": interrupted}
        if self.unwritten:
            sums["not_written"] = self.unwritten
        self.output.line({"summary": sums})
        self.output.say("verify.total", total=total - left, **judged)
        if self.unwritten:
            text = self.output.phrase("verify.not_written", count=self.unwritten)
            self.output.note(text, style="bold red")
        if interrupted:
            text = self.output.phrase("verify.stopped", count=left)
            self.output.note(text, style="yellow")


async def verify_files(options: VerifyOptions, output: Output) -> ExitCode:
    """Kiểm tra chữ ký số · Check the signatures of PDF files.

    Exit code: 0 valid, 3 invalid or unreadable, 5 undetermined, 8 unsigned;
    of several, the worst. --json writes one document for one file; for
    folders, patterns and several files a line each, then one with the sums.

    --at takes 2026-11-23T10:00+07:00, or a day. Only evidence of that time
    counts: what is in the file, and --crl. That a signature existed then is
    taken on your word, unless a time-stamp proves it.

    --html, --pdf, --xml and --evidence write the sheet, the ETSI report and
    the evidence to new files; for several documents OUT is a folder. Where
    one can't be written the others are, and valid documents end with 6.

    --revision judges the first bytes of a file, up to the end of that
    revision; the report lists where each one ends.
    """
    named = [file for file, _ in _named(options)]
    several, found = is_batch(options.files, named), list(dict.fromkeys(named))
    at = parse_instant(options.at, now=now()) if options.at else None
    trust, policy = trust_of(options), policy_of(options)
    files = ReportFiles.planned(options, found, several=several)
    telling = _Telling(output=output, several=several)
    if at is not None:
        output.say("verify.as_of", time=local_time(at))
    at_once = min(len(found), len(os.sched_getaffinity(0)), MAX_AT_ONCE)
    async with AsyncExitStack() as stack:
        assessor = Assessor(
            sandbox=await stack.enter_async_context(Sandbox(workers=at_once)),
            store=trust.store,
            fetcher=await _fetcher(options, trust, stack=stack),
            evidence=trust.evidence,
            policy=policy,
        )
        judge = _Judge(
            assessor=assessor, at=at, revision=options.revision, several=several, files=files
        )
        shown = not options.no_progress
        with progress(output, len(found), shown=shown, label="verify.progress") as step:
            interrupted = await run_in_order(
                found,
                judge.judge,
                at_once=at_once,
                tell=lambda told: step(partial(telling.tell, told)),
            )
    if interrupted and not several:
        raise asyncio.CancelledError
    if several:
        telling.end(len(found), interrupted=interrupted)
    if interrupted:
        return ExitCode.INTERRUPTED
    code = VERDICT_CODES[worst_verdict(list(telling.verdicts))]
    return ExitCode.PARTIAL if telling.unwritten and code is ExitCode.OK else code


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


def file_json(file: Path, found: Found) -> dict[str, Any]:
    """Give the JSON of one file: the report's, with its file, or why there is none."""
    if isinstance(found, Report | EarlierRevision):
        return {"file": str(file), **found.to_json()}
    unreadable = {"verdict": "UNREADABLE", "reason": found.reason, "detail": found.detail}
    return {"schema_version": 1, "file": str(file), **unreadable, "signatures": []}


def _named(options: VerifyOptions) -> list[tuple[Path, Path]]:
    named = named_files(options.files, recursive=options.recursive)
    if not named:
        raise NothingToVerify(", ".join(options.files))
    return named


async def _fetcher(
    options: VerifyOptions, trust: Trust, *, stack: AsyncExitStack
) -> EvidenceFetcher | None:
    fetcher = trust.evidence_fetcher(online=options.fetch)
    return None if fetcher is None else await stack.enter_async_context(fetcher)


def _unreadable_lines(
    file: Path, found: FileUnreadable | SandboxBroken, *, output: Output
) -> list[RenderableType]:
    first = Text(f"{MARKS['UNREADABLE']} ", style=STYLES["UNREADABLE"])
    first.append(output.phrase("verdict.UNREADABLE"))
    first.append(f": {plain(file)}", style="default")
    shown: list[RenderableType] = [first, output.sentence(found.reason, indent=2)]
    if found.detail:
        shown.append(indented(f"→ {found.detail}", 2))
    return shown


def _unwritten_lines(
    error: OutputUnwritable | OutputExists | SandboxFailed, *, output: Output
) -> list[RenderableType]:
    reason, detail = reason_and_detail(error)
    shown: list[RenderableType] = [output.sentence(reason, indent=2)]
    return [*shown, indented(f"→ {detail}", 2)] if detail else shown


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
    for code in entry.leniencies:
        text = sheet_text(f"leniency.{code}", output.language)
        line = output.phrase("verify.leniency", text=text, code=code)
        shown.append(indented(line, 4, style="dim"))
    return shown


app = typer.Typer(add_completion=False)
app.command()(as_command(VerifyOptions, verify_files))
