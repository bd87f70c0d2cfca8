"""What PDFBox and DSS add to a signed document: types of annotations, a colour profile, a store."""

# mypy: allow-untyped-calls
from __future__ import annotations

import struct

import pytest
from PIL import ImageCms

from certs.practice.authority import Issued
from signer.leniencies import Leniency
from signer.validation.output_intents import profile_is_srgb
from signer.verdicts import Changes, Verdict
from tests.signer.test_leniency_makers import (
    FIRST,
    SECOND,
    base,
    catalog,
    field,
    first,
    page,
    second,
)
from tests.support.hand_updates import appended, by, signed_update
from tests.support.verification import Judge

NOTE = b"<< %b/Subtype /Text /Rect [300 300 320 320] /Contents (%b) /P 3 0 R >>"


def changed(judge: Judge, document: bytes) -> tuple[Verdict, Changes]:
    report = judge(document)
    return report.verdict, report.signatures[0].changes


# Types of annotations.


def with_notes(document: bytes, seal: Issued, note: bytes) -> bytes:
    return second(document, seal, {3: page(FIRST, SECOND, 7), 7: note})


@pytest.fixture(scope="module")
def noted(leader: Issued) -> bytes:
    """A signed page with a note that has no type."""
    objects = {1: catalog(FIRST), 3: page(FIRST, 7), FIRST: field(FIRST)}
    document = base(NOTE % (b"", b"old"))
    return signed_update(document, objects, value=FIRST + 1, sealer=by(leader))


def test_annotations_may_get_their_type(judge: Judge, noted: bytes, seal: Issued) -> None:
    report = judge(
        second(noted, seal, {3: page(FIRST, 7, SECOND), 7: NOTE % (b"/Type /Annot ", b"old")})
    )
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.ANNOTATION_TYPED,)


@pytest.mark.parametrize(
    "note",
    [
        NOTE % (b"/Type /Annot ", b"new"),
        NOTE % (b"/Type /Page ", b"old"),
        NOTE % (b"/Type /Annot /AP << /N 4 0 R >> ", b"old"),
        (NOTE % (b"/Type /Annot ", b"old")).replace(b"300 320", b"300 900"),
    ],
    ids=["other words", "another type", "an appearance", "another place"],
)
def test_annotations_may_get_nothing_but_their_type(
    judge: Judge, noted: bytes, seal: Issued, note: bytes
) -> None:
    document = second(noted, seal, {3: page(FIRST, 7, SECOND), 7: note})
    assert changed(judge, document) == (Verdict.INVALID, Changes.FORBIDDEN)
    typed = second(noted, seal, {3: page(FIRST, 7, SECOND), 7: NOTE % (b"/Type /Annot ", b"old")})
    assert changed(judge, appended(typed, {7: note})) == (Verdict.INVALID, Changes.FORBIDDEN)


# Output intents.


def srgb() -> bytes:
    """A profile of sRGB with its tone curves as tables."""
    return bytes(_rebuilt(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()))


def _rebuilt(profile: bytes, curve: float = 1.0, swap: bool = False) -> bytes:
    """Return a profile with primaries as given, and tone curves bent or plain."""
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * each) for each in range(count)]
    parts = {name: profile[at : at + size] for name, at, size in entries}
    points = [_linear(index / 1023) ** curve for index in range(1024)]
    table = b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *(round(p * 65535) for p in points))
    kept = {name: parts[name] for name in (b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt")}
    if swap:
        kept[b"rXYZ"], kept[b"gXYZ"] = kept[b"gXYZ"], kept[b"rXYZ"]
    kept |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), table)
    at = 132 + 12 * len(kept)
    head, body = b"", b""
    for name, part in kept.items():
        head += struct.pack(">4sII", name, at + len(body), len(part))
        body += part
    return profile[:128] + struct.pack(">I", len(kept)) + head + body


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def with_intent(document: bytes, issued: Issued, profile: bytes, entries: bytes = b"") -> bytes:
    stream = b"<< /N 3 /Length %d >>\nstream\n%b\nendstream" % (len(profile), profile)
    intent = (
        b"<< /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile 41 0 R /OutputCondition (sRGB) "
        b"/OutputConditionIdentifier (sRGB) %b >>" % entries
    )
    root = catalog(FIRST, SECOND, more=b"/OutputIntents [40 0 R]")
    return second(document, issued, {1: root, 40: intent, 41: stream})


def test_an_output_intent_of_plain_srgb_may_be_added(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    twice = with_intent(first(base(), leader), seal, srgb())
    report = judge(twice)
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.OUTPUT_INTENT_ADDED,)
    bent = _rebuilt(srgb(), curve=0.05)
    later = b"<< /N 3 /Length %d >>\nstream\n%b\nendstream" % (len(bent), bent)
    assert changed(judge, appended(twice, {41: later})) == (Verdict.INVALID, Changes.FORBIDDEN)
    gone = appended(twice, {1: catalog(FIRST, SECOND)})
    assert judge(gone).verdict is Verdict.INVALID


def test_an_output_intent_that_may_change_colours_is_refused(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    once = first(base(), leader)
    good = srgb()
    (count,) = struct.unpack_from(">I", good, 128)
    for profile in (
        _rebuilt(good, curve=0.05),
        _rebuilt(good, swap=True),
        good.replace(b"wtpt", b"A2B0"),
        good[:-100],
        b"",
        good[:128] + struct.pack(">I", count - 1) + good[132:],
        good.replace(b"gTRC", b"rTRC"),
    ):
        assert not profile_is_srgb(profile)
        document = with_intent(once, seal, profile)
        assert changed(judge, document) == (Verdict.INVALID, Changes.FORBIDDEN)
    for entries in (b"/DestOutputProfileRef 4 0 R", b"/MixingHints 4 0 R"):
        assert judge(with_intent(once, seal, good, entries)).verdict is Verdict.INVALID


# The security store.


def test_a_store_may_be_written_anew_without_its_index(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    key = b"/" + b"A1" * 20
    stream = b"<< /Length 2 >>\nstream\n0\0\nendstream"
    store = b"<< /Certs [9 0 R] /VRI << %b << /Cert [9 0 R] >> >> >>" % key
    stored = base(b"null", store, stream, catalog_entries=b"/DSS 8 0 R")
    once = first(stored, leader, catalog_entries=b"/DSS 8 0 R")
    root = catalog(FIRST, SECOND, more=b"/DSS 40 0 R")
    report = judge(second(once, seal, {1: root, 40: b"<< /Certs [9 0 R] >>"}))
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].leniencies == (Leniency.STORE_REWRITTEN,)
    assert judge(second(once, seal)).verdict is Verdict.INVALID
