"""The process in which strangers' bytes are read: limited, without privileges worth taking.

Started by `signer.sandbox.pool`; reads calls from a socket, runs them one by one, writes answers.
It holds no secret: the environment is empty, no file can be written, and it dies with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import math
import os
import resource
import signal
import socket
import sys
from typing import BinaryIO, Final

from signer.sandbox.wire import MAX_BUFFERS, PREFIX, frame, load, read_lengths

OPEN_FILES: Final = 256
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

ANSWER: Final = "answer"
ERROR: Final = "error"
MEMORY: Final = "memory"
READY: Final = "ready"


def main() -> None:
    """Serve calls until the parent closes the socket. argv: descriptor, parent's id."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    _die_with_parent(parent)
    # The engine's warnings quote strangers' documents and would only fill the service's log.
    logging.disable(logging.CRITICAL)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rb") as calls:
        setup = _read(calls)
        if setup is None:
            return
        memory_bytes, modules = setup
        _limit(memory_bytes)
        for module in modules:
            importlib.import_module(module)
        # What lasts need not be looked through after each call.
        gc.freeze()
        _send(connection, (READY, os.getpid()))
        while (call := _read(calls)) is not None:
            function, args, kwargs, cpu_seconds = call
            answer = _run(function, args, kwargs=kwargs, cpu_seconds=cpu_seconds)
            _send_answer(connection, answer)
            # A document may be large: don't hold it until the next one comes. The engine's objects
            # refer to each other in circles and to the document's bytes.
            del call, args, kwargs, answer
            gc.collect()


def _die_with_parent(parent: int) -> None:
    control = ctypes.CDLL(None, use_errno=True).prctl
    control(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    control(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def _limit(memory_bytes: int) -> None:
    for what, amount in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        _, hard = resource.getrlimit(what)
        capped = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(what, (capped, capped))


def _run(
    function: object, args: tuple[object, ...], *, kwargs: dict[str, object], cpu_seconds: float
) -> tuple[str, object]:
    _allow_cpu(cpu_seconds)
    try:
        if not callable(function):
            return ERROR, TypeError("not a function")
        return ANSWER, function(*args, **kwargs)
    except MemoryError:
        return MEMORY, None
    except Exception as error:
        return ERROR, error


def _allow_cpu(seconds: float) -> None:
    """Let the process use this much more processor time; SIGXCPU ends it then."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _send_answer(connection: socket.socket, answer: tuple[str, object]) -> None:
    try:
        parts = frame(answer)
    except MemoryError:
        parts = frame((MEMORY, None))
    except Exception as error:
        # What the function returned or raised can't travel; its type's name can.
        told = f"{type(answer[1]).__name__} can't leave the sandbox: {type(error).__name__}"
        parts = frame((ERROR, TypeError(told)))
    for part in parts:
        connection.sendall(part)


def _send(connection: socket.socket, value: object) -> None:
    for part in frame(value):
        connection.sendall(part)


def _read(calls: BinaryIO) -> tuple | None:  # type: ignore[type-arg]
    """Read one frame from the parent; None at the end of the stream."""
    prefix = calls.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    _, count = PREFIX.unpack(prefix)
    if count > MAX_BUFFERS:
        return None
    size, lengths = read_lengths(prefix, calls.read(8 * count))
    body = calls.read(size)
    value = load(body, [calls.read(length) for length in lengths])
    return value if isinstance(value, tuple) else None
