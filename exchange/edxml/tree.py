"""The elements of a message as a small tree, and the events of a parser that build it. Pure."""

from dataclasses import dataclass, field

from exchange.edxml.encoded import EncodedText
from exchange.edxml.limits import EdxmlLimits
from exchange.errors import EdxmlTooLarge

ENCODED_CONTENT = "contenttransferencoded"
_BOUND_PREFIXES = frozenset({"xml", "xmlns"})


def folded(name: str) -> str:
    """Give an element's name as it is compared: any case, either spelling of "business"."""
    return name.casefold().replace("bussiness", "business")


@dataclass(slots=True, eq=False)
class Node:
    """An element: `name` without prefix, attributes by local name, text and children in order.

    `key` is the name for comparison. `encoded` tells where base64 content lies, None for every
    other element. `used` is set by the reader on what it has understood.
    """

    name: str
    namespace: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: "list[Node | str]" = field(default_factory=list)
    encoded: EncodedText | None = None
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


@dataclass(slots=True, eq=False)
class Region:
    """A base64 element amid the message: from its start tag to its end tag, in bytes.

    marks: where markup begins inside it, and which.
    """

    node: Node
    start: int
    end: int = 0
    marks: list[tuple[int, str]] = field(default_factory=list)


class TreeBuilder:
    """Builds the tree from a parser's events, counting against the limits.

    Namespaces are resolved here, so that a prefix that is bound to none is a prefix like others.
    """

    def __init__(self, limits: EdxmlLimits) -> None:
        """Begin with no element."""
        self.root: Node | None = None
        self.regions: list[Region] = []
        self.unbound_prefixes: set[str] = set()
        self._limits = limits
        self._open: list[tuple[Node, dict[str, str]]] = []
        self._region: Region | None = None
        self._elements = 0
        self._characters = 0

    @property
    def region(self) -> Region | None:
        """Give the base64 element that is open."""
        return self._region

    @property
    def complete(self) -> bool:
        """Tell whether the root was there and is closed."""
        return self.root is not None and not self._open

    def start(self, tag: str, attributes: list[str], *, at: int) -> None:
        """Open an element; `attributes` are names and values by turns, `at` its place in bytes."""
        self._count_element()
        if len(self._open) >= self._limits.max_depth:
            raise EdxmlTooLarge(f"elements nested deeper than {self._limits.max_depth}")
        if len(attributes) > 2 * self._limits.max_attributes:
            raise EdxmlTooLarge(f"more than {self._limits.max_attributes} attributes on one")
        self.count_text(sum(map(len, attributes)))
        node, scope = self._node(tag, dict(zip(attributes[::2], attributes[1::2], strict=True)))
        if self._region is not None:
            self._region.marks.append((at, "element"))
        elif node.key == ENCODED_CONTENT:
            node.encoded = EncodedText()
            self._region = Region(node, at)
        if self._open:
            self._open[-1][0].content.append(node)
        else:
            self.root = node
        self._open.append((node, scope))

    def end(self, *, at: int) -> None:
        """Close the element that was opened last."""
        node, _ = self._open.pop()
        if self._region is not None and self._region.node is node:
            self._region.end = at
            self.regions.append(self._region)
            self._region = None

    def data(self, text: str) -> None:
        """Add text to the open element."""
        self.count_text(len(text))
        self._open[-1][0].content.append(text)

    def mark(self, kind: str, *, at: int) -> None:
        """Note markup that is no element: it matters amid base64 only."""
        self._count_element()
        if self._region is not None:
            self._region.marks.append((at, kind))

    def count_text(self, characters: int) -> None:
        """Count characters of text, names and comments.

        Raises:
            EdxmlTooLarge: there are more than any message can honestly have.

        """
        self._characters += characters
        if self._characters > self._limits.max_text_characters:
            raise EdxmlTooLarge(f"more than {self._limits.max_text_characters} characters of text")

    def _count_element(self) -> None:
        self._elements += 1
        if self._elements > self._limits.max_elements:
            raise EdxmlTooLarge(f"more than {self._limits.max_elements} elements")

    def _node(self, tag: str, attributes: dict[str, str]) -> tuple[Node, dict[str, str]]:
        scope = self._open[-1][1] if self._open else {}
        declared = {
            name.partition(":")[2]: value
            for name, value in attributes.items()
            if name == "xmlns" or name.startswith("xmlns:")
        }
        if declared:
            scope = scope | declared
        prefix, name = _split(tag)
        kept: dict[str, str] = {}
        for full, value in attributes.items():
            before, local = _split(full)
            if before == "xmlns" or full == "xmlns":
                continue
            if before and before not in scope:
                self._unbound(before)
            kept[local] = value
        if prefix and prefix not in scope:
            self._unbound(prefix)
        return Node(name, scope.get(prefix, ""), kept), scope

    def _unbound(self, prefix: str) -> None:
        if prefix not in _BOUND_PREFIXES:
            self.unbound_prefixes.add(prefix)


def _split(name: str) -> tuple[str, str]:
    prefix, _, local = name.rpartition(":")
    return prefix, local
