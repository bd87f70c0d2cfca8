"""What the raw bytes of a PDF say about its revisions and signatures, apart from any engine (pure).

The rules here look at bytes only, so that they hold however an engine reads the file:
- `admit` refuses what no parser should touch (limits, header, end marker);
- `check_end` finds bytes after the last revision (rule 0.2 of our verification rules);
- `locate_signature` proves that the gap in /ByteRange is exactly the signature's /Contents, one
  CMS object followed by zeros, and hands out that CMS (rule 0.1);
- `count_byte_ranges` counts signature dictionaries that the form may not show (rule 0.7).
ISO 32000-2 §7.5 (file structure), §12.8.1 (signature dictionaries, byte ranges).
"""

from __future__ import annotations

import binascii
import mmap
import re
from dataclasses import dataclass
from typing import Final

from asn1crypto import parser

from signer import limits as limits_module
from signer.errors import (
    DocumentMalformed,
    DocumentTooLarge,
    DocumentTruncated,
    NotAPdf,
)
from signer.limits import DocumentLimits
from signer.pdf_tokens import Entry, TokenError, read_dictionary, skip_space
from signer.reasons import Reason
from signer.source import Source

END_WINDOW_BYTES: Final = 1024
"""How far before the end of a file readers look for %%EOF (ISO 32000-1 annex H.3.13)."""
NUMBER_WINDOW_BYTES: Final = 20_000
"""Digits in a row that make a parser of numbers slow: its cost grows with their square."""
_XREF_WINDOW_BYTES: Final = 2048
_HEADER_BYTES: Final = 8
_STRIDE_BYTES: Final = 200 * NUMBER_WINDOW_BYTES
"""How much of a mapped file is looked at before it is let go from memory."""

_WHITE_SPACE: Final = b"\x00\t\n\x0c\r "
_SPACES = re.compile(rb"[\x00\t\n\x0c\r ]*+")
_HEX_RUN = re.compile(rb"[0-9A-Fa-f\x00\t\n\x0c\r ]*+")
_STARTXREF = re.compile(rb"startxref[\x00\t\n\x0c\r ]{1,8}(\d{1,12})[\x00\t\n\x0c\r ]{1,8}%%EOF")
# Some producers write their name as a comment between trailer and startxref. An object in a
# comment would still be found by viewers that rebuild the table of objects.
_COMMENT = re.compile(rb"%(?!%EOF)(?:(?!obj)[^\r\n]){0,256}[\r\n]")
_BYTE_RANGE = re.compile(
    rb"/(?:B|#42)(?:y|#79)(?:t|#74)(?:e|#65)(?:R|#52)(?:a|#61)(?:n|#6[eE])(?:g|#67)(?:e|#65)(?![0-9A-Za-z#_-])"
)
_FOUR_INTEGERS = re.compile(
    rb"\[[\x00\t\n\x0c\r ]*(\d{1,12})[\x00\t\n\x0c\r ]+(\d{1,12})[\x00\t\n\x0c\r ]+(\d{1,12})"
    rb"[\x00\t\n\x0c\r ]+(\d{1,12})[\x00\t\n\x0c\r ]*\]"
)
_OBJECT_HEADER = re.compile(
    rb"[\x00\t\n\x0c\r ]*(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+obj"
)
_XREF_SIZE = re.compile(rb"/Size[\x00\t\n\x0c\r ]*\+?0*(\d++)")
_XREF_WIDTHS = re.compile(rb"/W[\x00\t\n\x0c\r ]*\[[\x00\t\n\x0c\r 0+-]*\]")


class StructureError(ValueError):
    """A rule of structure is broken; `reason` names it, str() tells the detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRange:
    """What one signature covers: bytes 0 … gap_start and gap_end … end, and its CMS between.

    `cms` is the DER (or BER) object at the start of /Contents without the zeros after it.
    """

    gap_start: int
    gap_end: int
    end: int
    cms: bytes

    def parts(self, document: bytes) -> tuple[memoryview, memoryview]:
        """Return the signed bytes without copying them."""
        view = memoryview(document)
        return view[: self.gap_start], view[self.gap_end : self.end]


def admit(document: bytes, limits: DocumentLimits = limits_module.DEFAULT) -> None:
    """Do what `admit_source` does, for a document in memory."""
    admit_source(Source.of_bytes(document), limits)


def admit_source(source: Source, limits: DocumentLimits = limits_module.DEFAULT) -> None:
    """Refuse, before any parser sees it, a document that is not a whole PDF within the limits.

    Raises NotAPdf, DocumentTooLarge, DocumentTruncated or DocumentMalformed. Passing says only
    that a parser may be tried, in the sandbox where the document is a stranger's.
    """
    if source.size > limits.max_bytes:
        raise DocumentTooLarge(f"{source.size} bytes, the limit is {limits.max_bytes}")
    if not re.match(rb"%PDF-\d\.\d", source.read(0, _HEADER_BYTES)):
        raise NotAPdf("it does not begin with %PDF-")
    if b"%%EOF" not in source.read(max(0, source.size - END_WINDOW_BYTES), source.size):
        raise DocumentTruncated(f"no end marker in the last {END_WINDOW_BYTES} bytes")
    document = source.map()
    revisions = hex_end = 0
    for start in range(0, len(document), _STRIDE_BYTES):
        end = min(start + _STRIDE_BYTES, len(document))
        revisions += _count(document, b"startxref", start=start, end=end)
        if revisions > 2 * limits.max_revisions:
            raise DocumentTooLarge(f"more revisions than {limits.max_revisions}")
        hex_end = _refuse_long_numbers(document, max(start, hex_end), end=end)
        _refuse_hollow_tables(document, limits, start=start, end=end)
        if not isinstance(document, bytes):
            document.madvise(mmap.MADV_DONTNEED, 0, end - end % mmap.PAGESIZE)


def _count(document: bytes | mmap.mmap, word: bytes, *, start: int, end: int) -> int:
    """Count a word where it begins between start and end."""
    if isinstance(document, bytes):
        return document.count(word, start, end + len(word) - 1)
    return document[start : end + len(word) - 1].count(word)


def _refuse_long_numbers(document: bytes | mmap.mmap, begin: int, *, end: int) -> int:
    """Look at the windows from begin to end; return where the last long run in <…> ends."""
    # Any longer run of digits fills one of these aligned windows, and isdigit() stops at the
    # first other byte: one look per window, however the file is made.
    known = begin
    first = begin - begin % NUMBER_WINDOW_BYTES
    for start in range(first, end, NUMBER_WINDOW_BYTES):
        if start < known:
            continue
        window = document[start : start + NUMBER_WINDOW_BYTES]
        if len(window) < NUMBER_WINDOW_BYTES or not window.isdigit():
            continue
        # The zeros that pad a signature are digits too, but inside <…>.
        opening = document.rfind(b"<", 0, start)
        if opening < 0 or _hex_run_end(document, opening + 1) <= start:
            raise DocumentMalformed(f"a number of over {NUMBER_WINDOW_BYTES} digits")
        known = _hex_run_end(document, start)
    return known


def _hex_run_end(document: bytes | mmap.mmap, at: int) -> int:
    run = _HEX_RUN.match(document, at)
    return run.end() if run else at


def _refuse_hollow_tables(
    document: bytes | mmap.mmap, limits: DocumentLimits, *, start: int, end: int
) -> None:
    """Refuse cross-reference streams that announce more entries than they can hold."""
    at = document.find(b"/XRef", start, end + 4)
    while at >= 0:
        window = document[max(0, at - _XREF_WINDOW_BYTES) : at + _XREF_WINDOW_BYTES]
        sizes = [match.group(1) for match in _XREF_SIZE.finditer(window)]
        if any(len(size) > len(str(limits.max_objects)) for size in sizes) or any(
            int(size) > limits.max_objects for size in sizes
        ):
            raise DocumentMalformed(f"a table of more than {limits.max_objects} objects")
        if _XREF_WIDTHS.search(window):
            raise DocumentMalformed("a cross-reference stream with entries of no width")
        at = document.find(b"/XRef", at + 5, end + 4)


def has_tail(document: bytes) -> bool:
    """Whether anything but white space follows the last %%EOF."""
    at = document.rfind(b"%%EOF")
    return at >= 0 and bool(document[at + 5 :].strip(_WHITE_SPACE))


def ends_at(document: bytes, end: int) -> bool:
    """Whether the document is over where a signature ends.

    Its maker may write white space between revisions, and so behind the last one too. That counts
    as such only where the same stands behind an older signature, within what this one signed.
    """
    tail = skip_space_only(document, end)
    if end == len(document) or tail != len(document):
        return end == len(document)
    older = (each for each in byte_range_ends(document) if 0 < each < end)
    return any(document[each : skip_space_only(document, each)] == document[end:] for each in older)


def check_end(document: bytes, *, container_end: int, end: int, is_stream: bool) -> int:
    """Require that a revision ends where its cross-reference section says; return its startxref.

    container_end: offset after the section's entries, as its reader reports it: the trailer's
    dictionary follows, or `endobj` where the section is a stream. end: the offset where the
    revision must be over, white space aside. StructureError(TRAILING_DATA) otherwise.
    """
    at = _section_end(document, container_end, is_stream=is_stream)
    for _ in range(8):
        comment = _COMMENT.match(document, at)
        if comment is None:
            break
        at = skip_space_only(document, comment.end())
    marker = _STARTXREF.match(document, at)
    if marker is None or document[marker.end() : end].strip(_WHITE_SPACE) or marker.end() > end:
        raise StructureError(
            Reason.TRAILING_DATA, "bytes follow the cross-reference section of the last revision"
        )
    return int(marker.group(1))


def comment_before_end(document: bytes, *, container_end: int, is_stream: bool) -> bool:
    """Tell whether a comment stands between a section that `check_end` admits and its startxref."""
    at = _section_end(document, container_end, is_stream=is_stream)
    return _COMMENT.match(document, at) is not None


def _section_end(document: bytes, container_end: int, *, is_stream: bool) -> int:
    """Return where a section's trailer or stream is over, and the white space after it."""
    try:
        at = skip_space_only(document, container_end)
        if is_stream:
            if document[at : at + 6] == b"endobj":
                at += 6
        else:
            if document[at : at + 7] == b"trailer":
                at = skip_space_only(document, at + 7)
            _, at = read_dictionary(document, at)
    except TokenError as error:
        raise StructureError(Reason.TRAILING_DATA, f"no trailer: {error}") from error
    return skip_space_only(document, at)


def skip_space_only(document: bytes, at: int) -> int:
    """Return the offset of the next byte that is no white space."""
    space = _SPACES.match(document, at)
    return space.end() if space else at


def count_byte_ranges(document: bytes) -> tuple[int, ...]:
    """Return where the key /ByteRange stands in the raw bytes, escaped spellings included."""
    if b"#" not in document and document.count(b"/ByteRange") == 0:
        return ()
    return tuple(match.start() for match in _BYTE_RANGE.finditer(document))


def byte_range_ends(document: bytes) -> frozenset[int]:
    """Return where the bytes end that any /ByteRange in the file names, believed or not."""
    found = (
        _FOUR_INTEGERS.match(document, skip_space_only(document, at + len(b"/ByteRange")))
        for at in count_byte_ranges(document)
    )
    return frozenset(int(each.group(3)) + int(each.group(4)) for each in found if each)


def read_signature_dictionary(
    document: bytes, *, object_offset: int, object_number: int
) -> dict[bytes, Entry]:
    """Return where the entries of the signature dictionary at `object_offset` lie.

    It must be the plain indirect object `object_number`; StructureError(CONTENTS_INVALID) where
    it is not, or where a key appears twice.
    """
    header = _OBJECT_HEADER.match(document, object_offset)
    if header is None or int(header.group(1)) != object_number:
        raise StructureError(Reason.CONTENTS_INVALID, "the signature is not a plain object")
    try:
        entries, _ = read_dictionary(document, skip_space(document, header.end()))
    except TokenError as error:
        raise StructureError(Reason.CONTENTS_INVALID, str(error)) from error
    return entries


def stream_start(document: bytes, object_offset: int) -> int:
    """Return where the data of the stream object at `object_offset` begins, -1 if it is none."""
    header = _OBJECT_HEADER.match(document, object_offset)
    if header is None:
        return -1
    try:
        _, end = read_dictionary(document, skip_space(document, header.end()))
    except TokenError:
        return -1
    at = skip_space(document, end)
    return at + len(b"stream") if document.startswith(b"stream", at) else -1


def locate_signature(
    document: bytes,
    entries: dict[bytes, Entry],
    *,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> SignedRange:
    """Return what the signature dictionary with these entries covers, and its CMS.

    Raises StructureError with BYTE_RANGE_INVALID or CONTENTS_INVALID unless every one of these
    holds: /ByteRange is four direct integers a, l1, s2, l2 with a = 0 < l1 < s2 and s2 + l2
    within the file; the token of /Contents begins at l1 and ends at s2; it is a hex string
    without white space whose bytes begin with one DER object, followed by nothing but zeros.
    """
    gap_start, gap_end, end = _read_byte_range(document, entries.get(b"ByteRange"))
    contents = entries.get(b"Contents")
    if contents is None:
        raise StructureError(Reason.CONTENTS_INVALID, "there is no /Contents")
    if (contents.start, contents.end) != (gap_start, gap_end):
        raise StructureError(
            Reason.BYTE_RANGE_INVALID, "the gap in /ByteRange is not the signature's /Contents"
        )
    if (gap_end - gap_start) // 2 > limits.max_signature_bytes:
        raise StructureError(Reason.CONTENTS_INVALID, "/Contents is larger than the limit")
    cms = _read_contents(document[gap_start:gap_end])
    return SignedRange(gap_start=gap_start, gap_end=gap_end, end=end, cms=cms)


def _read_byte_range(document: bytes, entry: Entry | None) -> tuple[int, int, int]:
    if entry is None:
        raise StructureError(Reason.BYTE_RANGE_INVALID, "there is no /ByteRange")
    numbers = _FOUR_INTEGERS.fullmatch(document, entry.start, entry.end)
    if numbers is None:
        raise StructureError(Reason.BYTE_RANGE_INVALID, "/ByteRange is not four integers")
    start, first, second, rest = (int(number) for number in numbers.groups())
    if start != 0 or not 0 < first < second or second + rest > len(document) or rest == 0:
        raise StructureError(Reason.BYTE_RANGE_INVALID, "/ByteRange does not fit the file")
    return first, second, second + rest


def _read_contents(token: bytes) -> bytes:
    """Return the CMS object in the hex string `token`, whose padding must be zeros."""
    if not (token.startswith(b"<") and token.endswith(b">")):
        raise StructureError(Reason.CONTENTS_INVALID, "/Contents is not a hex string")
    # White space is legal in a hex string, but unsigned, and no signing software writes it.
    digits = token[1:-1]
    try:
        # ISO 32000-2 §7.3.4.3: a missing last digit counts as zero.
        content = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except ValueError as error:
        raise StructureError(Reason.CONTENTS_INVALID, "/Contents is not hexadecimal") from error
    try:
        length = parser.peek(content)
    except (ValueError, IndexError, TypeError) as error:
        raise StructureError(Reason.CONTENTS_INVALID, "/Contents holds no DER object") from error
    if content[:1] != b"\x30" or length > len(content):
        raise StructureError(Reason.CONTENTS_INVALID, "/Contents holds no DER object")
    if content[length:].strip(b"\x00"):
        raise StructureError(
            Reason.CONTENTS_INVALID, "bytes other than zero follow the CMS in /Contents"
        )
    return content[:length]
