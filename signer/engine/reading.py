"""The PDF engine (pyHanko) as we use it: opened strictly, with a few exact speed-ups.

The speed-ups give the results of what they replace, for every input; they exist because the
originals take nearly half the time to verify a small document, and belong upstream. Each share is
what a speed-up alone saves of the time without any, on 50 KB:

- hex strings: pyHanko reads /Contents digit by digit, 25 to 30 % of the time to verify.
  Ours takes the same string in chunks and hands anything unusual back to the original.
- names in certificates: asn1crypto prepares each attribute for comparison (RFC 4518) over and
  over, 12 to 16 %. The preparation depends on nothing but the text, so its results are kept.
- names in documents: pyHanko decodes and writes each byte by byte, a quarter of the time to prepare
  a visible signature. What was made of a name is kept.
- uses of objects: the difference analysis reads all objects of a signed revision to find where it
  uses the few that a later one wrote, four fifths of the time to verify 1 000 pages with an archive
  time-stamp. `signer.engine.usages` finds the same by reading their bare structure.
- small steps: reading tokens and tables, copies of what is never copied, names of issuers; a sixth
  of the time in all. They are in `signer.engine.steps`.
- pages: it also compares every page of both revisions. `signer.engine.pages` leaves out those that
  no revision between touched.

Cross-reference streams that list themselves nowhere are let pass (`signer.engine.own_numbers`).

One more replacement is for encrypted documents: what walks through an object, as the difference
analysis does, gets arrays and dictionaries within it decrypted too, where the original hides
them, and all that they refer to, behind an object that is neither.

`tests/signer/test_engine.py` fails when the source of an original changes, so that a new version
of the engine is looked at before it is patched.
"""

from __future__ import annotations

import binascii
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from typing import IO, Any, Final, cast

from asn1crypto.x509 import NameTypeAndValue, RDNSequence
from pyhanko.pdf_utils import generic, misc, xref
from pyhanko.pdf_utils.crypt import AuthStatus, StandardSecurityHandler
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis.rules import form_field_rules

from signer.engine import own_numbers, steps
from signer.engine.pages import original_walk_pages, walk_pages
from signer.engine.usages import load_usages, original_load_usages

ENGINE_ERRORS: Final = (
    PdfError,
    ValueError,
    AttributeError,
    TypeError,
    AssertionError,
    LookupError,
    OSError,
    NotImplementedError,
    RecursionError,
    ArithmeticError,
    binascii.Error,
)
"""What the engine was seen to raise over documents made by others.

NotImplementedError comes from its stream filters, over documents that are sound: it decodes no LZW
(ISO 32000-1 §7.4.4), and of the predictors (§7.4.4.4) neither TIFF's nor PNG's Average and Paeth.
`tests/signer/test_engine.py` has such documents.

zlib.error derives from Exception alone, so containment at the outer edge catches Exception.
"""

_CHUNK_BYTES: Final = 16 * 1024
_WHITE_SPACE: Final = b"\x00\t\n\x0c\r "
_PREPARED_NAMES: Final = 4096
_WRITTEN_NAMES: Final = 2048
_LONGEST_NAME: Final = 127
"""Longer names are rare (ISO 32000-1 annex C.2 forbade them), and would fill the memory."""

HexString = generic.ByteStringObject | generic.TextStringObject

original_read_hex_string: Final[Callable[[IO[bytes]], HexString]] = (
    generic.read_hex_string_from_stream
)
original_decrypt: Final[Callable[[generic.DecryptedObjectProxy], generic.PdfObject]] = cast(
    "property", generic.DecryptedObjectProxy.__dict__["decrypted"]
).fget  # type: ignore[assignment]
original_write_name: Final = generic.NameObject.write_to_stream
original_decode_name: Final[Callable[[bytes], generic.NameObject]] = generic._decode_name
original_prepare_name: Final[Callable[[Any, str], str]] = NameTypeAndValue._ldap_string_prep


def read_hex_string(stream: IO[bytes]) -> HexString:
    """Read the hex string at the stream's position, as the original does, in chunks."""
    start = stream.tell()
    stream.read(1)
    digits = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        end = chunk.find(b">")
        digits += chunk if end < 0 else chunk[:end]
        if end >= 0:
            stream.seek(end + 1 - len(chunk), 1)
            break
    else:
        stream.seek(start)
        return original_read_hex_string(stream)
    compact = bytes(digits).translate(None, _WHITE_SPACE)
    try:
        content = binascii.unhexlify(compact + b"0" * (len(compact) % 2))
    except binascii.Error:
        # The original raises over what is no digit, with its own words.
        stream.seek(start)
        return original_read_hex_string(stream)
    return generic.pdf_string(content)


@lru_cache(maxsize=_PREPARED_NAMES)
def _prepared(text: str) -> str:
    return original_prepare_name(None, text)


def prepare_name(_attribute: object, text: str) -> str:
    """Prepare an attribute's text for comparison, as the original does, once per text."""
    return _prepared(text)


@lru_cache(maxsize=_WRITTEN_NAMES)
def _written_name(name: str) -> bytes:
    buffer = BytesIO()
    original_write_name(generic.NameObject(name), buffer)
    return buffer.getvalue()


def write_name(
    name: generic.NameObject,
    stream: IO[bytes],
    *further: Any,  # noqa: ANN401 - as the original, which is handed what is not looked at here
    **named: Any,  # noqa: ANN401
) -> None:
    """Write a name, as the original does byte by byte, once per name."""
    if len(name) > _LONGEST_NAME:
        original_write_name(name, stream, *further, **named)
    else:
        stream.write(_written_name(str.__str__(name)))


@lru_cache(maxsize=_WRITTEN_NAMES)
def _decoded_name(written: bytes) -> str:
    return str.__str__(original_decode_name(written))


def decode_name(name_bytes: bytes) -> generic.NameObject:
    """Decode a name, as the original does, once per name; the object is a new one each time."""
    if len(name_bytes) > _LONGEST_NAME:
        return original_decode_name(name_bytes)
    return generic.NameObject(_decoded_name(name_bytes))


def decrypted_throughout(hidden: generic.DecryptedObjectProxy) -> generic.PdfObject:
    """Decrypt an object, and the arrays and dictionaries within it; strings stay for later.

    Some strings are never encrypted (/Contents), and only who asks for one knows which.
    """
    fresh = hidden._decrypted is None
    value: Any = original_decrypt(hidden)
    parts: Iterable[tuple[Any, object]] = ()
    if fresh and isinstance(value, generic.DictionaryObject):
        parts = list(dict.items(value))
    elif fresh and isinstance(value, generic.ArrayObject):
        parts = list(enumerate(list.__iter__(value)))
    for key, part in parts:
        if isinstance(part, generic.DecryptedObjectProxy) and isinstance(
            part.raw_object, generic.DictionaryObject | generic.ArrayObject
        ):
            value[key] = decrypted_throughout(part)
    return cast("generic.PdfObject", value)


_REPLACEMENTS: Final[tuple[tuple[object, str, object, object], ...]] = (
    (generic, "read_hex_string_from_stream", read_hex_string, original_read_hex_string),
    (NameTypeAndValue, "_ldap_string_prep", prepare_name, original_prepare_name),
    (RDNSequence, "__eq__", steps.names_equal, steps.original_names_equal),
    (RDNSequence, "hashable", property(steps.hashable_name), steps.original_hashable),
    (
        generic.DecryptedObjectProxy,
        "decrypted",
        property(decrypted_throughout),
        generic.DecryptedObjectProxy.__dict__["decrypted"],
    ),
    (generic.NameObject, "write_to_stream", write_name, original_write_name),
    (generic, "_decode_name", decode_name, original_decode_name),
    (misc, "_read_until_class", steps.read_until, steps.original_read_until),
    (xref, "parse_xref_table", steps.parse_table, steps.original_parse_table),
    (xref, "_check_freed_refs", own_numbers.check_freed, own_numbers.original_check_freed),
    (HistoricalResolver, "_subsume_object", steps.subsume, steps.original_subsume),
    (HistoricalResolver, "_load_reverse_xref_cache", load_usages, original_load_usages),
    (form_field_rules, "_walk_page_tree_annots", walk_pages, original_walk_pages),
)
"""Whose attribute, its name, our replacement and the original."""

_users = 0
_users_lock = threading.Lock()


@contextmanager
def accelerated() -> Iterator[None]:
    """Use the replacements within the block, in every thread; nested blocks are welcome.

    They are not left in place, so that whoever else uses the engine in this process gets it as
    its makers wrote it.
    """
    global _users  # noqa: PLW0603 - the engine's functions are global, so is who uses them
    with _users_lock:
        _users += 1
        if _users == 1:
            for holder, name, ours, _ in _REPLACEMENTS:
                setattr(holder, name, ours)
    try:
        yield
    finally:
        with _users_lock:
            _users -= 1
            if _users == 0:
                for holder, name, _, original in _REPLACEMENTS:
                    setattr(holder, name, original)


def open_document(document: bytes) -> PdfFileReader:
    """Open the document strictly; any of ENGINE_ERRORS when it can't be read.

    Strictly: no guessing over broken tables, no hybrid references, since what one reader repairs
    another reader shows differently. A BytesIO shares the bytes it is made from.
    """
    return PdfFileReader(BytesIO(document), strict=True)


def unlock(reader: PdfFileReader) -> bool:
    """Make an encrypted document readable that opens without a password; False for others.

    Its owner's password only asks viewers not to print or to copy (ISO 32000-2 §7.6.4.2). All
    revisions must be encrypted the same way: another key would give signed bytes another meaning.
    """
    if not encrypted_throughout(reader) or own_numbers.stream_number_reused(reader):
        return False
    handler = reader.security_handler
    if not isinstance(handler, StandardSecurityHandler) or handler.pdf_mac_enabled:
        return False  # certificates, or an integrity code (ISO 32004) that is not checked here
    status: AuthStatus = reader.decrypt("").status
    return status is not AuthStatus.FAILED


def encrypted_throughout(reader: PdfFileReader) -> bool:
    """Whether all revisions of an encrypted document are encrypted, and with one key."""
    xrefs = reader.xrefs
    settings = set()
    # Each trailer by itself: readers that take the newest alone would read without a key.
    for trailer in reader.trailer._trailer_revisions:
        if "/Root" not in trailer:
            continue  # the second half of a linearized file (ISO 32000-2 annex F.3.4)
        encryption = raw(trailer, "/Encrypt")
        identifier = array(raw(trailer, "/ID"))
        if not isinstance(encryption, generic.IndirectObject) or not identifier:
            return False
        settings.add((encryption.reference, bytes(identifier[0].original_bytes)))
    if len(settings) != 1:
        return False
    [(reference, _)] = settings
    return bool(xrefs.get_introducing_revision(reference) == xrefs.get_last_change(reference))


def _resolved(value: object) -> object:
    if not isinstance(value, generic.IndirectObject):
        return value
    return cast("object", value.get_object())  # type: ignore[no-untyped-call]


def told(error: Exception) -> str:
    """Say in words what the engine raised, without what only its makers understand."""
    if isinstance(error, PdfError | ValueError) and str(error):
        return str(error)
    return f"it can't be read ({type(error).__name__})"


def read_object(reader: PdfFileReader, reference: generic.Reference) -> object:
    """Return the object that the current revision has under the reference."""
    return cast("object", reader.get_object(reference))  # type: ignore[no-untyped-call]


def dictionary(value: object) -> generic.DictionaryObject | None:
    """Return the dictionary that `value` is or refers to, or None."""
    resolved = _resolved(value)
    return resolved if isinstance(resolved, generic.DictionaryObject) else None


def array(value: object) -> generic.ArrayObject | None:
    """Return the array that `value` is or refers to, or None."""
    resolved = _resolved(value)
    return resolved if isinstance(resolved, generic.ArrayObject) else None


def empty_dictionary() -> generic.DictionaryObject:
    """Return a dictionary without entries."""
    return generic.DictionaryObject()  # type: ignore[no-untyped-call]


def raw(container: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """Return the value of `key` as it stands, a reference unresolved, or None."""
    return cast("generic.PdfObject", container.raw_get(key)) if key in container else None
