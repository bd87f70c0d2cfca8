"""Functions that tests run in sandbox processes, good and bad ones."""

from __future__ import annotations

import os
import socket
import tempfile
import time

from signer.errors import DocumentMalformed


def add(first: int, second: int) -> int:
    return first + second


def size_of(content: bytes) -> tuple[int, str]:
    """Return how many bytes arrived, and as what."""
    return len(content), type(content).__name__


def give_bytes(count: int) -> bytes:
    return b"x" * count


def process_id() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def burn() -> None:
    """Use the processor without end."""
    while True:
        pass


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def take_memory(byte_count: int) -> int:
    return len(bytearray(byte_count))


def recurse() -> None:
    recurse()


def malformed(detail: str) -> None:
    raise DocumentMalformed(detail)


def end_process(code: int) -> None:
    os._exit(code)


def write_file() -> str:
    """Try to leave something on the disk."""
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)
        file.flush()
    return "written"


def give_socket() -> socket.socket:
    """Return what can't be pickled."""
    return socket.socket()


class Unknown:
    """A value that no answer may hold."""


def give_unknown() -> Unknown:
    return Unknown()
