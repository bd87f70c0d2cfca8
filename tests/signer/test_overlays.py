"""What later signatures may cover of a signed page, unless their frames were there before."""

from __future__ import annotations

import pytest
from pyhanko.sign.signers import PdfSignatureMetadata

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from signer.pages.appearance import Appearance, Box
from signer.reasons import Reason
from signer.verdicts import Changes, Integrity, Verdict
from tests.support import attacks
from tests.support.attacks import Drawn
from tests.support.hand_signing import plainly_signed
from tests.support.lawful import LEADER_BOX, SEAL_BOX
from tests.support.verification import Desk, Judge


def look(box: Box) -> Appearance:
    return Appearance(box=box, lines=("Practice",))


def box(left: float, bottom: float, width: float, height: float) -> Box:
    return Box(page=1, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)


@pytest.fixture(scope="module")
def by_leader(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """The leader's signature with its picture where NĐ 30/2020 puts it, in no prepared field."""
    return desk.sign(one_page_pdf, leader_key, field_name="Leader", appearance=look(LEADER_BOX))


def sealed_at(
    desk: Desk, document: bytes, *, key: FileKey, place: Box, name: str = "Seal"
) -> bytes:
    return desk.sign(document, key, field_name=name, appearance=look(place))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (box(1, 1, 207, 294), "Seal covers 98% of a page"),
        (box(10, 10, 150, 120), "Seal covers 29% of a page"),
    ],
    ids=["the whole page", "more than a quarter"],
)
def test_a_trusted_signature_that_covers_what_was_signed_spoils_the_earlier_one(
    judge: Judge, desk: Desk, by_leader: bytes, seal_key: FileKey, place: Box, said: str
) -> None:
    report = judge(sealed_at(desk, by_leader, key=seal_key, place=place))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.CONTENT_COVERED)
    assert said in report.detail
    leader, seal = report.signatures
    assert (leader.integrity, leader.changes) == (Integrity.INTACT, Changes.FORBIDDEN)
    assert seal.changes is Changes.NONE


@pytest.mark.parametrize(
    "place",
    [SEAL_BOX, LEADER_BOX, box(20, 40, 100, 60), box(0, 278, 209, 17)],
    ids=["over a third of the picture", "over all of it", "a large one", "a strip at the top"],
)
def test_a_seal_where_seals_are_is_no_overlay(
    judge: Judge, desk: Desk, by_leader: bytes, seal_key: FileKey, place: Box
) -> None:
    report = judge(sealed_at(desk, by_leader, key=seal_key, place=place))
    assert (report.verdict, report.detail) == (Verdict.VALID, "")
    assert [entry.changes for entry in report.signatures] == [Changes.SIGNATURES, Changes.NONE]


def test_many_signatures_may_not_cover_the_page_together(
    judge: Judge, desk: Desk, by_leader: bytes, seal_key: FileKey
) -> None:
    document = by_leader
    for number, left in enumerate((1, 70, 139)):
        document = sealed_at(
            desk, document, key=seal_key, place=box(left, 70, 70, 210), name=f"Seal{number}"
        )
    report = judge(document)
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.CONTENT_COVERED)
    assert "later signatures cover" in report.detail


def test_a_frame_that_the_signer_saw_may_be_filled_whatever_its_size(
    judge: Judge, desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    prepared = attacks.with_overlay(one_page_pdf, "Seal", box=(0, 0, 595, 842))
    document = desk.sign(desk.sign(prepared, leader_key), seal_key, field_name="Seal")
    report = judge(document)
    assert (report.verdict, report.detail) == (Verdict.VALID, "")


def sealed_and_drawn(document: bytes, seal: Issued, drawn: Drawn) -> bytes:
    """A trusted signature of another program, which leaves in its field what was drawn there."""
    with_field = attacks.with_drawn_field(document, drawn, "Seal")
    return plainly_signed(with_field, seal, PdfSignatureMetadata(field_name="Seal"))


EVERYWHERE = (
    Drawn(rectangle=None),
    Drawn(rectangle=(0, 0, 0, 0)),
    Drawn(rectangle=(0, 0, 595, 0)),
    Drawn(rectangle=(0, 0, 0, 0), box=None),
)
NOWHERE = (
    Drawn(rectangle=(0, 0, 0, 0), content=b""),
    Drawn(rectangle=(0, 0, 0, 0), content=b"% nothing to be seen\n"),
    Drawn(rectangle=(0, 0, 0, 0), box=(0, 0, 0, 0)),
    Drawn(rectangle=None, box=(0, 0, 595, 0)),
)


@pytest.mark.parametrize("drawn", EVERYWHERE, ids=repr)
def test_an_empty_field_that_draws_is_seen_though_it_has_no_rectangle(
    judge: Judge, by_leader: bytes, drawn: Drawn
) -> None:
    """Viewers draw such an appearance, each where it likes."""
    report = judge(attacks.with_drawn_field(by_leader, drawn))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.OVERLAY_FIELD)


@pytest.mark.parametrize("drawn", NOWHERE, ids=repr)
def test_an_empty_field_that_draws_nothing_and_has_no_rectangle_is_no_overlay(
    judge: Judge, by_leader: bytes, drawn: Drawn
) -> None:
    """Signing programs leave such appearances in fields that are not to be seen."""
    report = judge(attacks.with_drawn_field(by_leader, drawn))
    assert (report.verdict, report.detail) == (Verdict.VALID, "")


@pytest.mark.parametrize("drawn", EVERYWHERE, ids=repr)
def test_a_trusted_signature_that_draws_without_a_rectangle_covers_the_whole_page(
    judge: Judge, by_leader: bytes, seal: Issued, drawn: Drawn
) -> None:
    report = judge(sealed_and_drawn(by_leader, seal, drawn))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.CONTENT_COVERED)
    assert "Seal covers 100% of a page" in report.detail


@pytest.mark.parametrize("drawn", NOWHERE, ids=repr)
def test_a_trusted_signature_that_draws_nothing_covers_nothing(
    judge: Judge, by_leader: bytes, seal: Issued, drawn: Drawn
) -> None:
    report = judge(sealed_and_drawn(by_leader, seal, drawn))
    assert (report.verdict, report.detail) == (Verdict.VALID, "")
