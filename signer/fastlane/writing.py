"""Writing an update as pyHanko does: its objects, their cross-references, and the gap (pure)."""

from __future__ import annotations

import struct
import zlib
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from signer.creation.update import PendingUpdate
from signer.fastlane.metadata import written_date
from signer.fastlane.tokens import Entries, literal_text, write_entries

if TYPE_CHECKING:
    from signer.creation.requests import SigningRequest

VIETNAM_TIME: Final = timezone(timedelta(hours=7))
_BYTE_RANGE_WIDTH: Final = 62
_CONTENTS: Final = b"<<\n/Contents <"
_AFTER_CONTENTS: Final = b">\n/ByteRange "
_FREE_ENTRY: Final = b"0000000000 65535 f \n"
_FREE_ROW: Final = bytes(9) + b"\xff\xff"
_ROW = struct.Struct(">BQH")


def field_object(name: str, *, page: int, signature: int) -> bytes:
    """Return an invisible signature field that is its own widget."""
    return (
        b"<<\n/FT /Sig\n/T %b\n/Type /Annot\n/Subtype /Widget\n/F 132\n/Rect [ 0 0 0 0 ]\n"
        b"/P %d 0 R\n/V %d 0 R\n>>" % (literal_text(name), page, signature)
    )


def form_object(field: int) -> bytes:
    """Return a form of one field, open to nothing but further updates."""
    return b"<<\n/Fields [ %d 0 R ]\n/SigFlags 3\n>>" % field


def signature_object(request: SigningRequest, *, reserve: int) -> bytes:
    """Return the signature dictionary with a gap of zeros and an empty /ByteRange."""
    texts = b"".join(
        b"%b %b\n" % (key, literal_text(text))
        for key, text in ((b"/Location", request.location), (b"/Reason", request.reason))
        if text
    )
    return b"%b%b%b%b\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n%b" % (
        _CONTENTS,
        b"0" * (2 * reserve),
        _AFTER_CONTENTS,
        b" " * _BYTE_RANGE_WIDTH,
        b"/M %b\n%b>>" % (written_date(request.signed_at.astimezone(VIETNAM_TIME)), texts),
    )


def write_update(
    objects: dict[int, bytes],
    trailer: Entries,
    *,
    start: int,
    last_number: int,
    as_stream: bool,
) -> tuple[list[bytes], dict[int, int]]:
    """Return the pieces of an update after `start` bytes, and where each object begins.

    trailer: complete but for /Size. last_number: the highest of any object, old or new.
    """
    pieces: list[bytes] = []
    places: dict[int, int] = {}
    at = start
    for number in sorted(objects):
        piece = b"%d 0 obj\n%b\nendobj\n" % (number, objects[number])
        places[number] = at
        pieces.append(piece)
        at += len(piece)
    if as_stream:
        pieces.append(_stream_section(places, trailer, at=at, number=last_number + 1))
    else:
        trailer[b"/Size"] = b"%d" % (last_number + 1)
        pieces.append(b"%btrailer\n%b" % (_table(places), write_entries(trailer)))
    pieces.append(b"\nstartxref\n%d\n%%%%EOF\n" % at)
    return pieces, places


def pending(
    pieces: list[bytes], *, start: int, signature_at: int, reserve: int, field_name: str
) -> PendingUpdate:
    """Return the update with /ByteRange written; `signature_at`: where its object begins."""
    content = b"".join(pieces)
    gap_start = content.index(_CONTENTS, signature_at - start) + len(_CONTENTS) - 1 + start
    gap_end = gap_start + 2 * reserve + 2
    at = gap_end - start + len(_AFTER_CONTENTS) - 1
    byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, start + len(content) - gap_end)
    return PendingUpdate(
        start=start,
        content=b"".join(
            (content[:at], byte_range.ljust(_BYTE_RANGE_WIDTH), content[at + _BYTE_RANGE_WIDTH :])
        ),
        gap_start=gap_start,
        gap_end=gap_end,
        field_name=field_name,
    )


def _runs(numbers: list[int]) -> list[list[int]]:
    runs = [[numbers[0]]]
    for number in numbers[1:]:
        if number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _table(places: dict[int, int]) -> bytes:
    runs = _runs(sorted(places))
    parts = [b"xref\n"]
    if runs[0][0] == 1:
        parts.append(b"0 %d\n%b" % (len(runs[0]) + 1, _FREE_ENTRY))
    else:
        parts.append(b"0 1\n%b%d %d\n" % (_FREE_ENTRY, runs[0][0], len(runs[0])))
    for index, run in enumerate(runs):
        if index:
            parts.append(b"%d %d\n" % (run[0], len(run)))
        parts += [b"%010d 00000 n \n" % places[number] for number in run]
    return b"".join(parts)


def _stream_section(places: dict[int, int], trailer: Entries, *, at: int, number: int) -> bytes:
    rows = {**places, number: at}
    index, packed = [0, 1], [_FREE_ROW]
    for run in _runs(sorted(rows)):
        index += [run[0], len(run)]
        packed += [_ROW.pack(1, rows[each], 0) for each in run]
    data = zlib.compress(b"".join(packed))
    entries = {
        b"/W": b"[ 1 8 2 ]",
        b"/Type": b"/XRef",
        b"/Filter": b"/FlateDecode",
        **trailer,
        b"/Size": b"%d" % (number + 1),
        b"/Index": b"[ %b ]" % b" ".join([b"%d" % each for each in index]),
        b"/Length": b"%d" % len(data),
    }
    return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (number, write_entries(entries), data)
