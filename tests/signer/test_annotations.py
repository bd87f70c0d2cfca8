"""Comments on a certified page: what the certifier permitted is told apart, and never passes."""

# mypy: allow-untyped-calls
from __future__ import annotations

import re

import pytest

from certs.practice.authority import Issued
from signer.reasons import Reason
from signer.verdicts import Changes, Verdict
from tests.support.hand_signing import assembled
from tests.support.hand_updates import appended, by, signed_update
from tests.support.verification import Judge

FIELD = 20
NOTE = b"<< /Type /Annot /Subtype /Text /Rect [300 300 320 320] /Contents (%b) /P 3 0 R >>"
LINK = b"<< /Type /Annot /Subtype /Link /Rect [300 300 320 320] /P 3 0 R /A << /S /%b >> >>"
TEXT = (
    b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (%b) /V (%b) /Rect [100 600 300 630] /F 4 "
    b"/P 3 0 R /DA (/F1 12 Tf) /AP << /N %d 0 R >> >>"
)
SHOWN = b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 30] /Length 1 >>\nstream\nq\nendstream"


def catalog() -> bytes:
    form = b"/AcroForm << /Fields [7 0 R 8 0 R 20 0 R] /SigFlags 3 >>"
    return b"<< /Type /Catalog /Pages 2 0 R %b >>" % form


def page(annotations: bytes, *, more: bytes = b"") -> bytes:
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << >> "
        b"/Annots [%b] %b >>" % (annotations, more)
    )


OLD = b"6 0 R 7 0 R 8 0 R 20 0 R"


def certified(issued: Issued, *, level: int = 3, method: str = "") -> bytes:
    """A page with a note and two text fields, certified; `method` for another reference."""
    content = b"<< /Length 19 >>\nstream\n0 0 1 rg 0 0 9 9 re\nendstream"
    document = assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page(b"6 0 R"),
            content,
            b"<< >>",
            NOTE % b"old",
            TEXT % (b"name", b"", 9),
            TEXT % (b"place", b"", 10),
            SHOWN,
            SHOWN,
        ]
    )
    reference = method or (
        f"/TransformMethod /DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P {level} >>"
    )
    entries = (
        f"/Type /Sig /SubFilter /ETSI.CAdES.detached /Reference [<< /Type /SigRef {reference} >>]"
    )
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /V 21 0 R /F 132 /Rect [0 0 0 0] "
        b"/P 3 0 R >>"
    )
    objects = {1: catalog(), 3: page(OLD), FIELD: field}
    return signed_update(document, objects, value=FIELD + 1, sealer=by(issued), entries=entries)


def freeing(document: bytes, number: int, changed: dict[int, bytes]) -> bytes:
    """Append an update that frees an object besides."""
    update = appended(document, changed)
    at = update.rindex(b"xref\n", 0, update.rindex(b"startxref")) + 5
    row = b"%d 1\n0000000000 00001 f \n" % number
    return update[:at] + row + update[at:]


PERMITTED = {
    "added": {3: page(OLD + b" 30 0 R"), 30: NOTE % b"new"},
    "changed": {6: NOTE % b"other"},
    "removed": {3: page(b"7 0 R 8 0 R 20 0 R")},
    "a link": {3: page(OLD + b" 30 0 R"), 30: LINK % b"URI /URI (http://a.example/)"},
    "a list of its own": {3: page(b"").replace(b"[]", b"31 0 R"), 31: b"[%b]" % OLD},
    "a frame": {7: (TEXT % (b"name", b"", 9)).replace(b"/F 4", b"/F 4 /MK << /BG [1 1 0] >>")},
}
FORBIDDEN = {
    "a script": {3: page(OLD + b" 30 0 R"), 30: LINK % b"JavaScript /JS (app.alert\\(1\\))"},
    "a program": {3: page(OLD + b" 30 0 R"), 30: LINK % b"Launch /F (a.exe)"},
    "a script in a note": {6: (NOTE % b"old").replace(b"/P 3", b"/AA << /E 30 0 R >> /P 3")},
    "no signature": {3: page(b"6 0 R 7 0 R 8 0 R")},
    "a new field": {3: page(OLD + b" 30 0 R"), 30: TEXT % (b"new", b"x", 9)},
    "an old object": {3: page(OLD + b" 5 0 R"), 5: NOTE % b"new"},
    "another kind": {6: (NOTE % b"old").replace(b"/Text", b"/Stamp")},
    "other content": {4: b"<< /Length 1 >>\nstream\nq\nendstream"},
    "another page box": {3: page(OLD, more=b"/CropBox [0 0 9 9]")},
    "a moved field": {7: (TEXT % (b"name", b"", 9)).replace(b"[100 600", b"[100 500")},
    "the same stream": {9: SHOWN.replace(b"\nq\n", b"\nQ\n"), 6: NOTE % b"other", 4: SHOWN},
}


@pytest.fixture(scope="module")
def open_to_comments(leader: Issued) -> bytes:
    """A document certified with level 3."""
    return certified(leader)


@pytest.mark.parametrize("change", PERMITTED.values(), ids=PERMITTED)
def test_comments_that_the_certification_permits_leave_it_undetermined(
    judge: Judge, open_to_comments: bytes, leader: Issued, change: dict[int, bytes]
) -> None:
    report = judge(appended(open_to_comments, change))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED), report
    assert report.signatures[0].changes is Changes.FORM_FILLED
    assert "which the certification permits" in report.detail or 7 in change
    report = judge(appended(certified(leader, level=2), change))
    assert report.signatures[0].changes is Changes.FORBIDDEN


@pytest.mark.parametrize("change", FORBIDDEN.values(), ids=FORBIDDEN)
def test_nothing_else_goes_for_a_comment(
    judge: Judge, open_to_comments: bytes, change: dict[int, bytes]
) -> None:
    report = judge(appended(open_to_comments, change))
    assert report.verdict is Verdict.INVALID
    assert report.signatures[0].changes is Changes.FORBIDDEN


def test_only_objects_of_comments_may_be_freed(judge: Judge, open_to_comments: bytes) -> None:
    without = {3: page(b"7 0 R 8 0 R 20 0 R")}
    report = judge(freeing(open_to_comments, 6, without))
    assert report.signatures[0].changes is Changes.FORM_FILLED, report
    for number in (4, 2):
        report = judge(freeing(open_to_comments, number, without))
        assert report.verdict is not Verdict.VALID
        assert report.signatures[0].changes in (Changes.FORBIDDEN, Changes.UNKNOWN)


def test_a_field_that_a_lock_leaves_open_may_be_filled_beside_locked_ones(
    judge: Judge, leader: Issued
) -> None:
    """The locked field has an appearance, which nobody touched."""
    lock = (
        "/TransformMethod /FieldMDP /TransformParams << /Type /TransformParams /V /1.2 "
        "/Action /Exclude /Fields [(name)] >>"
    )
    document = certified(leader, method=lock)
    report = judge(appended(document, {7: TEXT % (b"name", b"An", 30), 30: SHOWN}))
    assert report.signatures[0].changes is Changes.FORM_FILLED, report
    locked = {8: TEXT % (b"place", b"Hue", 30), 30: SHOWN}
    assert judge(appended(document, locked)).verdict is Verdict.INVALID
    in_place = {7: TEXT % (b"name", b"An", 30), 30: SHOWN, 10: re.sub(b"\nq\n", b"\nQ\n", SHOWN)}
    assert judge(appended(document, in_place)).verdict is Verdict.INVALID
