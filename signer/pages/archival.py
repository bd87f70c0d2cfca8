"""What a document that says it is PDF/A (ISO 19005) forbids in what is drawn on it (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic

from signer.pdf_values import look_up

if TYPE_CHECKING:
    from signer.pdf_values import Rooted

_PART: Final = re.compile(rb"pdfaid:part(?:\s*=\s*[\"']|\s*>\s*)(\d)")
"""ISO 19005-1 6.7.11: the part, as an attribute or as an element."""
_MAX_METADATA_BYTES: Final = 2_000_000
# sRGB's white, primaries and about its curve (IEC 61966-2-1), as ISO 32000-2 §8.6.5.2 and .3 want.
_WHITE: Final = (0.9505, 1.0, 1.089)
_GAMMA: Final = 2.2
_PRIMARIES: Final = (0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivalRules:
    """What may be drawn.

    part: of ISO 19005 that the document claims, None where it claims none. has_intent: whether it
    says which colours its device has.
    """

    part: int | None
    has_intent: bool

    @property
    def soft_masks(self) -> bool:
        """Whether pictures may be partly transparent (ISO 19005-1 6.4; ISO 19005-2 6.2.10)."""
        return self.part is None or (self.part > 1 and self.has_intent)

    @property
    def keeps_metadata(self) -> bool:
        """Whether an update leaves the metadata alone.

        The engine notes itself as a further producer in the Info dictionary and as the only one in
        XMP, which part 1 wants to say the same (ISO 19005-1 6.7.3).
        """
        return self.part == 1

    @property
    def fields_are_drawn(self) -> bool:
        """Whether even a field that nobody sees must have an appearance (ISO 19005-1 6.9)."""
        return self.part == 1

    @property
    def code_sets(self) -> bool:
        """Whether a part of a font must list its codes (ISO 19005-1 6.3.5, gone in part 2)."""
        return self.part == 1

    @property
    def colour_spaces(self) -> dict[str, object] | None:
        """Return what gives grey and RGB a meaning on any device (ISO 19005-1 6.2.3)."""
        if self.part is None:
            return None
        grey = {"/WhitePoint": _WHITE, "/Gamma": _GAMMA}
        colour = {"/WhitePoint": _WHITE, "/Gamma": (_GAMMA,) * 3, "/Matrix": _PRIMARIES}
        return {"/DefaultGray": ("/CalGray", grey), "/DefaultRGB": ("/CalRGB", colour)}


def archival_rules(handler: Rooted) -> ArchivalRules:
    """Return what the document's claim to be PDF/A forbids; nothing where it makes none."""
    metadata = look_up(handler.root, "/Metadata")
    if not isinstance(metadata, generic.StreamObject):
        return ArchivalRules(part=None, has_intent=False)
    intents = look_up(handler.root, "/OutputIntents")
    return ArchivalRules(
        part=claimed_part(metadata.data[:_MAX_METADATA_BYTES]),
        has_intent=isinstance(intents, generic.ArrayObject) and len(intents) > 0,
    )


def claimed_part(packet: bytes) -> int | None:
    """Return which part of ISO 19005 an XMP packet claims for its document."""
    # One byte a character is left, whichever encoding of Unicode it has.
    found = _PART.search(packet.replace(b"\0", b""))
    return int(found[1]) if found else None
