"""A PKCS#11 module in this process: loaded once, made ready for threads, started anew if lost."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from pkcs11 import Session, Token
from pkcs11._pkcs11 import lib as Library  # noqa: N812 - the wrapper gives its class a small name
from pkcs11.exceptions import PKCS11Error

from certs.errors import TokenModuleUnusable, TokenUnavailable

RESTART_PAUSE_SECONDS: Final = 1.0
"""A lost token is looked for this often at most: starting a module anew may take seconds."""
RESTART_WAIT_SECONDS: Final = 10.0
"""How long a restart waits for calls under way; C_Finalize during one is undefined."""
_OK: Final = 0x00
_CANT_LOCK: Final = 0x0A
_ALREADY_INITIALIZED: Final = 0x191
_OS_LOCKING_OK: Final = 0x02


class _Version(ctypes.Structure):
    _fields_: ClassVar = [("major", ctypes.c_ubyte), ("minor", ctypes.c_ubyte)]


_Call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)


class _Functions(ctypes.Structure):
    """The beginning of CK_FUNCTION_LIST (PKCS#11 v2.40 §3.6)."""

    _fields_: ClassVar = [("version", _Version), ("initialize", _Call), ("finalize", _Call)]


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS (PKCS#11 v2.40 §3.7)."""

    _fields_: ClassVar = [
        *((name, ctypes.c_void_p) for name in ("create", "destroy", "lock", "unlock")),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """That this process is logged in to a token: for which start of the module, with which PIN.

    The session is kept because the end of a token's last session ends its login (§5.6).
    """

    generation: int
    proof: bytes
    session: Session


class Module:
    """A loaded module. Calls pass `entered`, so that a restart finds none under way.

    The wrapper's own C_Initialize tells the module that one thread will ever call it, and many
    modules then leave their locks out; so C_Initialize is called here, with CKF_OS_LOCKING_OK. A
    module that can't lock is called by one thread after another.
    """

    def __init__(self, path: Path, *, threads: bool = True) -> None:
        """Load the module and initialise it. Raises TokenModuleUnusable, TokenUnavailable."""
        self.path = path
        self.logins: dict[bytes, Login] = {}
        self.login_lock = threading.Lock()
        self._pid = os.getpid()
        self._gate = threading.Condition()
        self._inside = 0
        self._restarting = False
        self._lost = False
        self._restarted_at = -RESTART_PAUSE_SECONDS
        self._turn: threading.Lock | nullcontext[None] = nullcontext()
        self._dll, self._functions, self._library = _loaded(path)
        self.generation = 1
        self._initialize(threads=threads)

    def _initialize(self, *, threads: bool) -> None:
        arguments = _Arguments(flags=_OS_LOCKING_OK)
        result = _CANT_LOCK
        if threads:
            result = self._functions.initialize(ctypes.byref(arguments))
        if result == _CANT_LOCK:
            self._turn = threading.Lock()
            result = self._functions.initialize(None)
        if result not in (_OK, _ALREADY_INITIALIZED):
            raise TokenUnavailable(f"{self.path.name}: C_Initialize answers 0x{result:x}")

    @contextmanager
    def entered(self, generation: int | None = None) -> Iterator[bool]:
        """Hold off restarts while calling the module; False when `generation` is past already."""
        if os.getpid() != self._pid:
            # PKCS#11 v2.40 §2.3 (usage guide): a forked child has no sessions of its parent.
            raise TokenUnavailable("the key was opened by another process")
        with self._gate:
            if not self._gate.wait_for(lambda: not self._restarting, RESTART_WAIT_SECONDS):
                raise TokenUnavailable("the module is being started anew")
            self._inside += 1
        try:
            with self._turn:
                yield generation is None or generation == self.generation
        finally:
            with self._gate:
                self._inside -= 1
                self._gate.notify_all()

    def tokens(self) -> list[Token]:
        """The tokens present now; call it `entered`. Those that don't answer are left out."""
        found = []
        for slot in self._library.get_slots(token_present=True):
            try:
                found.append(slot.get_token())
            except PKCS11Error:
                continue
        return found

    @property
    def is_lost(self) -> bool:
        """Whether a token stopped answering since the module's last start."""
        return self._lost

    def lose(self, generation: int) -> None:
        """Note that a token stopped answering; the next `recover` starts the module anew."""
        with self._gate:
            if generation == self.generation:
                self._lost = True

    def recover(self, *, at_once: bool = False) -> None:
        """Start the module anew if a token was lost: all sessions and logins end.

        Many modules look for tokens at C_Initialize only. Raises TokenUnavailable where that was
        done just now (unless `at_once`), or calls under way don't end.
        """
        with self._gate:
            if not self._lost:
                return
            rested_seconds = time.monotonic() - self._restarted_at
            if rested_seconds < RESTART_PAUSE_SECONDS and not at_once:
                raise TokenUnavailable("it was looked for a moment ago")
            self._restarting = True
            try:
                if not self._gate.wait_for(lambda: not self._inside, RESTART_WAIT_SECONDS):
                    raise TokenUnavailable("earlier calls to it have not ended")
                self.generation += 1
                self.logins.clear()
                self._functions.finalize(None)
                self._initialize(threads=isinstance(self._turn, nullcontext))
                self._lost = False
            finally:
                self._restarted_at = time.monotonic()
                self._restarting = False
                self._gate.notify_all()


_modules: dict[tuple[int, Path], Module] = {}
_modules_lock = threading.Lock()


def module_at(path: Path) -> Module:
    """The module of this file, loaded by the first who asks.

    Call it in one process at a time (see `opening_turn`). Raises TokenModuleUnusable,
    TokenUnavailable.
    """
    real = path.resolve()
    with _modules_lock:
        known = _modules.get((os.getpid(), real))
        if known is None:
            known = _modules[os.getpid(), real] = Module(real)
        return known


def _loaded(path: Path) -> tuple[ctypes.CDLL, _Functions, Library]:
    if not path.is_file():
        # A bare name would be searched for where the linker likes.
        raise TokenModuleUnusable(f"{path}: there is no such file")
    try:
        dll = ctypes.CDLL(str(path))
        get_functions = dll.C_GetFunctionList
        get_functions.restype = ctypes.c_ulong
        pointer = ctypes.POINTER(_Functions)()
        if get_functions(ctypes.byref(pointer)) != _OK or not pointer:
            raise TokenModuleUnusable(f"{path}: it gives no list of functions")
        # __new__ loads; __init__ would initialise, in its own way.
        library = Library.__new__(Library, str(path))  # type: ignore[call-arg]
        return dll, pointer.contents, library
    except (OSError, AttributeError, PKCS11Error) as error:
        raise TokenModuleUnusable(f"{path}: {error}") from error
