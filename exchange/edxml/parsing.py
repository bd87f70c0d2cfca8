"""From a stranger's bytes to a small tree of elements, within limits. Pure: no entity, no network.

The parser reports events and builds no tree of its own: a DOCTYPE stops it before the first
declaration in it is read, whatever the encoding; base64 is decoded while it streams by, so that no
text node grows.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from lxml import etree

from exchange.edxml.limits import EdxmlLimits
from exchange.errors import EdxmlDoctypeRefused, EdxmlMalformed, EdxmlTooLarge, EdxmlUnsupported

_FEED_BYTES = 1 << 16
_BLANKS = str.maketrans("", "", " \t\r\n")
_ENCODED_CONTENT = "contenttransferencoded"

# Byte order marks and the first bytes of `<?xml` (XML 1.0 appendix F). UTF-32, EBCDIC and the
# encodings declared outside this list occur in no known sample, but are a known way around filters.
_DECLARATIONS = {
    "utf-8": b"<?xml",
    "utf-16-le": b"<\0?\0x\0m\0l\0",
    "utf-16-be": b"\0<\0?\0x\0m\0l",
}
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ACCEPTED_ENCODINGS = frozenset(
    {"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be"}
)
_DECLARED_ENCODING = re.compile(r"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_DECLARATION_CHARACTERS = 256


def folded(name: str) -> str:
    """Give an element's name as it is compared: any case, either spelling of "business"."""
    return name.casefold().replace("bussiness", "business")


@dataclass(slots=True, eq=False)
class Node:
    """An element: `name` without prefix, attributes by local name, text and children in order.

    `key` is the name for comparison. `decoded` holds the bytes of base64 content, None for every
    other element. `used` is set by the reader on what it has understood.
    """

    name: str
    namespace: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: "list[Node | str]" = field(default_factory=list)
    decoded: bytearray | None = None
    damaged: bool = False
    used: bool = False
    key: str = field(init=False)

    def __post_init__(self) -> None:
        """Fold the name once."""
        self.key = folded(self.name)

    @property
    def children(self) -> "list[Node]":
        """Give the child elements in order."""
        return [each for each in self.content if isinstance(each, Node)]

    @property
    def text(self) -> str:
        """Give the element's own text without outer blanks; "" for `null`, which means absent."""
        own = "".join(each for each in self.content if isinstance(each, str)).strip()
        return "" if own.casefold() == "null" else own


def parse_tree(content: bytes, *, limits: EdxmlLimits) -> tuple[Node, bytes]:
    """Parse a message; give its root and the bytes before the declaration that were dropped.

    Raises:
        EdxmlTooLarge: a limit is exceeded.
        EdxmlDoctypeRefused: there is a DOCTYPE.
        EdxmlUnsupported: the encoding is neither UTF-8 nor UTF-16.
        EdxmlMalformed: not well-formed XML.

    """
    if len(content) > limits.max_message_bytes:
        raise EdxmlTooLarge(f"more than {limits.max_message_bytes} bytes")
    start = _start_of_document(content, limits.max_junk_bytes)
    document = _in_utf8(content, start)
    parser = etree.XMLParser(
        target=cast(Any, _Events(limits)),  # the stubs know an older protocol
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for offset in range(0, len(document), _FEED_BYTES):
            parser.feed(bytes(document[offset : offset + _FEED_BYTES]))
        root = cast(Node | None, parser.close())
    except etree.XMLSyntaxError as error:
        _raise_refused(error)
    if root is None:
        raise EdxmlMalformed("the document ends too early")
    return root, content[:start]


def _start_of_document(content: bytes, max_junk_bytes: int) -> int:
    """Find the XML declaration behind the junk that some systems write before it (`1212`)."""
    if any(content.startswith(mark) for mark in _MARKS):
        return 0
    head = content[: max_junk_bytes + 16]
    for encoding, declaration in _DECLARATIONS.items():
        at = head.find(declaration)
        # One order of bytes shifted by one reads as the other, hence the even offset.
        aligned = encoding == "utf-8" or at % 2 == 0
        if at >= 0 and aligned and "<".encode(encoding) not in head[:at]:
            return at
    return 0


def _in_utf8(content: bytes, start: int) -> memoryview:
    """Give the document without its byte order mark, in UTF-8 whatever it declares or is marked as.

    The encoding is settled here and imposed on the parser, so that no two readers of the same
    bytes can disagree about what they say.
    """
    head = content[start : start + 2 * _DECLARATION_CHARACTERS]
    mark = next((each for each in _MARKS if head.startswith(each)), b"")
    encoding = _MARKS.get(mark) or next(
        (name for name, first in _DECLARATIONS.items() if head.startswith(first)), "utf-8"
    )
    declared = _DECLARED_ENCODING.search(head.decode(encoding, errors="replace"))
    if declared and declared[1].casefold() not in _ACCEPTED_ENCODINGS:
        raise EdxmlUnsupported("the declared encoding is neither UTF-8 nor UTF-16")
    document = memoryview(content)[start + len(mark) :]
    if encoding == "utf-8":
        return document
    try:
        return memoryview(str(document, encoding).encode())
    except UnicodeError as error:
        raise EdxmlMalformed("text in another encoding than declared") from error


def _raise_refused(error: etree.XMLSyntaxError) -> NoReturn:
    # libxml2 names its own limits (depth 256, names and attributes of ten million bytes) in the
    # message.
    text = str(error)
    if "XML_PARSE_HUGE" in text or "Excessive depth" in text:
        raise EdxmlTooLarge("deeper or longer than any message may be") from error
    line = getattr(error, "lineno", None)
    raise EdxmlMalformed(f"not well-formed XML, line {line}") from error


class _Events:
    """Receives the parser's events and builds the tree, counting against the limits."""

    def __init__(self, limits: EdxmlLimits) -> None:
        self._limits = limits
        self._open: list[Node] = []
        self._root: Node | None = None
        self._elements = 0
        self._characters = 0
        self._decoded_bytes = 0
        self._carry = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.max_elements:
            raise EdxmlTooLarge(f"more than {self._limits.max_elements} elements")
        if len(self._open) >= self._limits.max_depth:
            raise EdxmlTooLarge(f"elements nested deeper than {self._limits.max_depth}")
        if len(attributes) > self._limits.max_attributes:
            raise EdxmlTooLarge(f"more than {self._limits.max_attributes} attributes on one")
        self._count_text(sum(len(name) + len(value) for name, value in attributes.items()))
        namespace, name = _split(tag)
        node = Node(name, namespace, {_split(key)[1]: text for key, text in attributes.items()})
        if node.key == _ENCODED_CONTENT:
            node.decoded = bytearray()
            self._carry = ""
        if self._open:
            self._open[-1].content.append(node)
        else:
            self._root = node
        self._open.append(node)

    def data(self, text: str) -> None:
        node = self._open[-1]
        if node.decoded is not None:
            self._decode(node, text)
            return
        self._count_text(len(text))
        node.content.append(text)

    def end(self, tag: str) -> None:
        del tag
        node = self._open.pop()
        if node.decoded is not None and self._carry:
            # Some encoders leave the padding out; what can't be completed is damage.
            self._append_decoded(node, self._carry + "=" * (-len(self._carry) % 4))
            self._carry = ""

    def comment(self, text: str) -> None:
        self._count_text(len(text))

    def pi(self, target: str, data: str | None = None) -> None:
        self._count_text(len(target) + len(data or ""))

    def doctype(self, *_declared: str | None) -> None:
        raise EdxmlDoctypeRefused

    def close(self) -> Node | None:
        # Called after an error too, which must not be replaced by another one here.
        return None if self._open else self._root

    def _count_text(self, characters: int) -> None:
        self._characters += characters
        if self._characters > self._limits.max_text_characters:
            raise EdxmlTooLarge(f"more than {self._limits.max_text_characters} characters of text")

    def _decode(self, node: Node, text: str) -> None:
        joined = self._carry + text.translate(_BLANKS)
        whole = len(joined) - len(joined) % 4
        self._carry = joined[whole:]
        self._append_decoded(node, joined[:whole])

    def _append_decoded(self, node: Node, text: str) -> None:
        decoded = node.decoded
        if decoded is None or node.damaged or not text:
            return
        try:
            piece = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            node.damaged = True
            return
        decoded += piece
        self._decoded_bytes += len(piece)
        if len(decoded) > self._limits.max_attachment_bytes:
            raise EdxmlTooLarge(f"an attachment of over {self._limits.max_attachment_bytes} bytes")
        if self._decoded_bytes > self._limits.max_total_attachment_bytes:
            raise EdxmlTooLarge(f"over {self._limits.max_total_attachment_bytes} bytes attached")


def _split(tag: str) -> tuple[str, str]:
    """Split `{namespace}name`; an unbound prefix (seen: xlink) is dropped from the name."""
    namespace, brace, name = tag.rpartition("}")
    return (namespace[1:] if brace else ""), name.rpartition(":")[2]
