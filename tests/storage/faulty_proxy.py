"""A TCP proxy on loopback that goes wrong in a chosen way, for tests of lost and slow answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from enum import StrEnum, auto


class Fault(StrEnum):
    """What happens to each connection that is opened while it is chosen."""

    NONE = auto()
    SILENCE = auto()
    """Takes everything, answers nothing."""
    CUT_AT_ONCE = auto()
    LOSE_ANSWER = auto()
    """Hands the whole request on and cuts when the answer begins to arrive."""
    CUT_REQUEST = auto()
    """Hands on only the beginning of what the client sends."""
    CUT_ANSWER = auto()
    """Hands on only the beginning of the answer."""
    DRIP = auto()
    """Hands the answer on, one byte at a time."""
    FLIP_BIT = auto()
    """Changes one bit near the end of the answer."""
    UNAVAILABLE = auto()
    """Answers 503 itself."""
    NONSENSE = auto()
    """Answers 200 with something that is no S3."""


BEGINNING_BYTES = 100_000
_503 = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NONSENSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n"
    b"Connection: close\r\n\r\n<html>"
)


class FaultyProxy:
    """Listens on `port`, hands on to `target_port`; `fault` may be changed at any time."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.port = 0
        self.fault: Callable[[int], Fault] = lambda connection: Fault.NONE
        self.connections = 0

    def always(self, fault: Fault) -> None:
        """Let every connection from now on suffer this."""
        self.fault = lambda connection: fault

    def once(self, fault: Fault) -> None:
        """Let the next connection suffer this, and no further one."""
        at = self.connections + 1
        self.fault = lambda connection: fault if connection == at else Fault.NONE

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._suffer(self.fault(self.connections), reader, writer)
        writer.close()

    async def _suffer(
        self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if fault is Fault.CUT_AT_ONCE:
            return
        if fault is Fault.SILENCE:
            while await reader.read(65536):
                pass
            return
        if fault in {Fault.UNAVAILABLE, Fault.NONSENSE}:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_503 if fault is Fault.UNAVAILABLE else _NONSENSE)
            await writer.drain()
            return
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target_port)
        limit = BEGINNING_BYTES if fault is Fault.CUT_REQUEST else None
        requests = asyncio.create_task(_pipe(reader, upstream, limit=limit))
        try:
            if fault is Fault.CUT_REQUEST:
                await requests
            elif fault is Fault.LOSE_ANSWER:
                await upstream_reader.read(1)
            else:
                await _answer(fault, upstream_reader, writer)
        finally:
            requests.cancel()
            upstream.close()


async def _answer(fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault is Fault.DRIP:
        while byte := await reader.read(1):
            writer.write(byte)
            await writer.drain()
            await asyncio.sleep(0.05)
    elif fault is Fault.FLIP_BIT:
        answer = bytearray()
        with contextlib.suppress(TimeoutError):
            while part := await asyncio.wait_for(reader.read(65536), 0.15):
                answer += part
        answer[-10] ^= 4
        writer.write(answer)
        await writer.drain()
    else:
        limit = BEGINNING_BYTES if fault is Fault.CUT_ANSWER else None
        await _pipe(reader, writer, limit=limit)


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, limit: int | None
) -> None:
    done = 0
    while data := await reader.read(65536 if limit is None else min(65536, limit - done)):
        writer.write(data)
        await writer.drain()
        done += len(data)
        if limit is not None and done >= limit:
            return


@contextlib.asynccontextmanager
async def faulty_proxy(target_port: int) -> AsyncIterator[FaultyProxy]:
    """A running proxy in front of a port of loopback."""
    proxy = FaultyProxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
