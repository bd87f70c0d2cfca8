"""One limited process of the sandbox: started anew, called over a socket, ended for good."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

from signer.errors import SandboxBroken, SandboxLimitExceeded
from signer.sandbox import worker as worker_module
from signer.sandbox.wire import MAX_BUFFERS, PREFIX, WireError, frame, load_answer, read_lengths

MEBIBYTE: Final = 1024 * 1024
_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from signer.sandbox.worker import main; main()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What one call, and one process, may use; each is positive."""

    cpu_seconds: float = 10
    """Processor time of one call (counted in whole seconds by the kernel)."""
    wall_seconds: float = 30
    """Time on the clock of one call, sending the document included."""
    memory_bytes: int = 1536 * MEBIBYTE
    """Address space of a process."""
    calls_per_process: int = 200
    """Calls after which a process is replaced, so that no damage or leak lasts."""
    start_seconds: float = 60
    """Time on the clock for a process to start and import what it needs."""
    answer_bytes: int = 64 * MEBIBYTE
    """Size of one answer."""

    def __post_init__(self) -> None:
        """Refuse a limit that would let nothing, or anything, through."""
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(f"{field.name} must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What a function raised in a process, which is sound all the same."""

    error: Exception


class SandboxProcess:
    """One sandbox process and the socket to it."""

    def __init__(self, modules: tuple[str, ...], limits: SandboxLimits) -> None:
        """Start the process; `ready` waits until it can take calls."""
        self.calls = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._limits = limits
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._socket = ours
        with theirs:
            self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [
                    sys.executable,
                    "-IB",
                    "-c",
                    _BOOT,
                    str(theirs.fileno()),
                    str(os.getpid()),
                    json.dumps([os.path.abspath(path) for path in sys.path if path]),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # No secret of the service's environment comes near a stranger's document.
                env={"LANG": "C.UTF-8"},
            )
        self._modules = modules

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    async def ready(self) -> None:
        """Wait until the process has its limits and imports; SandboxBroken where it can't."""
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                await self._send((self._limits.memory_bytes, self._modules))
                kind, _ = await self._receive()
        except (OSError, EOFError, WireError, TimeoutError) as error:
            await self.end()
            raise SandboxBroken(f"it did not start: {type(error).__name__}") from error
        if kind != worker_module.READY:
            await self.end()
            raise SandboxBroken("it did not start")

    async def call(
        self,
        function: Callable[..., object],
        *,
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> object:
        """Run the function there and return its result, or what it raised.

        The caller must end the process when this itself raises.
        """
        self.calls += 1
        self._idle.clear()
        seconds = self._limits.wall_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._send((function, args, kwargs, self._limits.cpu_seconds))
                kind, value = await self._receive()
        except TimeoutError as error:
            raise SandboxLimitExceeded(f"more than {seconds:g} seconds") from error
        except (OSError, EOFError) as error:
            raise await self._died() from error
        except WireError as error:
            raise SandboxBroken(str(error)) from error
        finally:
            self._idle.set()
        if kind == worker_module.MEMORY:
            raise SandboxLimitExceeded(f"more than {self._limits.memory_bytes // MEBIBYTE} MiB")
        if kind == worker_module.ERROR and isinstance(value, Exception):
            return Raised(error=value)
        if kind != worker_module.ANSWER:
            raise SandboxBroken("an answer without a result")
        return value

    async def _died(self) -> Exception:
        code = await asyncio.to_thread(self._popen.wait)
        if code >= 0:
            return SandboxBroken(f"the process ended with code {code}")
        if code == -signal.SIGXCPU:
            return SandboxLimitExceeded(f"more than {self._limits.cpu_seconds:g} CPU seconds")
        return SandboxLimitExceeded(f"the process was ended by {signal.Signals(-code).name}")

    async def end(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        self._popen.kill()
        # Taking down a process with much memory takes a moment.
        await asyncio.shield(asyncio.to_thread(self._popen.wait))
        # A call at work sees the end of the stream; on a closed socket it would wait for ever.
        await self._idle.wait()
        self._socket.close()

    async def _send(self, value: object) -> None:
        loop = asyncio.get_running_loop()
        for part in frame(value):
            await loop.sock_sendall(self._socket, part)

    async def _receive(self) -> tuple[str, object]:
        prefix = await self._read(PREFIX.size)
        _, count = PREFIX.unpack(prefix)
        if count > MAX_BUFFERS:
            raise WireError("too many buffers")
        try:
            size, lengths = read_lengths(prefix, await self._read(8 * count))
        except struct.error as error:
            raise WireError("a broken frame") from error
        if size + sum(lengths) > self._limits.answer_bytes:
            raise WireError("an answer larger than allowed")
        body = await self._read(size)
        value = load_answer(body, [await self._read(length) for length in lengths])
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)):
            raise WireError("an answer of another kind")
        return value

    async def _read(self, count: int) -> bytes:
        loop = asyncio.get_running_loop()
        content = bytearray(count)
        view = memoryview(content)
        while view:
            received = await loop.sock_recv_into(self._socket, view)
            if received == 0:
                raise EOFError
            view = view[received:]
        return bytes(content)
