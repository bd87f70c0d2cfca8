"""How the service and its sandbox processes talk: frames of pickled values (pure).

A frame is a count of bytes, a count of buffers, the length of each, the pickle, the buffers.
Large documents travel as buffers beside the pickle, so that each side holds one copy. What comes
back from a sandbox is read with an allow-list: a process that a stranger's document took over can
answer nonsense, but cannot name a function for us to call.
"""

from __future__ import annotations

import importlib
import io
import pickle
import struct
from collections.abc import Sequence
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final

PREFIX: Final = struct.Struct(">QI")
MAX_BUFFERS: Final = 64
_BUFFER_BYTES: Final = 64 * 1024
"""Bytes objects from this size on travel beside the pickle."""

_OWN_PACKAGES: Final = frozenset({"certs", "signer", "storage", "exchange"})
_PLAIN: Final = frozenset(
    {
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "bytearray"),
        ("collections", "OrderedDict"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("uuid", "UUID"),
    }
)


class WireError(ValueError):
    """The frame is not one that this module writes."""


def frame(value: object) -> list[bytes | memoryview]:
    """Return the parts of a frame that holds `value`, to be sent one after the other."""
    buffers: list[pickle.PickleBuffer] = []
    body = io.BytesIO()
    _Writer(body, protocol=5, buffer_callback=buffers.append).dump(_beside(value))
    views = [buffer.raw() for buffer in buffers]
    lengths = struct.pack(f">{len(views)}Q", *(view.nbytes for view in views))
    return [PREFIX.pack(body.tell(), len(views)) + lengths + body.getvalue(), *views]


class _Writer(pickle.Pickler):
    """Writes an enumeration's member as its class and value, in every version of Python.

    Python 3.11 before 3.11.4 writes a call of `getattr` instead, which no answer may name.
    """

    def reducer_override(self, obj: object) -> Any:  # noqa: ANN401 - as pickle declares it
        """Reduce members of enumerations; leave the rest as it is."""
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented


def _beside(value: object) -> object:
    """Mark the large bytes in a call's arguments to travel beside the pickle."""
    if isinstance(value, bytes) and len(value) >= _BUFFER_BYTES:
        return pickle.PickleBuffer(value)
    if type(value) is tuple:
        return tuple(_beside(item) for item in value)
    if type(value) is dict:
        return {key: _beside(item) for key, item in value.items()}
    return value


def read_lengths(prefix: bytes, rest: bytes) -> tuple[int, list[int]]:
    """Return the pickle's length and the buffers' from a frame's first bytes."""
    size, count = PREFIX.unpack(prefix)
    return size, list(struct.unpack(f">{count}Q", rest))


def load(body: bytes, buffers: Sequence[bytes]) -> Any:  # noqa: ANN401 - any value travels
    """Return the value of a frame that the service itself wrote."""
    return pickle.loads(body, buffers=buffers)  # noqa: S301 - the parent is the one we obey


def load_answer(body: bytes, buffers: Sequence[bytes]) -> Any:  # noqa: ANN401 - any value travels
    """Return the value of a frame that a sandbox wrote; WireError where it names what it must not.

    Allowed are plain values, enumerations, dataclasses and exceptions of our own packages, and
    built-in exceptions.
    """
    try:
        return _AnswerReader(io.BytesIO(body), buffers=buffers).load()
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"an answer that can't be read: {type(error).__name__}") from error


class _AnswerReader(pickle.Unpickler):
    """Reads values, and no callables but the classes of values."""

    def find_class(self, module: str, name: str) -> type:
        """Return the class, or refuse it."""
        found: object = None
        if (module, name) in _PLAIN or module.partition(".")[0] in _OWN_PACKAGES | {"builtins"}:
            found = getattr(importlib.import_module(module), name, None)
        if isinstance(found, type) and (
            (module, name) in _PLAIN
            or issubclass(found, Exception)
            or (module != "builtins" and (is_dataclass(found) or issubclass(found, Enum)))
        ):
            return found
        raise WireError(f"an answer names {module}.{name}")
