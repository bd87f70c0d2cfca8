"""Streams that end: the messages of a call, as long as the time lasts that all of it has."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from exchange.errors import StreamTooSlow

_Message = TypeVar("_Message")


class TimedStream(Generic[_Message]):
    """A stream that a caller sends; its time runs from here to the last message of the answer."""

    def __init__(self, messages: AsyncIterator[_Message], *, seconds: float) -> None:
        self._messages = messages
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds

    def __aiter__(self) -> AsyncIterator[_Message]:
        return self

    async def __anext__(self) -> _Message:
        """Give the next message; raises StreamTooSlow."""
        self.check()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(self._messages)
        except TimeoutError:
            raise self._too_slow() from None

    def check(self) -> None:
        """Raise StreamTooSlow once the time is up: where messages lie ready, nobody waits."""
        if asyncio.get_running_loop().time() >= self._deadline:
            raise self._too_slow()

    def _too_slow(self) -> StreamTooSlow:
        return StreamTooSlow(f"the limit is {self._seconds:g} seconds")
