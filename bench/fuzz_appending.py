"""An update to append to a document: its objects, its table or stream, its trailer (pure)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

_OBJECT = re.compile(rb"(?:^|[\r\n ])(\d{1,7}) 0 obj\b(.*?)\bendobj", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBefore:
    """What an update needs to know of the file before it."""

    content: bytes
    objects: dict[int, bytes]
    root: int
    size: int
    previous: int
    trailer: bytes

    def of_type(self, mark: bytes) -> list[int]:
        return [number for number, body in self.objects.items() if mark in body]


@dataclass(slots=True)
class Update:
    """Objects to write and to free, and what the trailer says; numbers from `fresh` are new."""

    base: FileBefore
    objects: dict[int, bytes] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)
    rows: list[tuple[int, int]] = field(default_factory=list)
    trailer: bytes = b""
    root: int = 0
    previous: int = 0

    def add(self, body: bytes) -> int:
        number = max(self.base.size, *self.objects, 0) + 1
        self.objects[number] = body
        return number

    def body(self, number: int) -> bytes:
        return self.objects.get(number, self.base.objects.get(number, b"null"))

    def with_entry(self, number: int, entry: bytes) -> None:
        """Put an entry at the front of a dictionary; a later one of the same key stays."""
        body = self.body(number)
        at = body.find(b"<<")
        if at >= 0:
            self.objects[number] = body[: at + 2] + b" " + entry + b" " + body[at + 2 :]

    def replaced(self, number: int, pattern: bytes, *, new: bytes) -> None:
        self.objects[number] = re.sub(pattern, lambda _: new, self.body(number), count=1)


@lru_cache(maxsize=64)
def read_base(content: bytes) -> FileBefore:
    """Read what an update needs to know, from the raw bytes alone."""
    objects = {int(match[0]): match[1].strip() for match in _OBJECT.findall(content)}
    roots = re.findall(rb"/Root (\d+) 0 R", content)
    sizes = [int(each) for each in re.findall(rb"/Size (\d+)", content)]
    ids = re.findall(rb"/ID ?\[[^\]]*\]", content)
    infos = re.findall(rb"/Info \d+ 0 R", content)
    return FileBefore(
        content=content,
        objects=objects,
        root=int(roots[-1]) if roots else 1,
        size=max(sizes, default=10),
        previous=int((re.findall(rb"startxref\s+(\d+)", content) or [b"0"])[-1]),
        trailer=b" ".join((*ids[-1:], *infos[-1:])),
    )


def written(update: Update, chance: Random) -> bytes:
    """Return the update as bytes: objects, their table or stream, the trailer."""
    base = update.base
    out, rows = bytearray(), dict(update.rows)
    as_stream = chance.random() < 0.3
    packed: dict[int, int] = {}
    if as_stream and chance.random() < 0.5:
        packed = _packed(update, chance)
    for number, body in update.objects.items():
        if number in packed:
            continue
        rows[number] = len(base.content) + len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = max(base.size, *rows, *packed, 0) + 1
    named = b"/Root %d 0 R %b %b" % (update.root, base.trailer, update.trailer)
    if update.previous:
        named += b" /Prev %d" % update.previous
    start = len(base.content) + len(out)
    if as_stream:
        out += _stream_table(update, rows, packed=packed, size=size, named=named, start=start)
    else:
        out += _table(update, rows)
        out += b"trailer\n<< /Size %d %b >>\n" % (size, named)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _packed(update: Update, chance: Random) -> dict[int, int]:
    """Move objects that are no streams into an object stream; return which, and its number."""
    plain = [n for n, body in update.objects.items() if b"stream" not in body]
    chosen = [number for number in plain if chance.random() < 0.8]
    if not chosen:
        return {}
    head, body = b"", b""
    for number in chosen:
        head += b"%d %d " % (number, len(body))
        body += update.objects[number] + b" "
    data = zlib.compress(head + body)
    holder = update.add(
        b"<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%b\n"
        b"endstream" % (len(chosen), len(head), len(data), data)
    )
    return dict.fromkeys(chosen, holder)


def _table(update: Update, rows: dict[int, int]) -> bytes:
    entries = {number: b"%010d 00000 n \n" % at for number, at in rows.items()}
    entries |= dict.fromkeys(update.freed, b"0000000000 00001 f \n")
    return b"xref\n" + b"".join(b"%d 1\n" % n + entries[n] for n in sorted(entries))


def _stream_table(
    update: Update,
    rows: dict[int, int],
    *,
    packed: dict[int, int],
    size: int,
    named: bytes,
    start: int,
) -> bytes:
    entries = {number: b"\x01" + at.to_bytes(4, "big") + b"\x00" for number, at in rows.items()}
    for index, (number, holder) in enumerate(packed.items()):
        entries[number] = b"\x02" + holder.to_bytes(4, "big") + bytes([index & 0xFF])
    entries |= dict.fromkeys(update.freed, b"\x00\x00\x00\x00\x00\x01")
    entries[size] = b"\x01" + start.to_bytes(4, "big") + b"\x00"
    numbers = sorted(entries)
    data = b"".join(entries[number] for number in numbers)
    return (
        b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 1] /Index [%b] %b /Length %d >>\nstream\n%b\n"
        b"endstream\nendobj\n"
        % (size, size + 1, b" ".join(b"%d 1" % n for n in numbers), named, len(data), data)
    )
