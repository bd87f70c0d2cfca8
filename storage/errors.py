"""Everything that storage can refuse or fail at, cut by what the caller can do about it.

StorageError
├── DigestInvalid            DIGEST_INVALID            the name given is not a SHA-256
├── DigestMismatch           DIGEST_MISMATCH           the content is not what its name says
├── ObjectMissing            OBJECT_MISSING            nothing is kept under this digest
├── RecordMissing            RECORD_MISSING            no archive record has this number
├── ObjectCorrupt            OBJECT_CORRUPT            what is kept no longer matches its digest
├── StorageUnavailable       STORAGE_UNAVAILABLE       try again: nothing was decided
├── StorageFull              STORAGE_FULL              no room: nothing was kept
├── StorageUnsuitable        STORAGE_UNSUITABLE        the store can't keep our promises
├── StorageUrlInvalid        STORAGE_URL_INVALID       the configuration names no store
├── DataVersionUnsupported   DATA_VERSION_UNSUPPORTED  data of another version
├── DataDirectoryUnsafe      DATA_DIRECTORY_UNSAFE     owner, mode or parents of the directory
└── DataDirectoryInUse       DATA_DIRECTORY_IN_USE     another service works on it
"""

from typing import ClassVar


class StorageError(Exception):
    """Storage failed. See the reason for what to do."""

    reason: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """The default message (first line of the class's docstring) and the detail."""
        message = (type(self).__doc__ or "").strip().partition("\n")[0]
        return f"{message} ({self.detail})" if self.detail else message


class DigestInvalid(StorageError):
    """This is not a SHA-256 digest. Send 64 lower-case hexadecimal digits."""

    reason = "DIGEST_INVALID"


class DigestMismatch(StorageError):
    """The content does not have the SHA-256 it was announced with. Send it again."""

    reason = "DIGEST_MISMATCH"


class ObjectMissing(StorageError):
    """No object with this SHA-256 is kept here. Upload the content first."""

    reason = "OBJECT_MISSING"


class RecordMissing(StorageError):
    """The archive has no record with this identifier. List the archive to find the right one."""

    reason = "RECORD_MISSING"


class ObjectCorrupt(StorageError):
    """A kept object no longer matches its SHA-256. Restore it from the second backup set."""

    reason = "OBJECT_CORRUPT"


class StorageUnavailable(StorageError):
    """The storage does not answer. Try again; if it lasts, ask the operator to look at it."""

    reason = "STORAGE_UNAVAILABLE"


class StorageFull(StorageError):
    """The storage has no room left. Nothing was kept: make room, then send it again."""

    reason = "STORAGE_FULL"


class StorageUnsuitable(StorageError):
    """The object store does not keep what we promise. Choose a server with conditional writes."""

    reason = "STORAGE_UNSUITABLE"


class StorageUrlInvalid(StorageError):
    """The storage address can't be used. Correct it in the configuration."""

    reason = "STORAGE_URL_INVALID"


class DataVersionUnsupported(StorageError):
    """The data were written by another version. Run that version, or convert them."""

    reason = "DATA_VERSION_UNSUPPORTED"


class DataDirectoryUnsafe(StorageError):
    """The data directory can't be used safely. Correct its owner or mode, or choose another one."""

    reason = "DATA_DIRECTORY_UNSAFE"


class DataDirectoryInUse(StorageError):
    """Another service works on this data directory. Stop it, or choose another directory."""

    reason = "DATA_DIRECTORY_IN_USE"
