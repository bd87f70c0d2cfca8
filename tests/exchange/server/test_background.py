"""What a worker does beside calls ends when the worker ends, at once."""

from __future__ import annotations

import asyncio
import time

from exchange.server.background import end_tasks


async def test_a_task_that_lost_its_first_cancellation_is_ended_all_the_same() -> None:
    bell = asyncio.Event()

    async def listen() -> None:
        while True:
            bell.clear()
            await asyncio.wait_for(bell.wait(), 60)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.01)
    # Rung, but listen() was not told yet: before Python 3.12 it does not hear of the first.
    bell.set()
    await asyncio.sleep(0)
    started = time.monotonic()
    async with asyncio.timeout(30):
        await end_tasks([task], again_seconds=0.05)
    assert task.cancelled()
    assert time.monotonic() - started < 10


async def test_tasks_that_failed_before_are_no_obstacle() -> None:
    async def fail() -> None:
        raise RuntimeError

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await end_tasks([task])
    assert task.done()
    assert not task.cancelled()
