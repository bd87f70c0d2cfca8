"""Opening tokens: one process after another, and no PIN tried again that was refused before."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import random
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certs.errors import TokenModuleUnusable, TokenUnavailable

TURN_SECONDS: Final = 30.0
"""How long a process waits for its turn to open a token."""
_PAUSES_SECONDS: Final = (0.01, 0.05)


def default_state_directory() -> Path:
    """Where a person's commands take turns and remember refused PINs: $XDG_STATE_HOME/congvan."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "congvan" / "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAccess:
    """How tokens are opened.

    state: directory where processes take turns and refusals are remembered; None is the user's own.
    pin_origin: text that says where the PIN comes from and changes when it does, such as a file's
    path and time. A PIN that was refused is then not tried again by any process that shares
    `state`, until the text changes: a service that restarts itself must not lock its token.
    allow_last_try: try a PIN although a wrong one would lock the token.
    sessions: how many signatures the token is asked for at a time.
    """

    state: Path | None = None
    pin_origin: str = ""
    allow_last_try: bool = False
    sessions: int = 4

    @property
    def directory(self) -> Path:
        """The directory of locks and refusals."""
        return self.state or default_state_directory()


@contextmanager
def opening_turn(directory: Path, module: Path) -> Iterator[None]:
    """Hold all other processes (and threads) off while a module is initialised or logged in to.

    Modules fail when processes do this at the same moment: of eight, SoftHSM lets some find no
    token. Raises TokenUnavailable when the turn does not come in time.
    """
    name = hashlib.sha256(str(module.resolve()).encode()).hexdigest()[:16] + ".lock"
    descriptor = os.open(_own(directory) / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _own(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise TokenModuleUnusable(f"{directory}: {error.strerror}") from error
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise TokenModuleUnusable(f"{directory}: others may write to it")
    return directory


def _wait_for(descriptor: int) -> None:
    deadline = time.monotonic() + TURN_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TokenUnavailable("another process has been opening it for long") from None
            # Those who wait don't come back all at once.
            time.sleep(random.uniform(*_PAUSES_SECONDS))
        else:
            return


class RefusedPins:
    """The PINs that tokens refused: in this process by their value, beyond it by their origin."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._refused: set[tuple[bytes, bytes]] = set()

    def proof(self, pin: bytes) -> bytes:
        """What stands for a PIN in this process's memory; it says nothing outside of it."""
        return hmac.digest(self._key, pin, "sha256")

    def knows(self, serial: bytes, *, pin: bytes, access: TokenAccess) -> bool:
        """Whether the token with this serial number refused this PIN before."""
        with self._lock:
            if (serial, self.proof(pin)) in self._refused:
                return True
        if not access.pin_origin:
            return False
        try:
            return _mark(access, serial).read_text(encoding="utf8") == access.pin_origin
        except OSError:
            return False

    def add(self, serial: bytes, *, pin: bytes, access: TokenAccess) -> None:
        """Remember that the token refused the PIN."""
        with self._lock:
            self._refused.add((serial, self.proof(pin)))
        if access.pin_origin:
            _mark(access, serial).write_text(access.pin_origin, encoding="utf8")


def _mark(access: TokenAccess, serial: bytes) -> Path:
    name = hashlib.sha256(serial + b"\0" + access.pin_origin.encode()).hexdigest()[:16]
    return _own(access.directory) / f"{name}.refused"


refused_pins: Final = RefusedPins()
"""One memory for the process: a second key object must not try what the first one tried."""
