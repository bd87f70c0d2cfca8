"""Every way to number a document between leader and seal, and what each is worth.

The ways A to H were measured with a plain engine first; E and F are those that certify.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.x509 import Certificate
from pyhanko.sign import PdfSignatureMetadata
from pyhanko.sign.fields import SigFieldSpec

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.schemes import SchemeFamily, SignatureScheme
from signer.creation.opening import open_for_update
from signer.creation.requests import FieldLock, LockAction, Permission
from signer.errors import (
    ChangesForbidden,
    NumberAfterSignature,
    NumberMissing,
    SealBeforeLeader,
    SignerError,
)
from signer.office.lawful_order import Act, OrderState, ensure_lawful, read_state
from signer.office.number_and_date import DATE_FIELD, LEADER_FIELD, NUMBER_FIELD, SEAL_FIELD
from signer.pages.appearance import Appearance, Box
from signer.reasons import Reason
from signer.source import Source
from signer.verdicts import Changes, Verdict
from tests.support import attacks
from tests.support.hand_signing import plainly_signed
from tests.support.judges import mutool, pdfsig
from tests.support.lawful import SEAL_BOX, numbered, prepared
from tests.support.practice import Practice, file_key
from tests.support.verification import Desk, Judge

# mutool 1.21 reads no RSASSA-PSS.
PKCS1 = SignatureScheme(family=SchemeFamily.RSA_PKCS1, digest_algorithm="sha256")
SHOWN = Appearance(lines=("Ủy ban nhân dân tỉnh Thanh Hóa",))
IN_BOX = Appearance(lines=SHOWN.lines, box=SEAL_BOX)


@dataclass(frozen=True)
class Way:
    """How the leader signs, and what comes of it.

    number, seal: the error that filling in and sealing in the prepared field end with; None where
    they are lawful. new_field: what sealing in a new visible field ends with.
    """

    name: str
    leader: dict[str, object] = field(default_factory=dict)
    number: type[SignerError] | None = None
    seal: type[SignerError] | None = None
    new_field: type[SignerError] | None = None


def locked(action: LockAction, *fields: str, permission: Permission | None = None) -> FieldLock:
    return FieldLock(action=action, fields=fields, permission=permission)


OFFICE = (NUMBER_FIELD, DATE_FIELD, SEAL_FIELD)
WAYS = [
    Way("approves"),
    Way(
        "certifies P1",
        {"certification": Permission.NO_CHANGES},
        NumberAfterSignature,
        ChangesForbidden,
        ChangesForbidden,
    ),
    Way("certifies P2", {"certification": Permission.FILL_FORMS}, None, None, ChangesForbidden),
    Way("certifies P3", {"certification": Permission.ANNOTATE}, None, None, ChangesForbidden),
    Way(
        "locks all",
        {"lock": locked(LockAction.ALL)},
        NumberAfterSignature,
        ChangesForbidden,
        ChangesForbidden,
    ),
    Way(
        "locks the number",
        {"lock": locked(LockAction.INCLUDE, NUMBER_FIELD)},
        number=NumberAfterSignature,
    ),
    Way(
        "locks the seal",
        {"lock": locked(LockAction.INCLUDE, SEAL_FIELD)},
        seal=ChangesForbidden,
    ),
    Way(
        "locks all but the office's",
        {"lock": locked(LockAction.EXCLUDE, *OFFICE)},
        new_field=ChangesForbidden,
    ),
    Way(
        "approves, allows nothing",
        {"lock": locked(LockAction.EXCLUDE, *OFFICE, permission=Permission.NO_CHANGES)},
        NumberAfterSignature,
        ChangesForbidden,
        ChangesForbidden,
    ),
    Way(
        "approves, allows forms",
        {"lock": locked(LockAction.EXCLUDE, *OFFICE, permission=Permission.FILL_FORMS)},
        new_field=ChangesForbidden,
    ),
    Way(
        "certifies P2 and locks all but the office's",
        {
            "certification": Permission.FILL_FORMS,
            "lock": locked(LockAction.EXCLUDE, *OFFICE),
        },
        new_field=ChangesForbidden,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where leader and seal sign, and who judges it afterwards."""

    desk: Desk
    leader_key: FileKey
    seal_key: FileKey
    judge: Judge
    root: Certificate


@pytest.fixture
def office(
    desk: Desk, leader_key: FileKey, seal_key: FileKey, judge: Judge, practice: Practice
) -> Office:
    root = practice.authority.root
    return Office(desk=desk, leader_key=leader_key, seal_key=seal_key, judge=judge, root=root)


def state(document: bytes) -> OrderState:
    return read_state(open_for_update(Source.of_bytes(document)).prev)


def ending(work: Callable[[], bytes]) -> type[SignerError] | bytes:
    try:
        return work()
    except SignerError as error:
        return type(error)


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.name))
def test_however_the_leader_signs_the_office_goes_on_lawfully_or_not_at_all(
    way: Way, office: Office, tmp_path: Path, one_page_pdf: bytes
) -> None:
    def seal(document: bytes, *, new: bool = False) -> bytes:
        options: dict[str, object] = {"appearance": IN_BOX}
        if not new:
            options = {"appearance": SHOWN, "field_name": SEAL_FIELD}
        return office.desk.sign(document, office.seal_key, scheme=PKCS1, **options)  # type: ignore[arg-type]

    signed = office.desk.sign(
        prepared(one_page_pdf),
        office.leader_key,
        field_name=LEADER_FIELD,
        scheme=PKCS1,
        **way.leader,  # type: ignore[arg-type]
    )
    assert office.judge(signed).verdict is Verdict.VALID
    filled = ending(lambda: numbered(signed))
    sealed = ending(lambda: seal(filled if isinstance(filled, bytes) else signed))
    anew = ending(lambda: seal(signed, new=True))
    endings = [None if isinstance(made, bytes) else made for made in (filled, sealed, anew)]
    assert endings == [way.number, way.seal, way.new_field]
    for made in (filled, sealed, anew):
        if isinstance(made, bytes):
            report = office.judge(made)
            assert (report.verdict, report.reason) == (Verdict.VALID, ""), report
    if isinstance(sealed, bytes) and isinstance(filled, bytes):
        report = office.judge(sealed)
        assert [each.changes for each in report.signatures] == [
            Changes.NUMBER_AND_DATE,
            Changes.NONE,
        ]
        answers = pdfsig(sealed, office.root, tmp_path)
        assert [answer.good for answer in answers] == [True, True]
        assert mutool(sealed, tmp_path) == [
            "The signature is valid but there have been edits since signing.",
            "The document is unchanged since signing.",
        ]


def test_a_number_drawn_on_the_page_is_named_and_never_sealed(
    judge: Judge, desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    """Ways A and B: drawn text and a free-text annotation."""
    signed = desk.sign(one_page_pdf, leader_key)
    for change in (attacks.with_replaced_content, attacks.with_free_text):
        drawn = change(signed)
        for act in (Act.NUMBER, Act.SEAL):
            with pytest.raises(NumberAfterSignature):
                ensure_lawful(state(drawn), act)
        report = judge(desk.sign(drawn, seal_key))
        assert (report.verdict, report.reason) == (
            Verdict.INVALID,
            Reason.NUMBER_ADDED_AFTER_SIGNATURE,
        )


def test_a_number_in_a_signature_of_the_clerk_s_own_is_valid(
    judge: Judge, desk: Desk, practice: Practice, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    """Way C: what is seen was signed by somebody, who answers for it."""
    clerk = practice.authority.issue_person("Lê Thị Văn Thư", organisation="UBND tỉnh")
    number = Appearance(
        lines=("Số: 09/QĐ-UBND",),
        box=Box(page=1, left_mm=35, bottom_mm=250, width_mm=50, height_mm=6),
    )
    document = desk.sign(desk.sign(one_page_pdf, leader_key), file_key(clerk), appearance=number)
    judged = Judge(practice, judge.evidence.merged(practice.evidence(clerk.certificate)))(document)
    assert (judged.verdict, judged.reason) == (Verdict.VALID, "")
    assert judged.signatures[0].changes is Changes.SIGNATURES


def test_a_seal_field_added_after_a_certification_spoils_it(
    judge: Judge, desk: Desk, leader_key: FileKey, seal: Issued, one_page_pdf: bytes
) -> None:
    """Way E, made by an engine that lets it happen."""
    certified = desk.sign(one_page_pdf, leader_key, certification=Permission.FILL_FORMS)
    report = judge(
        plainly_signed(
            certified,
            seal,
            PdfSignatureMetadata(field_name="Seal"),
            SigFieldSpec("Seal", box=(50, 50, 200, 100)),
        )
    )
    assert report.verdict is Verdict.INVALID
    assert report.signatures[0].changes is Changes.FORBIDDEN


def test_a_number_that_is_there_before_the_leader_signs_is_lawful(
    judge: Judge, desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    """Way G: printed on the page, or filled in before; H: the schemes may differ."""
    for document in (one_page_pdf, numbered(prepared(one_page_pdf))):
        signed = desk.sign(document, leader_key)
        reached = state(signed)
        if document is one_page_pdf:
            ensure_lawful(reached, Act.SEAL)
        else:
            with pytest.raises(SealBeforeLeader):
                ensure_lawful(reached, Act.SEAL)
        report = judge(desk.sign(signed, seal_key, scheme=PKCS1))
        assert (report.verdict, report.reason) == (Verdict.VALID, "")


def test_a_certification_is_the_first_signature_or_none(
    desk: Desk, leader_key: FileKey, seal_key: FileKey, one_page_pdf: bytes
) -> None:
    signed = desk.sign(one_page_pdf, leader_key)
    with pytest.raises(ChangesForbidden):
        desk.sign(signed, seal_key, certification=Permission.FILL_FORMS)


def test_the_seal_waits_for_the_leader_and_for_the_number(
    desk: Desk, leader_key: FileKey, one_page_pdf: bytes
) -> None:
    ready = prepared(one_page_pdf)
    with pytest.raises(SealBeforeLeader):
        ensure_lawful(state(ready), Act.SEAL)
    signed = desk.sign(ready, leader_key, field_name=LEADER_FIELD)
    with pytest.raises(NumberMissing) as missing:
        ensure_lawful(state(signed), Act.SEAL)
    assert missing.value.detail == f"{NUMBER_FIELD}, {DATE_FIELD}"
    ensure_lawful(state(numbered(signed)), Act.SEAL)
