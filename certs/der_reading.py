"""Reading DER by hand where a structure must look exactly as expected (pure).

Parsers disagree about what is unusual, and everything here is for those who want nothing unusual:
definite lengths in their shortest form (X.690 §10.1), one-byte tags, nothing left over.
"""

from __future__ import annotations

from typing import Final

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0
CONTEXT_3: Final = 0xA3
_LONG_FORM: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 3


class Unusual(ValueError):
    """The bytes may be right, but are not as expected here: somebody else has to judge them."""


def element(data: bytes, at: int, *, end: int) -> tuple[int, int, int]:
    """Return tag, first content byte and end of the element at `at`. Raises Unusual."""
    if at + 2 > end:
        raise Unusual("an element is cut off")
    length, start = data[at + 1], at + 2
    if length >= _LONG_FORM:
        octets = length - _LONG_FORM
        start += octets
        if not 1 <= octets <= _MAX_LENGTH_OCTETS or start > end:
            raise Unusual("an indefinite length, or a huge one")
        length = int.from_bytes(data[at + 2 : start], "big")
        if length < (_LONG_FORM if octets == 1 else 1 << 8 * (octets - 1)):
            raise Unusual("a length that is not the shortest")
    if start + length > end:
        raise Unusual("an element is cut off")
    return data[at], start, start + length


def inside(data: bytes, at: int, *, tag: int, end: int) -> tuple[int, int]:
    """Return first content byte and end of the element at `at`, which must have that tag."""
    found, start, stop = element(data, at, end=end)
    if found != tag:
        raise Unusual(f"tag {found:#x} instead of {tag:#x}")
    return start, stop


def whole(data: bytes, *, tag: int) -> tuple[int, int]:
    """Return where the contents begin and end of the one element that `data` is."""
    start, stop = inside(data, 0, tag=tag, end=len(data))
    if stop != len(data):
        raise Unusual("bytes after the end")
    return start, stop


def elements(data: bytes, at: int, *, end: int) -> list[tuple[int, int, int, int]]:
    """Return tag, first byte, first content byte and end of each element that fills at … end."""
    found = []
    while at < end:
        tag, start, stop = element(data, at, end=end)
        found.append((tag, at, start, stop))
        at = stop
    return found


def encode(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and contents (X.690 §8.1, §10.1)."""
    contents = b"".join(parts)
    length = len(contents)
    if length < _LONG_FORM:
        return bytes((tag, length)) + contents
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets + contents
