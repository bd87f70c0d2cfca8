"""Objects as files of one directory tree: the store of a laptop and of a single server.

    <root>/objects/ab/cd/<sha256>   mode 0440, complete and synced before it gets this name
    <root>/incoming/<unique>        being written; never read; swept when a day old

A write goes: temporary file, fsync, link() to the final name (which can't overwrite), fsync of the
folder. `check()` makes the tree; later calls never do, so that a disk which is not mounted is an
error and not an empty store.
"""

import asyncio
import builtins
import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat as stat_modes
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path

from storage.errors import (
    DataDirectoryUnsafe,
    DigestMismatch,
    ObjectCorrupt,
    ObjectMissing,
    StorageUnavailable,
)
from storage.objects.files import IncomingFile, OutgoingFile, Tree
from storage.ports import (
    STREAM_CHUNK_BYTES,
    Content,
    Digest,
    PutOutcome,
    StoredObject,
    digest_of,
    object_key,
    parse_digest,
)
from storage.system_errors import storage_errors

_ABANDONED_AFTER_SECONDS = 86_400
_ROOT_MODE = 0o750
_FOLDER_NAME = re.compile(r"[0-9a-f]{2}", re.ASCII)
_OBJECT_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class DirectoryStore:
    """The `ObjectStore` below one directory; the module says how."""

    def __init__(self, root: Path) -> None:
        self._tree = Tree(root)

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self._tree.root)!r})"

    async def put_new(self, digest: Digest, content: Content) -> PutOutcome:
        """See `ObjectStore.put_new`."""
        if not isinstance(content, AsyncIterable):
            return await asyncio.to_thread(self._put_local, digest, content)
        incoming = await asyncio.to_thread(IncomingFile, self._tree)
        try:
            async for chunk in content:
                await asyncio.to_thread(incoming.write, chunk)
            return await asyncio.to_thread(self._commit, incoming, digest)
        finally:
            await asyncio.shield(asyncio.to_thread(incoming.discard))

    async def read(self, digest: Digest) -> bytes:
        """See `ObjectStore.read`."""
        return await asyncio.to_thread(self._read, digest)

    async def stream(
        self, digest: Digest, *, offset: int = 0, chunk_bytes: int = STREAM_CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """See `ObjectStore.stream`."""
        if offset < 0 or chunk_bytes < 1:
            raise ValueError("offset must not be negative, chunk_bytes at least 1")
        file = await asyncio.to_thread(lambda: OutgoingFile(self._open(digest)))
        sha256 = hashlib.sha256()

        def read() -> bytes:
            with _reading(digest):
                return file.read(chunk_bytes)

        try:
            await asyncio.to_thread(file.seek, offset)
            chunk = await asyncio.to_thread(read)
            while following := await asyncio.to_thread(read):
                sha256.update(chunk)
                yield chunk
                chunk = following
            sha256.update(chunk)
            if offset == 0 and sha256.hexdigest() != digest:
                raise ObjectCorrupt(digest)
            if chunk:
                yield chunk
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def stat(self, digest: Digest) -> StoredObject | None:
        """See `ObjectStore.stat`."""
        return await asyncio.to_thread(self._stat, digest)

    async def list(self) -> AsyncIterator[StoredObject]:
        """See `ObjectStore.list`."""
        for first in await asyncio.to_thread(self._names_in, _FOLDER_NAME):
            for second in await asyncio.to_thread(self._names_in, _FOLDER_NAME, first):
                for stored in await asyncio.to_thread(self._objects_in, first, second):
                    yield stored

    async def check(self) -> None:
        """See `ObjectStore.check`. Makes the tree on first use and sweeps abandoned writes."""
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """See `ObjectStore.close`. Nothing is held open between calls."""

    def _put_local(self, digest: Digest, content: bytes | Path) -> PutOutcome:
        if isinstance(content, bytes):
            if digest_of(content) != digest:
                raise DigestMismatch(f"announced as {digest}")
            if self._stat(digest) is not None:  # saves writing what is there
                return self._vouch(digest)
        incoming = IncomingFile(self._tree)
        try:
            for chunk in _chunks(content):
                incoming.write(chunk)
            return self._commit(incoming, digest)
        finally:
            incoming.discard()

    def _commit(self, incoming: IncomingFile, digest: Digest) -> PutOutcome:
        if incoming.finish() != digest:
            raise DigestMismatch(f"announced as {digest}")
        with storage_errors(), self._folder_of(digest, create=True) as folder:
            try:
                incoming.link_to(folder, digest)
            except FileExistsError:
                return self._vouch(digest)
            os.fsync(folder)
        return PutOutcome.STORED

    def _vouch(self, digest: Digest) -> PutOutcome:
        """An object that is there counts as kept if it matches and its name survives a power cut.

        Another writer may have linked the name an instant ago and not yet synced the folder.
        """
        with _reading(digest), os.fdopen(self._open(digest), "rb", 0) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise ObjectCorrupt(digest)
        with storage_errors(), self._folder_of(digest, create=True) as folder:
            os.fsync(folder)
        return PutOutcome.ALREADY_THERE

    def _read(self, digest: Digest) -> bytes:
        with _reading(digest), os.fdopen(self._open(digest), "rb", 0) as file:
            content = file.readall()
        if digest_of(content) != digest:
            raise ObjectCorrupt(digest)
        return content

    def _open(self, digest: Digest) -> int:
        # O_NONBLOCK: a named pipe planted under an object's name must not hang us.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with storage_errors():
            try:
                with self._folder_of(digest) as folder:
                    descriptor = os.open(digest, flags, dir_fd=folder)
            except FileNotFoundError:
                raise ObjectMissing(digest) from None
            if not stat_modes.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise ObjectCorrupt(f"{digest} is not a regular file")
            return descriptor

    def _stat(self, digest: Digest) -> StoredObject | None:
        with storage_errors():
            try:
                with self._folder_of(digest) as folder:
                    found = os.stat(digest, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
            if not stat_modes.S_ISREG(found.st_mode):
                raise ObjectCorrupt(f"{digest} is not a regular file")
            return StoredObject(digest=digest, size_bytes=found.st_size)

    @contextlib.contextmanager
    def _folder_of(self, digest: Digest, *, create: bool = False) -> Iterator[int]:
        self._require_tree()
        with self._tree.folder(*object_key(digest).split("/")[:-1], create=create) as folder:
            yield folder

    def _require_tree(self) -> None:
        try:
            with self._tree.folder("objects"):
                pass
        except FileNotFoundError:
            raise StorageUnavailable("the object tree is missing: is its disk mounted?") from None

    def _names_in(self, form: re.Pattern[str], *folders: str) -> builtins.list[str]:
        with storage_errors():
            self._require_tree()
            with self._tree.folder("objects", *folders) as folder:
                return sorted(name for name in os.listdir(folder) if form.fullmatch(name))

    def _objects_in(self, first: str, second: str) -> builtins.list[StoredObject]:
        names = self._names_in(_OBJECT_NAME, first, second)
        with storage_errors(), self._tree.folder("objects", first, second) as folder:
            return [_listed_object(name, folder) for name in names]

    def _check(self) -> None:
        with storage_errors():
            self._tree.root.mkdir(mode=_ROOT_MODE, parents=True, exist_ok=True)
            for name in ("objects", "incoming"):
                with self._tree.folder(name, create=True):
                    pass
            self._sweep()
            self._prove_links()

    def _sweep(self) -> None:
        """Remove writes that a killed process left behind."""
        with self._tree.folder("incoming") as folder:
            for name in os.listdir(folder):
                with contextlib.suppress(FileNotFoundError):
                    written_at = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                    if time.time() - written_at > _ABANDONED_AFTER_SECONDS:
                        os.unlink(name, dir_fd=folder)

    def _prove_links(self) -> None:
        """Some file systems (FAT, some network ones) have no hard links, or overwrite with them."""
        canary, name = IncomingFile(self._tree), f"canary-{secrets.token_hex(8)}"
        try:
            canary.write(b"canary")
            canary.finish()
            with self._tree.folder("incoming") as folder:
                canary.link_to(folder, name)
                try:
                    canary.link_to(folder, name)
                except FileExistsError:
                    return
                finally:
                    os.unlink(name, dir_fd=folder)
            raise DataDirectoryUnsafe("this file system overwrites where it must not")
        except OSError as error:
            if error.errno in {errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK}:
                raise DataDirectoryUnsafe("this file system has no hard links") from None
            raise
        finally:
            canary.discard()


@contextlib.contextmanager
def _reading(digest: Digest) -> Iterator[None]:
    """A medium that can't give the bytes back has lost them: that is damage, not a bad moment."""
    with storage_errors():
        try:
            yield
        except OSError as error:
            if error.errno == errno.EIO:
                raise ObjectCorrupt(f"{digest}: {os.strerror(errno.EIO)}") from error
            raise


def _listed_object(name: str, folder: int) -> StoredObject:
    """What lies under an object's name, be it a link: reading it says that it is corrupt."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return StoredObject(digest=parse_digest(name), size_bytes=found.st_size)


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with storage_errors(), content.open("rb", buffering=0) as file:
        while chunk := file.read(STREAM_CHUNK_BYTES):
            yield chunk
