"""An output intent that an update adds: plain sRGB, which is what viewers show anyway (pure).

DSS adds one (ISO 32000-2 §14.11.5) with each visible signature to documents that have none. A
viewer that follows it shows the pages' colours by its profile, so another profile could hide words
that were signed. Only one whose primaries and tone curves are those of sRGB (IEC 61966-2-1) passes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import ReferenceUpdate, SuspiciousModification, WhitelistRule

from signer.engine.reading import array, dictionary, raw

KEY: Final = "/OutputIntents"
_ENTRIES: Final = frozenset(
    {"/Type", "/S", "/DestOutputProfile", "/OutputCondition", "/OutputConditionIdentifier"}
    | {"/RegistryName", "/Info"}
)
_STREAM: Final = frozenset({"/Length", "/Filter", "/N", "/DecodeParms"})
_MAX_BYTES: Final = 64 * 1024
_HEADER: Final = 128
_PRIMARIES: Final = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""Of sRGB, adapted to D50 as profiles have them."""
_CURVES: Final = (b"rTRC", b"gTRC", b"bTRC")
_WORDS: Final = frozenset(
    {b"dmnd", b"desc", b"dmdd", b"wtpt", b"bkpt", b"chrm", b"chad", b"cprt", b"vued", b"view"}
    | {b"lumi", b"meas", b"tech"}
)
"""What a profile says besides, by which no colour is computed from the primaries."""
_NEAR: Final = 0.003
_NEAR_ON_CURVE: Final = 0.01


class OutputIntentRule(WhitelistRule):
    """Admits one output intent of plain sRGB where there was none; else none may change."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """Explain the objects of a new output intent; SuspiciousModification over any other."""
        before, after = raw(old.root, KEY), raw(new.root, KEY)
        if before is not None or after is None:
            if before != after:
                raise SuspiciousModification("the output intent was changed")
            return
        intents = array(after)
        intent = dictionary(intents[0]) if intents is not None and len(intents) == 1 else None
        if intent is None or isinstance(intent, generic.StreamObject) or not _is_srgb(intent):
            raise SuspiciousModification("an output intent was added that may change colours")
        for reference in new.collect_dependencies(after, since_revision=old.revision + 1):
            if old.is_ref_unassignable(reference) and not old._get_usages_of_ref(reference):
                yield ReferenceUpdate(reference)


def output_intent_added_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether the newest revision has an output intent that `revision` lacks."""
    return raw(reader.get_historical_resolver(revision).root, KEY) is None and KEY in reader.root


def _is_srgb(intent: generic.DictionaryObject) -> bool:
    place = raw(intent, "/DestOutputProfile")
    profile = dictionary(place)
    return (
        intent.keys() <= _ENTRIES
        and intent.get("/S") == "/GTS_PDFA1"
        and isinstance(place, generic.IndirectObject)
        and isinstance(profile, generic.StreamObject)
        and profile.keys() <= _STREAM
        and profile.get("/N") == 3
        and profile_is_srgb(profile.data)
    )


def profile_is_srgb(profile: bytes) -> bool:
    """Whether an ICC profile computes colours as sRGB does: by primaries and curves alone."""
    if not _HEADER + 4 <= len(profile) <= _MAX_BYTES or profile[12:24] != b"mntrRGB XYZ ":
        return False
    try:
        parts = _parts(profile)
        return (
            parts.keys() <= _PRIMARIES.keys() | set(_CURVES) | _WORDS
            and all(_is_primary(parts[name], meant) for name, meant in _PRIMARIES.items())
            and all(_is_tone_curve(parts[name]) for name in _CURVES)
        )
    except (struct.error, KeyError, ValueError):
        return False


def _parts(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    parts: dict[bytes, bytes] = {}
    for index in range(min(count, len(_WORDS) + 7)):
        name, at, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * index)
        if name in parts or at + size > len(profile):
            raise ValueError("a profile with two parts of one name, or a part beyond its end")
        parts[name] = profile[at : at + size]
    if len(parts) != count:
        raise ValueError("a profile of too many parts")
    return parts


def _is_primary(part: bytes, meant: tuple[float, ...]) -> bool:
    values = struct.unpack(">iii", part[8:20])
    return part[:4] == b"XYZ " and all(
        abs(value / 65536 - each) < _NEAR for value, each in zip(values, meant, strict=True)
    )


def _is_tone_curve(part: bytes) -> bool:
    (count,) = struct.unpack_from(">I", part, 8)
    if part[:4] != b"curv" or count < 256 or len(part) < 12 + 2 * count:
        return False
    points = struct.unpack_from(f">{count}H", part, 12)
    return all(
        abs(point / 65535 - _linear(index / (count - 1))) < _NEAR_ON_CURVE
        for index, point in enumerate(points)
    )


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
