"""A pool of limited processes that read what strangers made, so that the service need not.

Each process is started anew (never forked: the service speaks gRPC), has limits on processor
time, memory and the clock, is replaced after a number of calls, and dies with the service. A call
that exceeds a limit loses its process and nothing else: other calls go on and the pool heals.
"""

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
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from certs.anchors import TrustStore
from certs.revocation import RevocationEvidence
from signer import limits as limits_module
from signer import sandbox_worker as worker_module
from signer.errors import SandboxBroken, SandboxLimitExceeded
from signer.limits import DocumentLimits
from signer.page_facts import DocumentFacts
from signer.report import Report
from signer.sandbox_wire import MAX_BUFFERS, PREFIX, WireError, frame, load_answer, read_lengths
from signer.source import Source
from signer.verdicts import Verdict

Params = ParamSpec("Params")
Result = TypeVar("Result")

MEBIBYTE: Final = 1024 * 1024
_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from signer.sandbox_worker import main; main()"
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


class _Process:
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
        """Run the function there and return its result; what it raises is raised here.

        The caller must end the process when anything but the function's own exception comes out.
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
            raise _RaisedError(value)
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


class _RaisedError(Exception):
    """What the function itself raised: its process is sound."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Sandbox:
    """The pool; use it as an asynchronous context manager, from one event loop.

    workers: processes at a time. modules: what each imports before its first call. The processes
    end with the thread that runs the event loop (PR_SET_PDEATHSIG), so that loop should live in
    the service's main thread.
    """

    def __init__(
        self,
        workers: int = 2,
        limits: SandboxLimits | None = None,
        *,
        modules: tuple[str, ...] = ("signer.guarded_assessing",),
    ) -> None:
        """Prepare the pool; nothing runs before it is entered."""
        if workers < 1:
            raise ValueError("a sandbox needs a worker")
        self._workers = workers
        self._limits = limits or SandboxLimits()
        self._modules = modules
        self._free: asyncio.Queue[_Process | None] = asyncio.Queue()
        self._alive: set[_Process] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        """Start all processes and wait until they are warm; SandboxBroken where they can't."""
        self._open = True
        started = await asyncio.gather(
            *(self._start() for _ in range(self._workers)), return_exceptions=True
        )
        failures = [result for result in started if isinstance(result, BaseException)]
        if failures:
            await self.close()
            raise failures[0]
        for process in started:
            if isinstance(process, _Process):
                self._free.put_nowait(process)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pool."""
        await self.close()

    async def close(self) -> None:
        """End all processes, also those at work; their calls get SandboxBroken."""
        self._open = False
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(process) for process in tuple(self._alive)))
        self._free.put_nowait(None)

    @property
    def process_ids(self) -> frozenset[int]:
        """The ids of the processes alive now, for supervision and tests."""
        return frozenset(process.pid for process in self._alive)

    async def run(
        self, function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
    ) -> Result:
        """Run a top-level function in a sandbox process and return its result.

        Arguments are pickled; the result must be plain values or frozen values of our packages.
        What the function raises is raised here. SandboxLimitExceeded and SandboxBroken are about
        the process.
        """
        process = None if self._closed() else await self._free.get()
        if self._closed():
            # Wake the next one who waits: there will be no more processes.
            self._free.put_nowait(process)
            raise SandboxBroken("it is closed")
        try:
            if process is None:
                process = await self._start()
            result = await process.call(function, args=args, kwargs=kwargs)
        except _RaisedError as raised:
            self._give_back(process)
            raise raised.error from None
        except BaseException as error:
            # Also a caller who goes away: its call must not keep a process busy.
            self._replace(process)
            if self._closed() and isinstance(error, SandboxLimitExceeded):
                raise SandboxBroken("it was closed") from error
            raise
        self._give_back(process)
        return result  # type: ignore[return-value]

    async def assess(
        self,
        document: bytes | Path,
        *,
        store: TrustStore,
        evidence: RevocationEvidence | None = None,
        at: datetime,
        limits: DocumentLimits = limits_module.DEFAULT,
    ) -> Report:
        """Assess a document as `signer.assessing.assess` does, in a sandbox process.

        document: its bytes, or the file they lie in, which only that process then reads. One that
        exceeds a limit is UNREADABLE with the reason SANDBOX_LIMIT_EXCEEDED.
        """
        # Imported here: the service itself need not load the engine to ask its sandbox.
        from signer.guarded_assessing import assess_for_stranger  # noqa: PLC0415

        try:
            return await self.run(
                assess_for_stranger, document, store=store, evidence=evidence, at=at, limits=limits
            )
        except SandboxLimitExceeded as exceeded:
            sha256, size_bytes = await asyncio.to_thread(_measure, document)
            return Report(
                sha256=sha256,
                size_bytes=size_bytes,
                verdict=Verdict.UNREADABLE,
                reason=exceeded.reason,
                detail=exceeded.detail,
                judged_at=at,
                trust_version=store.version,
            )

    async def read_pages(
        self,
        document: bytes,
        *,
        names: tuple[str, ...] = (),
        limits: DocumentLimits = limits_module.DEFAULT,
    ) -> DocumentFacts:
        """Read what lies where on a document's pages, as `signer.page_text.read_pages` does."""
        from signer.page_text import read_pages  # noqa: PLC0415

        return await self.run(read_pages, document, names=names, limits=limits)

    def _closed(self) -> bool:
        return not self._open

    async def _start(self) -> _Process:
        process = _Process(self._modules, self._limits)
        self._alive.add(process)
        try:
            await process.ready()
        except BaseException:
            await self._end(process)
            raise
        return process

    async def _end(self, process: _Process) -> None:
        await process.end()
        self._alive.discard(process)

    def _give_back(self, process: _Process | None) -> None:
        if process is not None and process.calls >= self._limits.calls_per_process:
            self._replace(process)
        else:
            self._free.put_nowait(process)

    def _replace(self, process: _Process | None) -> None:
        """Put a fresh process in the place of this one, without making anybody wait for it."""
        if not self._open:
            return
        task = asyncio.get_running_loop().create_task(self._renew(process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew(self, process: _Process | None) -> None:
        fresh: _Process | None = None
        try:
            if process is not None:
                await self._end(process)
            fresh = await self._start()
        except SandboxBroken:
            # The next caller tries again and gets to know.
            fresh = None
        finally:
            self._free.put_nowait(fresh)


def _measure(document: bytes | Path) -> tuple[str, int]:
    opened = Source.of_file(document) if isinstance(document, Path) else Source.of_bytes(document)
    with opened as source:
        return source.hasher("sha256").hexdigest(), source.size
