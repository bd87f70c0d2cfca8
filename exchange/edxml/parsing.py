"""From a stranger's bytes to a small tree of elements, within limits. Pure: no entity, no network.

The parser reports events and builds no tree of its own: a DOCTYPE stops it before the first
declaration in it is read, whatever the encoding. Base64 content is not parsed at all, only found:
nothing here grows with the size of an attachment.
"""

import re
from dataclasses import dataclass
from typing import IO, NoReturn
from xml.parsers import expat

from exchange.edxml.encoded import EncodedText
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.tree import Node, Region, TreeBuilder
from exchange.errors import EdxmlDoctypeRefused, EdxmlMalformed, EdxmlTooLarge, EdxmlUnsupported

_FEED_BYTES = 1 << 16
_TEXT_BUFFER_BYTES = 1 << 16
_TAG_BYTES = 4_096

# Byte order marks and the first bytes of `<?xml` (XML 1.0 appendix F). UTF-32, EBCDIC and the
# encodings declared outside this list occur in no known sample, but are a known way around filters.
_DECLARATIONS = {
    "utf-8": b"<?xml",
    "utf-16-le": b"<\0?\0x\0m\0l\0",
    "utf-16-be": b"\0<\0?\0x\0m\0l",
}
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}
_ACCEPTED_ENCODINGS = frozenset(
    {"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be"}
)
_DECLARED_ENCODING = re.compile(r"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_DECLARATION_CHARACTERS = 256
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.\-]*:)?edXML[\s>]", re.IGNORECASE)
_START_TAG = re.compile(r"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
# Bytes after which the parser holds nothing back: no reference can have begun.
_PLAIN_END = re.compile(rb"[A-Za-z0-9+/=\n]{16}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """A message's elements, and what was odd about its bytes.

    junk: what was dropped before the declaration. declared: the encoding that the declaration
    names where the bytes are in another. unbound_prefixes: used, but bound to no namespace.
    """

    root: Node
    junk: bytes = b""
    declared: str = ""
    unbound_prefixes: tuple[str, ...] = ()


def parse_message(message: IO[bytes], *, limits: EdxmlLimits) -> ParsedMessage:
    """Parse a message from the beginning of a stream that can be read again.

    Raises:
        EdxmlTooLarge: a limit is exceeded.
        EdxmlDoctypeRefused: there is a DOCTYPE.
        EdxmlUnsupported: the encoding is neither UTF-8 nor UTF-16.
        EdxmlMalformed: not well-formed XML.

    """
    message.seek(0)
    head = message.read(limits.max_junk_bytes + 2 * _DECLARATION_CHARACTERS)
    beginning = _beginning(head, limits.max_junk_bytes)
    builder = TreeBuilder(limits)
    _Feeding(message, builder, beginning=beginning, limits=limits).run()
    if builder.root is None or not builder.complete:
        raise EdxmlMalformed("the document ends too early")
    for region in builder.regions:
        region.node.encoded = _encoded_text(message, region, encoding=beginning.encoding)
    return ParsedMessage(
        root=builder.root,
        junk=beginning.junk,
        declared=beginning.misdeclared,
        unbound_prefixes=tuple(sorted(builder.unbound_prefixes)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """Where the document begins, and in which encoding it is."""

    start: int
    encoding: str
    junk: bytes
    misdeclared: str


def _beginning(head: bytes, max_junk_bytes: int) -> _Beginning:
    """Settle the encoding by the bytes, so that no two readers can disagree about what they say."""
    mark = next((each for each in _MARKS if head.startswith(each)), b"")
    at, encoding = _declaration(head, mark, max_junk_bytes=max_junk_bytes)
    shown = head[at : at + 2 * _DECLARATION_CHARACTERS].decode(encoding, errors="replace")
    declared = _DECLARED_ENCODING.search(shown)
    name = declared[1].casefold() if declared else encoding
    if name not in _ACCEPTED_ENCODINGS | set(_ENCODINGS):
        raise EdxmlUnsupported("the declared encoding is neither UTF-8 nor UTF-16")
    wide = encoding != "utf-8"
    return _Beginning(
        start=at,
        encoding=encoding,
        junk=head[len(mark) : at],
        misdeclared=name if name.startswith("utf-16") is not wide else "",
    )


def _declaration(head: bytes, mark: bytes, *, max_junk_bytes: int) -> tuple[int, str]:
    """Find the XML declaration behind the mark, and the junk that some systems write (`1212`)."""
    window = head[: max_junk_bytes + 16]
    for encoding, declaration in _DECLARATIONS.items():
        at = window.find(declaration)
        # One order of bytes shifted by one reads as the other, hence the even offset.
        aligned = encoding == "utf-8" or at % 2 == 0
        if at >= 0 and aligned and "<".encode(encoding) not in window[:at]:
            return at, encoding
    root = _ROOT.search(window)
    if not mark and root and b"<" not in window[: root.start()]:
        return root.start(), "utf-8"
    return len(mark), _MARKS.get(mark, "utf-8")


class _Feeding:
    """Feeds a message to the parser piece by piece, base64 left out, and watches the limits."""

    def __init__(
        self,
        message: IO[bytes],
        builder: TreeBuilder,
        *,
        beginning: _Beginning,
        limits: EdxmlLimits,
    ) -> None:
        self._message = message
        self._builder = builder
        self._limits = limits
        self._start = beginning.start
        # Not fed so far; the places that the parser tells lack them.
        self._left_out = 0
        self._fed = 0
        self._can_leave_out = beginning.encoding == "utf-8"
        self._plain_region: Region | None = None
        # The encoding is imposed: what the document declares is not asked.
        self._parser = expat.ParserCreate(_ENCODINGS[beginning.encoding])
        self._wire()

    def run(self) -> None:
        """Read the message to its end."""
        self._message.seek(self._start)
        total = self._start
        try:
            while piece := self._message.read(_FEED_BYTES):
                total += len(piece)
                if total > self._limits.max_message_bytes:
                    raise EdxmlTooLarge(f"more than {self._limits.max_message_bytes} bytes")
                self._take(piece)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            _raise_malformed(error)

    def _wire(self) -> None:
        parser, builder = self._parser, self._builder
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = _TEXT_BUFFER_BYTES
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = builder.data
        parser.CommentHandler = self._on_comment
        parser.ProcessingInstructionHandler = self._on_instruction
        parser.StartCdataSectionHandler = lambda: builder.mark("cdata", at=self._at())
        parser.EndCdataSectionHandler = lambda: builder.mark("cdata end", at=self._at())
        parser.StartDoctypeDeclHandler = _refuse_doctype

    def _at(self) -> int:
        return self._start + self._parser.CurrentByteIndex + self._left_out

    def _take(self, piece: bytes) -> None:
        """Feed a piece, without the base64 that it begins with."""
        region = self._builder.region
        if region is not None and region is self._plain_region:
            text = piece.find(b"<")
            text = len(piece) if text < 0 else text
            self._left_out += text
            piece = piece[text:]
            if not piece:
                return
            self._plain_region = None
        begun = self._start + self._fed + self._left_out
        self._parser.Parse(piece, False)
        self._fed += len(piece)
        held_back = self._fed - max(0, self._parser.CurrentByteIndex)
        if held_back > self._limits.max_token_bytes:
            raise EdxmlTooLarge("a name, an attribute or a comment longer than any can be")
        self._look_back(piece, begun)

    def _look_back(self, piece: bytes, begun: int) -> None:
        """Note whether the piece ended amid base64 with nothing but base64 since its start tag.

        Then all up to the next `<` is base64 too, and need not be fed.
        """
        region = self._builder.region
        if region is None or not self._can_leave_out:
            return
        tag = region.start - begun
        if piece.rfind(b"<") == max(-1, tag) and _PLAIN_END.search(piece):
            self._plain_region = region

    def _on_start(self, tag: str, attributes: list[str]) -> None:
        self._builder.start(tag, attributes, at=self._at())
        if self._builder.region is not None:
            self._parser.CharacterDataHandler = None

    def _on_end(self, _tag: str) -> None:
        self._builder.end(at=self._at())
        if self._builder.region is None:
            self._parser.CharacterDataHandler = self._builder.data

    def _on_comment(self, text: str) -> None:
        self._builder.count_text(len(text))
        self._builder.mark("comment", at=self._at())

    def _on_instruction(self, target: str, data: str) -> None:
        self._builder.count_text(len(target) + len(data))
        self._builder.mark("instruction", at=self._at())


def _refuse_doctype(*_declared: object) -> NoReturn:
    raise EdxmlDoctypeRefused


def _raise_malformed(error: expat.ExpatError) -> NoReturn:
    raise EdxmlMalformed(f"not well-formed XML, line {error.lineno}") from error


_ENDS = {"comment": "-->", "instruction": "?>", "cdata": "[CDATA[", "cdata end": "]]>"}


def _encoded_text(message: IO[bytes], region: Region, *, encoding: str) -> EncodedText:
    """Tell which bytes of a base64 element are its text: all but tags, comments and the like."""
    at = _after_start_tag(message, region, encoding=encoding)
    ranges: list[tuple[int, int]] = []
    for mark, kind in region.marks:
        ranges.append((at, mark))
        if kind == "element":
            return EncodedText(ranges=_filled(ranges), encoding=encoding, broken=True)
        at = _after(message, mark, stop=region.end, end=_ENDS[kind].encode(encoding))
    ranges.append((at, region.end))
    return EncodedText(ranges=_filled(ranges), encoding=encoding)


def _filled(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in ranges if start < end)


def _after_start_tag(message: IO[bytes], region: Region, *, encoding: str) -> int:
    size = _TAG_BYTES
    while True:
        message.seek(region.start)
        text = message.read(size).decode(encoding, errors="ignore")
        if found := _START_TAG.match(text):
            return region.start + len(found[0].encode(encoding))
        if region.start + size > region.end:
            return region.end
        size *= 2


def _after(message: IO[bytes], start: int, *, stop: int, end: bytes) -> int:
    """Find where markup that begins at `start` ends; it was well-formed."""
    size = _TAG_BYTES
    while True:
        message.seek(start)
        found = message.read(min(size, stop - start)).find(end)
        if found >= 0:
            return start + found + len(end)
        if size >= stop - start:
            return stop
        size *= 2
