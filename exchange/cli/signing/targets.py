"""Which files a signing command means, and where each result goes: files, folders and globs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.cli.errors import NothingToSign, UsageInvalid
from exchange.cli.files import is_folder, require_new
from exchange.cli.named_files import ENDING, is_batch, named_files
from exchange.cli.signing.outcomes import OWN_OUTPUT, SAME_DOCUMENT, Outcome, Result


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
    found = named_files(wanted.paths, recursive=wanted.recursive)
    if not found:
        raise NothingToSign(", ".join(wanted.paths))
    several = is_batch(wanted.paths, [file for file, _ in found])
    if wanted.out is not None and not is_folder(wanted.out):
        if several:
            raise UsageInvalid(f"--out {wanted.out}: several files need an existing folder")
        return Plan(targets=(_single(found[0][0], wanted.out),), is_batch=False)
    targets = tuple(_marked(_placed(found, wanted), suffix=wanted.suffix))
    if not several:
        require_new(targets[0].output)
    return Plan(targets=targets, is_batch=several)


def _single(file: Path, out: Path) -> Target:
    require_new(out)
    return Target(file=file, output=out)


def _placed(found: Sequence[tuple[Path, Path]], wanted: Wanted) -> Iterator[Target]:
    for file, root in found:
        folder = file.parent
        if wanted.out is not None:
            folder = wanted.out / file.parent.relative_to(root)
        stem = file.stem
        for former in wanted.former:
            stem = stem.removesuffix(former) or stem
        yield Target(file=file, output=folder / f"{stem}{wanted.suffix}{ENDING}")


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
