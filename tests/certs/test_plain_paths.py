"""The quick judgement of paths accepts only what the full one accepts, in the same words."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto.x509 import NameTypeAndValue
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certs.der_reading import SEQUENCE, elements, whole
from certs.paths.plain import Accepted, accept_path
from certs.paths.plain_certificates import _TEXT, folded
from certs.paths.validation import PathStatus, PathVerdict, judge_path
from certs.practice.profiles import (
    AUTHORITY,
    OCSP,
    SIGNING,
    certificate_builder,
    make_key,
    subject,
)
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole
from tests.certs.dicing import Dice, Question
from tests.certs.forging import NOW, OFFER, VALID, Pair, Saying, root

QUESTIONS = 60


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def compared(question: Question) -> Accepted | None:
    """Ask the quick judge, and where it accepts the full one too: both must say the same."""
    accepted = accept_path(
        der_of(question.certificate),
        intermediates=tuple(map(der_of, question.intermediates)),
        store=question.store,
        role=question.role,
        at=question.at,
        evidence=question.evidence,
    )
    if accepted is None:
        return None
    verdict = question.answered_by(judge_path)
    assert isinstance(verdict, PathVerdict)
    assert verdict.status is PathStatus.VALID, verdict.detail
    assert accepted.verdict == verdict
    assert verdict.anchor is not None
    path = (*verdict.chain, verdict.anchor.certificate)
    assert accepted.certificates == tuple(map(der_of, path))
    assert accepted.verdict.at < accepted.until
    return accepted


@pytest.mark.parametrize(("seed", "odd"), [(1, 3), (2, 8), (3, 30)])
def test_of_random_paths_only_those_are_accepted_that_the_full_judgement_accepts(
    seed: int, odd: int
) -> None:
    dice = Dice(random.Random(seed), odd=odd)
    accepted = [compared(dice.question()) is not None for _ in range(QUESTIONS)]
    assert odd > 10 or sum(accepted) > QUESTIONS // 5


class Path:
    """A root, an authority below it, and a leaf with an answer about it and CRLs about both."""

    def __init__(
        self,
        *,
        top: Pair | None = None,
        authority: Callable[[Pair], Pair] | None = None,
        leaf: Callable[[Pair], Pair] | None = None,
    ) -> None:
        self.root = top or root()
        made = authority or (lambda above: above.authority("CA", offer=OFFER))
        self.authority = made(self.root)
        self.leaf = (leaf or (lambda above: above.issue("Leaf")))(self.authority)

    def evidence(self) -> RevocationEvidence:
        answers = Saying().evidence(self.leaf, self.authority.responder())
        return answers.merged(self.root.crls()).merged(self.authority.crls())

    def question(self, evidence: RevocationEvidence | None = None) -> Question:
        return Question(
            certificate=self.leaf.certificate,
            intermediates=(self.authority.certificate,),
            store=self.root.store(),
            role=AnchorRole.SIGNER,
            at=NOW,
            evidence=self.evidence() if evidence is None else evidence,
        )


def extended(
    pair: Pair, extension: x509.ExtensionType, *, critical: bool, is_authority: bool
) -> Pair:
    """Issue a certificate with one more extension."""
    key = make_key("p256")
    builder = certificate_builder(
        subject("CA" if is_authority else "Leaf"),
        key.public_key(),
        issuer=pair.certificate,
        validity=VALID,
        profile=AUTHORITY if is_authority else SIGNING,
        offer=OFFER,
    )
    builder = builder.add_extension(extension, critical=critical)
    return Pair(builder.sign(pair.key, hashes.SHA256()), key, pair)


def test_a_path_of_the_plain_kind_is_accepted() -> None:
    accepted = compared(Path().question())
    assert accepted is not None
    assert len(accepted.verdict.evidence.ocsp_responses) == 1
    assert len(accepted.verdict.evidence.crls) == 2


def test_it_is_accepted_until_the_first_evidence_ends_only() -> None:
    path = Path()
    accepted = compared(path.question())
    assert accepted is not None
    assert accepted.until == NOW + timedelta(hours=1)


NAMED = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "LA")]))
POLICY = x509.ObjectIdentifier("1.2.3.4")
QUALIFIED = x509.PolicyInformation(POLICY, ["http://cps.example"])
# RFC 5280 §6.1 item by item: what the full judgement has a rule for, and this one has none.
BEYOND = {
    "6.1.4 (g) name constraints": (x509.NameConstraints([NAMED], None), True),
    "6.1.4 (a) policy mappings": (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30\x00"),
        False,
    ),
    "6.1.4 (i) policy constraints": (x509.PolicyConstraints(0, None), True),
    "6.1.4 (j) inhibit anyPolicy": (x509.InhibitAnyPolicy(0), True),
    "6.1.3 (d) policies with qualifiers": (x509.CertificatePolicies([QUALIFIED]), False),
    "6.1.3 (b) alternative names": (
        x509.SubjectAlternativeName([x509.RFC822Name("a@b.vn")]),
        False,
    ),
    "6.1.4 (o) unknown and critical": (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"),
        True,
    ),
    "unknown and not critical": (
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00"),
        False,
    ),
    "delta CRLs": (
        x509.FreshestCRL(
            [
                x509.DistributionPoint(
                    [x509.UniformResourceIdentifier("http://d.example")], None, None, None
                )
            ]
        ),
        False,
    ),
}


@pytest.mark.parametrize("what", BEYOND)
@pytest.mark.parametrize("above", [True, False], ids=["authority", "leaf"])
def test_what_needs_a_rule_of_its_own_is_left_to_the_full_judgement(what: str, above: bool) -> None:
    extension, critical = BEYOND[what]

    def issue(pair: Pair) -> Pair:
        return extended(pair, extension, critical=critical, is_authority=above)

    path = Path(authority=issue) if above else Path(leaf=issue)
    assert compared(path.question()) is None


def test_names_of_policies_ask_for_nothing() -> None:
    policies = x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)])
    path = Path(leaf=lambda above: extended(above, policies, critical=False, is_authority=False))
    assert compared(path.question()) is not None


def test_what_is_no_authority_above_is_not_accepted() -> None:
    as_leaf = Path(authority=lambda above: above.issue("CA"))
    assert compared(as_leaf.question()) is None
    signs_nothing = replace(AUTHORITY, usages=frozenset({"crl_sign"}))
    assert (
        compared(Path(authority=lambda a: a.issue("CA", profile=signs_nothing)).question()) is None
    )


def test_a_path_longer_than_an_authority_allows_is_not_accepted() -> None:
    path = Path(authority=lambda top: top.authority("CA 1").authority("CA 2", offer=OFFER))
    above = path.authority.above
    assert above is not None
    question = path.question()
    question = replace(question, intermediates=(path.authority.certificate, above.certificate))
    assert compared(question) is None


@pytest.mark.parametrize("after", [timedelta(days=-20), timedelta(days=101)])
def test_out_of_its_time_nothing_is_accepted(after: timedelta) -> None:
    assert compared(replace(Path().question(), at=NOW + after)) is None


def test_a_signature_whose_frame_is_odd_is_not_accepted() -> None:
    """The signature's frame is in nobody's signature, and parsers disagree about unused bits."""
    path = Path()
    while (der := bytearray(path.authority.certificate.public_bytes(Encoding.DER)))[-1] % 2:
        path = Path()  # the last bit must be zero to be called unused
    start, end = whole(bytes(der), tag=SEQUENCE)
    *_, (_, _, value_at, _) = elements(bytes(der), start, end=end)
    der[value_at] = 1
    odd = x509.load_der_x509_certificate(bytes(der))
    assert compared(replace(path.question(), intermediates=(odd,))) is None


def test_without_evidence_or_with_stale_or_bad_word_nothing_is_accepted() -> None:
    path = Path()
    responder = path.authority.responder()
    crls = path.root.crls()
    others = {
        "none": RevocationEvidence(),
        "leaf's only": Saying().evidence(path.leaf, responder),
        "revoked": Saying(revoked_at=NOW - timedelta(days=1)).evidence(path.leaf, responder),
        "unknown": Saying(known=False).evidence(path.leaf, responder),
        "stale": Saying(at=NOW - timedelta(days=2)).evidence(path.leaf, responder),
        "of the future": Saying(at=NOW + timedelta(minutes=2)).evidence(path.leaf, responder),
        "by a stranger": Saying().evidence(path.leaf, root("Stranger").responder()),
        "not delegated": Saying().evidence(
            path.leaf, path.authority.responder(profile=replace(OCSP, purposes=()))
        ),
        "to be checked": Saying().evidence(
            path.leaf, path.authority.responder(profile=replace(OCSP, never_checked=False))
        ),
    }
    for what, evidence in others.items():
        complete = evidence.merged(crls) if what not in ("none", "leaf's only") else evidence
        assert compared(path.question(complete)) is None, what


def test_word_of_a_revocation_wins_wherever_it_stands() -> None:
    path = Path()
    good = path.evidence()
    for bad in (
        RevocationEvidence(crls=(path.authority.crl(path.leaf),)),
        RevocationEvidence(crls=(path.root.crl(path.authority),)),
        Saying(revoked_at=NOW - timedelta(days=1)).evidence(path.leaf, path.authority.responder()),
    ):
        assert compared(path.question(good.merged(bad))) is None
        assert compared(path.question(bad.merged(good))) is None


def test_two_ways_up_are_left_to_the_full_judgement() -> None:
    path = Path()
    again = Pair(path.root.authority("CA", offer=OFFER).certificate, path.authority.key, path.root)
    question = path.question()
    doubled = replace(question, intermediates=(again.certificate, *question.intermediates))
    assert compared(doubled) is None


def test_every_letter_of_plain_names_is_prepared_by_the_library_and_folded_alike() -> None:
    """RFC 4518: what the library calls equal must be equal once folded."""
    letters = [chr(code) for code in range(0x3000) if _TEXT.fullmatch(chr(code))]
    assert len(letters) > 700
    prepared: dict[str, str] = {}
    for letter in letters:
        text = NameTypeAndValue._ldap_string_prep(None, f"x{letter}y")
        [(_, once)] = folded(((b"", f"x{letter}y"),))
        assert prepared.setdefault(text, once) == once, letter
