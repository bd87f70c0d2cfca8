"""File operations below a directory store: no link is followed, nothing overwritten, all synced."""

import contextlib
import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from storage.system_errors import storage_errors

_OBJECT_MODE = 0o440
_FOLDER_MODE = 0o750


class Tree:
    """The folders below one root, opened one by one with O_NOFOLLOW. The root may be a link."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._synced: set[tuple[str, ...]] = set()

    @contextlib.contextmanager
    def folder(self, *names: str, create: bool = False) -> Iterator[int]:
        """The open folder `names` deep below the root; raises OSError, FileNotFoundError included.

        With `create` the missing folders are made, and the entry of each is synced in its parent
        once in the life of this object: a writer in another process may have made it just now.
        """
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        with contextlib.ExitStack() as opened:
            folder = os.open(self.root, flags)
            opened.callback(os.close, folder)
            for depth, name in enumerate(names, start=1):
                parent = folder
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, _FOLDER_MODE, dir_fd=parent)
                folder = os.open(name, flags | os.O_NOFOLLOW, dir_fd=parent)
                opened.callback(os.close, folder)
                if create and names[:depth] not in self._synced:
                    os.fsync(parent)
                    self._synced.add(names[:depth])
            yield folder


class IncomingFile:
    """One temporary file on its way to becoming an object. Calls exclude each other (see below)."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._name = f"{os.getpid()}-{secrets.token_hex(16)}"
        self._lock = threading.Lock()
        self._sha256 = hashlib.sha256()
        self._discarded = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with storage_errors(), tree.folder("incoming") as folder:
            self._file = os.fdopen(os.open(self._name, flags, 0o600, dir_fd=folder), "wb", 0)

    def write(self, chunk: bytes) -> None:
        """Append; a short write goes on where it stopped."""
        with self._lock, storage_errors():
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
            self._sha256.update(chunk)

    def finish(self) -> str:
        """Sync the content and answer its SHA-256. A failed sync is final: it is never retried."""
        with self._lock, storage_errors():
            os.fchmod(self._file.fileno(), _OBJECT_MODE)
            os.fsync(self._file.fileno())
            return self._sha256.hexdigest()

    def link_to(self, folder: int, name: str) -> None:
        """Give the file its final name; raises FileExistsError where there is one, else OSError."""
        with self._lock, self._tree.folder("incoming") as incoming:
            os.link(self._name, name, src_dir_fd=incoming, dst_dir_fd=folder, follow_symlinks=False)

    def discard(self) -> None:
        """Take the temporary name away; what was linked stays. Harmless when repeated."""
        with self._lock:
            if self._discarded:
                return
            self._discarded = True
            self._file.close()
            # What can't be removed now, the sweep at a later start takes.
            with contextlib.suppress(OSError), self._tree.folder("incoming") as incoming:
                os.unlink(self._name, dir_fd=incoming)


class OutgoingFile:
    """An object being read in steps, each in a thread.

    The calls exclude each other because a cancelled task leaves its thread running: without the
    lock, close() could free the descriptor that this thread is about to use for another file.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "rb", 0)
        self._lock = threading.Lock()

    def seek(self, offset: int) -> None:
        """Go on from this byte."""
        with self._lock, storage_errors():
            self._file.seek(offset)

    def read(self, size_bytes: int) -> bytes:
        """Exactly `size_bytes` unless the file ends; raises OSError."""
        with self._lock:
            parts = []
            while size_bytes > 0 and (part := self._file.read(size_bytes)):
                parts.append(part)
                size_bytes -= len(part)
            return b"".join(parts)

    def close(self) -> None:
        """Harmless when repeated."""
        with self._lock:
            self._file.close()
