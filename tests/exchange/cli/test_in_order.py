"""Several at once, told in order: bounded at work and in waiting, and ended by what is raised."""

from __future__ import annotations

import asyncio

import pytest

from exchange.cli.in_order import AHEAD, run_in_order


async def test_a_slow_first_one_holds_back_only_so_many() -> None:
    begun: list[int] = []
    told: list[int] = []
    at_work = most = 0
    go_on = asyncio.Event()

    async def work(item: int) -> int:
        nonlocal at_work, most
        begun.append(item)
        at_work += 1
        most = max(most, at_work)
        await (go_on.wait() if item == 0 else asyncio.sleep(0))
        at_work -= 1
        return item

    run = asyncio.create_task(run_in_order(range(100), work, at_once=2, tell=told.append))
    for _ in range(200):
        await asyncio.sleep(0)
    assert (told, len(begun)) == ([], 2 * AHEAD)
    go_on.set()
    assert not await run
    assert told == list(range(100))
    assert most == 2


async def test_what_is_raised_ends_the_run() -> None:
    told: list[int] = []

    async def work(item: int) -> int:
        if item == 3:
            raise ZeroDivisionError
        return item

    with pytest.raises(ZeroDivisionError):
        await run_in_order(range(100), work, at_once=2, tell=told.append)
    assert told == [0, 1, 2]
    assert asyncio.all_tasks() == {asyncio.current_task()}
