"""The quick way to accept: what it accepts, the full way reports in the same words."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from certs.schemes import scheme_named
from certs.trust.anchors import AnchorClass, TrustStore
from signer.accepting import quick_way as accepting
from signer.accepting.quick_way import accept
from signer.creation.requests import Level
from signer.limits import DEFAULT
from signer.pages.appearance import Appearance, Box
from signer.policy.values import DEFAULT as DEFAULT_POLICY
from signer.policy.values import (
    Accepted,
    AlgorithmRules,
    DocumentKind,
    DocumentRules,
    SignatureRules,
    VerificationPolicy,
)
from signer.report import Report, SignatureReport
from signer.validation import trust
from signer.validation.assessing import assess, assess_fully
from signer.validation.trust import Circumstances
from signer.verdicts import SignatureKind, SignatureLevel, Verdict
from tests.signer.test_attacks_mutants import mutated, signed_parts
from tests.support import pdfs, plain_kinds
from tests.support.practice import Practice, edwards_key, file_key
from tests.support.producers import DATA
from tests.support.verification import Desk

KINDS = plain_kinds.kinds()
MORE_REVISIONS = {
    "linearised",
    "a form of text fields",
    "a form with an empty signature",
}
"""Kinds that have two revisions or sections before they are signed."""
MUTANTS = 20_000
COMPARED = 100
"""Accepted mutants for which the full way is asked too."""


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start with nothing kept of other tests, and with a full way that asks the library too."""
    accepting.forget()
    monkeypatch.setattr(trust, "known_path", lambda *_, **__: None)


@pytest.fixture
def circumstances(practice: Practice, evidence: RevocationEvidence) -> Circumstances:
    # After everything that a test will sign.
    at = datetime.now(UTC) + timedelta(minutes=2)
    return Circumstances(store=practice.trust, evidence=evidence, at=at)


def accepted(document: bytes, circumstances: Circumstances) -> bool:
    """Whether the quick way accepts; both ways must then agree in every word, twice."""
    report = accept(document, circumstances=circumstances, limits=DEFAULT)
    if report is None:
        return False
    full = assess_fully(document, circumstances)
    again = accept(document, circumstances=circumstances, limits=DEFAULT)
    assert report == full
    assert again == full
    assert report.to_json() == full.to_json()
    assert (report.material, report.missing) == (full.material, full.missing)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_signature_on_every_plain_kind_is_accepted(
    kind: str, desk: Desk, leader_key: FileKey, circumstances: Circumstances
) -> None:
    signed = desk.sign(KINDS[kind], leader_key)
    assert accepted(signed, circumstances) is (kind not in MORE_REVISIONS)


@pytest.mark.parametrize(
    "scheme",
    [
        *("RSA-PKCS1/sha256", "RSA-PKCS1/sha384", "RSA-PKCS1/sha512", "RSA-PKCS1/sha3_256"),
        *("RSA-PSS/sha256", "RSA-PSS/sha512", "RSA-PSS/sha3_512"),
    ],
)
def test_every_rsa_scheme_is_accepted(
    scheme: str, desk: Desk, leader_key: FileKey, circumstances: Circumstances
) -> None:
    signed = desk.sign(pdfs.one_page(), leader_key, scheme=scheme_named(scheme))
    assert accepted(signed, circumstances)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha3_256"])
def test_elliptic_curves_are_accepted(
    digest: str, desk: Desk, practice: Practice, circumstances: Circumstances
) -> None:
    issued = practice.authority.issue_person("Lê Bình", organisation="X", key="p256")
    known = replace(circumstances, evidence=practice.evidence(issued.certificate))
    signed = desk.sign(pdfs.one_page(), file_key(issued), scheme=scheme_named(f"ECDSA/{digest}"))
    assert accepted(signed, known)


def test_a_key_of_edwards_curve_is_left_to_the_full_way(
    desk: Desk, practice: Practice, circumstances: Circumstances
) -> None:
    """Its certificate is of no kind that `certs.paths.plain_certificates` takes."""
    key = edwards_key(practice.authority)
    known = replace(circumstances, evidence=practice.evidence(key.certificate))
    signed = desk.sign(pdfs.one_page(), key)
    assert not accepted(signed, known)
    assert assess_fully(signed, known).verdict is Verdict.VALID


def test_a_seal_is_accepted_as_a_seal(
    desk: Desk, seal_key: FileKey, circumstances: Circumstances
) -> None:
    signed = desk.sign(pdfs.one_page(), seal_key)
    assert accepted(signed, circumstances)
    report = accept(signed, circumstances=circumstances, limits=DEFAULT)
    assert report is not None
    assert report.signatures[0].kind is SignatureKind.SEAL


@pytest.mark.parametrize(
    "options",
    [
        {"reason": "Phê duyệt", "location": "Thanh Hóa"},
        {"field_name": "CoQuan"},
        {
            "appearance": Appearance(
                lines=("Ký bởi: Nguyễn Văn An",),
                box=Box(page=1, left_mm=20, bottom_mm=20, width_mm=60, height_mm=25),
            )
        },
    ],
    ids=["texts", "named", "seen"],
)
def test_options_of_our_signer_are_accepted(
    options: dict[str, object], desk: Desk, leader_key: FileKey, circumstances: Circumstances
) -> None:
    signed = desk.sign(pdfs.one_page(), leader_key, Level.B_B, **options)
    assert accepted(signed, circumstances)


@pytest.mark.parametrize("producer", sorted(DATA.glob("producers/*.pdf")), ids=lambda at: at.stem)
def test_documents_of_office_programs_are_reported_alike(
    producer: object, desk: Desk, leader_key: FileKey, circumstances: Circumstances
) -> None:
    document = producer.read_bytes()  # type: ignore[attr-defined]
    assert accepted(desk.sign(document, leader_key), circumstances)


def test_other_levels_and_further_signatures_are_left_to_the_full_way(
    stamped: bytes, sealed: bytes, signed: bytes, desk: Desk, seal_key: FileKey,
    circumstances: Circumstances,
) -> None:  # fmt: skip
    long_term = desk.sign(pdfs.one_page(), seal_key, Level.B_T)
    twice = desk.sign(signed, seal_key)
    for document in (stamped, sealed, long_term, twice):
        assert not accepted(document, circumstances)


def test_assess_gives_the_quick_ways_report(signed: bytes, circumstances: Circumstances) -> None:
    report = assess(
        signed, store=circumstances.store, evidence=circumstances.evidence, at=circumstances.at
    )
    assert report == assess_fully(signed, circumstances)
    assert report == accept(signed, circumstances=circumstances, limits=DEFAULT)


def test_it_accepts_nothing_without_trust_evidence_or_time(
    signed: bytes, circumstances: Circumstances
) -> None:
    assert accepted(signed, circumstances)
    for other in (
        replace(circumstances, store=TrustStore()),
        replace(circumstances, evidence=RevocationEvidence()),
        replace(circumstances, at=circumstances.at + timedelta(days=3)),
        replace(circumstances, at=circumstances.at - timedelta(minutes=10)),
        replace(circumstances, at=circumstances.at - timedelta(days=3)),
        replace(circumstances, at=circumstances.at + timedelta(days=4000)),
    ):
        assert not accepted(signed, other)


def test_a_revocation_after_an_acceptance_is_believed_at_once(
    desk: Desk, practice: Practice, circumstances: Circumstances
) -> None:
    issued = practice.authority.issue_person("Trần Thu Hồi", organisation="X", key="p256")
    known = replace(circumstances, evidence=practice.evidence(issued.certificate))
    signed = desk.sign(pdfs.one_page(), file_key(issued))
    assert accepted(signed, known)
    practice.authority.revoke(issued.certificate)
    later = replace(known, evidence=practice.evidence(issued.certificate), at=datetime.now(UTC))
    assert not accepted(signed, later)
    both = replace(later, evidence=known.evidence.merged(later.evidence))
    assert not accepted(signed, both)


def test_limits_hold_on_the_quick_way_too(signed: bytes, circumstances: Circumstances) -> None:
    small = replace(DEFAULT, max_bytes=len(signed) - 1)
    assert accept(signed, circumstances=circumstances, limits=small) is None


def policies() -> dict[str, tuple[VerificationPolicy, bool]]:
    rules = DEFAULT_POLICY.algorithms
    ended = (datetime.now(UTC) - timedelta(days=2)).date()
    outdated = AlgorithmRules(
        digests=tuple(Accepted(name=each.name, ends_on=ended) for each in rules.digests),
        schemes=rules.schemes,
        rsa=rules.rsa,
        curves=rules.curves,
    )
    leader = DocumentRules(signers=frozenset({SignatureKind.SIGNATURE}))
    seal = DocumentRules(signers=frozenset({SignatureKind.SEAL}))
    return {
        "asks for no more": (replace(DEFAULT_POLICY, name="other"), True),
        "outdated digests": (replace(DEFAULT_POLICY, algorithms=outdated), False),
        "time-stamps": (replace(DEFAULT_POLICY, rules=SignatureRules(proved_time=True)), False),
        "a higher level": (
            replace(DEFAULT_POLICY, rules=SignatureRules(least_signature=SignatureLevel.B_T)),
            False,
        ),
        "another class": (
            replace(
                DEFAULT_POLICY,
                rules=SignatureRules(anchor_classes=frozenset({AnchorClass.CONG_VU})),
            ),
            False,
        ),
        "a leader": (
            replace(DEFAULT_POLICY, documents=((DocumentKind.ORIGINAL, leader),)),
            True,
        ),
        "a seal": (replace(DEFAULT_POLICY, documents=((DocumentKind.ORIGINAL, seal),)), False),
    }


@pytest.mark.parametrize("what", policies())
def test_a_policy_is_asked_on_the_quick_way_too(
    what: str, signed: bytes, circumstances: Circumstances
) -> None:
    policy, expected = policies()[what]
    asked = replace(circumstances, policy=policy)
    assert accepted(signed, asked) is expected
    assert (assess_fully(signed, asked).verdict is Verdict.VALID) is expected


def test_every_part_of_a_report_is_named_where_the_quick_way_makes_it(
    signed: bytes, circumstances: Circumstances, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new part with a default would be left out in silence."""
    given: dict[str, set[str]] = {}

    def noting(kind: type) -> object:
        def make(**parts: object) -> object:
            given[kind.__name__] = set(parts)
            return kind(**parts)

        return make

    monkeypatch.setattr(accepting, "Report", noting(Report))
    monkeypatch.setattr(accepting, "SignatureReport", noting(SignatureReport))
    assert accept(signed, circumstances=circumstances, limits=DEFAULT) is not None
    for kind in (Report, SignatureReport):
        assert given[kind.__name__] == {each.name for each in fields(kind)}


def test_of_random_mutants_only_those_are_accepted_that_change_nothing(
    desk: Desk, practice: Practice, circumstances: Circumstances
) -> None:
    chance = random.Random(20)
    issued: Issued = practice.authority.issue_person("Lê Bình", organisation="X", key="p256")
    known = replace(circumstances, evidence=practice.evidence(issued.certificate))
    signed = desk.sign(KINDS["PDF 2.0"], file_key(issued))
    assert accepted(signed, known)
    start = signed.rindex(b"/Contents <") + len(b"/Contents <")
    end = signed.index(b">", start)
    original, taken = signed_parts(signed), 0
    for round_ in range(MUTANTS):
        if round_ % 2:
            mutant = mutated(signed, chance)
        else:  # what no signature covers
            changed = bytearray(signed)
            at = chance.randrange(start - 1, end + 1)
            changed[at] = chance.choice(b"0123456789ABCDEFabcdef <>\n")
            mutant = bytes(changed)
        report = accept(mutant, circumstances=known, limits=DEFAULT)
        if report is not None:
            assert signed_parts(mutant) == original
            taken += 1
            assert mutant == signed or taken > COMPARED or report == assess_fully(mutant, known)
    assert taken < MUTANTS // 4
