"""What an object store is and what every driver of it guarantees. Pure.

Objects are kept by their SHA-256 and never changed. The guarantees, each held on every driver by
`tests/contracts/test_object_store.py`:

* `put_new` is atomic: readers see the whole object or nothing, also after kill -9 or a power cut.
* An object is never overwritten. Of many writers of one digest exactly one gets `STORED`; none
  does where the network lost that answer, for then nobody can say whose object it is.
* When `put_new` returns, the object survives a power cut.
* No object is delivered as good whose bytes do not match the digest.
* Every call ends within the driver's named limits, if need be with one of `storage.errors`.
"""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NewType, Protocol

from storage.errors import DigestInvalid

Digest = NewType("Digest", str)
"""SHA-256 of an object's bytes (mã băm): 64 lower-case hexadecimal digits."""

Content = bytes | Path | AsyncIterable[bytes]
"""What can be put: bytes, a local file, or a stream of chunks of any size."""

STREAM_CHUNK_BYTES = 1 << 20

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def digest_of(content: bytes) -> Digest:
    """The SHA-256 of some bytes."""
    return Digest(hashlib.sha256(content).hexdigest())


def parse_digest(text: str) -> Digest:
    """A digest from a stranger's text; raises `DigestInvalid` unless 64 lower-case hex digits."""
    if _DIGEST.fullmatch(text) is None:
        raise DigestInvalid(f"{len(text)} characters")
    return Digest(text)


def object_key(digest: Digest) -> str:
    """Where an object lies below the root of any store: `objects/ab/cd/<sha256>`.

    The same in all drivers, so that a plain copy between a directory and a bucket is a migration,
    and listing keys in order lists digests in order.
    """
    return f"objects/{digest[:2]}/{digest[2:4]}/{digest}"


class PutOutcome(StrEnum):
    """What `put_new` found; both mean that the object is kept."""

    STORED = "STORED"
    ALREADY_THERE = "ALREADY_THERE"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One kept object as the store describes it, its content not yet looked at."""

    digest: Digest
    size_bytes: int

    def __post_init__(self) -> None:
        parse_digest(self.digest)
        if self.size_bytes < 0:
            raise ValueError("size_bytes must not be negative")


class ObjectStore(Protocol):
    """Content by SHA-256, written once. Drivers: `storage.objects.directory`, `storage.objects.s3`.

    Safe to use from many tasks of one event loop and from many processes at once.
    """

    async def put_new(self, digest: Digest, content: Content) -> PutOutcome:
        """Keep `content` under `digest`, or find it already kept.

        The digest is always verified on the way in. Raises `DigestMismatch`, `StorageFull`,
        `StorageUnavailable` (nothing is visible then, and a repeat is harmless), and
        `ObjectCorrupt` where an object lies under this digest that does not match it.
        """
        ...

    async def read(self, digest: Digest) -> bytes:
        """The whole object, verified. Raises `ObjectMissing`, `ObjectCorrupt`."""
        ...

    def stream(
        self, digest: Digest, *, offset: int = 0, chunk_bytes: int = STREAM_CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """The object from byte `offset` on, in chunks of `chunk_bytes` (the last one shorter).

        From offset 0 the last chunk is held back until the whole matches the digest; otherwise
        `ObjectCorrupt` is raised instead of it. A later offset (a resumed download) is only
        checked for length: whoever joins the parts compares the digest.
        """
        ...

    async def stat(self, digest: Digest) -> StoredObject | None:
        """Size of a kept object, or None where nothing is kept under this digest."""
        ...

    def list(self) -> AsyncIterator[StoredObject]:
        """All kept objects in ascending order of digest, a few at a time."""
        ...

    async def check(self) -> None:
        """Prove at start-up that the store keeps its promises; the error raised says why not."""
        ...

    async def close(self) -> None:
        """Give back connections and threads; call nothing after it."""
        ...
