"""What became of each file: done, skipped or failed, always with a stable reason. Pure."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.cli.exits import EXIT_CODES, ExitCode


class Result(StrEnum):
    """How a file's turn ended (kết quả)."""

    DONE = "done"
    PLANNED = "planned"
    """A dry run found nothing against it."""
    SKIPPED = "skipped"
    """Left as it is on purpose; never a failure."""
    FAILED = "failed"


ALREADY_SIGNED = "ALREADY_SIGNED"
"""The journal and the output on disk say that this was done before."""
SAME_DOCUMENT = "SAME_DOCUMENT"
"""The same file, or one with the same content, came earlier in this run."""
OWN_OUTPUT = "OWN_OUTPUT"
"""It bears the ending that this command gives its own results."""
NOT_CHOSEN = "NOT_CHOSEN"
"""The user looked at it and said no."""
NOT_TRIED = "NOT_TRIED"
"""The run ended before its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

    file: as the user named it. output: the result's path, also where it was there before.
    input_sha256, sha256: of the file and of the result.
    """

    file: str
    outcome: Result
    output: str = ""
    input_sha256: str = ""
    sha256: str = ""
    reason: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the line of the command's JSON Lines."""
        return dataclasses.asdict(self)


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count the results; those that no file had are 0, a dry run's only where there are any."""
    counts = {each.value: 0 for each in Result}
    for outcome in outcomes:
        counts[outcome.outcome] += 1
    if not counts[Result.PLANNED]:
        del counts[Result.PLANNED]
    return counts


def exit_code(outcomes: Sequence[Outcome], *, interrupted: bool = False) -> ExitCode:
    """Choose the exit code: 130 where interrupted, 6 where some are done and others failed."""
    if interrupted:
        return ExitCode.INTERRUPTED
    failed = [each for each in outcomes if each.outcome is Result.FAILED]
    if not failed:
        return ExitCode.OK
    if any(_stands_signed(each) for each in outcomes):
        return ExitCode.PARTIAL
    return EXIT_CODES.get(failed[0].reason, ExitCode.INTERNAL)


def _stands_signed(outcome: Outcome) -> bool:
    return outcome.outcome in (Result.DONE, Result.PLANNED) or outcome.reason == ALREADY_SIGNED
