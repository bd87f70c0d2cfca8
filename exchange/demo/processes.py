"""The demo's child processes: started in sessions of their own, watched, and stopped again."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from exchange.cli.errors import DemoFailed

STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_LAST_WORDS_CHARACTERS = 1500


@dataclass(frozen=True, slots=True)
class Child:
    """One child process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def require_alive(self) -> None:
        """Raise DemoFailed with the log's end where the process has ended."""
        if (code := self.process.poll()) is not None:
            words = self.log.read_text("utf8", "replace")[-_LAST_WORDS_CHARACTERS:]
            raise DemoFailed(f"{self.name} ended with {code}; {self.log}: {words}")


class Children:
    """All children of one demo; leaving the context stops those that were not released."""

    def __init__(self, logs: Path) -> None:
        """Logs go into a file for each child in `logs`."""
        self._logs = logs
        self._children: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._children:
            await _stop(self._children.pop())

    @property
    def pids(self) -> list[int]:
        """Their process ids, the last started first: the order in which to stop them."""
        return [child.process.pid for child in reversed(self._children)]

    def start(
        self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a program away from the terminal, so that Ctrl-C reaches the demo alone."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=self._logs,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def release(self) -> None:
        """Let them run on after the demo."""
        self._children.clear()


def congvan(*arguments: str) -> list[str]:
    """Give the command line that runs this very program, from any directory."""
    return [sys.executable, "-P", "-m", "exchange.cli.main", *arguments]


async def until(ready: Callable[[], Awaitable[bool]], child: Child, *, seconds: float) -> None:
    """Wait until `ready` says so; raises DemoFailed where the child ends or takes too long."""
    try:
        async with asyncio.timeout(seconds):
            while not await ready():
                child.require_alive()
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise DemoFailed(f"{child.name} is not ready after {seconds:g} s; {child.log}") from None


def free_port() -> int:
    """A TCP port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answers(port: int) -> bool:
    """Tell whether something listens on the port of loopback."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _stop(child: Child) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            # Each leads its session; the supervisor stops its own workers when asked politely.
            if number is signal.SIGTERM:
                child.process.terminate()
            else:
                os.killpg(child.process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(child.process.wait, STOP_SECONDS)
            return
