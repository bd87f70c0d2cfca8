"""The map of docs/architecture.md as data: every room with its one line, and which are pure."""

import re
from dataclasses import dataclass

from tests.architecture.sources import ROOT

PAGE = ROOT / "docs" / "architecture.md"
LINE = re.compile(r"(?P<indent> *)(?P<name>\S+)(?: +(?P<mark>pure))? {2,}(?P<what>\S.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One line of the map: a module, or a folder (its path ends with a slash)."""

    path: str
    what: str
    pure: bool


def rooms() -> tuple[Room, ...]:
    """The rooms in the order of the map: lines of the fenced block called "map"."""
    block = PAGE.read_text(encoding="utf-8").partition("```text map\n")[2].partition("\n```")[0]
    found: list[Room] = []
    above: list[tuple[int, str]] = []
    for line in filter(str.strip, block.split("\n")):
        match = LINE.fullmatch(line)
        assert match, f"not a line of the map: {line!r}"
        depth = len(match["indent"])
        above = [(indent, name) for indent, name in above if indent < depth]
        path = "".join(name for _, name in above) + match["name"]
        if path.endswith("/"):
            above.append((depth, match["name"]))
        found.append(Room(path=path, what=match["what"], pure=bool(match["mark"])))
    return tuple(found)


def section(title: str) -> str:
    """The text below a heading of the page, up to the next one of the same rank."""
    text = PAGE.read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
