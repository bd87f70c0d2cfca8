"""Reading and writing users' files: whole or not at all, and never over another file."""

import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from exchange.cli.errors import FileUnreadable, OutputExists, OutputUnwritable

_UMASK_GUARD = threading.Lock()


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a whole file of at most `max_bytes`; raises FileUnreadable."""
    try:
        with path.open("rb") as source:
            content = source.read(max_bytes + 1)
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error
    if len(content) > max_bytes:
        raise FileUnreadable(f"{path}: larger than {max_bytes} bytes")
    return content


def write_new(path: Path, content: bytes) -> None:
    """Write a file that did not exist, so that it is there whole and durable, or not at all.

    Raises OutputExists, OutputUnwritable.
    """
    with new_file(path) as sink:
        sink.write(content)


@contextlib.contextmanager
def new_file(
    path: Path, *, before_naming: Callable[[], None] = lambda: None
) -> Iterator[IO[bytes]]:
    """Open a file that gets its name only when the block ends well: whole and durable, or never.

    `before_naming` is called when the content is on the disk and the name is not there yet.
    Raises OutputExists, OutputUnwritable.
    """
    try:
        with _unfinished(path) as unfinished:
            with os.fdopen(os.dup(unfinished.descriptor), "wb") as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
            before_naming()
            # A hard link refuses an existing name in one step, which rename would replace. With a
            # descriptor of a directory it is linkat(2), which follows the link in /proc.
            folder = unfinished.folder
            os.link(unfinished.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            _sync_directory(folder)
    except FileExistsError as error:
        raise OutputExists(str(path)) from error
    except OSError as error:
        raise OutputUnwritable(f"{path}: {error.strerror}") from error


def require_new(path: Path) -> None:
    """Refuse an output that exists before any work is done for it."""
    if is_taken(path):
        raise OutputExists(str(path))


def is_taken(path: Path) -> bool:
    """Tell whether something has this name already, be it a link that leads nowhere."""
    return os.path.lexists(path)


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there; what may not be looked at is none."""
    # Not Path.is_dir, which raises where a folder above may not be entered or a name is too long.
    return os.path.isdir(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unfinished:
    """A file without its name yet: descriptors of it and of its folder, and what to link from."""

    descriptor: int
    folder: int
    name: str


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[_Unfinished]:
    with contextlib.ExitStack() as stack:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, folder)
        descriptor, name = _nameless(folder), ""
        if descriptor is None:
            descriptor, name = tempfile.mkstemp(prefix=".congvan-", dir=path.parent)
            stack.callback(Path(name).unlink, missing_ok=True)
            # mkstemp's 0600 is for secrets; a result has the mode that the user's umask gives.
            os.fchmod(descriptor, 0o666 & ~_umask())
        stack.callback(os.close, descriptor)
        name = name and Path(name).name
        yield _Unfinished(
            descriptor=descriptor, folder=folder, name=name or f"/proc/self/fd/{descriptor}"
        )


def _nameless(folder: int) -> int | None:
    """Open a file that has no name at all: of it nothing is left, however the process ends."""
    if not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666, dir_fd=folder)
    except OSError as error:
        # Network file systems and some old ones can't; whatever else is wrong meets mkstemp too.
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
            return None
        raise


def _umask() -> int:
    # Reading it means setting it, for the whole process: two threads must not do so at once.
    with _UMASK_GUARD:
        mask = os.umask(0)
        os.umask(mask)
    return mask


def _sync_directory(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems can't sync a directory; the file itself is durable by then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
