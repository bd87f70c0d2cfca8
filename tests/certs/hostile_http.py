"""HTTP servers on loopback that misbehave in every way a stranger's address may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Where it listens and what it was asked, request heads with their bodies.

    connections counts those that were opened, whether anything was asked or not.
    """

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/it"


@asynccontextmanager
async def serving(behave: Behaviour, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """A server that reads one request whole, then behaves."""
    running: set[asyncio.Task[None]] = set()
    server = Server(port=0)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        server.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = await reader.readexactly(length)
            server.requests.append(head + body)
            await behave(body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            running.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    listening = await asyncio.start_server(connected, host, 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await listening.wait_closed()


def head(status: str = "200 OK", *lines: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "Connection: close", "", "")).encode()


def answering(body: bytes, status: str = "200 OK", *lines: str) -> Behaviour:
    async def behave(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, f"Content-Length: {len(body)}", *lines) + body)

    return behave


def redirecting(target: str) -> Behaviour:
    return answering(b"", "302 Found", f"Location: {target}")


async def hanging(_: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def dripping(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "Content-Length: 1000"))
    while True:
        writer.write(b"0")
        await writer.drain()
        await asyncio.sleep(0.02)


async def dripping_heads(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        writer.write(b"X-%d: 0\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless(_: bytes, writer: asyncio.StreamWriter) -> None:
    """A body without announced length that never ends."""
    writer.write(head())
    while True:
        writer.write(b"0" * 65536)
        await writer.drain()


async def cutting_off(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(head("200 OK", "Content-Length: 1000") + b"half")


async def babbling(_: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 this is not HTTP\r\n")
