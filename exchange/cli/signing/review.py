"""Choosing what to sign: all of it unseen, or one file after the other, before any key is used."""

import sys
from collections.abc import Sequence
from dataclasses import replace

import typer

from exchange.cli.errors import UsageInvalid
from exchange.cli.output import Output
from exchange.cli.signing.outcomes import NOT_CHOSEN
from exchange.cli.signing.targets import Target

# In Vietnamese and in English at once: có, không, tất cả, dừng, xem.
_YES, _NO, _ALL, _QUIT, _REVIEW = ("c", "y"), ("k", "n"), ("t", "a"), ("d", "q"), ("x", "r")


def choose(targets: Sequence[Target], *, review: bool | None, output: Output) -> tuple[Target, ...]:
    """Let the user choose; those said no to are passed over as NOT_CHOSEN.

    With several files somebody at a terminal must say how; without a terminal all are meant.
    Raises UsageInvalid for a review where nobody can be asked, typer.Exit where nothing is chosen.
    """
    open_ones = [each for each in targets if not each.passed_over]
    if review and not _somebody_is_there():
        raise UsageInvalid("--review needs a terminal")
    if review is None and len(open_ones) > 1 and _somebody_is_there():
        review = _ask_how(len(open_ones), output)
    if not review:
        return tuple(targets)
    wanted = _reviewed(open_ones, output)
    if not wanted:
        output.say("sign.review_none")
        raise typer.Exit(0)
    return tuple(
        each if each.passed_over or each in wanted else replace(each, passed_over=NOT_CHOSEN)
        for each in targets
    )


def _ask_how(count: int, output: Output) -> bool:
    answer = _answer(output.phrase("sign.choose", count=count), (_ALL, _REVIEW, (*_QUIT, "k")))
    if answer in (*_QUIT, "k"):
        raise typer.Exit(0)
    return answer in _REVIEW


def _reviewed(targets: Sequence[Target], output: Output) -> set[Target]:
    wanted: set[Target] = set()
    for position, target in enumerate(targets, start=1):
        output.note(
            output.phrase(
                "sign.review_file",
                position=position,
                total=len(targets),
                file=target.file,
                size=_size(target),
            )
        )
        answer = _answer(output.phrase("sign.review_ask"), (_YES, _NO, _ALL, _QUIT))
        if answer in _ALL:
            return wanted | set(targets[position - 1 :])
        if answer in _QUIT:
            return wanted
        if answer in _YES:
            wanted.add(target)
    return wanted


def _answer(question: str, answers: tuple[tuple[str, ...], ...]) -> str:
    known = [letter for letters in answers for letter in letters]
    while True:
        sys.stderr.write(f"{question} ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            # Nobody answers any more: nothing is signed on somebody's behalf.
            raise KeyboardInterrupt
        if (letter := line.strip().lower()[:1]) in known:
            return letter


def _somebody_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _size(target: Target) -> str:
    try:
        return f"{target.file.stat().st_size / 1000:,.0f} kB"
    except OSError:
        return "?"
