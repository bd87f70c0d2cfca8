"""Reading and writing users' files: whole or not at all, and never over another file."""

import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
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
        with _unfinished(path) as (descriptor, temporary):
            with os.fdopen(descriptor, "wb") as sink:
                yield sink
                sink.flush()
                os.fsync(sink.fileno())
            before_naming()
            # A hard link refuses an existing name in one step, which rename would replace.
            os.link(temporary, path)
        _sync_directory(path.parent)
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
    return path.exists() or path.is_symlink()


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[tuple[int, str]]:
    descriptor, temporary = tempfile.mkstemp(prefix=".congvan-", dir=path.parent)
    try:
        # mkstemp's 0600 is for secrets; a result has the mode that the user's umask gives.
        os.fchmod(descriptor, 0o666 & ~_umask())
        yield descriptor, temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _umask() -> int:
    # Reading it means setting it, for the whole process: two threads must not do so at once.
    with _UMASK_GUARD:
        mask = os.umask(0)
        os.umask(mask)
    return mask


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems can't sync a directory; the file itself is durable by then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
