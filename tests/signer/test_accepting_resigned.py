"""Odd documents with a good signature: what the quick way accepts, the full way reports alike."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from certs.schemes import scheme_named
from signer.accepting.quick_way import accept
from signer.limits import DEFAULT
from signer.validation import trust
from signer.validation.assessing import assess_fully
from signer.validation.trust import Circumstances
from tests.support import plain_kinds
from tests.support.practice import Practice, file_key
from tests.support.resigning import Resigner, damaged
from tests.support.verification import Desk

KINDS = ("table and Info", "object stream and XMP", "CRLF", "an empty form")
MUTANTS = 60


@pytest.fixture(scope="module")
def issued(practice: Practice) -> Issued:
    return practice.authority.issue_person("Lê Bình", organisation="X", key="p256")


@pytest.fixture(scope="module")
def circumstances(practice: Practice, issued: Issued) -> Circumstances:
    evidence = practice.evidence(issued.certificate)
    # After everything that a test will sign.
    at = datetime.now(UTC) + timedelta(minutes=2)
    return Circumstances(store=practice.trust, evidence=evidence, at=at)


@pytest.fixture(autouse=True)
def asking_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the full way judge paths with the library, as it does where the quick one is silent."""
    monkeypatch.setattr(trust, "known_path", lambda *_, **__: None)


def resigner(kind: str, desk: Desk, issued: Issued) -> Resigner:
    key: FileKey = file_key(issued)
    document = plain_kinds.kinds()[kind]
    signed = desk.sign(document, key, scheme=scheme_named("ECDSA/sha256"))
    return Resigner.of(signed, issued)


def agree(document: bytes, circumstances: Circumstances) -> bool:
    """Whether the quick way accepts; the full way must then say the same."""
    report = accept(document, circumstances=circumstances, limits=DEFAULT)
    if report is None:
        return False
    full = assess_fully(document, circumstances)
    assert (report, report.material) == (full, full.material)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_damage_under_a_good_signature_is_never_accepted_alone(
    kind: str, desk: Desk, issued: Issued, circumstances: Circumstances
) -> None:
    made = resigner(kind, desk, issued)
    head, tail = made.parts
    assert agree(made.signed(head, tail), circumstances)
    chance = random.Random(kind)
    taken = 0
    for round_ in range(MUTANTS):
        if round_ % 2:
            mutant = made.signed(damaged(head, chance), tail)
        else:
            mutant = made.signed(head, damaged(tail, chance))
        taken += agree(mutant, circumstances)
    assert taken < MUTANTS


HIDDEN = {
    "usage rights": (b"/Extensions <<", b"/Perms <</UR3 10 0 R>>/X <<"),
    "a store": (b"/Extensions <<", b"/DSS 3 0 R /Extensions <<"),
    "another form": (b"/AcroForm ", b"/AcroForx "),
    "a form of XFA": (b"/SigFlags 3", b"/XFA 3 0 R /SigFlags 3"),
    "a field twice": (b"/Fields [", b"/Fields [ 3 0 R"),
    "a lock": (b"/FT /Sig", b"/Lock 3 0 R /FT /Sig"),
    "seed values": (b"/FT /Sig", b"/SV 3 0 R /FT /Sig"),
    "kids": (b"/FT /Sig", b"/Kids [3 0 R] /FT /Sig"),
    "a parent": (b"/FT /Sig", b"/Parent 3 0 R /FT /Sig"),
    "a field of text": (b"/FT /Sig", b"/FT /Tx"),
    "no value": (b"/V ", b"/W "),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_changes_the_form_or_the_catalog_is_left_to_the_full_way(
    what: str, desk: Desk, issued: Issued, circumstances: Circumstances
) -> None:
    """With tables that are right: only what is said there differs."""
    made = resigner("table and Info", desk, issued)
    old, new = HIDDEN[what]
    head, tail = made.parts
    at = head.rindex(old)
    longer = len(new) - len(old)
    changed = head[:at] + new + head[at + len(old) :]
    assert not agree(made.signed(changed, moved(tail, at, by=longer)), circumstances)


def moved(tail: bytes, place: int, *, by: int) -> bytes:
    """Return the end of a document with all places behind one moved."""
    table = tail.rindex(b"xref\n0 ")
    lines = tail[table:].split(b"\n")
    for index, line in enumerate(lines):
        if len(line) == 19 and line.endswith(b" 00000 n ") and int(line[:10]) > place:
            lines[index] = b"%010d 00000 n " % (int(line[:10]) + by)
        elif line.isdigit() and lines[index - 1] == b"startxref":
            lines[index] = b"%d" % (int(line) + by)
    return tail[:table] + b"\n".join(lines)


@pytest.mark.parametrize(
    "tail",
    [
        (b"/Type /Sig", b"/Type /DocTimeStamp"),
        (b"/Filter /Adobe.PPKLite", b"/Filter /Adobe.PPKMS"),
        (b"/ETSI.CAdES.detached", b"/adbe.pkcs7.detached"),
        (b"/ETSI.CAdES.detached", b"/ETSI.RFC3161"),
        (b"\n/M (", b"\n/Reference [<</TransformMethod /DocMDP>>]\n/M ("),
        (b"\n/M (", b"\n/Cert (x)\n/M ("),
        (b"\n/M (", b"\n/Contents <00>\n/M ("),
        (b"/M (D", b"/M (E"),
    ],
    ids=lambda pair: pair[1].decode(),
)
def test_another_layout_of_the_signature_is_left_to_the_full_way(
    tail: tuple[bytes, bytes], desk: Desk, issued: Issued, circumstances: Circumstances
) -> None:
    made = resigner("table and Info", desk, issued)
    head, rest = made.parts
    assert tail[0] in rest
    changed = rest.replace(tail[0], tail[1], 1)
    shift = len(changed) - len(rest)
    at = len(made.document) - len(rest) + 1
    assert not agree(made.signed(head, moved(changed, at, by=shift)), circumstances)


def test_other_signed_attributes_are_left_to_the_full_way(
    desk: Desk, issued: Issued, circumstances: Circumstances
) -> None:
    made = resigner("table and Info", desk, issued)
    head, tail = made.parts
    chance = random.Random(4)
    for _ in range(MUTANTS):

        def bent(attributes: bytes) -> bytes:
            changed = bytearray(attributes)
            changed[chance.randrange(2, len(changed))] ^= 1 << chance.randrange(8)
            return bytes(changed)

        assert not agree(made.signed(head, tail, attributes=bent), circumstances)


def test_evidence_that_is_damaged_accepts_nothing(
    desk: Desk, issued: Issued, circumstances: Circumstances
) -> None:
    document = resigner("table and Info", desk, issued).document
    chance = random.Random(5)
    [answer], [crl] = circumstances.evidence.ocsp_responses, circumstances.evidence.crls
    for _ in range(4 * MUTANTS):
        pieces = [bytearray(answer), bytearray(crl)]
        piece = chance.choice(pieces)
        piece[chance.randrange(len(piece))] ^= 1 << chance.randrange(8)
        damaged_evidence = RevocationEvidence(
            ocsp_responses=(bytes(pieces[0]),), crls=(bytes(pieces[1]),)
        )
        agree(document, replace(circumstances, evidence=damaged_evidence))
