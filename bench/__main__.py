"""The benchmark's command: python -m bench [NAME] [--json] [--quick]."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from bench.harness import FULL, QUICK, Entry, NotInstalled, Outcome, WrongResult, run
from bench.registry import ENTRIES

EXIT_REACHED = 0
EXIT_MISSED = 1
EXIT_USAGE = 2
EXIT_WRONG = 3


def main(arguments: Sequence[str], entries: Sequence[Entry] = ENTRIES) -> int:
    """Measure the entries asked for, print the outcomes, return the exit code.

    0: all goals reached; 1: a goal missed; 2: wrong usage; 3: a result was wrong.
    """
    parser = _parser(entries)
    options = parser.parse_args(arguments)
    chosen = _chosen(entries, options.name)
    if not chosen:
        parser.error(f"no entry {options.name}; there are: {_names(entries)}")
    outcomes = []
    wrong = False
    for entry in chosen:
        print(f"measuring {entry.name} …", file=sys.stderr)
        try:
            outcomes.append(run(entry, QUICK if options.quick else FULL))
        except NotInstalled as missing:
            print(f"{entry.name}: not installed: {missing}", file=sys.stderr)
        except WrongResult as error:
            print(f"{entry.name}: wrong result, nothing measured: {error}", file=sys.stderr)
            wrong = True
            break
    if outcomes or not wrong:
        print(_as_json(outcomes) if options.json else _as_table(outcomes))
    if wrong:
        return EXIT_WRONG
    return EXIT_REACHED if all(outcome.reached for outcome in outcomes) else EXIT_MISSED


def _chosen(entries: Sequence[Entry], name: str | None) -> list[Entry]:
    """Return the entry of that name, or all of that group: "sign" stands for "sign-…"."""
    exact = [entry for entry in entries if entry.name == name]
    return exact or [
        entry for entry in entries if name is None or entry.name.startswith(f"{name}-")
    ]


def _parser(entries: Sequence[Entry]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure against the libraries that others use, side by side in one run.",
        epilog=f"Entries: {_names(entries)}. Exit code 1 when a goal is missed.",
    )
    parser.add_argument("name", nargs="?", help="only this entry, or this group: sign, verify, …")
    parser.add_argument("--json", action="store_true", help="print a JSON list of the outcomes")
    parser.add_argument("--quick", action="store_true", help="few short rounds: a rough figure")
    return parser


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.name for entry in entries)


def _as_json(outcomes: Sequence[Outcome]) -> str:
    return json.dumps([outcome.to_json() for outcome in outcomes], indent=2)


def _as_table(outcomes: Sequence[Outcome]) -> str:
    lines = [f"{'entry':<21} {'value':>8} {'goal':>7}  {'':<7} against"]
    for outcome in outcomes:
        value = f"{outcome.value:g}{outcome.unit}"
        goal = f"{outcome.sense} {outcome.goal:g}"
        said = "reached" if outcome.reached else "MISSED"
        lines.append(f"{outcome.name:<21} {value:>8} {goal:>7}  {said:<7} {outcome.against}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
