"""What an update says of itself in a document's metadata: the Info dictionary and XMP (pure).

The engine notes in both when and with what a document was changed.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.metadata import model

from signer.fastlane.tables import decoded
from signer.fastlane.tokens import (
    Entries,
    NotPlain,
    bytes_of_string,
    literal_text,
    write_entries,
)
from signer.fastlane.xmp import new_packet, updated_packet
from signer.pages.archival import claimed_part

if TYPE_CHECKING:
    from datetime import datetime

_VENDOR: Final = literal_text(model.VENDOR)
_MINUTE: Final = timedelta(minutes=1)
_ALSO_VENDOR: Final = literal_text(f"; {model.VENDOR}")[1:]


def updated_info(info: Entries, *, modified_at: datetime, has_xmp: bool) -> bool:
    """Note the change in an Info dictionary; return whether it has to be written.

    With XMP beside it only those entries are renewed that are there.
    """
    changed = False
    if b"/ModDate" in info or not has_xmp:
        info[b"/ModDate"] = written_date(modified_at)
        changed = True
    producer = info.get(b"/Producer")
    if producer is None:
        info[b"/Producer"] = _VENDOR
        return True
    if producer.startswith(b"(\\376\\377"):
        text = bytes_of_string(producer).decode("utf-16")
        if model.VENDOR not in text:
            info[b"/Producer"] = literal_text(f"{text}; {model.VENDOR}")
            changed = True
    elif producer.startswith(b"("):
        if _VENDOR[1:-1] not in producer:
            info[b"/Producer"] = producer[:-1] + _ALSO_VENDOR
            changed = True
    else:
        raise NotPlain("a producer that is no text")
    return changed


def written_date(at: datetime) -> bytes:
    """Return an instant as PDF writes it, in the time zone that it has."""
    offset = at.utcoffset()
    if offset is None:
        raise NotPlain("an instant without zone")
    date, time = (at.year, at.month, at.day), (at.hour, at.minute, at.second)
    digits = b"%04d%02d%02d%02d%02d%02d" % (*date, *time)
    if not offset:
        return b"(D\\072%bZ)" % digits
    sign = b"\\053" if offset > timedelta() else b"\\055"
    minutes = abs(offset) // _MINUTE
    return b"(D\\072%b%b%02d\\047%02d\\047)" % (digits, sign, minutes // 60, minutes % 60)


def updated_xmp(entries: Entries, encoded: bytes, *, modified_at: datetime) -> bytes:
    """Return an XMP stream object with the change noted."""
    if b"/DecodeParms" in entries or entries.get(b"/Filter") not in (None, b"/FlateDecode"):
        raise NotPlain("XMP behind unusual filters")
    packet = decoded(encoded, entries)
    if claimed_part(packet) == 1:
        raise NotPlain("PDF/A-1 has rules of its own for metadata and fields")
    packet = updated_packet(packet, modified_at=modified_at)
    return _stream(entries, zlib.compress(packet) if b"/Filter" in entries else packet)


def new_xmp(modified_at: datetime) -> bytes:
    """Return the XMP stream object of a document that had none."""
    return _stream(Entries(), new_packet(modified_at))


def _stream(entries: Entries, data: bytes) -> bytes:
    entries[b"/Type"] = b"/Metadata"
    entries[b"/Subtype"] = b"/XML"
    entries[b"/Length"] = b"%d" % len(data)
    return b"%b\nstream\n%b\nendstream" % (write_entries(entries), data)
