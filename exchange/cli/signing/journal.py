"""The journal of a folder of results: what was signed into it, so that a re-run skips that.

One JSON object a line, appended and synced before the result gets its name: what the journal says
and the disk bears out is done, whatever moment the machine stopped at.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from exchange.cli.errors import JournalInUse, JournalUnusable

NAME: Final = ".congvan-journal.jsonl"
VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 1 << 20
_LOCK_UNSUPPORTED: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One result that is whole on the disk and about to get its name.

    output: relative to the journal's folder where it lies below it, so that the folder may move.
    settings_sha256: of all that shapes the signature but the key; certificate_sha256: of the key's.
    """

    at: str
    input: str
    input_sha256: str
    settings_sha256: str
    certificate_sha256: str
    output: str
    output_sha256: str


class Journal:
    """An open journal, held against a second run over the same folder; close it after use."""

    def __init__(self, path: Path) -> None:
        """Open it, making it where there is none. Raises JournalUnusable, JournalInUse."""
        self._path = path
        self._guard = threading.Lock()
        try:
            self._descriptor = _open_locked(path)
            content = _read(self._descriptor)
        except OSError as error:
            raise JournalUnusable(f"{path}: {error.strerror}") from error
        self._entries = dict(_entries(content))
        self._ends_within_a_line = bool(content) and not content.endswith(b"\n")

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    def result_of(self, input_sha256: str, *, settings_sha256: str) -> Path | None:
        """Find the result that was made of this input with these settings and is still as made."""
        return _standing(self._path, self._entries.get((input_sha256, settings_sha256)))

    def record(self, entry: Entry) -> None:
        """Append an entry, durably. Raises JournalUnusable."""
        values = {"v": VERSION, **{name: getattr(entry, name) for name in Entry.__slots__}}
        line = json.dumps(values, ensure_ascii=False).encode() + b"\n"
        with self._guard:
            if self._ends_within_a_line:
                # A crash cut the last line short: it stays what it is, a line that says nothing.
                line = b"\n" + line
            try:
                self._append(line)
            except OSError as error:
                raise JournalUnusable(f"{self._path}: {error.strerror}") from error
            self._entries[entry.input_sha256, entry.settings_sha256] = entry

    def close(self) -> None:
        """Release it; a journal with nothing in it is taken away."""
        with contextlib.suppress(OSError):
            if os.fstat(self._descriptor).st_size == 0:
                self._path.unlink()
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, line: bytes) -> None:
        self._ends_within_a_line = True
        while line:
            line = line[os.write(self._descriptor, line) :]
        os.fsync(self._descriptor)
        self._ends_within_a_line = False


def look_up(path: Path, input_sha256: str, *, settings_sha256: str) -> Path | None:
    """Answer as Journal.result_of without opening the journal for writing, for a dry run."""
    try:
        content = path.read_bytes()[:MAX_BYTES]
    except OSError:
        return None
    return _standing(path, dict(_entries(content)).get((input_sha256, settings_sha256)))


def settings_digest(settings: Mapping[str, Any]) -> str:
    """Digest all that shapes a signature; a journal's entry counts only for the same."""
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def output_name(journal: Path, output: Path) -> str:
    """Name an output as entries do."""
    with contextlib.suppress(ValueError):
        return str(output.absolute().relative_to(journal.parent.absolute()))
    return str(output.absolute())


def instant(at: datetime) -> str:
    """Write an instant as entries do."""
    return at.isoformat(timespec="seconds")


def file_sha256(path: Path) -> str:
    """Digest a file without keeping it. Raises OSError."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _standing(journal: Path, entry: Entry | None) -> Path | None:
    if entry is None:
        return None
    output = journal.parent / entry.output
    try:
        return output if file_sha256(output) == entry.output_sha256 else None
    except OSError:
        return None


def _open_locked(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            _lock(descriptor, path)
            # Whoever held it before may have taken it away as empty.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalInUse(str(path)) from error
    except OSError as error:
        # Some network file systems know no locks; names are still given only once.
        if error.errno not in _LOCK_UNSUPPORTED:
            raise


def _read(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    if size > MAX_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    pieces, at = [], 0
    while piece := os.pread(descriptor, _CHUNK_BYTES, at):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def _entries(content: bytes) -> Iterator[tuple[tuple[str, str], Entry]]:
    """Read the lines that are whole; a damaged one vouches for nothing."""
    for line in content.split(b"\n"):
        try:
            values = json.loads(line)
            if not isinstance(values, dict) or values.pop("v", None) != VERSION:
                continue
            if not all(isinstance(value, str) for value in values.values()):
                continue
            entry = Entry(**values)
        except (ValueError, TypeError, RecursionError):
            continue
        yield (entry.input_sha256, entry.settings_sha256), entry
