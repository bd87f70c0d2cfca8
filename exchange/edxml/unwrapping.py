"""What an attachment really is: by its bytes, not its labels; out of the zip that wraps it. Pure.

The SDK of the national platform wraps whatever is neither PDF nor Word in a zip with one entry and
mislabels freely, so that labels in the wild lie (application/pdf over zip bytes). Bytes decide.
"""

import re
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.result import WarningCode
from exchange.errors import EdxmlTooLarge

# Formats that are zip archives themselves and therefore stay as they are.
_ZIP_FORMATS = frozenset(
    {".zip", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".xltx", ".pptx", ".pptm", ".ppsx"}
    | {".odt", ".ods", ".odp", ".odg", ".epub", ".jar", ".kmz", ".vsdx"}
    | {".asice", ".asics", ".sce", ".scs", ".adoc", ".bdoc", ".edoc"}
)
_MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".zip": "application/zip",
    ".rar": "application/vnd.rar",
    ".xml": "application/xml",
    ".txt": "text/plain",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
_UNKNOWN_MEDIA_TYPE = "application/octet-stream"
# Labels that name no registered type, or that the wild puts over anything.
_WORTHLESS_LABELS = frozenset(
    {
        "application/doc",
        "application/docx",
        "application/xls",
        "application/xlsx",
        "application/pdf",
    }
    | {"application/zip", "text/plain", _UNKNOWN_MEDIA_TYPE, ""}
)
_MEDIA_TYPE = re.compile(r"[0-9a-z][0-9a-z!#$&^_.+\-]{0,63}/[0-9a-z][0-9a-z!#$&^_.+\-]{0,126}")

NULL_CONTENT = b"\x9e\xe9\x65"
"""What the word `null` gives when it is taken for base64: some systems write it for nothing."""

_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_ZIP_COMMENT_BYTES = 65_535
_DIRECTORY_MAX_BYTES = 200_000
_ENCRYPTED = 0x1
_CHUNK_BYTES = 1 << 16
# What the library raises for a damaged, encrypted or exotic archive.
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
_RATIO_FREE_BYTES = 1_000_000
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
_REPLACEMENTS_OF_DAMAGE = 20


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The bytes that count, and what was noticed on the way."""

    content: bytes
    notes: tuple[tuple[WarningCode, str], ...] = ()


def unwrap(content: bytes, file_name: str, *, limits: EdxmlLimits) -> Unwrapped:
    """Take `content` out of a zip with exactly one entry, unless its name says it is an archive.

    The entry's own name is ignored. What can't be unpacked is given as it is, with a note.

    Raises:
        EdxmlTooLarge: the entry unpacks to more than the limits allow.

    """
    if not content.startswith(_ZIP_MAGIC) or _suffix(file_name) in _ZIP_FORMATS:
        return Unwrapped(content, _damage_notes(content, file_name))
    if not _claims_one_entry(content):
        return Unwrapped(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].is_dir() or entries[0].flag_bits & _ENCRYPTED:
                return Unwrapped(content)
            inner = _read_entry(archive, entries[0], limits=limits)
    except _ZIP_FAULTS as fault:
        note = (WarningCode.ATTACHMENT_DAMAGED, f"zip: {type(fault).__name__}")
        return Unwrapped(content, (note,))
    notes = ((WarningCode.ATTACHMENT_UNWRAPPED, f"{len(content)} to {len(inner)} bytes"),)
    return Unwrapped(inner, notes + _damage_notes(inner, file_name))


def would_be_unwrapped(content: bytes, file_name: str) -> bool:
    """Tell whether a reader may take these bytes for a wrapping zip, so that none is written."""
    return content.startswith(_ZIP_MAGIC) and _suffix(file_name) not in _ZIP_FORMATS


def settle_media_type(declared: str, file_name: str, *, content: bytes) -> str:
    """Tell the media type from the bytes where they show it, else from the label, else the name."""
    if content.startswith(b"%PDF-"):
        return _MEDIA_TYPES[".pdf"]
    label = declared.strip().casefold()
    by_name = _MEDIA_TYPES.get(_suffix(file_name), _UNKNOWN_MEDIA_TYPE)
    if would_be_unwrapped(content, file_name):
        return _MEDIA_TYPES[".zip"]
    if label in _WORTHLESS_LABELS or not _MEDIA_TYPE.fullmatch(label):
        # Without the magic of PDF this is none, whatever the name says.
        return _UNKNOWN_MEDIA_TYPE if by_name == _MEDIA_TYPES[".pdf"] else by_name
    return label


def bare_name(text: str, *, otherwise: str) -> str:
    """Reduce a file name to its visible last part; `otherwise` if nothing is left."""
    last = re.split(r"[/\\]", text)[-1]
    # Cc: control characters; Cf: invisible ones, among them those that turn the direction of
    # writing.
    visible = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    name = visible.strip()
    return otherwise if name.strip(".") == "" else name


def _suffix(file_name: str) -> str:
    return PurePosixPath(file_name.casefold()).suffix


def _claims_one_entry(content: bytes) -> bool:
    """Read the end record alone, so that a directory of a million entries costs nothing."""
    at = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_END_BYTES - _ZIP_COMMENT_BYTES))
    record = content[at : at + _ZIP_END_BYTES]
    if at < 0 or len(record) < _ZIP_END_BYTES:
        return False
    entries = int.from_bytes(record[10:12], "little")
    directory_bytes = int.from_bytes(record[12:16], "little")
    return entries == 1 and directory_bytes <= _DIRECTORY_MAX_BYTES


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, limits: EdxmlLimits) -> bytes:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError
    packed = max(1, entry.compress_size)
    pieces = bytearray()
    with archive.open(entry) as stream:
        while piece := stream.read(_CHUNK_BYTES):
            pieces += piece
            if len(pieces) > limits.max_attachment_bytes:
                raise EdxmlTooLarge(f"a zip unpacks to over {limits.max_attachment_bytes} bytes")
            if len(pieces) > max(_RATIO_FREE_BYTES, packed * limits.max_zip_ratio):
                raise EdxmlTooLarge(f"a zip unpacks to over {limits.max_zip_ratio} times its size")
    return bytes(pieces)


def _damage_notes(content: bytes, file_name: str) -> tuple[tuple[WarningCode, str], ...]:
    """Notice the two kinds of damage seen in the wild; the clerk decides about them."""
    # Read as text and written back: every byte above 0x7F has become U+FFFD.
    if content.startswith(b"%PDF-") and content.count(_REPLACEMENT) >= _REPLACEMENTS_OF_DAMAGE:
        return ((WarningCode.ATTACHMENT_DAMAGED, "a PDF that was converted as if it were text"),)
    if _suffix(file_name) == ".doc" and content.lstrip()[:5] == b"<?xml":
        return ((WarningCode.ATTACHMENT_DAMAGED, "a .doc that is XML"),)
    return ()
