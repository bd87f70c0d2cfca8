"""What an attachment really is: by its bytes, not its labels; out of the zip that wraps it. Pure.

The SDK of the national platform wraps whatever is neither PDF nor Word in a zip with one entry and
mislabels freely, so that labels in the wild lie (application/pdf over zip bytes). Bytes decide.
They pass by in pieces: of a zip only its two ends are kept, and the entry is unpacked as it comes.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exchange.edxml.labels import ZIP_MAGIC, is_archive_by_name, suffix_of
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.result import WarningCode, ZipEntry
from exchange.errors import EdxmlTooLarge

_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_ZIP_COMMENT_BYTES = 65_535
_DIRECTORY_MAX_BYTES = 200_000
_TAIL_BYTES = _DIRECTORY_MAX_BYTES + _ZIP_COMMENT_BYTES + 1_024
_LOCAL_HEADER_BYTES = 30
_LOCAL_HEADER_MAX_BYTES = _LOCAL_HEADER_BYTES + 2 * 65_535
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
# What the library raises for a damaged, encrypted or exotic archive.
_ZIP_FAULTS = (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError)
_RATIO_FREE_BYTES = 1_000_000
_INFLATED_BYTES = 1 << 20
HEAD_BYTES = 64
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
_REPLACEMENTS_OF_DAMAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What passed by: digest, size, the first bytes, the last ones of a zip; and what is odd."""

    digest: str
    size_bytes: int
    head: bytes
    tail: bytes
    replacements: int


def measure(pieces: Iterable[bytes], *, max_bytes: int) -> Measured:
    """Digest and count bytes that pass by.

    Raises:
        EdxmlTooLarge: they are more than `max_bytes`.

    """
    hashed, size, head, tail = hashlib.sha256(), 0, b"", b""
    replacements, seam = 0, b""
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise EdxmlTooLarge(f"an attachment of over {max_bytes} bytes")
        hashed.update(piece)
        head = head if len(head) >= HEAD_BYTES else (head + piece)[:HEAD_BYTES]
        if head.startswith(ZIP_MAGIC):
            tail = (
                (tail + piece)[-_TAIL_BYTES:] if len(piece) < _TAIL_BYTES else piece[-_TAIL_BYTES:]
            )
        elif head.startswith(b"%PDF-"):
            replacements += piece.count(_REPLACEMENT) + (seam + piece[:2]).count(_REPLACEMENT)
            seam = piece[-2:]
    return Measured(
        digest=hashed.hexdigest(),
        size_bytes=size,
        head=head,
        tail=tail,
        replacements=replacements,
    )


def wrapped_entry(measured: Measured, file_name: str) -> ZipEntry | None:
    """Find the one entry of a zip that wraps a file; None unless it is there and can be unpacked.

    The entry's own name is ignored. A name that says that the file is an archive is believed.

    Raises:
        zipfile.BadZipFile: the zip is damaged, or of an exotic kind.

    """
    if not measured.head.startswith(ZIP_MAGIC) or is_archive_by_name(file_name):
        return None
    if not _claims_one_entry(measured.tail):
        return None
    try:
        with zipfile.ZipFile(_Tail(measured)) as archive:
            entries = archive.infolist()
            start = archive.start_dir
    except _ZIP_FAULTS as fault:
        raise zipfile.BadZipFile(type(fault).__name__) from fault
    entry = entries[0] if len(entries) == 1 else None
    if entry is None or entry.is_dir() or entry.flag_bits & _ENCRYPTED:
        return None
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("packed in another way")
    if entry.header_offset < 0 or entry.header_offset + entry.compress_size > start:
        raise zipfile.BadZipFile("it does not hold what its directory says")
    return ZipEntry(
        offset=entry.header_offset,
        packed_bytes=entry.compress_size,
        deflated=entry.compress_type == zipfile.ZIP_DEFLATED,
        unpacked_bytes=entry.file_size,
        crc=entry.CRC,
        name=_name_bytes(entry),
    )


def check_claims(entry: ZipEntry, *, max_bytes: int, limits: EdxmlLimits) -> None:
    """Refuse an entry that says itself that it unpacks to too much; what it says binds it.

    Raises:
        EdxmlTooLarge: over `max_bytes`, or over the ratio that honest files have.

    """
    if entry.unpacked_bytes > max(
        _RATIO_FREE_BYTES, max(1, entry.packed_bytes) * limits.max_zip_ratio
    ):
        raise EdxmlTooLarge(f"a zip unpacks to over {limits.max_zip_ratio} times its size")
    if entry.unpacked_bytes > max_bytes:
        raise EdxmlTooLarge(f"a zip unpacks to over {max_bytes} bytes")


def unpacked(pieces: Iterable[bytes], entry: ZipEntry) -> Iterator[bytes]:
    """Give the bytes of an entry out of the zip that passes by, never more than it claims.

    Raises:
        zipfile.BadZipFile: they are not what the archive's directory says.

    """
    size, crc = 0, 0
    packed = _packed(pieces, entry)
    for piece in _inflated(packed) if entry.deflated else packed:
        size += len(piece)
        if size > entry.unpacked_bytes:
            raise zipfile.BadZipFile("it does not hold what its directory says")
        crc = zlib.crc32(piece, crc)
        yield piece
    if (size, crc) != (entry.unpacked_bytes, entry.crc):
        raise zipfile.BadZipFile("it does not hold what its directory says")


def damage_notes(measured: Measured, file_name: str) -> tuple[tuple[WarningCode, str], ...]:
    """Notice the two kinds of damage seen in the wild; the clerk decides about them."""
    # Read as text and written back: every byte above 0x7F has become U+FFFD.
    if measured.replacements >= _REPLACEMENTS_OF_DAMAGE:
        return ((WarningCode.ATTACHMENT_DAMAGED, "a PDF that was converted as if it were text"),)
    if suffix_of(file_name) == ".doc" and measured.head.lstrip()[:5] == b"<?xml":
        return ((WarningCode.ATTACHMENT_DAMAGED, "a .doc that is XML"),)
    return ()


class _Tail(io.RawIOBase):
    """A file of which only the last bytes can be read: where an archive's directory lies."""

    def __init__(self, measured: Measured) -> None:
        super().__init__()
        self._size = measured.size_bytes
        self._tail = measured.tail
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("before the beginning")
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        begun = self._at - (self._size - len(self._tail))
        if begun < 0:
            raise OSError("not kept")
        found = self._tail[begun:] if size is None or size < 0 else self._tail[begun : begun + size]
        self._at += len(found)
        return found


def _claims_one_entry(tail: bytes) -> bool:
    """Read the end record alone, so that a directory of a million entries costs nothing."""
    at = tail.rfind(_ZIP_END, max(0, len(tail) - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES))
    record = tail[at : at + _ZIP_END_BYTES]
    if at < 0 or len(record) < _ZIP_END_BYTES:
        return False
    entries = int.from_bytes(record[10:12], "little")
    directory_bytes = int.from_bytes(record[12:16], "little")
    return entries == 1 and directory_bytes <= _DIRECTORY_MAX_BYTES


def _name_bytes(entry: zipfile.ZipInfo) -> bytes:
    encoding = "utf-8" if entry.flag_bits & _UTF8_NAME else "cp437"
    return entry.orig_filename.encode(encoding)


def _packed(pieces: Iterable[bytes], entry: ZipEntry) -> Iterator[bytes]:
    """Give the packed bytes of an entry: behind its local header, as many as it has."""
    source = iter(pieces)
    begun = _skipped(source, entry.offset)
    while len(begun) < _LOCAL_HEADER_MAX_BYTES and (piece := next(source, b"")):
        begun += piece
    header = begun[:_LOCAL_HEADER_BYTES]
    if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(ZIP_MAGIC):
        raise zipfile.BadZipFile("it does not hold what its directory says")
    name_bytes = int.from_bytes(header[26:28], "little")
    extra_bytes = int.from_bytes(header[28:30], "little")
    after = _LOCAL_HEADER_BYTES + name_bytes
    if begun[_LOCAL_HEADER_BYTES:after] != entry.name:
        raise zipfile.BadZipFile("it does not hold what its directory says")
    left, piece = entry.packed_bytes, begun[after + extra_bytes :] or next(source, b"")
    while left and piece:
        yield piece[:left]
        left -= min(left, len(piece))
        piece = next(source, b"") if left else b""
    if left:
        raise zipfile.BadZipFile("it ends too early")


def _skipped(source: Iterator[bytes], count: int) -> bytes:
    """Skip bytes; give what came with the last of them."""
    while count and (piece := next(source, b"")):
        if len(piece) > count:
            return piece[count:]
        count -= len(piece)
    return b""


def _inflated(packed: Iterable[bytes]) -> Iterator[bytes]:
    """Inflate in pieces of bounded size, whatever the data expand to."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in packed:
            rest = piece
            while rest and not inflater.eof:
                if out := inflater.decompress(rest, _INFLATED_BYTES):
                    yield out
                rest = inflater.unconsumed_tail
        # The last bits of the input may still stand for some output.
        if not inflater.eof and (out := inflater.flush()):
            yield out
    except zlib.error as error:
        raise zipfile.BadZipFile("no deflated data") from error
    if not inflater.eof:
        raise zipfile.BadZipFile("it ends too early")
