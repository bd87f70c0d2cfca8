"""One mutant after the other: made, judged, and held against what was really signed and shown."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final

from bench.agreement import PASSING, untouched
from bench.fuzz_cms import changed_cms
from bench.fuzz_mutations import MUTATIONS, Mutation
from bench.fuzz_oracle import Genuine, signed_acts
from bench.fuzz_peers import Opinion, has_pdfsig, pdfsig_opinion, pyhanko_opinion
from bench.fuzz_seeds import Seed, Trusted
from bench.fuzz_updates import updated
from signer.validation.assessing import assess
from signer.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signer.report import Report

SLOW_SECONDS: Final = 20
PEERS_EVERY: Final = 400
"""Of the mutants that are not accepted, one in so many is shown to the other verifiers."""
_WAYS: Final[tuple[Mutation, ...]] = (*MUTATIONS, changed_cms, changed_cms, *(updated,) * 8)


class _Slow(BaseException):
    """The judge took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A damaged document, by which way, and what it was made from."""

    index: int
    way: str
    seed: Seed
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A mutant that must be looked at. fatal: it must not happen."""

    mutant: Mutant
    what: str
    fatal: bool


@dataclass(slots=True)
class Tally:
    """What became of many mutants."""

    ways: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    peers: Counter[str] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what another tally counted."""
        for name in ("ways", "accepted", "verdicts", "peers"):
            getattr(self, name).update(getattr(other, name))
        self.troubles += other.troubles


def mutant(index: int, *, run: int, seeds: Sequence[Seed]) -> Mutant:
    """Make the mutant of that index in the run of that number."""
    chance = Random(f"{run}:{index}")
    # Small documents more often: what can be done to them costs less to judge.
    [seed] = chance.choices(seeds, [1 / len(each.content) for each in seeds])
    way = chance.choice(_WAYS)
    content = way(seed, chance, others=seeds)
    return Mutant(index=index, way=way.__name__, seed=seed, content=content)


class Examiner:
    """Judges mutants, and knows what is genuine in them."""

    def __init__(self, seeds: tuple[Seed, ...], trusted: Trusted) -> None:
        self._seeds = seeds
        self._trusted = trusted
        self._genuine = Genuine(seeds)
        self._before: dict[str, dict[str, Opinion]] = {}

    def examine(self, indices: range, *, run: int) -> Tally:
        """Make and judge the mutants of these indices."""
        tally = Tally()
        for index in indices:
            self._examine(mutant(index, run=run, seeds=self._seeds), tally)
        return tally

    def _examine(self, made: Mutant, tally: Tally) -> None:
        tally.ways[made.way] += 1
        try:
            with _time_limit():
                report = self._judged(made.content)
        except _Slow:
            tally.troubles.append(Trouble(mutant=made, what="slow", fatal=True))
            return
        except Exception as error:
            what = f"crashed: {type(error).__name__}: {error}"
            tally.troubles.append(Trouble(mutant=made, what=what[:300], fatal=True))
            return
        tally.verdicts[f"{report.verdict} {report.reason}".strip()] += 1
        if report.verdict is Verdict.VALID or untouched(report, PASSING):
            self._accepted(made, report, tally=tally)
        elif made.index % PEERS_EVERY == 0:
            self._refused(made, report, tally=tally)

    def _judged(self, content: bytes) -> Report:
        trusted = self._trusted
        return assess(content, store=trusted.store, evidence=trusted.evidence, at=datetime.now(UTC))

    def _accepted(self, made: Mutant, report: Report, *, tally: Tally) -> None:
        tally.accepted[_kind(made, report)] += 1
        if made.content == made.seed.content:
            return
        fault = self._genuine.fault(made.content, signatures=len(report.signatures))
        if fault:
            tally.troubles.append(Trouble(mutant=made, what=fault, fatal=True))
        before = self._opinions_of(made.seed)
        for name, opinion in self._opinions(made.content):
            tally.peers[f"accepted by us; {name}: {opinion}, {before[name]} before"] += 1
            if opinion not in (Opinion.GOOD, before[name]):
                what = f"accepted by us; {name}: {opinion}, {before[name]} before"
                tally.troubles.append(Trouble(mutant=made, what=what, fatal=False))

    def _refused(self, made: Mutant, report: Report, *, tally: Tally) -> None:
        for name, opinion in self._opinions(made.content):
            said = f" {report.reason}" if opinion is Opinion.GOOD else ""
            tally.peers[f"not accepted by us{said}; {name}: {opinion}"] += 1

    def _opinions_of(self, seed: Seed) -> dict[str, Opinion]:
        if seed.name not in self._before:
            self._before[seed.name] = dict(self._opinions(seed.content))
        return self._before[seed.name]

    def _opinions(self, content: bytes) -> Iterator[tuple[str, Opinion]]:
        yield "pyHanko", pyhanko_opinion(content, self._trusted.store)
        if has_pdfsig():
            yield "pdfsig", pdfsig_opinion(content)


def _kind(made: Mutant, report: Report) -> str:
    """Say what an accepted mutant differs in from what it was made from."""
    content, original = made.content, made.seed.content
    if content == original:
        return "the same bytes"
    if content in (original[:end] for end in made.seed.ends):
        return "an earlier revision"
    if len(content) == len(original) and signed_acts(content) == signed_acts(original):
        return "unsigned parts of the CMS, or the spelling of its digits"
    changes = ", ".join(sorted({str(entry.changes) for entry in report.signatures}))
    return f"by {made.way}: {changes}"


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _Slow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SLOW_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
