"""The table beside a folder of PDFs: what is expected of each file, and which files it forgets."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 5


class InputUnusable(Exception):
    """The folder or the table can't be judged by: what is wrong, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One line of the table."""

    file: str
    path: Path
    expected: str


def read_expectations(folder: Path, table: Path) -> list[Expectation]:
    """Read the table; every file that it names is in the folder. InputUnusable says what is not."""
    if not folder.is_dir():
        raise InputUnusable(f"{folder}: there is no such folder")
    found = [
        Expectation(file=file, path=folder / file, expected=expected)
        for file, expected in _rows(table)
    ]
    names = [each.file for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputUnusable(f"{table}: named more than once: {listed(twice)}")
    if missing := [each.file for each in found if not each.path.is_file()]:
        raise InputUnusable(f"{folder}: in the table but not in the folder: {listed(missing)}")
    return found


def unlisted(folder: Path, expectations: list[Expectation]) -> list[str]:
    """Return the PDF files of the folder that the table does not name."""
    known = {each.path for each in expectations}
    files = (path for path in folder.rglob("*") if path.suffix.lower() == ".pdf")
    return sorted(path.relative_to(folder).as_posix() for path in files if path not in known)


def listed(names: list[str]) -> str:
    """Name the first few, and say how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _rows(table: Path) -> list[tuple[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as content:
            reader = csv.DictReader(content, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = list(reader)
            columns = reader.fieldnames or ()
    except FileNotFoundError as error:
        raise InputUnusable(f"{table}: there is no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputUnusable(f"{table}: can't be read as a table: {error}") from error
    if absent := [name for name in ("file", "expected") if name not in columns]:
        raise InputUnusable(
            f"{table}: the first line names no column {' nor '.join(absent)} (tabs between columns)"
        )
    if not rows:
        raise InputUnusable(f"{table}: no file is named in it")
    pairs = [((row["file"] or "").strip(), (row["expected"] or "").strip()) for row in rows]
    for number, pair in enumerate(pairs, 2):
        if not all(pair):
            raise InputUnusable(f"{table}: line {number} lacks the file or what is expected of it")
    return pairs
