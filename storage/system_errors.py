"""What the operating system refuses, as errors of ours."""

import contextlib
import errno
import os
from collections.abc import Iterator

from storage.errors import DataDirectoryUnsafe, StorageError, StorageFull, StorageUnavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_A_FOLDER = frozenset({errno.ELOOP, errno.ENOTDIR})


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """Every OSError of the block leaves as a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise _storage_error(error) from error


def _storage_error(error: OSError) -> StorageError:
    detail = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _NO_ROOM:
        return StorageFull(detail)
    if error.errno in _NOT_A_FOLDER:
        return DataDirectoryUnsafe(f"a folder of the tree is a link or a file: {detail}")
    return StorageUnavailable(detail)
