"""What names and labels of attachments say, and what of it is believed. Pure."""

import re
import unicodedata
from pathlib import PurePosixPath

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

ZIP_MAGIC = b"PK\x03\x04"


def would_be_unwrapped(head: bytes, file_name: str) -> bool:
    """Tell whether a reader may take a file that begins so for a wrapping zip."""
    return head.startswith(ZIP_MAGIC) and not is_archive_by_name(file_name)


def settle_media_type(declared: str, file_name: str, *, head: bytes) -> str:
    """Tell the media type from the first bytes where they show it, else by label, else by name."""
    if head.startswith(b"%PDF-"):
        return _MEDIA_TYPES[".pdf"]
    label = declared.strip().casefold()
    by_name = _MEDIA_TYPES.get(suffix_of(file_name), _UNKNOWN_MEDIA_TYPE)
    if would_be_unwrapped(head, file_name):
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


def is_archive_by_name(file_name: str) -> bool:
    """Tell whether a file of this name is expected to be a zip archive itself."""
    return suffix_of(file_name) in _ZIP_FORMATS


def suffix_of(file_name: str) -> str:
    """Give the ending of a file name in lower case, with its dot."""
    return PurePosixPath(file_name.casefold()).suffix
