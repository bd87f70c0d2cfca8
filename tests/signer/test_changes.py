"""What may follow a signature, and what may not."""

# mypy: allow-untyped-calls
from __future__ import annotations

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from signer.reasons import Reason
from signer.report import Report
from signer.verdicts import Changes, Indication, Verdict
from tests.support import attacks
from tests.support.hand_signing import plainly_signed
from tests.support.pdfs import with_text_field
from tests.support.verification import Desk, Judge


def changes(report: Report) -> list[Changes]:
    return [entry.changes for entry in report.signatures]


def test_ten_signatures_one_after_the_other_are_all_valid(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    document = one_page_pdf
    for _ in range(5):
        document = desk.sign(document, leader_key)
    report = judge(document)
    assert (report.verdict, report.reason) == (Verdict.VALID, "")
    assert changes(report) == [Changes.SIGNATURES] * 4 + [Changes.NONE]


def test_new_metadata_are_archival(judge: Judge, signed: bytes) -> None:
    with attacks.update(signed) as (writer, results):
        writer.set_info(generic.DictionaryObject({pdf_name("/Title"): generic.pdf_string("So 09")}))
    report = judge(results[0])
    assert (report.verdict, changes(report)) == (Verdict.VALID, [Changes.ARCHIVAL])


def test_number_and_date_drawn_between_leader_and_seal_are_named(
    judge: Judge, desk: Desk, signed: bytes, seal_key: FileKey
) -> None:
    """The usual mistake: the leader's signature fails, and the reason says what to look for."""
    for change in (attacks.with_free_text, attacks.with_replaced_content):
        report = judge(desk.sign(change(signed), seal_key))
        assert (report.verdict, report.reason) == (
            Verdict.INVALID,
            Reason.NUMBER_ADDED_AFTER_SIGNATURE,
        )
        assert changes(report) == [Changes.FORBIDDEN, Changes.NONE]
        assert report.signatures[1].indication is Indication.TOTAL_PASSED


def test_a_seal_that_is_not_trusted_excuses_nothing(
    judge: Judge, desk: Desk, signed: bytes, leader_key: FileKey
) -> None:
    report = judge(desk.sign(attacks.with_free_text(signed), leader_key))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED)


def test_a_form_filled_between_two_signatures_is_told_of_the_first_alone(
    judge: Judge, desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    prepared = desk.sign(with_text_field(one_page_pdf, "DocNumber"), leader_key)
    sealed = desk.sign(attacks.with_filled_text(prepared, "DocNumber", "123"), seal_key)
    report = judge(sealed)
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.FORM_FILLED)
    assert changes(report) == [Changes.FORM_FILLED, Changes.NONE]
    assert "DocNumber" in report.detail


def certified(issued: Issued, document: bytes, permission: MDPPerm, **options: object) -> bytes:
    """Return the document certified by pyHanko."""
    return plainly_signed(
        document,
        issued,
        PdfSignatureMetadata(
            field_name="Certified",
            certify=True,
            docmdp_permissions=permission,
            **options,  # type: ignore[arg-type]
        ),
    )


def test_a_certified_document_is_valid(judge: Judge, leader: Issued, one_page_pdf: bytes) -> None:
    for permission in MDPPerm:
        report = judge(certified(leader, one_page_pdf, permission))
        assert (report.verdict, changes(report)) == (Verdict.VALID, [Changes.NONE])


@pytest.mark.parametrize("permission", list(MDPPerm))
def test_nothing_is_laid_over_a_certified_page(
    judge: Judge, desk: Desk, leader: Issued, one_page_pdf: bytes, permission: MDPPerm
) -> None:
    """A comment that the certification permits (P=3) is told apart, and never passes either."""
    document = certified(leader, one_page_pdf, permission)
    for change in (attacks.with_free_text, attacks.with_overlay, attacks.with_replaced_content):
        report = judge(change(document))
        if permission is MDPPerm.ANNOTATE and change is attacks.with_free_text:
            assert report.verdict is Verdict.INDETERMINATE
            assert changes(report) == [Changes.FORM_FILLED]
            continue
        assert report.verdict is Verdict.INVALID
        assert changes(report) == [Changes.FORBIDDEN]


def test_a_visible_signature_added_to_a_certified_document_spoils_the_certification(
    judge: Judge, leader: Issued, seal: Issued, one_page_pdf: bytes
) -> None:
    document = plainly_signed(
        certified(leader, one_page_pdf, MDPPerm.FILL_FORMS),
        seal,
        PdfSignatureMetadata(field_name="Seal"),
        SigFieldSpec("Seal", box=(50, 50, 200, 100)),
    )
    report = judge(document)
    assert report.verdict is Verdict.INVALID
    assert report.signatures[0].changes is Changes.FORBIDDEN


@pytest.fixture
def reckless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pyHanko sign what earlier signatures forbid to sign, as an attacker would."""
    monkeypatch.setattr(PdfSigner, "_enforce_certification_constraints", lambda *_: None)
    monkeypatch.setattr("pyhanko.sign.signers.pdf_signer._signatures_exist", lambda _: False)


@pytest.mark.usefixtures("reckless")
def test_no_change_at_all_is_allowed_where_the_certification_says_so(
    judge: Judge, leader: Issued, seal: Issued, one_page_pdf: bytes
) -> None:
    prepared = attacks.with_overlay(one_page_pdf, "Seal")
    document = plainly_signed(
        certified(leader, prepared, MDPPerm.NO_CHANGES),
        seal,
        PdfSignatureMetadata(field_name="Seal"),
    )
    report = judge(document)
    assert report.signatures[0].changes is Changes.FORBIDDEN


@pytest.mark.usefixtures("reckless")
def test_two_certifications_are_one_too_many(
    judge: Judge, leader: Issued, seal: Issued, one_page_pdf: bytes
) -> None:
    document = plainly_signed(
        certified(leader, one_page_pdf, MDPPerm.FILL_FORMS),
        seal,
        PdfSignatureMetadata(field_name="Again", certify=True),
    )
    report = judge(document)
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.TOO_MANY_CERTIFICATIONS)


def test_a_locked_field_stays_as_it_was(judge: Judge, leader: Issued, one_page_pdf: bytes) -> None:
    document = plainly_signed(
        with_text_field(one_page_pdf, "DocNumber"),
        leader,
        PdfSignatureMetadata(field_name="Leader"),
        SigFieldSpec(
            "Leader", field_mdp_spec=FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["DocNumber"])
        ),
    )
    assert judge(document).verdict is Verdict.VALID
    report = judge(attacks.with_filled_text(document, "DocNumber", "123"))
    assert (report.verdict, changes(report)) == (Verdict.INVALID, [Changes.FORBIDDEN])


def test_the_fonts_of_the_form_may_not_be_exchanged(
    judge: Judge, desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    """Viewers draw fields with them: other glyphs would show another number."""
    with attacks.update(one_page_pdf) as (writer, results):
        font = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/Type1"),
                pdf_name("/BaseFont"): pdf_name("/Helvetica"),
            }
        )
        fonts = {pdf_name("/F1"): writer.add_object(font)}
        attacks.set_form_fonts(writer, fonts)
    document = desk.sign(results[0], leader_key)
    assert judge(document).verdict is Verdict.VALID
    with attacks.update(document) as (writer, results):
        other = generic.DictionaryObject({**font, pdf_name("/BaseFont"): pdf_name("/Courier")})
        attacks.set_form_fonts(writer, {pdf_name("/F1"): writer.add_object(other)})
    report = judge(results[0])
    assert (report.verdict, changes(report)) == (Verdict.INVALID, [Changes.FORBIDDEN])
