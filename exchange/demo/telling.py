"""What the demo shows: progress while it works, then figures, archive, places, next commands."""

import shlex
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from congvan.v1 import archive_pb2, compliance_pb2
from exchange.cli.archive import integrity_counts, integrity_json, kind
from exchange.cli.inbox import short
from exchange.cli.output import Output, plain
from exchange.cli.rate import exception_json, rate_json, show_exceptions, show_rate
from exchange.demo.ground import Ground
from exchange.demo.plan import REGISTRAR, Plan, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the demo counted in the end."""

    rate: compliance_pb2.SignatureRateReport
    exceptions: Sequence[compliance_pb2.RateException]
    records: Sequence[archive_pb2.ArchiveRecord]
    integrity: archive_pb2.IntegrityReport
    seconds: float


class Steps:
    """Tells each step as it begins: a bar at a terminal, plain lines with seconds elsewhere."""

    def __init__(self, output: Output, bar: Progress | None) -> None:
        """Use telling_steps()."""
        self._output = output
        self._bar = bar
        self._task = bar.add_task("", total=None) if bar else None
        self._began = time.monotonic()

    def expect(self, count: int) -> None:
        """Say how many steps there will be in all."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=count)

    def step(self, key: str, **values: object) -> None:
        """Tell the step that begins now."""
        text = self._output.phrase(f"demo.step.{key}", **values)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=text[:60])
        else:
            self._output.note(f"[{self.seconds:5.1f} s] {text}")

    @property
    def seconds(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began


@contextmanager
def telling_steps(output: Output) -> Iterator[Steps]:
    """Tell the steps on stderr, so that results stay alone on stdout."""
    console = output.error_console
    if not console.is_terminal:
        yield Steps(output, None)
        return
    columns = (SpinnerColumn(), BarColumn(bar_width=12), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.description}", markup=False), console=console, transient=True
    ) as bar:
        yield Steps(output, bar)


def tell_documents(plan: Plan, output: Output) -> None:
    """List what was sent, by whom, to how many, and how it was judged."""
    styles = {Treatment.SIGNED: "green", Treatment.UNSIGNED: "yellow", Treatment.BROKEN: "red"}
    rows = [
        (
            each.printed_code,
            each.sender_name,
            ", ".join(each.draft.to),
            Text(output.phrase(f"verdict.{each.treatment.verdict}"), styles[each.treatment]),
        )
        for each in plan.dispatches
    ]
    output.show(Text(output.phrase("demo.documents", count=len(rows)), style="bold"))
    headings = ("word.code", "word.sender", "word.recipient", "word.gate")
    output.show(output.table(*headings, rows=rows), "")


def tell_archive(figures: Figures, output: Output) -> None:
    """List the senders' documents in the archive, count the rest, and tell the check's result."""
    documents = [each for each in figures.records if kind(each) == "DOCUMENT"]
    originals = {each.content.sha256: each for each in reversed(documents)}
    output.show("", Text(output.phrase("demo.archive"), style="bold"))
    rows = [
        (short(each.name), each.title, f"{each.content.size_bytes:,}", each.content.sha256[:12])
        for each in originals.values()
    ]
    headings = ("word.record", "word.title", "word.size", "word.sha256")
    output.show(output.table(*headings, rows=rows))
    kinds = Counter(kind(each) for each in figures.records)
    counted = ", ".join(
        f"{count} {output.phrase(f'record.{name}')}" for name, count in kinds.most_common()
    )
    output.say("demo.kinds", count=len(figures.records), kinds=counted)
    output.show("✓ " + output.phrase("archive.checked", **integrity_counts(figures.integrity)))
    if figures.integrity.orphans:
        output.show(Text(output.phrase("demo.orphan"), style="dim"))


def tell_next(ground: Ground, plan: Plan, *, pids: Sequence[int], output: Output) -> None:
    """Say where everything lies and what to try next; every command works as it stands."""
    output.show("", Text(output.phrase("demo.places"), style="bold"))
    for key, path in (
        ("sent", ground.documents),
        ("received", ground.received),
        ("profiles", ground.profile_file(REGISTRAR).parent),
        ("trust", ground.trust),
        ("data", ground.service / "data"),
        ("logs", ground.logs),
    ):
        output.show(f"  {output.phrase(f'demo.place.{key}')}: {path}")
    output.show("", Text(output.phrase("demo.next"), style="bold"))
    for command in next_commands(ground, plan, running=bool(pids)):
        output.show(f"  {command}")
    if pids:
        numbers = " ".join(str(pid) for pid in pids)
        output.show("", output.phrase("demo.stop", command=f"kill {numbers}"))
    else:
        output.show("", output.phrase("demo.ended"))


def next_commands(ground: Ground, plan: Plan, *, running: bool) -> list[str]:
    """Give commands that work now: on the running service, or on the files that are left."""
    first = plan.dispatches[0]
    broken = next(each for each in plan.dispatches if each.treatment is Treatment.BROKEN)
    sender, registrar = ground.profile_file(first.sender), ground.profile_file(REGISTRAR)
    month = f"{first.draft.promulgated_on:%Y-%m}"
    verify = [
        ["verify", "--profile", str(sender), str(ground.documents / f"{each.stem}.signed.pdf")]
        for each in (first, broken)
    ]
    if running:
        commands = [
            *verify,
            ["status", "--profile", str(sender)],
            ["inbox", "--profile", str(sender)],
            ["rate", "--profile", str(registrar), "--month", month],
            ["archive", "check", "--profile", str(registrar)],
            ["doctor", "--profile", str(registrar)],
        ]
    else:
        commands = [*verify, ["serve", "--config", str(ground.configuration), "--check"]]
    program = ["./dev", "run", "congvan"] if Path("dev").is_file() else ["congvan"]
    return [shlex.join([*program, *command]) for command in commands]


def summary_json(
    ground: Ground, plan: Plan, *, figures: Figures, pids: Sequence[int]
) -> dict[str, Any]:
    """Give the JSON of the whole demo."""
    return {
        "directory": str(ground.directory),
        "seconds": round(figures.seconds, 1),
        "documents": [
            {
                "code": each.code,
                "sender": each.sender,
                "recipients": list(each.draft.to),
                "verdict": each.treatment.verdict,
            }
            for each in plan.dispatches
        ],
        "rate": rate_json(figures.rate),
        "exceptions": [exception_json(each) for each in figures.exceptions],
        "archive": {"records": len(figures.records), **integrity_json(figures.integrity)},
        "next": next_commands(ground, plan, running=bool(pids)),
        "pids": list(pids),
    }


def tell_everything(
    ground: Ground, plan: Plan, *, figures: Figures, pids: Sequence[int], output: Output
) -> None:
    """Tell the whole result, in JSON or for people."""
    output.document(summary_json(ground, plan, figures=figures, pids=pids))
    if output.as_json:
        return
    tell_documents(plan, output)
    show_rate(figures.rate, output)
    show_exceptions(list(figures.exceptions), output)
    tell_archive(figures, output)
    tell_next(ground, plan, pids=pids, output=output)
    output.show(
        Text(plain(output.phrase("demo.done", seconds=f"{figures.seconds:.0f}")), "bold green")
    )
