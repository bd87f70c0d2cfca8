"""A pool of limited processes that read what strangers made, so that the service need not.

Each process is started anew (never forked: the service speaks gRPC), has limits on processor
time, memory and the clock, is replaced after a number of calls, and dies with the service. A call
that exceeds a limit loses its process and nothing else: other calls go on and the pool heals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer import limits as limits_module
from signer.errors import SandboxBroken, SandboxLimitExceeded
from signer.limits import DocumentLimits
from signer.pages.facts import DocumentFacts
from signer.policy import values as policy_module
from signer.policy.values import VerificationPolicy
from signer.report import Report
from signer.sandbox.process import Raised, SandboxLimits, SandboxProcess
from signer.source import Source
from signer.verdicts import Verdict

Params = ParamSpec("Params")
Result = TypeVar("Result")


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
        modules: tuple[str, ...] = ("signer.sandbox.guarded_assessing",),
    ) -> None:
        """Prepare the pool; nothing runs before it is entered."""
        if workers < 1:
            raise ValueError("a sandbox needs a worker")
        self._workers = workers
        self._limits = limits or SandboxLimits()
        self._modules = modules
        self._free: asyncio.Queue[SandboxProcess | None] = asyncio.Queue()
        self._alive: set[SandboxProcess] = set()
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
            if isinstance(process, SandboxProcess):
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
        except BaseException as error:
            # Also a caller who goes away: its call must not keep a process busy.
            self._replace(process)
            if self._closed() and isinstance(error, SandboxLimitExceeded):
                raise SandboxBroken("it was closed") from error
            raise
        self._give_back(process)
        if isinstance(result, Raised):
            raise result.error
        return result  # type: ignore[return-value]

    async def assess(
        self,
        document: bytes | Path,
        *,
        store: TrustStore,
        evidence: RevocationEvidence | None = None,
        at: datetime,
        policy: VerificationPolicy = policy_module.DEFAULT,
        limits: DocumentLimits = limits_module.DEFAULT,
    ) -> Report:
        """Assess a document as `signer.validation.assessing.assess` does, in a sandbox process.

        document: its bytes, or the file they lie in, which only that process then reads. One that
        exceeds a limit is UNREADABLE with the reason SANDBOX_LIMIT_EXCEEDED.
        """
        # Imported here: the service itself need not load the engine to ask its sandbox.
        from signer.sandbox.guarded_assessing import assess_for_stranger  # noqa: PLC0415

        try:
            return await self.run(
                assess_for_stranger,
                document,
                store=store,
                evidence=evidence,
                at=at,
                policy=policy,
                limits=limits,
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
                policy=policy.label,
            )

    async def read_pages(
        self,
        document: bytes,
        *,
        names: tuple[str, ...] = (),
        limits: DocumentLimits = limits_module.DEFAULT,
    ) -> DocumentFacts:
        """Read what lies where on a document's pages, as `signer.pages.text.read_pages` does."""
        from signer.pages.text import read_pages  # noqa: PLC0415

        return await self.run(read_pages, document, names=names, limits=limits)

    def _closed(self) -> bool:
        return not self._open

    async def _start(self) -> SandboxProcess:
        process = SandboxProcess(self._modules, self._limits)
        self._alive.add(process)
        try:
            await process.ready()
        except BaseException:
            await self._end(process)
            raise
        return process

    async def _end(self, process: SandboxProcess) -> None:
        await process.end()
        self._alive.discard(process)

    def _give_back(self, process: SandboxProcess | None) -> None:
        if process is not None and process.calls >= self._limits.calls_per_process:
            self._replace(process)
        else:
            self._free.put_nowait(process)

    def _replace(self, process: SandboxProcess | None) -> None:
        """Put a fresh process in the place of this one, without making anybody wait for it."""
        if not self._open:
            return
        task = asyncio.get_running_loop().create_task(self._renew(process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew(self, process: SandboxProcess | None) -> None:
        fresh: SandboxProcess | None = None
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
