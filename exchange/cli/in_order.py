"""Several files at once, each told in its turn, stoppable at any moment."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from exchange.cli.interruption import on_signals

AHEAD: Final = 8
"""Results that may wait for a slow file before them, for each file under way."""

Item = TypeVar("Item")
Result = TypeVar("Result")


async def run_in_order(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[Result]],
    *,
    at_once: int,
    tell: Callable[[Result], None],
) -> bool:
    """Do the work for each item, `at_once` at a time, and tell the results in the items' order.

    What waits to be told is bounded, however many items there are. SIGINT and SIGTERM end the
    run: what is done is told, the rest is given up. Returns whether that happened; what `work`
    raises ends the run too, and is raised.
    """
    places = asyncio.Semaphore(at_once)
    waiting: deque[asyncio.Task[Result]] = deque()
    interrupted = False

    async def in_turn(item: Item) -> Result:
        async with places:
            return await work(item)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        for task in waiting:
            task.cancel()

    with on_signals(interrupt):
        try:
            for item in items:
                if interrupted:
                    break
                waiting.append(asyncio.create_task(in_turn(item)))
                if len(waiting) >= at_once * AHEAD:
                    await _tell_first(waiting, tell)
            while waiting:
                await _tell_first(waiting, tell)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
    return interrupted


async def _tell_first(waiting: deque[asyncio.Task[Result]], tell: Callable[[Result], None]) -> None:
    await asyncio.wait([waiting[0]])
    task = waiting.popleft()
    if not task.cancelled():
        tell(task.result())
