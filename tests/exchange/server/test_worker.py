"""A worker whose supervisor is gone stops by itself, once."""

from __future__ import annotations

import asyncio
import os

from exchange.server.worker import _on_orphaned


async def test_the_supervisor_s_end_is_heard_once_although_it_stays_readable() -> None:
    ours, theirs = os.pipe()
    heard: list[asyncio.Event] = []

    def on_end(sentinel: int, stopping: asyncio.Event) -> None:
        heard.append(stopping)
        _on_orphaned(sentinel, stopping)

    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(ours, on_end, ours, stopping)
        os.close(theirs)  # the end of the other side: readable from now on
        async with asyncio.timeout(10):
            await stopping.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert heard == [stopping]
        assert not loop.remove_reader(ours)
    finally:
        loop.remove_reader(ours)
        os.close(ours)
