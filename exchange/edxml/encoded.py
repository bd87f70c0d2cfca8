"""Base64 content where it lies in a message: found by its place, decoded in pieces. Pure.

A message is never held in memory: what its parser reports of an attachment is where the text of
its base64 begins and ends. Whoever needs the bytes reads those ranges again, piece by piece, and
gets the same from the same ranges wherever it is done.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

PIECE_BYTES = 1 << 20
"""Size of one read of the message."""
_BLANKS = b" \t\r\n"
_GOOD = re.compile(rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
# Some writers escape the ends of the lines of their base64: `&#13;`.
_REFERENCE = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
_REFERENCE_BYTES = 12
_LINE_ENDS = (b"&#13;", b"&#10;", b"&#xD;", b"&#xd;", b"&#xA;", b"&#xa;")
_QUAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedText:
    """Where a base64 text lies: ranges of bytes of the message, and the encoding of its text.

    broken: markup stands amid the text, which is cut there.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    encoding: str = "utf-8"
    broken: bool = False


class Decoded:
    """The bytes of a base64 text, given in pieces.

    damaged: some of the text was no base64; what came before it was given. Known at the end.
    """

    def __init__(self, message: IO[bytes], text: EncodedText) -> None:
        """Prepare to read `text` where it lies in `message`; the stream's position is moved."""
        self._message = message
        self._text = text
        self.damaged = text.broken

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes; padding that was left out is taken as there."""
        rest, ended = b"", False
        for characters in self._characters():
            joined = rest + characters
            whole = len(joined) - len(joined) % _QUAD
            block, rest = joined[:whole], joined[whole:]
            if ended and joined:
                self.damaged = True
                return
            if not block:
                continue
            decoded, good = _decode(block)
            if decoded:
                yield decoded
            if not good:
                self.damaged = True
                return
            ended = block.endswith(b"=")
        if rest:
            decoded, good = _decode(rest + b"=" * (-len(rest) % _QUAD))
            if decoded and not ended:
                yield decoded
            self.damaged = self.damaged or ended or not good

    def _characters(self) -> Iterator[bytes]:
        """Give the characters of the text without blanks, references to characters resolved."""
        wide = self._text.encoding != "utf-8"
        for start, end in self._text.ranges:
            decoder = codecs.getincrementaldecoder(self._text.encoding)(errors="replace")
            self._message.seek(start)
            left, carry = end - start, b""
            while left > 0 and (piece := self._message.read(min(left, PIECE_BYTES))):
                left -= len(piece)
                if wide:
                    piece = decoder.decode(piece, final=not left).encode("ascii", "replace")
                piece, carry = _whole_references(carry + piece, more=left > 0)
                # Looking for blanks is quicker than a copy without them.
                spaced = any(blank in piece for blank in _BLANKS)
                yield piece.translate(None, _BLANKS) if spaced else piece


def _decode(block: bytes) -> tuple[bytes, bool]:
    """Decode whole quads of characters, as far as they are good; tell whether all of them were."""
    try:
        return binascii.a2b_base64(block, strict_mode=True), True
    except binascii.Error:
        found = _GOOD.match(block)
        return binascii.a2b_base64(found[0], strict_mode=True) if found else b"", False


def _whole_references(text: bytes, *, more: bool) -> tuple[bytes, bytes]:
    """Resolve references to characters; give what may be the beginning of one apart."""
    if b"&" not in text:
        return text, b""
    last, carry = text.rfind(b"&"), b""
    if more and len(text) - last < _REFERENCE_BYTES and b";" not in text[last:]:
        text, carry = text[:last], text[last:]
    for line_end in _LINE_ENDS:
        text = text.replace(line_end, b"")
    return _REFERENCE.sub(_character, text) if b"&" in text else text, carry


def _character(reference: re.Match[bytes]) -> bytes:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    return bytes((number,)) if number < 0x80 else b"?"
