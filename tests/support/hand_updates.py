"""Incremental updates written by hand, signed or not, with tables as other makers write them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certs.practice.authority import Issued
from tests.support.hand_signing import BYTE_RANGE_ROOM, cms_over

CONTENTS_BYTES = 8000
Sealer = Callable[[bytes], bytes]
"""Makes the CMS object over the signed bytes."""


@dataclass(frozen=True)
class Table:
    """How an update's objects are listed; `stream`: in a stream of that number.

    lists_itself: whether the stream has an entry of its own, as most makers write it.
    """

    stream: int = 0
    lists_itself: bool = False


def appended(document: bytes, objects: Mapping[int, bytes], table: Table | None = None) -> bytes:
    """Return the document with an update that writes these objects."""
    table = table or Table()
    out = bytearray(document)
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    size = max(
        *(int(each) for each in re.findall(rb"/Size (\d+)", document)),
        max(objects, default=0) + 1,
        table.stream + 1,
    )
    trailer = b"/Size %d /Root 1 0 R /Prev %d" % (size, previous)
    if table.stream:
        if table.lists_itself:
            places[table.stream] = start
        out += _stream(table.stream, places, trailer)
    else:
        rows = (b"%d 1\n%010d 00000 n \n" % (each, places[each]) for each in sorted(places))
        out += b"xref\n%btrailer\n<< %b >>\n" % (b"".join(rows), trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _stream(number: int, places: Mapping[int, int], trailer: bytes) -> bytes:
    index = b" ".join(b"%d 1" % each for each in sorted(places))
    rows = b"".join(struct.pack(">BIB", 1, places[each], 0) for each in sorted(places))
    return b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Index [%b] /Length %d %b >>\nstream\n%b\n" % (
        number,
        index,
        len(rows),
        trailer,
        rows,
    ) + (b"endstream\nendobj\n")


def signed_update(
    document: bytes,
    objects: Mapping[int, bytes],
    *,
    value: int,
    sealer: Sealer,
    entries: str = "/Type /Sig /SubFilter /ETSI.CAdES.detached",
    table: Table | None = None,
) -> bytes:
    """Return the document with a signed update, whose object `value` is the signature."""
    placeholder = b"<" + b"0" * (2 * CONTENTS_BYTES) + b">"
    dictionary = (
        f"<< /Filter /Adobe.PPKLite {entries} /ByteRange {'#' * BYTE_RANGE_ROOM} /Contents "
    ).encode("ascii")
    update = appended(document, {**objects, value: dictionary + placeholder + b" >>"}, table)
    start = update.index(placeholder, len(document))
    end = start + len(placeholder)
    numbers = f"[0 {start} {end} {len(update) - end}]".ljust(BYTE_RANGE_ROOM).encode("ascii")
    update = update.replace(b"#" * BYTE_RANGE_ROOM, numbers, 1)
    digits = sealer(update[:start] + update[end:]).hex().ljust(2 * CONTENTS_BYTES, "0")
    return update[: start + 1] + digits.encode("ascii") + update[end - 1 :]


def by(issued: Issued) -> Sealer:
    """Return who signs with this certificate."""
    return lambda content: cms_over(content, issued)
