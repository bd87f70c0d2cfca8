"""Sessions with one token: a bounded number of threads, each with a session of its own."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Protocol

from pkcs11 import Session
from pkcs11.types import SignMixin

from certs.errors import TokenUnavailable

ANSWER_SECONDS: Final = 60.0
"""How long a token may take for one signature, waiting for its turn included."""
IDLE_SECONDS: Final = 30.0
"""After this long without work a thread closes its session and ends."""


@dataclass(slots=True)
class Seat:
    """One thread's session, and the key in it; both belong to one start of the module."""

    generation: int = 0
    session: Session | None = None
    key: SignMixin | None = None
    asks_each_time: bool = False
    """CKA_ALWAYS_AUTHENTICATE (PKCS#11 v2.40 §4.9): the PIN is wanted for each signature."""


Work = Callable[[Seat], bytes]


class Connection(Protocol):
    """What threads do their work with; it opens their sessions and closes them."""

    def perform(self, seat: Seat, work: Work) -> bytes:
        """Do the work with the seat's key, which is opened first where it must be."""
        ...

    def leave(self, seat: Seat) -> None:
        """Close the seat's session."""
        ...


class Sessions:
    """Work for a token, done by at most `bound` threads at a time.

    The threads are daemons: a program may end although a token never answers.
    """

    def __init__(self, connection: Connection, *, bound: int) -> None:
        self._connection = connection
        self._bound = bound
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting: queue.SimpleQueue[tuple[Work, Future[bytes]]] = queue.SimpleQueue()
        self._idle = 0

    async def run(self, work: Work) -> bytes:
        """Have the work done off the event loop. Raises TokenUnavailable when it takes too long."""
        answer: Future[bytes] = Future()
        with self._lock:
            self._waiting.put((work, answer))
            if self._idle < self._waiting.qsize() and self._threads < self._bound:
                self._threads += 1
                threading.Thread(target=self._serve, name="token", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), ANSWER_SECONDS)
        except TimeoutError:
            raise TokenUnavailable(f"no answer in {ANSWER_SECONDS:.0f} seconds") from None

    def _serve(self) -> None:
        seat = Seat()
        while (task := self._next()) is not None:
            work, answer = task
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(self._connection.perform(seat, work))
            except BaseException as error:  # it belongs to whoever waits for the answer
                answer.set_exception(error)
            del task, work, answer
        self._connection.leave(seat)

    def _next(self) -> tuple[Work, Future[bytes]] | None:
        while True:
            with self._lock:
                self._idle += 1
            task = None
            with contextlib.suppress(queue.Empty):
                task = self._waiting.get(timeout=IDLE_SECONDS)
            with self._lock:
                self._idle -= 1
                if task is not None:
                    return task
                # Under the lock: whoever adds work now starts a new thread for it.
                if self._waiting.empty():
                    self._threads -= 1
                    return None
