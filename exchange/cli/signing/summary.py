"""Telling what became of a batch: JSON Lines as it goes, then a table; a CSV file on request."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from exchange.cli.files import write_new
from exchange.cli.output import Output, indented, plain
from exchange.cli.signing.batch import Ended
from exchange.cli.signing.outcomes import Outcome, Result, count
from exchange.texts import sentence

COLUMNS = ("file", "outcome", "output", "reason", "message", "detail", "input_sha256", "sha256")
_STYLES = {Result.DONE: "green", Result.FAILED: "red", Result.SKIPPED: "dim"}
# What spreadsheets take for a formula or for the start of one (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it spreadsheets take the file for one of their local encodings."""


def tell_outcome(outcome: Outcome, output: Output) -> None:
    """Write one line of JSON as soon as its turn has come; people read the table at the end."""
    output.line(outcome.to_json())


def tell_end(ended: Ended, output: Output) -> None:
    """Tell the whole: the sums in JSON; for people one file's line, or a table with the reasons."""
    outcomes = ended.outcomes
    counts = count(outcomes)
    output.line({"summary": {**counts, "interrupted": ended.interrupted}})
    if len(outcomes) == 1:
        _tell_one(outcomes[0], output)
    else:
        _tell_many(outcomes, output)
        planned = "sign.plan_total" if Result.PLANNED in counts else "sign.total"
        output.say(planned, **counts, total=len(outcomes))
    if ended.interrupted:
        output.note(output.phrase("sign.stopped"), style="yellow")


def write_summary(path: Path, outcomes: Sequence[Outcome], *, output: Output) -> None:
    """Write the outcomes as CSV (RFC 4180), readable in spreadsheets and harmless there.

    Raises OutputExists, OutputUnwritable.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in outcomes:
        message = sentence(each.reason, output.language) if each.reason else ""
        cells = (each.file, each.outcome, each.output, each.reason, message, each.detail)
        writer.writerow(harmless(cell) for cell in (*cells, each.input_sha256, each.sha256))
    write_new(path, (_BYTE_ORDER_MARK + text.getvalue()).encode())
    output.say("sign.summary_written", file=path)


def harmless(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula."""
    cleaned = plain(cell)
    return f"'{cleaned}" if cleaned.startswith(_FORMULA) else cleaned


def _tell_one(outcome: Outcome, output: Output) -> None:
    output.say(f"sign.{outcome.outcome}", file=outcome.file, output=outcome.output)
    _tell_reason(outcome.reason, outcome.detail, output=output)


def _tell_many(outcomes: Sequence[Outcome], output: Output) -> None:
    rows = [
        (
            Text(output.phrase(f"sign.result_{each.outcome}"), style=_STYLES.get(each.outcome, "")),
            each.file,
            each.reason or each.output,
        )
        for each in outcomes
    ]
    output.show(output.table("sign.result", "word.file", "sign.where", rows=rows), "")
    times = Counter(each.reason for each in outcomes if each.reason)
    for reason, files in times.items():
        output.say("sign.reason_of", reason=reason, count=files)
        detail = next((each.detail for each in outcomes if each.reason == reason), "")
        _tell_reason(reason, detail, output=output)


def _tell_reason(reason: str, detail: str, *, output: Output) -> None:
    if reason:
        output.show(output.sentence(reason, indent=2))
    if detail:
        output.show(indented(f"→ {detail}", 2))
