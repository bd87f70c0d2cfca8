"""The command of ./dev corpus: python -m bench.foreign DIR EXPECTED.tsv [--json]."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.agreement import KNOWN, Finding, Outcome, counted, disagreements, to_json
from bench.expectations import (
    Expectation,
    InputUnusable,
    listed,
    read_expectations,
    unlisted,
)
from certs.trust.anchors import TrustStore
from signer.errors import SandboxBroken, SandboxLimitExceeded
from signer.sandbox.pool import Sandbox
from signer.sandbox.process import SandboxLimits

EXIT_AGREED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNLISTED = 3
EXIT_INTERRUPTED = 130

_LIMITS = SandboxLimits()
_HELP = """\
Judge every PDF that EXPECTED.tsv names (columns file and expected, with tabs) in the sandbox and
without any trust anchor, and count by category:

  accepted      readable, every signature INTACT, changes NONE, SIGNATURES or ARCHIVAL
  undetermined  not accepted, and the verdict is INDETERMINATE
  refused       every other verdict: INVALID, UNREADABLE, UNSIGNED
  crashed       the process that judged it died, or needed more memory than it may have
  slow          stopped at 10 s of processor time (or 30 s on the clock); counted as refused too

What each category expects; everything else, and every crash and slow file, is a disagreement:

"""
_CODES = """\
Exit code: 0 when no forged document is accepted and nothing crashed or was slow (other
disagreements are only told); 1 when one is; 2 when folder or table can't be used, nothing is judged
then; 3 when all is well but the folder has PDF files that the table does not name."""


def main(arguments: Sequence[str], limits: SandboxLimits = _LIMITS) -> int:
    """Judge the folder, print what came out, return the exit code (see the help)."""
    options = _parser().parse_args(arguments)
    try:
        expectations = read_expectations(options.folder, options.table)
    except InputUnusable as error:
        print(f"corpus: {error}", file=sys.stderr)
        return EXIT_USAGE
    forgotten = unlisted(options.folder, expectations)
    if forgotten:
        print(f"corpus: not in the table, not judged: {listed(forgotten)}", file=sys.stderr)
    if strange := sorted({each.expected for each in expectations} - KNOWN.keys()):
        print(f"corpus: categories that expect nothing: {listed(strange)}", file=sys.stderr)
    try:
        findings = asyncio.run(judge_all(expectations, limits, told=_progress(len(expectations))))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (OSError, SandboxBroken) as error:
        print(f"corpus: {error}", file=sys.stderr)
        return EXIT_USAGE
    document = to_json(findings)
    print(json.dumps(document, indent=2) if options.json else as_text(findings))
    if any(each.fails for each in findings):
        return EXIT_FAILED
    return EXIT_UNLISTED if forgotten else EXIT_AGREED


async def judge_all(
    expectations: Sequence[Expectation],
    limits: SandboxLimits = _LIMITS,
    *,
    told: Callable[[int], None] = lambda done: None,
) -> list[Finding]:
    """Judge each document in a sandbox process, one a core; `told` hears how many are done."""
    workers = min(len(os.sched_getaffinity(0)), len(expectations))
    waiting = iter(expectations)
    findings: list[Finding] = []

    async def work(sandbox: Sandbox) -> None:
        # One document in flight for each process: the time of a call is not spent in a queue.
        for expectation in waiting:
            findings.append(await _judge(expectation, sandbox, limits=limits))
            told(len(findings))

    async with Sandbox(workers, limits) as sandbox:
        await asyncio.gather(*(work(sandbox) for _ in range(workers)))
    return sorted(findings, key=lambda each: each.file)


async def _judge(expectation: Expectation, sandbox: Sandbox, *, limits: SandboxLimits) -> Finding:
    content = await asyncio.to_thread(expectation.path.read_bytes)
    file, expected = expectation.file, expectation.expected
    begun = time.monotonic()
    try:
        report = await sandbox.assess(content, store=TrustStore(), at=datetime.now(UTC))
    except SandboxBroken as error:
        return Finding(file=file, expected=expected, report=None, failure=error.reason)
    if report.reason != SandboxLimitExceeded.reason:
        return Finding(file=file, expected=expected, report=report)
    # What was stopped before its time was up broke another limit: memory, or it was killed.
    if time.monotonic() - begun < min(limits.cpu_seconds, limits.wall_seconds):
        return Finding(file=file, expected=expected, report=report, failure=report.reason)
    return Finding(file=file, expected=expected, report=report, slow=True)


def as_text(findings: Sequence[Finding]) -> str:
    """Lay the counts out as a table, then what the goals say, then each disagreement."""
    columns = (*map(str, Outcome), "slow")
    lines = [f"{'':<25}" + "".join(f"{name:>13}" for name in columns)]
    for category, row in counted(findings).items():
        lines.append(f"{category:<25}" + "".join(f"{row[name]:>13}" for name in columns))
    fooled = sum(each.fooled for each in findings)
    lines += ["", f"forged or altered, and accepted: {fooled}"]
    for category in ("VALID", "MODS_OK"):
        these = [each for each in findings if each.expected == category]
        if these:
            agreed = sum(each.agrees for each in these)
            lines.append(f"{category} as expected: {agreed} of {len(these)}")
    found = disagreements(findings)
    lines += ["", f"disagreements: {len(found)}"]
    lines += [f"{'!' if each.fails else ' '} {_line(each)}" for each in found]
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    reason, detail = finding.cause
    said = f"{finding.file}  {finding.expected}  {finding.outcome}"
    slow = " and slow" if finding.slow else ""
    return f"{said}{slow}: {finding.verdict} {reason}  {detail[:100]}".rstrip()


def _progress(total: int) -> Callable[[int], None]:
    def told(done: int) -> None:
        if sys.stderr.isatty():
            end = "\r\033[K" if done == total else ""
            print(f"\rjudged {done} of {total}{end}", end="", file=sys.stderr, flush=True)

    return told


def _parser() -> argparse.ArgumentParser:
    expected = "".join(f"  {category:<25} {what}\n" for category, what in KNOWN.items())
    parser = argparse.ArgumentParser(
        prog="./dev corpus",
        description=_HELP + expected,
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder with the PDF files")
    parser.add_argument("table", type=Path, metavar="EXPECTED.tsv", help="what is expected of each")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
