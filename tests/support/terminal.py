"""A terminal with somebody at it: programs that ask are answered through a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

SECONDS = 60.0


class Terminal:
    """A running program whose terminal we type at; what it shows is kept."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self._process = process
        self._screen = screen
        self.shown = ""

    def wait_for(self, text: str, *, after: int = 0) -> None:
        """Read until the text was shown, behind what was shown before `after`."""
        deadline = time.monotonic() + SECONDS
        while text not in self.shown[after:]:
            assert time.monotonic() < deadline, self.shown
            assert self._read(deadline), f"it ended without {text!r}: {self.shown}"

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self._screen, keys.encode())

    def answer(self, question: str, keys: str) -> None:
        """Wait for a question that is shown from now on, then type."""
        self.wait_for(question, after=self._answered)
        self._answered = len(self.shown)
        self.type(keys)

    _answered = 0

    def end(self) -> int:
        """Wait until the program ends; gives its exit code."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            assert time.monotonic() < deadline, self.shown
        return self._process.wait(SECONDS)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return True
        try:
            content = os.read(self._screen, 65536)
        except OSError:  # Linux says EIO when the last program has left the terminal
            return False
        self.shown += content.decode(errors="replace")
        return bool(content)


@contextmanager
def at_terminal(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program at a terminal of its own, 80 columns wide.

    Ctrl-C means what it means to people, also where the tests run in the background of a shell,
    which lets its background jobs ignore it.
    """
    screen, other_side = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", "env", "--default-signal=INT", *command],
        stdin=other_side,
        stdout=other_side,
        stderr=other_side,
        env={**environment, "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(other_side)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
