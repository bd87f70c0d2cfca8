"""Every way we know to forge or spoil a signed document is refused, with a reason.

The numbers are those of our verification rules: 0.1 gap, 0.2 end, 0.3 differences, 0.4 overlays,
0.5 verdict, 0.7 fields, 0.8 containment, 0.9 trust.
"""

from __future__ import annotations

import re

import pytest

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.trust.anchors import TrustStore
from signer.reasons import Reason
from signer.report import Report
from signer.validation.assessing import assess
from signer.verdicts import Changes, Indication, Integrity, Verdict
from tests.support import attacks, costly
from tests.support.hand_signing import Shape, hand_signed
from tests.support.pdfs import with_stream_xrefs, with_text_field
from tests.support.verification import Desk, Judge


def refused(report: Report) -> bool:
    """Whether nobody could take the report for a pass."""
    accepted = report.signatures and all(
        entry.integrity is Integrity.INTACT
        and entry.changes in (Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL)
        for entry in report.signatures
    )
    return report.verdict in (Verdict.INVALID, Verdict.UNREADABLE) and not accepted


def test_a_document_signed_by_hand_is_valid_so_that_only_the_breach_can_fail_it(
    judge: Judge, leader: Issued
) -> None:
    report = judge(hand_signed(leader))
    assert (report.verdict, report.reason, report.detail) == (Verdict.VALID, "", "")


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(Shape(left=1), id="wider on the left"),
        pytest.param(Shape(left=9), id="swallows the key"),
        pytest.param(Shape(right=1), id="wider on the right"),
        pytest.param(Shape(right=20), id="swallows later entries"),
        pytest.param(Shape(left=-1), id="narrower on the left"),
        pytest.param(Shape(right=-1), id="narrower on the right"),
        pytest.param(
            Shape(byte_range=lambda a, b, n: f"[1 {a - 1} {b} {n - b}]"), id="starts late"
        ),
        pytest.param(Shape(byte_range=lambda a, b, n: f"[0 {a} {b} {n - b - 7}]"), id="ends early"),
        pytest.param(
            Shape(byte_range=lambda a, b, n: f"[0 {a} {b} {n - b + 7}]"), id="beyond the end"
        ),
        pytest.param(
            Shape(byte_range=lambda a, b, n: f"[0 9 9 {a - 9} {b} {n - b}]"), id="six numbers"
        ),
        pytest.param(
            Shape(byte_range=lambda a, b, n: f"[0 {a} {b} {n - b}.0]"), id="not an integer"
        ),
        pytest.param(Shape(byte_range=lambda a, b, n: f"[0 {a}]"), id="two numbers"),
        pytest.param(Shape(byte_range=lambda a, b, n: "[]"), id="empty"),
        pytest.param(Shape(byte_range=lambda a, b, n: "null"), id="null"),
        pytest.param(Shape(byte_range=lambda a, b, n: "[0 0 0 0]"), id="zeros"),
        pytest.param(Shape(byte_range=lambda a, b, n: f"[0 -{a} {b} {n - b}]"), id="negative"),
        pytest.param(Shape(byte_range=lambda a, b, n: f"[0 {a} {b} 99999999999]"), id="huge"),
        pytest.param(Shape(before="/ByteRange [0 1 2 3]"), id="a second /ByteRange"),
        pytest.param(Shape(before="/Byte#52ange [0 1 2 3]"), id="a second one, escaped"),
        pytest.param(Shape(before="/Contents <3000>"), id="a second /Contents"),
    ],
)
def test_a_byte_range_that_is_not_exactly_the_gap_around_contents_is_refused(
    judge: Judge, leader: Issued, shape: Shape
) -> None:
    """Rule 0.1; the signature is right over the bytes outside the gap that was made."""
    report = judge(hand_signed(leader, shape))
    assert refused(report) or report.signatures[0].integrity is not Integrity.INTACT
    assert report.verdict is not Verdict.VALID
    assert report.signatures[0].indication is not Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    ("padding", "reason"),
    [
        ("00000000ff", Reason.CONTENTS_INVALID),
        ("3003020101", Reason.CONTENTS_INVALID),
        ("00 00", Reason.CONTENTS_INVALID),
        ("00><00", Reason.BYTE_RANGE_INVALID),
        ("00zz", Reason.BYTE_RANGE_INVALID),
    ],
)
def test_anything_but_zeros_after_the_cms_in_contents_is_refused(
    judge: Judge, leader: Issued, padding: str, reason: Reason
) -> None:
    """The gap is unsigned: what is put there must have no room."""
    report = judge(hand_signed(leader, Shape(padding=padding)))
    assert refused(report) or report.verdict is Verdict.INDETERMINATE
    assert report.reason in (reason, Reason.FIELD_UNREADABLE)
    assert report.signatures[0].integrity is not Integrity.INTACT


def test_a_signature_dictionary_in_an_object_stream_is_refused(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    """Such a dictionary has no bytes of its own that a signature could name."""
    signed = desk.sign(with_stream_xrefs(one_page_pdf), leader_key)
    assert judge(signed).verdict is Verdict.VALID
    report = judge(attacks.with_value_in_object_stream(signed))
    assert report.verdict is Verdict.INVALID
    by_field = {entry.field: entry for entry in report.signatures}
    assert by_field["Compressed"].reason == Reason.CONTENTS_INVALID


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(lambda document: document + b"x", id="one byte"),
        pytest.param(lambda document: document + b"\n% comment\n", id="a comment"),
        pytest.param(lambda document: document + b"x" * 5000, id="more than readers look at"),
        pytest.param(attacks.with_zip_behind, id="a ZIP archive"),
        pytest.param(attacks.with_appended_objects, id="objects that a viewer would repair"),
        pytest.param(attacks.without_last_table, id="an update without a table"),
    ],
)
def test_bytes_behind_the_last_revision_are_refused(
    judge: Judge, signed: bytes, tail: object
) -> None:
    """Rule 0.2."""
    assert callable(tail)
    report = judge(tail(signed))
    assert refused(report)
    assert report.reason in (Reason.TRAILING_DATA, "DOCUMENT_MALFORMED")


def test_bytes_before_the_header_are_refused(judge: Judge, signed: bytes) -> None:
    report = judge(b"PK\x03\x04" + signed)
    assert (report.verdict, report.reason) == (Verdict.UNREADABLE, "NOT_A_PDF")


@pytest.mark.parametrize(
    "change",
    [
        attacks.with_replaced_content,
        attacks.with_overwritten_content,
        attacks.with_new_page_tree,
        attacks.with_script,
        attacks.with_free_text,
        attacks.with_redrawn_fields,
    ],
    ids=lambda change: change.__name__.replace("_", " "),
)
def test_a_change_after_signing_is_refused_though_the_signed_bytes_are_intact(
    judge: Judge, signed: bytes, change: object
) -> None:
    """Rule 0.5: the cryptography alone would pass."""
    assert callable(change)
    report = judge(change(signed))
    assert refused(report)
    assert report.reason == Reason.DOCUMENT_ALTERED
    entry = report.signatures[0]
    assert (entry.integrity, entry.changes) == (Integrity.INTACT, Changes.FORBIDDEN)
    assert entry.indication is Indication.TOTAL_FAILED


def test_a_filled_form_is_never_untouched(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    """Rule 0.3: a prepared field replaces what a reader sees, so it is said, and not a pass."""
    prepared = desk.sign(with_text_field(one_page_pdf, "Amount", "1"), leader_key)
    assert judge(prepared).verdict is Verdict.VALID
    report = judge(attacks.with_filled_text(prepared, "Amount", "1000000"))
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)
    assert report.signatures[0].changes is Changes.FORM_FILLED
    assert report.signatures[0].indication is Indication.INDETERMINATE


def test_a_visible_field_without_a_signature_is_an_overlay(judge: Judge, signed: bytes) -> None:
    """Rule 0.4."""
    report = judge(attacks.with_overlay(signed))
    assert refused(report) or report.signatures[0].changes is Changes.FORBIDDEN
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.OVERLAY_FIELD)


def test_a_field_prepared_before_signing_is_no_overlay(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    prepared = attacks.with_overlay(one_page_pdf, "Seal")
    report = judge(desk.sign(prepared, leader_key))
    assert (report.verdict, report.reason) == (Verdict.VALID, "")


def test_an_overlay_that_is_signed_is_no_overlay(
    judge: Judge, desk: Desk, signed: bytes, seal_key: FileKey
) -> None:
    prepared = attacks.with_overlay(signed, "Seal")
    report = judge(desk.sign(prepared, seal_key, field_name="Seal"))
    assert (report.verdict, report.reason) == (Verdict.VALID, "")
    assert [entry.changes for entry in report.signatures] == [Changes.SIGNATURES, Changes.NONE]


@pytest.mark.parametrize(
    "value",
    [
        "<< /Type /Sig >>",
        "<< /Type /Sig /SubFilter /ETSI.CAdES.detached >>",
        "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange null /Contents <00> >>",
        "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <> >>",
        "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents null >>",
        "<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents (x) >>",
        "<< /Type /Sig /SubFilter /adbe.x509.rsa_sha1 /ByteRange [0 1 2 3] /Contents <00> >>",
        "<< /Type /Sig /SubFilter /Nobody.knows /ByteRange [0 1 2 3] /Contents <00> >>",
        "42",
        "<< /Type /Sig /SubFilter 1 0 R /ByteRange 1 0 R /Contents 1 0 R >>",
    ],
)
def test_one_bad_field_hides_no_other(judge: Judge, signed: bytes, value: str) -> None:
    """Rule 0.7: each field is judged on its own and listed."""
    report = judge(attacks.with_broken_field_in_front(signed, value))
    assert report.verdict in (Verdict.INVALID, Verdict.INDETERMINATE)
    fields = {entry.field: entry for entry in report.signatures}
    assert set(fields) == {"Broken", "Signature1"}
    assert fields["Broken"].indication is not Indication.TOTAL_PASSED
    assert fields["Broken"].integrity is not Integrity.INTACT
    assert fields["Signature1"].integrity is Integrity.INTACT


def test_a_removed_field_does_not_make_a_document_unsigned(judge: Judge, signed: bytes) -> None:
    """Rule 0.7: the bytes still hold the signature dictionary."""
    report = judge(attacks.without_fields(signed))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.SIGNATURE_REMOVED)


def test_a_second_removed_signature_spoils_the_first(
    judge: Judge, sealed: bytes, stamped: bytes
) -> None:
    """Rolling back by an update that leaves the seal's bytes in the file."""
    second = sealed[len(stamped) :]
    assert b"/ByteRange" in second
    report = judge(attacks.without_fields(sealed))
    assert report.verdict is Verdict.INVALID


def test_a_rollback_is_a_valid_document_that_only_its_keeper_can_tell(
    judge: Judge, sealed: bytes, stamped: bytes
) -> None:
    """Cutting the file after the first signature leaves a good document with another digest."""
    whole, rolled_back = judge(sealed), judge(stamped)
    assert (whole.verdict, rolled_back.verdict) == (Verdict.VALID, Verdict.VALID)
    assert whole.sha256 != rolled_back.sha256
    assert (len(whole.signatures), len(rolled_back.signatures)) == (2, 1)


def test_a_second_field_for_the_same_signature_is_refused(judge: Judge, signed: bytes) -> None:
    report = judge(attacks.with_second_field_for(signed, "Signature1"))
    assert refused(report)


def test_a_renamed_field_is_refused(judge: Judge, signed: bytes) -> None:
    report = judge(attacks.with_renamed_field(signed, "Signature1"))
    assert refused(report)


def test_a_flipped_signed_byte_is_refused(judge: Judge, signed: bytes) -> None:
    at = signed.index(b"Practice page")
    report = judge(signed[:at] + b"p" + signed[at + 1 :])
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED)
    assert report.signatures[0].sub_indication == "HASH_FAILURE"


def test_another_persons_signature_value_is_refused(
    judge: Judge, leader: Issued, signed: bytes
) -> None:
    """A signature cut from one document does not fit another."""
    other = hand_signed(leader)
    contents = re.search(rb"/Contents (<[0-9A-Fa-f]+>)", other)
    assert contents is not None
    place = re.search(rb"/Contents ?<[0-9A-Fa-f]+>", signed)
    assert place is not None
    room = len(place.group()) - len(b"/Contents <>")
    digits = contents.group(1)[1:-1].rstrip(b"0")[:room].ljust(room, b"0")
    forged = signed.replace(place.group(), b"/Contents <" + digits + b">")
    assert refused(judge(forged))


def test_a_second_table_for_other_readers_is_never_passed(judge: Judge, signed: bytes) -> None:
    report = judge(attacks.with_hybrid_table(signed))
    assert report.verdict in (Verdict.INDETERMINATE, Verdict.UNREADABLE)
    assert report.reason in (Reason.HYBRID_REFERENCES, "DOCUMENT_MALFORMED")


def test_nobody_is_trusted_by_default(judge: Judge, signed: bytes) -> None:
    """Rule 0.9: not even the operating system's roots, nor our own practice authority."""
    now = judge(signed).judged_at
    report = assess(signed, store=TrustStore(), evidence=judge.evidence, at=now)
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.NO_TRUSTED_PATH)
    assert report.missing == ()


@pytest.mark.parametrize(
    "document",
    [
        costly.deeply_nested(2000),
        costly.self_reference(),
        b"%PDF-1.7\nstartxref\n5\n%%EOF\n",
        b"%PDF-1.7\nstartxref\n99999999\n%%EOF\n",
        b"%PDF-1.7\n%%EOF\n",
    ],
    ids=["nested", "circle", "no table", "beyond the end", "nothing"],
)
def test_what_makes_an_engine_fail_gives_a_report_and_no_exception(
    judge: Judge, document: bytes
) -> None:
    """Rule 0.8."""
    report = judge(document)
    assert report.verdict in (Verdict.UNREADABLE, Verdict.INDETERMINATE, Verdict.UNSIGNED)
    assert report.reason
