"""Drivers of the object store, chosen by one address."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.errors import StorageUrlInvalid
from storage.objects.directory import DirectoryStore
from storage.ports import ObjectStore


def open_object_store(url: str) -> ObjectStore:
    """The store that `url` names; nothing is contacted yet, `check()` does that.

    `file:///absolute/directory`. Raises `StorageUrlInvalid`, whose message never repeats the
    address, for it may hold a password by mistake.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise StorageUrlInvalid("credentials don't belong in an address")
    if parts.scheme == "file":
        path = Path(unquote(parts.path))
        if parts.netloc or not path.is_absolute() or parts.query or parts.fragment:
            raise StorageUrlInvalid("expected file:///absolute/directory")
        return DirectoryStore(path)
    raise StorageUrlInvalid("expected file:///absolute/directory")
