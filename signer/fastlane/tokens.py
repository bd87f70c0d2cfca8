"""PDF objects of the fast lane: from a document's bytes to the bytes that pyHanko writes (pure).

pyHanko writes every object that an update touches anew, in one form of its own. Here that form is
made without building objects: each value is read once and stands as the bytes of that form, from
then on called its *canonical* form. What is rare or read differently by different readers raises
NotPlain: odd spacing, unusual escapes, keys that appear twice.
"""

from __future__ import annotations

import binascii
import codecs
import re
from decimal import Decimal
from typing import Final

from pyhanko.pdf_utils.generic import encode_pdfdocencoding

MAX_DEPTH: Final = 24
"""Nesting of arrays and dictionaries."""
MAX_VALUES: Final = 20_000
"""Values in one object."""
MAX_OBJECT_BYTES: Final = 64 * 1024
"""What is read of one object, however much of the document lies in memory."""

Entries = dict[bytes, bytes]
"""A dictionary: keys with their slash, values in canonical form; in the order of the document."""


class NotPlain(ValueError):
    """The document is not of the plain kind: the engine has to see to it."""


class Real(bytes):
    """What is written like an integer but was none, or holds such: the engine tells them apart."""

    __slots__ = ()


_SPACE = rb"\x00\t\n\x0c\r "
_AFTER = rb"(?=[\x00\t\n\x0c\r ()<>\[\]{}/%])"
_REGULARS = rb"!\"$&-'*-.0-;=?-Z\\^-z|~"
_REGULAR = re.compile(rb"[" + _REGULARS + rb"]")
_LITERAL_STRING = rb"\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\)"
_HEX_STRING = rb"<[0-9A-Fa-f]*+>"
_TOKEN = re.compile(
    rb"(?:[" + _SPACE + rb"]++|%[^\r\n]*+[\r\n])*+(?:"
    rb"(/" + _REGULAR.pattern + rb"*+" + _AFTER + rb")"  # 1: a name without escapes
    rb"|([1-9]\d{0,6} \d{1,5} R" + _AFTER + rb")"  # 2: a reference
    rb"|((?:0|-?[1-9]\d{0,9})" + _AFTER + rb")"  # 3: an integer that stays as it is
    rb"|(<<)"  # 4
    rb"|(>>)"  # 5
    rb"|(\[)"  # 6
    rb"|(\])"  # 7
    rb"|(" + _LITERAL_STRING + rb")"  # 8
    rb"|(" + _HEX_STRING + rb")"  # 9
    rb"|((?:true|false|null)" + _AFTER + rb")"  # 10
    rb"|([+-]?(?:\d{1,12}(?:\.\d{0,15})?|\.\d{1,15})" + _AFTER + rb")"  # 11: other numbers
    rb"|(/(?:" + _REGULAR.pattern + rb"|#[1-9A-Fa-f][0-9A-Fa-f])++" + _AFTER + rb")"  # 12: a name
    rb")",
    re.DOTALL,
)
_NAME, _REFERENCE, _INTEGER, _OPEN, _CLOSE, _ARRAY = range(1, 7)
_ARRAY_END, _LITERAL, _HEX, _WORD, _NUMBER, _ESCAPED_NAME = range(7, 13)
_STRINGS: Final = frozenset({_LITERAL, _HEX})
_AS_THEY_ARE: Final = frozenset({_NAME, _REFERENCE, _INTEGER, _WORD})
# Nearly all dictionaries are spelt so that one pattern finds where they end and another one all
# their entries at once; token by token that takes three times as long.
_USUAL_BYTES: Final = 4 * 1024
"""The longest dictionary that is read at once: it has no room for more than MAX_VALUES."""
_USUAL_DEPTH: Final = 4
_GAP = rb"[" + _SPACE + rb"]*+"
_ANY_STRING = _LITERAL_STRING + rb"|" + _HEX_STRING
_FLAT = rb"[][/" + _SPACE + _REGULARS + rb"]++|" + _ANY_STRING
_USUAL = re.compile(
    _GAP
    + (rb"<<(?:" + _FLAT + rb"|") * _USUAL_DEPTH
    + (rb"<<(?:" + _FLAT + rb")*+>>")
    + rb")*+>>" * _USUAL_DEPTH,
    re.DOTALL,
)
_AS_IT_IS = (
    rb"(?:/" + _REGULAR.pattern + rb"*+|(?:[1-9]\d{0,6} \d{1,5} R|0|true|false|null"
    rb"|-?[1-9]\d{0,9}(?:\.\d{0,14}[1-9])?)(?![" + _REGULARS + rb"]))"
)
_ENTRY = re.compile(
    rb"(/" + _REGULAR.pattern + rb"*+)" + _GAP + rb"(?:"
    rb"(" + _AS_IT_IS + rb")"
    rb"|\[ ?(" + _AS_IT_IS + rb"(?: " + _AS_IT_IS + rb")*+) ?\]"
    rb"|(\[(?:[^][<>()]++|" + _ANY_STRING + rb")*+\])"
    rb"|(" + _ANY_STRING + rb")"
    rb"|<<)"
    rb"|(>>)|[^" + _SPACE + rb"]",
    re.DOTALL,
)
_MEMBER = re.compile(rb"(" + _AS_IT_IS + rb"|" + _ANY_STRING + rb")|[^" + _SPACE + rb"]", re.DOTALL)
# A text of ASCII, all of it but letters, digits and spaces escaped: so updates write it.
_CANONICAL_LITERAL = re.compile(
    rb"\((?:[0-9A-Za-z ]++|\\(?:04[1-7]|05[0-7]|07[2-7]|100|13[3-7]|140|17[3-6]))*+\)"
)
# Octal escapes of one or two digits, followed by 8 or 9, are read differently by readers.
_ESCAPE = re.compile(rb"\\(?:([0-7]{3}|[0-7]{1,2}(?![0-9]))|([nrtbf])|([() /%<>\[\]#_&$\\])|)")
_CONTROLS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_WRITTEN: Final = tuple(
    bytes((byte,)) if bytes((byte,)).isalnum() or byte == 0x20 else b"\\%03o" % byte
    for byte in range(256)
)
_NAME_ESCAPE = re.compile(rb"#(..)", re.DOTALL)
_NAME_WRITTEN: Final = tuple(
    bytes((byte,)) if _REGULAR.fullmatch(bytes((byte,))) else b"#%X" % byte for byte in range(256)
)
# Bytes without a character in PDFDocEncoding as pyHanko has it: such strings are no text.
_NO_TEXT: Final = frozenset((*range(0x18), 0x7F, 0x9F, 0xAD))
_TEXT_BYTES: Final = bytes(byte for byte in range(256) if byte not in _NO_TEXT)
_LIKE_MARKS: Final = frozenset("þÿï\ufeff\ufffe")
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF8)


def read_entries(data: bytes, at: int, *, within: int = MAX_OBJECT_BYTES) -> tuple[Entries, int]:
    """Read the dictionary at or after `at`; return its entries and the offset behind it."""
    usual = _USUAL.match(data, at, at + min(within, _USUAL_BYTES))
    if usual is not None:
        entries = _usual_entries(data, data.index(b"<<", at) + 2, end=usual.end())
        if entries is not None:
            return entries, usual.end()
    reading = _Reading(data, at + within)
    token = reading.token(at)
    if token.lastindex != _OPEN:
        raise NotPlain("no dictionary")
    return reading.entries(token.end(), depth=1)


def read_value(data: bytes, at: int) -> tuple[bytes, int]:
    """Read the value at or after `at`; return its canonical form and the offset behind it."""
    reading = _Reading(data, at + MAX_OBJECT_BYTES)
    return reading.value(reading.token(at), depth=0)


def write_entries(entries: Entries) -> bytes:
    """Return the canonical form of a dictionary."""
    return b"\n".join((b"<<", *map(b" ".join, entries.items()), b">>"))


def literal_text(text: str) -> bytes:
    """Return the canonical form of a text. Raises ValueError where it has none."""
    if text.isascii() and text.isalnum():
        return b"(%b)" % text.encode("ascii")
    try:
        return literal_string(encode_pdfdocencoding(text))  # type: ignore[no-untyped-call]
    except UnicodeEncodeError:
        return literal_string(codecs.BOM_UTF16_BE + text.encode("utf-16be"))


def literal_string(encoded: bytes) -> bytes:
    """Return a literal string of these bytes, as pyHanko escapes them."""
    return b"(%b)" % b"".join([_WRITTEN[byte] for byte in encoded])


def bytes_of_string(canonical: bytes) -> bytes:
    """Return what a string in canonical form consists of."""
    if canonical.startswith(b"(") and canonical.endswith(b")"):
        return _ESCAPE.sub(_unescape, canonical[1:-1])
    if canonical.startswith(b"<") and not canonical.startswith(b"<<"):
        return binascii.unhexlify(canonical[1:-1])
    raise NotPlain("no string")


def reference_of(canonical: bytes) -> int:
    """Return the number of the object that a reference of generation 0 names."""
    number, _, rest = canonical.partition(b" ")
    if rest != b"0 R":
        raise NotPlain("no reference of generation 0")
    return int(number)


def integer_of(canonical: bytes | None) -> int:
    """Return the value of an integer that is not negative."""
    if canonical is None or not canonical.isdigit() or isinstance(canonical, Real):
        raise NotPlain("no integer")
    return int(canonical)


def _usual_entries(data: bytes, at: int, *, end: int) -> Entries | None:
    """Return the entries of a dictionary that `_USUAL` found, None where one needs a closer look.

    The two patterns know strings and brackets alike, so that its last brackets are those at `end`.
    """
    found = _ENTRY.findall(data, at, end)
    entries = Entries()
    outer: list[tuple[Entries, bytes]] = []
    known = 0
    for name, as_it_is, members, array, string, closing in found:
        if as_it_is:
            entries[name] = as_it_is
        elif closing:
            known += len(entries) + 1
            if outer:
                parent, key = outer.pop()
                parent[key] = write_entries(entries)
                entries = parent
        elif members:
            entries[name] = b"[ %b ]" % members
        elif array:
            entries[name] = _usual_array(array)
            if outer and isinstance(entries[name], Real):
                return None
        elif string:
            entries[name] = _canonical_string(string)
        elif name:
            outer.append((entries, name))
            entries = Entries()
        else:
            return None
    # There are fewer keys than were found where one appears twice.
    return entries if known == len(found) else None


def _usual_array(array: bytes) -> bytes:
    """Return the canonical form of an array without others in it."""
    members = _MEMBER.findall(array, 1, len(array) - 1)
    if b"" in members:
        return read_value(array, 0)[0]
    if b"(" in array or b"<" in array:
        members = [
            _canonical_string(member) if member[:1] in b"(<" else member for member in members
        ]
    return b" ".join((b"[", *members, b"]"))


class _Reading:
    """Reads one object up to an offset, and counts its values."""

    __slots__ = ("_data", "_end", "_left")

    def __init__(self, data: bytes, end: int) -> None:
        self._data = data
        self._end = end
        self._left = MAX_VALUES

    def token(self, at: int) -> re.Match[bytes]:
        token = _TOKEN.match(self._data, at, self._end)
        if token is None:
            raise NotPlain("no token that is always read the same")
        return token

    def entries(self, at: int, *, depth: int) -> tuple[Entries, int]:
        entries = Entries()
        self._bound(depth)
        while True:
            key = self.token(at)
            kind = key.lastindex
            if kind == _CLOSE:
                self._bound(depth)
                return entries, key.end()
            if kind == _NAME:
                name = key[_NAME]
            elif kind == _ESCAPED_NAME:
                name = _escaped_name(key[kind])
            else:
                raise NotPlain("no key")
            if name in entries:
                raise NotPlain("a key appears twice")
            value = self.token(key.end())
            if value.lastindex in _AS_THEY_ARE:
                self._left -= 1
                entries[name] = value[value.lastindex]
                at = value.end()
            else:
                entries[name], at = self.value(value, depth=depth)

    def value(self, token: re.Match[bytes], *, depth: int) -> tuple[bytes, int]:
        self._left -= 1
        kind = token.lastindex
        if kind == _OPEN:
            entries, end = self.entries(token.end(), depth=depth + 1)
            written = write_entries(entries)
            return Real(written) if Real in map(type, entries.values()) else written, end
        if kind == _ARRAY:
            return self._array(token.end(), depth=depth + 1)
        if kind is None or kind in (_CLOSE, _ARRAY_END):
            raise NotPlain("no value")
        return _canonical(token, kind), token.end()

    def _array(self, at: int, *, depth: int) -> tuple[bytes, int]:
        members = [b"["]
        self._bound(depth)
        while True:
            token = self.token(at)
            kind = token.lastindex
            if kind == _ARRAY_END:
                self._bound(depth)
                written = b" ".join((*members, b"]"))
                return Real(written) if Real in map(type, members) else written, token.end()
            if kind in _AS_THEY_ARE:
                self._left -= 1
                members.append(token[kind])
                at = token.end()
            else:
                member, at = self.value(token, depth=depth)
                members.append(member)

    def _bound(self, depth: int) -> None:
        if depth > MAX_DEPTH or self._left <= 0:
            raise NotPlain("nested too deeply, or too many values")


def _canonical(token: re.Match[bytes], kind: int) -> bytes:
    written = token[kind]
    if kind in _AS_THEY_ARE:
        return written
    if kind in _STRINGS:
        return _canonical_string(written)
    if kind == _ESCAPED_NAME:
        return _escaped_name(written)
    if b"." not in written:
        return b"%d" % int(written)
    number = Decimal(written.decode("ascii"))
    if number == number.to_integral():
        return Real(str(number.quantize(Decimal(1))), "ascii")
    return str(number).encode("ascii")


def _canonical_string(written: bytes) -> bytes:
    if written.startswith(b"<"):
        return _string(binascii.unhexlify(written[1:-1] + b"0" * (len(written) % 2)))
    if _CANONICAL_LITERAL.fullmatch(written):
        return written
    if b"\\" not in written:
        return _string(written[1:-1])
    return _string(_ESCAPE.sub(_unescape, written[1:-1]))


def _escaped_name(written: bytes) -> bytes:
    """Return the canonical form of a name, which pyHanko takes for UTF-8 or else Latin-1."""
    content = _NAME_ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), written)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        content = content.decode("latin-1").encode("utf-8")
    return b"/" + b"".join([_NAME_WRITTEN[byte] for byte in content[1:]])


def _unescape(escape: re.Match[bytes]) -> bytes:
    octal, control, itself = escape.groups()
    if octal:
        byte = int(octal, 8)
        if byte > 0xFF:
            raise NotPlain("an escape beyond a byte")
        return bytes((byte,))
    if control:
        return _CONTROLS[control]
    if itself:
        return bytes(itself)
    raise NotPlain("an escape that readers resolve differently")


def _string(content: bytes) -> bytes:
    """Return the canonical form of a string: text where it can be text, otherwise its digits."""
    if content.startswith(_BYTE_ORDER_MARKS):
        encoding = "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-16"
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            return b"<%b>" % binascii.hexlify(content)
        if text[:1] in _LIKE_MARKS:
            raise NotPlain("a text that would read as another one once written")
        return literal_text(text)
    if content.translate(None, _TEXT_BYTES):
        return b"<%b>" % binascii.hexlify(content)
    return literal_string(content)
