"""Reading PDF tokens in the raw bytes, apart from any engine: where exactly a value lies (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_DEPTH: Final = 64
"""Nesting of arrays and dictionaries; a signature dictionary needs three or four."""

# White space and comments between tokens (ISO 32000-2 §7.2.3, §7.2.4).
_SPACE = re.compile(rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*+")
_NAME = re.compile(rb"/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*+")
_REGULAR = re.compile(rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]++")
_HEX = re.compile(rb"<[0-9A-Fa-f\x00\t\n\x0c\r ]*+>")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_LITERAL_PART = re.compile(rb"[^()\\]++|\\.|\\\Z", re.DOTALL)
_REFERENCE = re.compile(rb"\d++[\x00\t\n\x0c\r ]++\d++[\x00\t\n\x0c\r ]++R(?![^\s()<>\[\]{}/%])")


class TokenError(ValueError):
    """The bytes are not the PDF tokens expected there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of one dictionary key: its first byte and the byte after its last."""

    start: int
    end: int


def skip_space(data: bytes, at: int) -> int:
    """Return the offset of the next token at or after `at`."""
    match = _SPACE.match(data, at)
    return match.end() if match else at


def read_dictionary(data: bytes, at: int) -> tuple[dict[bytes, Entry], int]:
    """Read the dictionary that begins at `at` and return its entries and the offset after it.

    Keys are decoded names without the slash. TokenError for anything else, for a key that
    appears twice (readers disagree on which counts) and for nesting beyond MAX_DEPTH.
    """
    if data[at : at + 2] != b"<<":
        raise TokenError(f"no dictionary at byte {at}")
    entries: dict[bytes, Entry] = {}
    at = skip_space(data, at + 2)
    while data[at : at + 2] != b">>":
        key = _NAME.match(data, at)
        if key is None:
            raise TokenError(f"no key at byte {at}")
        name = decode_name(key.group())
        start = skip_space(data, key.end())
        end = _value_end(data, start, depth=1)
        if name in entries:
            raise TokenError(f"key {name.decode('latin-1')} appears twice")
        entries[name] = Entry(start, end)
        at = skip_space(data, end)
    return entries, at + 2


def decode_name(token: bytes) -> bytes:
    """Return a name token's value without its slash, #-escapes resolved (ISO 32000-2 §7.3.5)."""
    return _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), token[1:])


def _value_end(data: bytes, at: int, *, depth: int) -> int:
    """Return the offset after the value that begins at `at`."""
    if depth > MAX_DEPTH:
        raise TokenError("nested too deeply")
    first = data[at : at + 1]
    if data[at : at + 2] == b"<<":
        return _dictionary_end(data, at, depth=depth)
    if first == b"[":
        return _array_end(data, at, depth=depth)
    if first == b"(":
        return _literal_end(data, at)
    pattern = {b"<": _HEX, b"/": _NAME}.get(first)
    if pattern is None:
        # "12 0 R" is one value made of three tokens.
        pattern = _REFERENCE if _REFERENCE.match(data, at) else _REGULAR
    match = pattern.match(data, at)
    if match is None:
        raise TokenError(f"no value at byte {at}")
    return match.end()


def _dictionary_end(data: bytes, at: int, *, depth: int) -> int:
    at = skip_space(data, at + 2)
    while data[at : at + 2] != b">>":
        key = _NAME.match(data, at)
        if key is None:
            raise TokenError(f"no key at byte {at}")
        at = skip_space(data, _value_end(data, skip_space(data, key.end()), depth=depth + 1))
    return at + 2


def _array_end(data: bytes, at: int, *, depth: int) -> int:
    at = skip_space(data, at + 1)
    while data[at : at + 1] != b"]":
        at = skip_space(data, _value_end(data, at, depth=depth + 1))
    return at + 1


def _literal_end(data: bytes, at: int) -> int:
    depth = 1
    at += 1
    while depth:
        byte = data[at : at + 1]
        if byte in (b"(", b")"):
            depth += 1 if byte == b"(" else -1
            at += 1
            continue
        part = _LITERAL_PART.match(data, at)
        if part is None:
            raise TokenError("a string has no end")
        at = part.end()
    return at
