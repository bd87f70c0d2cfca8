"""The command blocks of a page: what a reader would type, in the order of the page."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```sh(?P<mark>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block.

    ```sh no-run is what CI itself does, ```sh service needs a running service (the demo's test
    runs it), `exits_with` stands in ```sh exit=N.
    """

    line: int
    text: str
    run: bool
    service: bool
    exits_with: int


def blocks(page: Path) -> tuple[Block, ...]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        marks = match["mark"].split()
        unknown = [mark for mark in marks if not re.fullmatch(r"no-run|service|exit=\d+", mark)]
        assert not unknown, f"unknown marks {unknown}"
        code = next((int(mark[5:]) for mark in marks if mark.startswith("exit=")), 0)
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Block(
                line=line,
                text=match["text"],
                run=not {"no-run", "service"} & set(marks),
                service="service" in marks,
                exits_with=code,
            )
        )
    return tuple(found)
