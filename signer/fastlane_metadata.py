"""What an update says of itself in a document's metadata: the Info dictionary and XMP (pure).

The engine notes in both when and with what a document was changed. Its XMP part is used as it is:
the same tree, written by the same code.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.generic import pdf_date
from pyhanko.pdf_utils.metadata import model, xmp_xml

from signer.archival import claimed_part
from signer.fastlane_tables import decoded
from signer.fastlane_tokens import (
    Entries,
    NotPlain,
    bytes_of_string,
    literal_string,
    literal_text,
    write_entries,
)

if TYPE_CHECKING:
    from datetime import datetime

MAX_XMP_BYTES: Final = 100_000
"""Size of an XMP packet that is read here."""
_VENDOR: Final = literal_text(model.VENDOR)
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
    return literal_string(pdf_date(at).encode("ascii"))


def updated_xmp(entries: Entries, encoded: bytes, *, modified_at: datetime) -> bytes:
    """Return an XMP stream object with the change noted."""
    if b"/DecodeParms" in entries or entries.get(b"/Filter") not in (None, b"/FlateDecode"):
        raise NotPlain("XMP behind unusual filters")
    packet = decoded(encoded, entries)
    if len(packet) > MAX_XMP_BYTES:
        raise NotPlain("a large XMP packet")
    if claimed_part(packet) == 1:
        raise NotPlain("PDF/A-1, whose metadata stays as it is")
    try:
        roots = xmp_xml.parse_xmp(BytesIO(packet))
    except Exception as error:  # the engine raises anything on strangers' XML
        raise NotPlain("XMP that the engine refuses") from error
    return _written_xmp(entries, roots, modified_at=modified_at)


@lru_cache(maxsize=8)
def new_xmp(modified_at: datetime) -> bytes:
    """Return the XMP stream object of a document that had none; it knows whole seconds only."""
    return _written_xmp(Entries(), [], modified_at=modified_at)


def _written_xmp(
    entries: Entries, roots: list[model.XmpStructure], *, modified_at: datetime
) -> bytes:
    noted = model.DocumentMetadata(last_modified=modified_at)
    packet = BytesIO()
    xmp_xml.serialise_xmp(xmp_xml.update_xmp_with_meta(noted, roots=roots), packet)
    data = packet.getvalue()
    if b"/Filter" in entries:
        data = zlib.compress(data)
    entries[b"/Type"] = b"/Metadata"
    entries[b"/Subtype"] = b"/XML"
    entries[b"/Length"] = b"%d" % len(data)
    return b"%b\nstream\n%b\nendstream" % (write_entries(entries), data)
