"""Taking fields out of a parsed message while noting whatever is odd about them. Pure."""

import datetime as dt
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

from exchange.agency import OrganId
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.result import RawElement, ReadWarning, WarningCode
from exchange.edxml.tree import Node, folded
from exchange.edxml.values import (
    read_date,
    read_instant,
    read_number,
    write_date,
    write_instant,
)
from exchange.errors import EdxmlTooLarge

_Value = TypeVar("_Value")
_Code = TypeVar("_Code", bound=IntEnum)

_DETAIL_CHARACTERS = 120


class Notes:
    """What was odd in one message so far, and which of its elements nobody asked for."""

    def __init__(self, limits: EdxmlLimits) -> None:
        """Start with nothing noted."""
        self._limits = limits
        self._warnings: list[ReadWarning] = []

    @property
    def warnings(self) -> tuple[ReadWarning, ...]:
        """Give the warnings in the order in which they were noted."""
        return tuple(self._warnings)

    def warn(self, code: WarningCode, path: str, *, detail: str = "") -> None:
        """Note an oddity. `detail` may quote the message; it is cut short."""
        if len(self._warnings) < self._limits.max_warnings:
            short = " ".join(detail.split())[:_DETAIL_CHARACTERS]
            self._warnings.append(ReadWarning(code=code, path=path, detail=short))

    def require_length(self, path: str, text: str) -> str:
        """Give `text` back.

        Raises:
            EdxmlTooLarge: it is longer than any field could honestly be.

        """
        if len(text) > self._limits.max_field_characters:
            raise EdxmlTooLarge(f"{path} has over {self._limits.max_field_characters} characters")
        return text


class Fields:
    """The children of one element, taken by name in any order, case and prefix."""

    def __init__(self, node: Node, *, path: str, notes: Notes) -> None:
        """Open `node`, which is called `path` in warnings."""
        self.node = node
        self.path = path
        self._notes = notes

    def has(self, name: str) -> bool:
        """Tell whether a child with this name says anything; it isn't taken."""
        return any(
            child.key in _keys((name,)) and (child.children or child.text)
            for child in self.node.children
        )

    def group(self, *names: str) -> "Fields":
        """Take the first child with one of these names; an empty one stands for none."""
        found = self._take(*names)
        path = self._path(names[0])
        return Fields(found or Node(names[0], ""), path=path, notes=self._notes)

    def groups(self, *names: str) -> "list[Fields]":
        """Take all children with one of these names."""
        found = [child for child in self.node.children if child.key in _keys(names)]
        for child in found:
            child.used = True
        return [Fields(child, path=self._path(names[0]), notes=self._notes) for child in found]

    def text(self, *names: str) -> str:
        """Take a text; "" when absent, empty or `null`."""
        found = self._take(*names)
        return self._notes.require_length(self._path(names[0]), found.text) if found else ""

    def texts(self, *names: str) -> tuple[str, ...]:
        """Take all texts with this name that are not empty."""
        read = (
            self._notes.require_length(each.path, each.node.text) for each in self.groups(*names)
        )
        return tuple(text for text in read if text)

    def list_of_texts(self, name: str) -> tuple[str, ...]:
        """Take a list that some write as one text and some as elements of any name."""
        found = [(each.text, *(child.text for child in each.children)) for each in self._used(name)]
        return tuple(
            self._notes.require_length(self._path(name), text)
            for texts in found
            for text in texts
            if text
        )

    def organ_id(self, *names: str) -> OrganId:
        """Take an identifier as it is written; whether it is a good one is judged elsewhere."""
        return OrganId(self.text(*names))

    def date(self, name: str) -> dt.date | None:
        """Take a date; None when absent or impossible."""
        read = self._value(name, read_date, code=WarningCode.DATE_IMPOSSIBLE)
        if read is not None and self._peek(name) != write_date(read):
            self._notes.warn(WarningCode.DATE_UNUSUAL, self._path(name), detail=self._peek(name))
        return read

    def instant(self, name: str) -> dt.datetime | None:
        """Take an instant; None when absent or impossible."""
        read = self._value(name, read_instant, code=WarningCode.DATE_IMPOSSIBLE)
        if read is not None and self._peek(name) != write_instant(read):
            self._notes.warn(WarningCode.DATE_UNUSUAL, self._path(name), detail=self._peek(name))
        return read

    def number(self, name: str, *, largest: int = 65_535) -> int | None:
        """Take a whole number; None when absent or unreadable."""
        return self._value(name, lambda text: read_number(text, largest=largest))

    def flag(self, name: str) -> bool | None:
        """Take a truth value (0, 1, false, true); None when absent or unreadable."""
        return self._value(name, _read_flag)

    def code(self, name: str, codes: type[_Code]) -> _Code:
        """Take a coded value; the code 0 when absent or unknown."""
        read = self._value(name, lambda text: _read_code(text, codes))
        return codes(0) if read is None else read

    def _value(
        self,
        name: str,
        read: Callable[[str], _Value | None],
        *,
        code: WarningCode = WarningCode.VALUE_UNREADABLE,
    ) -> _Value | None:
        text = self.text(name)
        if not text:
            return None
        value = read(text)
        if value is None:
            self._notes.warn(code, self._path(name), detail=text)
        return value

    def _used(self, name: str) -> list[Node]:
        found = [child for child in self.node.children if child.key in _keys((name,))]
        for child in found:
            child.used = True
            for inner in child.children:
                inner.used = True
        return found

    def _take(self, *names: str) -> Node | None:
        found = [child for child in self.node.children if child.key in _keys(names)]
        filled = [child for child in found if child.children or child.text]
        for child in found:
            child.used = not (child.children or child.text) or child is filled[0]
        if len(filled) > 1:
            self._notes.warn(WarningCode.FIELD_REPEATED, self._path(names[0]))
        return next(iter(filled or found), None)

    def _peek(self, name: str) -> str:
        return next(c.text for c in self.node.children if c.key in _keys((name,)) and c.text)

    def _path(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


def unused_elements(node: Node, path: str = "") -> Iterator[RawElement]:
    """Give the topmost elements below `node` that nobody took, unless they are empty."""
    for child in node.children:
        here = f"{path}/{child.name}" if path else child.name
        if child.used:
            yield from unused_elements(child, here)
        elif child.children or child.text or child.attributes:
            yield RawElement(path=here, xml=_as_xml(child, node.namespace), text=_all_text(child))


def _keys(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(folded(name) for name in names)


def _read_flag(text: str) -> bool | None:
    return {"1": True, "true": True, "0": False, "false": False}.get(text.casefold())


def _read_code(text: str, codes: type[_Code]) -> _Code | None:
    number = read_number(text, largest=99)
    return next((code for code in codes if code.value == number), None)


def _all_text(node: Node) -> str:
    parts = (c if isinstance(c, str) else f" {_all_text(c)} " for c in node.content)
    return " ".join("".join(parts).split())


def _as_xml(node: Node, outer_namespace: str) -> str:
    names = {"xmlns": node.namespace} if node.namespace != outer_namespace else {}
    attributes = "".join(f" {k}={quoteattr(v)}" for k, v in (names | node.attributes).items())
    inner = "".join(
        escape(each) if isinstance(each, str) else _as_xml(each, node.namespace)
        for each in node.content
    )
    return f"<{node.name}{attributes}>{inner}</{node.name}>"
