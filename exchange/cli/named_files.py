"""Which PDF files people name on the command line: files, folders and patterns."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from exchange.cli.errors import FileUnreadable
from exchange.cli.files import is_folder, is_taken

ENDING = ".pdf"
_GLOB = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"(\d+)")


def named_files(paths: Sequence[str], *, recursive: bool) -> list[tuple[Path, Path]]:
    """Find each file with the folder that it was found from, in the order people count.

    What is named itself is there, whatever it is and even where it leads nowhere; folders and
    patterns stand for the PDF files in them. Nothing is opened. Raises FileUnreadable for a folder
    that may not be read.
    """
    return [found for path in paths for found in _files(path, recursive=recursive)]


def is_batch(paths: Sequence[str], found: Sequence[Path]) -> bool:
    """Tell whether several files are meant, or may be: all but exactly one file by its name."""
    return len(found) != 1 or Path(paths[0]) != found[0]


def _files(path: str, *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    named = Path(path)
    if is_folder(named):
        yield from ((file, named) for file in _pdf_files(named, recursive=recursive))
    elif _GLOB.search(path) and not is_taken(named):
        # A quoted pattern, or one that the shell found nothing for.
        matches = sorted(glob.glob(path, recursive=recursive), key=_natural)
        for match in map(Path, matches):
            if is_folder(match):
                continue
            if match.suffix.lower() == ENDING:
                yield match, match.parent
    else:
        yield named, named.parent


def _pdf_files(folder: Path, *, recursive: bool) -> Iterator[Path]:
    # os.walk follows no links to folders, so that none is walked for ever.
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort(key=_natural)
        if not recursive:
            folders.clear()
        for name in sorted(names, key=_natural):
            if name.lower().endswith(ENDING) and not name.startswith("."):
                yield Path(place) / name


def _refuse(error: OSError) -> NoReturn:
    # A folder that may not be read is not an empty one.
    raise FileUnreadable(f"{error.filename}: {error.strerror}") from error


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sort as people count: 2 before 10."""
    parts = _DIGITS.split(text.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
