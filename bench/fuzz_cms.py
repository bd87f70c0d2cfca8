"""Damage to a signature's CMS object whose lengths are right again afterwards (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bench.fuzz_seeds import Seed

_CONTENTS = re.compile(rb"/Contents ?<([0-9A-Fa-f]{64,})>")
_CONSTRUCTED: Final = 0x20
_MAX_DEPTH: Final = 40


@dataclass(slots=True)
class _Node:
    """One element of BER: its tag's bytes, and its content or its children."""

    tag: bytes
    content: bytes = b""
    children: list[_Node] = field(default_factory=list)
    indefinite: bool = False

    @property
    def constructed(self) -> bool:
        return bool(self.tag[0] & _CONSTRUCTED)

    def encoded(self) -> bytes:
        body = b"".join(child.encoded() for child in self.children) if self.children else b""
        body = body or self.content
        if self.indefinite and self.constructed:
            return self.tag + b"\x80" + body + b"\x00\x00"
        return self.tag + _length(len(body)) + body

    def walk(self) -> Iterator[_Node]:
        yield self
        for child in self.children:
            yield from child.walk()


def changed_cms(seed: Seed, chance: Random, *, others: Sequence[Seed]) -> bytes:
    """Change the CMS object of one signature in one or two places, or put in another's."""
    places = list(_CONTENTS.finditer(seed.content))
    if not places:
        return seed.content
    place = chance.choice(places)
    digits = place.group(1)
    try:
        tree, _ = _read(bytes.fromhex(digits.decode("ascii")), 0)
        for _ in range(chance.randint(1, 2)):
            _change(tree, chance, donor=_donor(chance, others))
        cms = tree.encoded()
    except (ValueError, IndexError):
        return seed.content
    if 2 * len(cms) > len(digits):
        return seed.content
    written = cms.hex().encode("ascii").ljust(len(digits), b"0")
    return seed.content[: place.start(1)] + written + seed.content[place.end(1) :]


def _donor(chance: Random, others: Sequence[Seed]) -> _Node:
    places = list(_CONTENTS.finditer(chance.choice(others).content))
    if not places:
        return _Node(b"\x05")
    try:
        return _read(bytes.fromhex(chance.choice(places).group(1).decode("ascii")), 0)[0]
    except (ValueError, IndexError):
        return _Node(b"\x05")


def _change(tree: _Node, chance: Random, *, donor: _Node) -> None:
    nodes = list(tree.walk())
    parents = [node for node in nodes if node.children]
    parent = chance.choice(parents)
    at = chance.randrange(len(parent.children))
    match chance.randrange(8):
        case 0:
            del parent.children[at]
        case 1:
            parent.children.insert(at, deepcopy(parent.children[at]))
        case 2:
            parent.children[at] = deepcopy(chance.choice(nodes))
        case 3:
            _change_content(chance.choice(nodes), chance)
        case 4:
            parent.indefinite = True
        case 5:
            chance.shuffle(parent.children)
        case 6:
            node = chance.choice(nodes)
            node.tag = bytes([node.tag[0] ^ (1 << chance.randrange(8))]) + node.tag[1:]
        case _:
            parent.children[at] = deepcopy(chance.choice(list(donor.walk())))


def _change_content(node: _Node, chance: Random) -> None:
    if node.children or not node.content:
        return
    content = bytearray(node.content)
    match chance.randrange(4):
        case 0:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case 1:
            content = bytearray(b"\x00") + content
        case 2:
            del content[chance.randrange(len(content))]
        case _:
            content = bytearray(chance.randbytes(len(content)))
    node.content = bytes(content)


def _read(ber: bytes, at: int, *, depth: int = 0) -> tuple[_Node, int]:
    """Read the element at `at`; return it and where it ends. ValueError where it is too deep."""
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    start = at
    at += 1
    if ber[start] & 0x1F == 0x1F:
        while ber[at] & 0x80:
            at += 1
        at += 1
    tag, size = ber[start:at], ber[at]
    at += 1
    if size & 0x80:
        octets = size & 0x7F
        size = int.from_bytes(ber[at : at + octets], "big")
        at += octets
    end = at + size
    if end > len(ber):
        raise ValueError("beyond the end")
    node = _Node(tag, ber[at:end])
    while node.constructed and at < end:
        child, at = _read(ber, at, depth=depth + 1)
        node.children.append(child)
    return node, end


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
