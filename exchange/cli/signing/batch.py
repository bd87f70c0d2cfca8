"""Running a batch: a few documents in flight, told in their order, stoppable at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from exchange.cli.interruption import on_signals
from exchange.cli.signing.outcomes import NOT_TRIED, Outcome, Result
from exchange.cli.signing.targets import Target

MAX_IN_FLIGHT: Final = 4
"""Documents that wait for time-stamps at once: more would be unkind to the service."""
SERVICE_FAILURES: Final = 3
"""After so many documents in a row that a service failed, the others are not tried."""
_ENDS_THE_RUN: Final = frozenset(
    {
        *("PIN_WRONG", "PIN_LOCKED", "PIN_FINAL_TRY", "TOKEN_UNAVAILABLE", "TOKEN_MODULE_UNUSABLE"),
        *("KEY_NOT_FOUND", "KEY_AMBIGUOUS", "SCHEME_UNSUPPORTED", "KEY_UNSUPPORTED"),
        *("REMOTE_SIGNER_REFUSED", "REMOTE_ANSWER_INVALID"),
        *("CERTIFICATE_EXPIRED", "CERTIFICATE_NOT_YET_VALID", "CERTIFICATE_REVOKED"),
        *("JOURNAL_UNUSABLE", "TIMESTAMPER_MISSING", "LEVEL_UNAVAILABLE", "PICTURE_UNREADABLE"),
    }
)
"""What would befall every other document too; asking a token again could even lock it."""
_OF_SERVICES: Final = frozenset(
    {"TSA_UNAVAILABLE", "FETCH_UNAVAILABLE", "REMOTE_SIGNER_UNAVAILABLE"}
)

Work = Callable[[Target], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a batch runs: at most `in_flight` at once; on past a failure, unless `fail_fast`."""

    in_flight: int = 1
    fail_fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a batch ended: an outcome for every target, in their order."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool


async def run_batch(
    targets: Sequence[Target], work: Work, *, rules: Rules, tell: Callable[[Outcome], None]
) -> Ended:
    """Do the work for each target and tell each outcome, in the order of the targets.

    `work` answers an outcome whatever happens, also when it is cancelled while a result is being
    written. SIGINT and SIGTERM end the run: what is being signed is given up, what is being
    written is finished, the rest is NOT_TRIED.
    """
    run = _Run(targets=targets, tell=tell)
    workers = [
        asyncio.create_task(_work_off(run, work, rules=rules, leads=not number))
        for number in range(min(rules.in_flight, MAX_IN_FLIGHT, len(targets)))
    ]

    def interrupt() -> None:
        run.interrupted = run.stopped = True
        for each in workers:
            each.cancel()

    with on_signals(interrupt):
        try:
            await asyncio.gather(*workers)
        except asyncio.CancelledError:
            interrupt()
            await asyncio.gather(*workers, return_exceptions=True)
        except BaseException:
            interrupt()
            await asyncio.gather(*workers, return_exceptions=True)
            raise
    run.give_up()
    outcomes = tuple(run.outcomes[at] for at in range(len(targets)))
    return Ended(outcomes=outcomes, interrupted=run.interrupted)


@dataclass(slots=True, kw_only=True)
class _Run:
    """Where a batch stands."""

    targets: Sequence[Target]
    tell: Callable[[Outcome], None]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    begun: int = 0
    told: int = 0
    failures_of_services: int = 0
    stopped: bool = False
    interrupted: bool = False
    proved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a document is signed: key and services are what they should be."""

    def settle(self, at: int, outcome: Outcome) -> None:
        """Keep an outcome and tell all whose turn has come."""
        self.outcomes[at] = outcome
        while self.told in self.outcomes:
            self.tell(self.outcomes[self.told])
            self.told += 1

    def give_up(self) -> None:
        """Settle what was not tried."""
        for at, target in enumerate(self.targets):
            if at not in self.outcomes:
                self.settle(at, target.untouched(NOT_TRIED))

    def judge(self, outcome: Outcome, *, rules: Rules) -> None:
        """Stop where going on is not wanted or can't help."""
        if outcome.outcome is not Result.FAILED:
            if outcome.outcome is Result.DONE:
                self.failures_of_services = 0
                self.proved.set()
            return
        self.failures_of_services += outcome.reason in _OF_SERVICES
        if (
            rules.fail_fast
            or outcome.reason in _ENDS_THE_RUN
            or self.failures_of_services >= SERVICE_FAILURES
        ):
            self.stopped = True


async def _work_off(run: _Run, work: Work, *, rules: Rules, leads: bool) -> None:
    """Take targets until there are none; all but the leading worker wait for the first success.

    A PIN that a remote service refuses must be sent once, not once for each document in flight.
    """
    try:
        if not leads:
            await run.proved.wait()
        await _take_targets(run, work, rules=rules)
    except asyncio.CancelledError:
        if not run.interrupted:
            raise
    finally:
        if leads:
            run.proved.set()


async def _take_targets(run: _Run, work: Work, *, rules: Rules) -> None:
    while not run.stopped and run.begun < len(run.targets):
        at = run.begun
        run.begun += 1
        try:
            outcome = await work(run.targets[at])
        except asyncio.CancelledError:
            if not run.interrupted:
                raise
            outcome = run.targets[at].untouched(NOT_TRIED)
        run.settle(at, outcome)
        run.judge(outcome, rules=rules)
