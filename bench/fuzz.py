"""The command of ./dev fuzz: python -m bench.fuzz [--mutants N] [--seed S] [--json]."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.corpus import CORPUS
from bench.fuzz_seeds import seeds
from bench.fuzzing import Examiner, Tally, Trouble

EXIT_HELD = 0
EXIT_FOOLED = 1
MUTANTS: Final = 20_000
_STRETCH: Final = 200
_SHOWN: Final = 20
_HELP = """\
Damage signed documents at random and judge them: our own profile, plain pyHanko's, B-LTA, the
office's order, and small accepted files of ../shared/corpus where it is there. Whoever made a
mutant had no key. An accepted mutant must hold nothing but what was really signed, and PDFium must
show the pages that were signed, pixel for pixel; pyHanko and pdfsig are asked about each of these,
and about a sample of the others."""
_CODES = """\
Exit code: 0 when no mutant was accepted that shows or holds something else, and the judge neither
raised nor hung; 1 when one was. --keep saves those mutants, and those that others judge
differently, with the documents that they were made from."""

_examiner: Examiner | None = None


def main(arguments: Sequence[str]) -> int:
    """Judge as many mutants as asked for, print what came out, return the exit code."""
    options = _parser().parse_args(arguments)
    begun = time.monotonic()
    strangers = None if options.without_corpus else CORPUS
    with tempfile.TemporaryDirectory(prefix="congvan-fuzz-") as place:
        tally = fuzz(
            options.mutants, run=options.seed, place=Path(place), strangers=strangers, told=_told
        )
    if options.keep is not None:
        keep(tally.troubles, options.keep)
    seconds = time.monotonic() - begun
    document = to_json(tally, run=options.seed, seconds=seconds)
    print(json.dumps(document, indent=2) if options.json else as_text(document))
    return exit_code(tally)


def exit_code(tally: Tally) -> int:
    """Return EXIT_FOOLED where something happened that must not."""
    return EXIT_FOOLED if any(each.fatal for each in tally.troubles) else EXIT_HELD


def fuzz(
    mutants: int,
    *,
    run: int,
    place: Path,
    strangers: Path | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Judge the mutants in one process a core. place: a folder for the practice authority."""
    global _examiner  # noqa: PLW0603 - what a forked process has already need not be sent to it
    _examiner = Examiner(*seeds(place / "authority", strangers))
    # Once here, so that whatever is imported late is imported before the processes part.
    tally = _stretch((range(min(mutants, 20)), run))
    rest = [(range(at, min(at + _STRETCH, mutants)), run) for at in range(20, mutants, _STRETCH)]
    context = multiprocessing.get_context("fork")
    with context.Pool(len(os.sched_getaffinity(0))) as pool:
        for part in pool.imap_unordered(_stretch, rest):
            tally.add(part)
            told(tally.ways.total())
    return tally


def _stretch(asked: tuple[range, int]) -> Tally:
    assert _examiner is not None
    indices, run = asked
    return _examiner.examine(indices, run=run)


def _told(done: int) -> None:
    if sys.stderr.isatty() or done % 5000 < _STRETCH:
        print(f"{done} judged", file=sys.stderr, flush=True)


def keep(troubles: Sequence[Trouble], folder: Path) -> None:
    """Save the mutants in trouble, each beside what it was made from."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in troubles:
        name = f"{each.mutant.index}-{each.mutant.way}"
        (folder / f"{name}.pdf").write_bytes(each.mutant.content)
        (folder / f"{name}.original.pdf").write_bytes(each.mutant.seed.content)


def to_json(tally: Tally, *, run: int, seconds: float) -> dict[str, Any]:
    """Return the counts and the troubles as plain values."""
    return {
        "seed": run,
        "mutants": tally.ways.total(),
        "seconds": round(seconds, 1),
        "accepted": tally.accepted.total(),
        "fooled": sum(each.fatal for each in tally.troubles),
        "ways": dict(tally.ways.most_common()),
        "accepted_by_kind": dict(tally.accepted.most_common()),
        "verdicts": dict(tally.verdicts.most_common()),
        "others": dict(tally.peers.most_common()),
        "troubles": [
            {
                "mutant": each.mutant.index,
                "way": each.mutant.way,
                "of": each.mutant.seed.name,
                "what": each.what,
                "fatal": each.fatal,
            }
            for each in tally.troubles
        ],
    }


def as_text(document: dict[str, Any]) -> str:
    """Lay the counts out as lines."""
    return "\n".join(_lines(document))


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield (
        f"seed {document['seed']}: {document['mutants']} mutants in {document['seconds']:g} s, "
        f"{document['accepted']} accepted, {document['fooled']} of these wrongly"
    )
    for title in ("ways", "accepted_by_kind", "verdicts", "others"):
        yield f"\n{title.replace('_', ' ')}:"
        yield from (f"{count:>9}  {name}" for name, count in document[title].items())
    troubles = sorted(document["troubles"], key=lambda each: not each["fatal"])
    yield f"\nto look at: {len(troubles)}"
    for each in troubles[:_SHOWN]:
        mark = "!" if each["fatal"] else " "
        yield f"{mark} {each['mutant']} {each['way']} of {each['of']}: {each['what']}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz",
        description=_HELP,
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mutants", type=int, default=MUTANTS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the dice")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where to save what to look at")
    parser.add_argument("--without-corpus", action="store_true", help="no documents of others")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
