"""Which files a signing command means, and where each result goes: files, folders and globs."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from exchange.cli.errors import FileUnreadable, NothingToSign, UsageInvalid
from exchange.cli.files import is_folder, is_taken, require_new
from exchange.cli.signing.outcomes import OWN_OUTPUT, SAME_DOCUMENT, Outcome, Result

_ENDING = ".pdf"
_GLOB = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file to sign and where its result goes; `passed_over` is why it is not signed, or ""."""

    file: Path
    output: Path
    passed_over: str = ""

    def untouched(self, reason: str = "") -> Outcome:
        """Give its outcome as long as nothing is done: why it is passed over, or else `reason`."""
        return Outcome(
            file=str(self.file),
            outcome=Result.SKIPPED,
            output=str(self.output),
            reason=self.passed_over or reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one call is about; `is_batch` unless it names exactly one file."""

    targets: tuple[Target, ...]
    is_batch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user named, as it was typed.

    paths: files, folders, and patterns that the shell left as they are. suffix: what the stem of
    a result ends in; it takes the place of a former one. out: a folder that exists, or the name
    of the one result.
    """

    paths: tuple[str, ...]
    suffix: str
    former: tuple[str, ...] = ()
    out: Path | None = None
    recursive: bool = False


def plan_targets(wanted: Wanted) -> Plan:
    """Find the files and settle their results' names; nothing is opened.

    A name that leads nowhere stays in the plan, to fail in its turn. Raises NothingToSign where
    folders and patterns hold no PDF file, UsageInvalid for an --out that can't hold the results,
    OutputExists for the one result's name.
    """
    if not re.fullmatch(r"[^/\0]+", wanted.suffix):
        raise UsageInvalid(f"--suffix {wanted.suffix!r}: an ending of a file's name is needed")
    found = [(file, root) for path in wanted.paths for file, root in _files(path, wanted)]
    if not found:
        raise NothingToSign(", ".join(wanted.paths))
    is_batch = len(found) > 1 or Path(wanted.paths[0]) != found[0][0]
    if wanted.out is not None and not is_folder(wanted.out):
        if is_batch:
            raise UsageInvalid(f"--out {wanted.out}: several files need an existing folder")
        return Plan(targets=(_single(found[0][0], wanted.out),), is_batch=False)
    targets = tuple(_marked(_placed(found, wanted), suffix=wanted.suffix))
    if not is_batch:
        require_new(targets[0].output)
    return Plan(targets=targets, is_batch=is_batch)


def _single(file: Path, out: Path) -> Target:
    require_new(out)
    return Target(file=file, output=out)


def _files(path: str, wanted: Wanted) -> Iterator[tuple[Path, Path]]:
    """Yield each file with the folder that its place under --out is told from."""
    named = Path(path)
    if is_folder(named):
        yield from ((file, named) for file in _pdf_files(named, recursive=wanted.recursive))
    elif _GLOB.search(path) and not is_taken(named):
        # A quoted pattern, or one that the shell found nothing for.
        matches = sorted(glob.glob(path, recursive=wanted.recursive), key=_natural)
        for match in map(Path, matches):
            if is_folder(match):
                continue
            if match.suffix.lower() == _ENDING:
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
            if name.lower().endswith(_ENDING) and not name.startswith("."):
                yield Path(place) / name


def _refuse(error: OSError) -> NoReturn:
    # A folder that may not be read is not an empty one.
    raise FileUnreadable(f"{error.filename}: {error.strerror}") from error


def _placed(found: Sequence[tuple[Path, Path]], wanted: Wanted) -> Iterator[Target]:
    for file, root in found:
        folder = file.parent
        if wanted.out is not None:
            folder = wanted.out / file.parent.relative_to(root)
        stem = file.stem
        for former in wanted.former:
            stem = stem.removesuffix(former) or stem
        yield Target(file=file, output=folder / f"{stem}{wanted.suffix}{_ENDING}")


def _marked(targets: Iterable[Target], *, suffix: str) -> Iterator[Target]:
    """Pass over what came before by another name, and what this command made itself."""
    targets = list(targets)
    several = len(targets) > 1
    seen: set[tuple[int, int]] = set()
    for target in targets:
        reason = ""
        identity = _identity(target.file)
        if identity is not None and identity in seen:
            reason = SAME_DOCUMENT
        elif several and target.file.stem.endswith(suffix):
            reason = OWN_OUTPUT
        if identity is not None:
            seen.add(identity)
        yield Target(file=target.file, output=target.output, passed_over=reason)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sort as people count: 2 before 10."""
    parts = _DIGITS.split(text.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
