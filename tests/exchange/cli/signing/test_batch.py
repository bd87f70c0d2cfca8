"""Running a batch: bounded, told in order, stopped by what would befall every other document."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from exchange.cli.exits import ExitCode
from exchange.cli.signing.batch import (
    MAX_IN_FLIGHT,
    SERVICE_FAILURES,
    Ended,
    Rules,
    Work,
    run_batch,
)
from exchange.cli.signing.outcomes import NOT_TRIED, Outcome, Result, count, exit_code
from exchange.cli.signing.targets import Target

FAST = Rules()
MANY = Rules(in_flight=100)


def targets(count: int) -> list[Target]:
    return [Target(file=Path(f"{n}.pdf"), output=Path(f"{n}_daky.pdf")) for n in range(count)]


def done(target: Target) -> Outcome:
    return Outcome(file=str(target.file), outcome=Result.DONE)


def failed(target: Target, reason: str) -> Outcome:
    return Outcome(file=str(target.file), outcome=Result.FAILED, reason=reason)


async def ran(work: Work, files: Sequence[Target], rules: Rules = FAST) -> tuple[Ended, list[str]]:
    told: list[str] = []
    ended = await run_batch(files, work, rules=rules, tell=lambda each: told.append(each.file))
    assert told == [str(each.file) for each in files]
    assert [each.file for each in ended.outcomes] == told
    return ended, told


def results(ended: Ended) -> list[str]:
    return [each.reason or each.outcome for each in ended.outcomes]


async def test_a_few_are_in_flight_and_all_are_told_in_their_order() -> None:
    flying, most = 0, 0

    async def work(target: Target) -> Outcome:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        # The later ones are ready sooner.
        await asyncio.sleep(0.02 - 0.002 * int(target.file.stem))
        flying -= 1
        return done(target)

    ended, _ = await ran(work, targets(10), MANY)
    assert most == MAX_IN_FLIGHT
    assert count(ended.outcomes) == {"done": 10, "skipped": 0, "failed": 0}
    assert exit_code(ended.outcomes) is ExitCode.OK


async def test_until_one_is_done_only_one_is_in_flight() -> None:
    flying: list[int] = []
    now = 0

    async def work(target: Target) -> Outcome:
        nonlocal now
        now += 1
        flying.append(now)
        await asyncio.sleep(0.001)
        now -= 1
        return failed(target, "NOT_A_PDF") if int(target.file.stem) < 5 else done(target)

    await ran(work, targets(12), MANY)
    assert flying[:6] == [1] * 6
    assert max(flying) == MAX_IN_FLIGHT


async def test_one_broken_document_of_many_stops_nobody() -> None:
    async def work(target: Target) -> Outcome:
        return failed(target, "NOT_A_PDF") if target.file.stem == "1" else done(target)

    ended, _ = await ran(work, targets(100))
    assert count(ended.outcomes) == {"done": 99, "skipped": 0, "failed": 1}
    assert exit_code(ended.outcomes) is ExitCode.PARTIAL


async def test_fail_fast_leaves_the_rest_untried() -> None:
    async def work(target: Target) -> Outcome:
        return failed(target, "NOT_A_PDF") if target.file.stem == "1" else done(target)

    ended, _ = await ran(work, targets(4), Rules(fail_fast=True))
    assert results(ended) == ["done", "NOT_A_PDF", NOT_TRIED, NOT_TRIED]
    assert exit_code(ended.outcomes) is ExitCode.PARTIAL


async def test_a_lost_token_is_not_asked_again_for_each_document() -> None:
    asked = []

    async def work(target: Target) -> Outcome:
        asked.append(target)
        return failed(target, "TOKEN_UNAVAILABLE")

    ended, _ = await ran(work, targets(50))
    assert len(asked) == 1
    assert results(ended) == ["TOKEN_UNAVAILABLE", *[NOT_TRIED] * 49]
    assert exit_code(ended.outcomes) is ExitCode.SERVICE


async def test_a_service_that_is_down_is_given_up_after_three_documents() -> None:
    async def work(target: Target) -> Outcome:
        return failed(target, "TSA_UNAVAILABLE")

    ended, _ = await ran(work, targets(50))
    assert count(ended.outcomes)["failed"] == SERVICE_FAILURES


async def test_a_service_that_goes_away_fails_only_those_that_are_under_way() -> None:
    under_way: list[Target] = []
    gone = asyncio.Event()

    async def work(target: Target) -> Outcome:
        if target.file.stem == "0":
            return done(target)
        under_way.append(target)
        if len(under_way) == MAX_IN_FLIGHT:
            gone.set()
        await gone.wait()
        return failed(target, "TSA_UNAVAILABLE")

    ended, _ = await ran(work, targets(50), MANY)
    # The last of three failures stops the run, whatever the others have begun by then.
    assert SERVICE_FAILURES <= len(under_way) < SERVICE_FAILURES + MAX_IN_FLIGHT
    failures = ["TSA_UNAVAILABLE"] * len(under_way)
    assert results(ended) == ["done", *failures, *[NOT_TRIED] * (49 - len(under_way))]


async def test_an_interruption_gives_up_what_is_signed_and_finishes_what_is_written() -> None:
    async def work(target: Target) -> Outcome:
        if target.file.stem == "0":
            return done(target)
        if target.file.stem == "1":
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                return done(target)  # its writing was finished
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30)
        raise AssertionError

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    ended, _ = await ran(work, targets(6), Rules(in_flight=3))
    assert results(ended) == ["done", "done", *[NOT_TRIED] * 4]
    assert ended.interrupted
    assert exit_code(ended.outcomes, interrupted=True) is ExitCode.INTERRUPTED
    assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


async def test_off_the_main_thread_a_batch_runs_and_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def work(target: Target) -> Outcome:
        return done(target)

    ended, _ = await asyncio.to_thread(lambda: asyncio.run(ran(work, targets(3))))
    assert results(ended) == ["done"] * 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_exit_code_is_that_of_the_first_failure_where_nothing_is_done() -> None:
    pin = failed(targets(1)[0], "PIN_WRONG")
    skipped = Outcome(file="", outcome=Result.SKIPPED, reason=NOT_TRIED)
    assert exit_code([pin, skipped]) is ExitCode.AUTHENTICATION
    assert exit_code([failed(targets(1)[0], "INTERNAL_ERROR")]) is ExitCode.INTERNAL
    signed_before = Outcome(file="", outcome=Result.SKIPPED, reason="ALREADY_SIGNED")
    assert exit_code([signed_before, pin]) is ExitCode.PARTIAL
    assert exit_code([signed_before, skipped]) is ExitCode.OK
