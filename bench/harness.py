"""Measure two ways of doing the same thing side by side, and report the ratio of their times.

Machines differ and are shared, so only ratios within one run mean anything: rounds of both ways
alternate (A B, B A, …), each round's two times give one ratio, and the median of these counts.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from enum import StrEnum

Repeat = Callable[[int], object]
"""Does the same thing the given number of times and returns what the last time gave."""


class WrongResult(AssertionError):
    """One of the two ways gave a wrong result, so that its speed means nothing."""


class NotInstalled(LookupError):
    """What an entry compares with is missing on this machine; its message says what."""


class Sense(StrEnum):
    """On which side of its goal a value must lie."""

    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Our way and the other, ready to run; `check` gets both results and raises WrongResult."""

    ours: Repeat
    theirs: Repeat
    check: Callable[[object, object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Something else than two times: it checks and measures by itself. Raises WrongResult."""

    measure: Callable[[Effort], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the benchmark.

    With AT_LEAST the value of a contest says how many times as fast as the other way we are, with
    AT_MOST how many times as long we take.
    """

    name: str
    goal: float
    against: str
    prepare: Callable[[], AbstractContextManager[Contest | Gauge]]
    sense: Sense = Sense.AT_LEAST
    unit: str = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: rounds of each way, and the least time of one round in seconds."""

    rounds: int
    round_seconds: float


FULL = Effort(rounds=9, round_seconds=0.2)
QUICK = Effort(rounds=3, round_seconds=0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an entry measured; the fields are those of the JSON report."""

    name: str
    value: float
    goal: float
    sense: Sense
    unit: str
    against: str

    @property
    def reached(self) -> bool:
        """Whether the goal is met."""
        if self.sense is Sense.AT_LEAST:
            return self.value >= self.goal
        return self.value <= self.goal

    def to_json(self) -> dict[str, object]:
        """Return the outcome as plain values."""
        return {**asdict(self), "sense": str(self.sense)}


def run(entry: Entry, effort: Effort) -> Outcome:
    """Check that both ways are right, then measure them. Raises WrongResult."""
    with entry.prepare() as prepared:
        if isinstance(prepared, Gauge):
            value = prepared.measure(effort)
        else:
            value = speed_ratio(prepared, effort)
            value = value if entry.sense is Sense.AT_LEAST else 1 / value
    return Outcome(
        name=entry.name,
        value=round(value, 2),
        goal=entry.goal,
        sense=entry.sense,
        unit=entry.unit,
        against=entry.against,
    )


def speed_ratio(contest: Contest, effort: Effort) -> float:
    """Return how many times as fast ours is: the median over rounds of both. Raises WrongResult."""
    contest.check(contest.ours(1), contest.theirs(1))
    times_ours = _repetitions(contest.ours, effort)
    times_theirs = _repetitions(contest.theirs, effort)
    ratios = []
    for index in range(effort.rounds):
        if index % 2:
            theirs = _seconds_each(contest.theirs, times_theirs)
            ours = _seconds_each(contest.ours, times_ours)
        else:
            ours = _seconds_each(contest.ours, times_ours)
            theirs = _seconds_each(contest.theirs, times_theirs)
        ratios.append(theirs / ours)
    contest.check(contest.ours(1), contest.theirs(1))
    return statistics.median(ratios)


def _repetitions(repeat: Repeat, effort: Effort) -> int:
    """Return how often to repeat so that one round takes its least time."""
    times = 1
    while True:
        taken = _seconds_each(repeat, times) * times
        if taken >= effort.round_seconds:
            return times
        times = max(times + 1, min(10 * times, int(times * 1.2 * effort.round_seconds / taken)))


def _seconds_each(repeat: Repeat, times: int) -> float:
    gc.collect()  # neither way pays for what the other left behind
    begun = time.perf_counter()
    repeat(times)
    return (time.perf_counter() - begun) / times
