"""Ctrl-C and a request to end, taken by work that must still say how far it came."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any] | int | None


@contextlib.contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Act on the first signal to end; a second one means what it meant before."""
    loop = asyncio.get_running_loop()
    before: dict[int, _Handler] = {}

    def restore() -> None:
        while before:
            number, handler = before.popitem()
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def once() -> None:
        restore()
        act()

    # Only the main thread may have handlers; elsewhere whoever runs the loop ends it.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            loop.add_signal_handler(number, once)
            before[number] = handler
    try:
        yield
    finally:
        restore()
