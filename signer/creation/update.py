"""An incremental update that is complete but for its signature's value (pure).

ISO 32000-2 §12.8.1: /ByteRange names all of the file but the hexadecimal string of /Contents,
the gap; the digest is over those ranges, and the CMS object is written into the gap afterwards.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signer.errors import ContainerTooLarge

if TYPE_CHECKING:
    from signer.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpdate:
    """The bytes that come after a document of `start` bytes, with an empty gap.

    content: the update; /ByteRange is written, the gap is full of zeros.
    gap_start, gap_end: offsets in the whole file, of the gap's "<" and behind its ">".
    field_name: the signature field's full name.
    """

    start: int
    content: bytes
    gap_start: int
    gap_end: int
    field_name: str

    @property
    def reserve(self) -> int:
        """How many bytes of a CMS object fit into the gap."""
        return (self.gap_end - self.gap_start - 2) // 2

    def digest(self, source: Source, digest_algorithm: str) -> bytes:
        """Return the digest over the document before, `source`, and this update, gap left out.

        Raises ValueError when the update was made for a document of another size.
        """
        if source.size != self.start:
            raise ValueError("an update of another document")
        hasher = source.hasher(digest_algorithm)
        view = memoryview(self.content)
        hasher.update(view[: self.gap_start - self.start])
        hasher.update(view[self.gap_end - self.start :])
        return hasher.digest()

    def completed(self, container: bytes) -> bytes:
        """Return the update with the CMS object in its gap. Raises ContainerTooLarge."""
        if len(container) > self.reserve:
            raise ContainerTooLarge(f"{len(container)} bytes, {self.reserve} were reserved")
        at = self.gap_start - self.start + 1
        digits = binascii.hexlify(container).upper()
        return b"".join((self.content[:at], digits, self.content[at + len(digits) :]))
