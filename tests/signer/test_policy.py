"""What a policy asks for over and above: found, named, and never an upgrade of what is broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, TrustStore
from signer.creation.requests import Level
from signer.policy import values as policy_module
from signer.policy.files import read_policy, shipped_policies
from signer.policy.findings import certificate_algorithms
from signer.policy.values import (
    Accepted,
    AcceptedSize,
    Algorithms,
    DocumentKind,
    DocumentRules,
    Format,
    SignatureRules,
    VerificationPolicy,
)
from signer.reasons import Reason
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.validation.assessing import assess
from signer.verdicts import (
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from tests.support.hand_signing import Shape, hand_signed
from tests.support.practice import Practice, file_key
from tests.support.verification import Desk, Judge

DEFAULT = policy_module.DEFAULT
ALL_KINDS = tuple(DocumentKind)
LEADER_AND_SEAL = DocumentRules(
    signers=frozenset({SignatureKind.SIGNATURE, SignatureKind.SEAL}), seal_last=True
)
SEAL_ONLY = DocumentRules(signers=frozenset({SignatureKind.SEAL}))
SIGNERS = replace(
    DEFAULT,
    documents=(
        (DocumentKind.ORIGINAL, LEADER_AND_SEAL),
        (DocumentKind.COPY, SEAL_ONLY),
        (DocumentKind.ANNEX, SEAL_ONLY),
    ),
)


def asking(**rules: object) -> VerificationPolicy:
    return replace(DEFAULT, rules=SignatureRules(**rules))  # type: ignore[arg-type]


def judged(
    judge: Judge,
    document: bytes,
    policy: VerificationPolicy,
    *,
    at: datetime | None = None,
    store: TrustStore | None = None,
    evidence: RevocationEvidence | None = None,
) -> Report:
    return assess(
        document,
        store=store or judge.practice.trust,
        evidence=evidence or judge.evidence,
        at=at or datetime.now(UTC),
        policy=policy,
    )


def told(report: Report) -> tuple[Verdict, str, SubIndication | None]:
    decisive = [each for each in report.signatures if each.reason == report.reason]
    return report.verdict, report.reason, decisive[0].sub_indication if decisive else None


def test_the_default_policy_asks_for_nothing_and_is_named_in_the_report(
    judge: Judge, sealed: bytes
) -> None:
    report = judge(sealed)
    assert (report.verdict, report.policy) == (Verdict.VALID, DEFAULT.label)
    assert Report.from_json(report.to_json()).policy == DEFAULT.label


async def test_a_sandbox_judges_by_the_policy_that_is_asked_for(
    judge: Judge, sealed: bytes
) -> None:
    policy = replace(SIGNERS, name="mine").for_kind(DocumentKind.COPY)
    async with Sandbox(1) as sandbox:
        report = await sandbox.assess(
            sealed,
            store=judge.practice.trust,
            evidence=judge.evidence,
            at=datetime.now(UTC),
            policy=policy,
        )
    assert (report.verdict, report.policy) == (Verdict.VALID, policy.label)


# Algorithms.


def test_an_algorithm_that_the_policy_leaves_out_is_not_accepted(
    judge: Judge, signed: bytes
) -> None:
    algorithms = replace(DEFAULT.algorithms, rsa=(AcceptedSize(bits=3072),))
    report = judged(judge, signed, replace(DEFAULT, algorithms=algorithms))
    assert told(report) == (
        Verdict.INDETERMINATE,
        Reason.ALGORITHM_NOT_ACCEPTED,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    )
    assert report.signatures[0].integrity is Integrity.INTACT
    assert "RSA of 2048 bits" in report.detail


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T])
def test_an_outdated_algorithm_counts_where_a_time_stamp_proves_that_it_was_in_time(
    practice: Practice, desk: Desk, judge: Judge, one_page_pdf: bytes, level: Level
) -> None:
    issued = practice.authority.issue_person("Lê Thị Bình", organisation="UBND", key="p384")
    document = desk.sign(one_page_pdf, file_key(issued), level)
    now = datetime.now(UTC)
    tomorrow = (now + timedelta(days=1)).date()
    curves = tuple(
        replace(each, ends_on=tomorrow) if each.name == "secp384r1" else each
        for each in DEFAULT.algorithms.curves
    )
    policy = replace(DEFAULT, algorithms=replace(DEFAULT.algorithms, curves=curves))
    evidence = judge.evidence.merged(practice.evidence(issued.certificate))
    assert judged(judge, document, policy, evidence=evidence).verdict is Verdict.VALID
    later = datetime.combine(tomorrow, datetime.min.time(), tzinfo=UTC) + timedelta(minutes=1)
    report = judged(judge, document, policy, at=later, evidence=evidence)
    if level is Level.B_T:
        assert (report.verdict, report.reason) == (Verdict.VALID, "")
    else:
        assert told(report) == (
            Verdict.INDETERMINATE,
            Reason.ALGORITHM_OUTDATED,
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        )


def test_a_time_stamp_with_an_outdated_algorithm_proves_nothing(
    practice: Practice, desk: Desk, judge: Judge, one_page_pdf: bytes
) -> None:
    issued = practice.authority.issue_person("Lê Thị Bình", organisation="UBND", key="p384")
    document = desk.sign(one_page_pdf, file_key(issued), Level.B_T)
    algorithms = replace(DEFAULT.algorithms, rsa=(AcceptedSize(bits=2048, ends_on=past()),))
    evidence = judge.evidence.merged(practice.evidence(issued.certificate))
    report = judged(judge, document, replace(DEFAULT, algorithms=algorithms), evidence=evidence)
    # The leader's key is no RSA key: it is the time-stamp that is found wanting.
    assert (report.verdict, report.signatures[0].timestamp_at) == (Verdict.INDETERMINATE, None)


def past() -> date:
    return (datetime.now(UTC) - timedelta(days=1)).date()


def test_the_certificates_of_the_path_are_held_to_the_same_algorithms(
    practice: Practice, judge: Judge, leader: Issued, signed: bytes
) -> None:
    used = certificate_algorithms(leader.certificate)
    assert used == Algorithms(digest="sha256", scheme="ecdsa", rsa_bits=2048)
    issuer = certificate_algorithms(practice.authority.issuer)
    assert issuer == Algorithms(digest="sha256", scheme="ecdsa", curve="secp256r1")
    algorithms = replace(DEFAULT.algorithms, schemes=(Accepted(name="rsassa_pss"),))
    # The signature itself is PSS, which the policy accepts; its certificate was signed otherwise.
    assert "rsassa_pss" in judge(signed).signatures[0].algorithm
    report = judged(judge, signed, replace(DEFAULT, algorithms=algorithms))
    assert (report.reason, report.detail) == (
        Reason.ALGORITHM_NOT_ACCEPTED,
        "a certificate of the path: ecdsa",
    )


# Authorities.


def test_the_class_of_the_authority_is_the_anchors_and_may_differ_by_block(
    judge: Judge, sealed: bytes
) -> None:
    lenient = SignatureRules(anchor_classes=frozenset({AnchorClass.PRACTICE}))
    policy = replace(
        asking(anchor_classes=frozenset({AnchorClass.CONG_VU, AnchorClass.CONG_CONG})),
        blocks=((Block.BUSINESS, lenient),),
    )
    for asked in (policy, policy.for_block(Block.STATE)):
        assert told(judged(judge, sealed, asked)) == (
            Verdict.INDETERMINATE,
            Reason.AUTHORITY_CLASS_REFUSED,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        )
    assert judged(judge, sealed, policy.for_block(Block.BUSINESS)).verdict is Verdict.VALID


def test_an_anchor_counts_only_for_the_blocks_it_is_trusted_for_where_the_policy_says_so(
    judge: Judge, sealed: bytes
) -> None:
    store = TrustStore(
        anchors=tuple(
            replace(anchor, blocks=frozenset({Block.STATE}))
            for anchor in judge.practice.trust.anchors
        )
    )
    policy = asking(own_anchors=True)
    assert judged(judge, sealed, policy, store=store).verdict is Verdict.VALID
    state = judged(judge, sealed, policy.for_block(Block.STATE), store=store)
    assert state.verdict is Verdict.VALID
    assert told(judged(judge, sealed, policy.for_block(Block.PARTY), store=store)) == (
        Verdict.INDETERMINATE,
        Reason.AUTHORITY_OF_OTHER_BLOCK,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )
    default = judged(judge, sealed, DEFAULT.for_block(Block.PARTY), store=store)
    assert default.verdict is Verdict.VALID


# Levels, time, formats.


def test_the_least_level_may_differ_for_signatures_and_seals(
    judge: Judge, desk: Desk, stamped: bytes, seal_key: FileKey
) -> None:
    plainly_sealed = desk.sign(stamped, seal_key)
    leaders = asking(least_signature=SignatureLevel.B_T)
    seals = asking(least_seal=SignatureLevel.B_T)
    assert judged(judge, plainly_sealed, leaders).verdict is Verdict.VALID
    assert told(judged(judge, plainly_sealed, seals)) == (
        Verdict.INDETERMINATE,
        Reason.LEVEL_TOO_LOW,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


def test_a_policy_may_ask_for_a_proved_time(judge: Judge, signed: bytes, stamped: bytes) -> None:
    policy = asking(proved_time=True)
    assert judged(judge, stamped, policy).verdict is Verdict.VALID
    assert told(judged(judge, signed, policy)) == (
        Verdict.INDETERMINATE,
        Reason.TIME_NOT_PROVED,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


def test_signatures_of_older_programs_count_only_where_the_policy_says_so(
    judge: Judge, leader: Issued
) -> None:
    document = hand_signed(leader, Shape(sub_filter="/adbe.pkcs7.detached", use_pades=False))
    accepting = replace(DEFAULT, formats=frozenset(Format))
    report = judged(judge, document, accepting)
    assert (report.verdict, report.signatures[0].level) == (Verdict.VALID, SignatureLevel.OTHER)
    assert judge(document).reason == Reason.NOT_PADES
    stricter = replace(asking(least_signature=SignatureLevel.B_T), formats=frozenset(Format))
    assert judged(judge, document, stricter).reason == Reason.LEVEL_TOO_LOW
    altered = document.replace(b"/Page ", b"/Pagf ", 1)
    assert judged(judge, altered, accepting).verdict is Verdict.INVALID


# Who must sign.


def test_an_original_needs_the_leader_and_the_seal_and_copies_the_seal_alone(
    judge: Judge, desk: Desk, one_page_pdf: bytes, seal_key: FileKey, stamped: bytes, sealed: bytes
) -> None:
    only_sealed = desk.sign(one_page_pdf, seal_key)
    lacking = {
        stamped: Reason.SEAL_SIGNATURE_MISSING,
        only_sealed: Reason.LEADER_SIGNATURE_MISSING,
    }
    for policy in (SIGNERS, SIGNERS.for_kind(DocumentKind.ORIGINAL)):
        assert judged(judge, sealed, policy).verdict is Verdict.VALID
        for document, reason in lacking.items():
            report = judged(judge, document, policy)
            assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, reason)
            # Each signature by itself is good: it is the document that lacks one.
            assert report.signatures[0].indication is Indication.TOTAL_PASSED
    for kind in (DocumentKind.COPY, DocumentKind.ANNEX):
        assert judged(judge, only_sealed, SIGNERS.for_kind(kind)).verdict is Verdict.VALID
        assert judged(judge, stamped, SIGNERS.for_kind(kind)).reason == (
            Reason.SEAL_SIGNATURE_MISSING
        )


def test_nobody_signs_after_the_seal(
    judge: Judge, desk: Desk, sealed: bytes, leader_key: FileKey
) -> None:
    signed_again = desk.sign(sealed, leader_key)
    assert judge(signed_again).verdict is Verdict.VALID
    report = judged(judge, signed_again, SIGNERS)
    assert (report.verdict, report.reason) == (Verdict.INDETERMINATE, Reason.SIGNED_AFTER_SEAL)


# The shipped example.


@pytest.mark.parametrize("block", Block)
def test_the_shipped_policy_for_official_documents_takes_no_practice_for_the_real_thing(
    judge: Judge, sealed: bytes, block: Block
) -> None:
    policy = read_policy(shipped_policies()["official-documents"])
    report = judged(judge, sealed, policy.for_block(block))
    assert (report.verdict, report.reason) == (
        Verdict.INDETERMINATE,
        Reason.AUTHORITY_CLASS_REFUSED,
    )


def test_an_anchors_roles_stay_a_matter_of_trust(judge: Judge, sealed: bytes) -> None:
    anchors: tuple[TrustAnchor, ...] = tuple(
        replace(anchor, roles=frozenset({AnchorRole.TSA}))
        for anchor in judge.practice.trust.anchors
    )
    for policy in (DEFAULT, SIGNERS, replace(DEFAULT, formats=frozenset(Format))):
        report = judged(judge, sealed, policy, store=TrustStore(anchors=anchors))
        assert report.reason == Reason.NO_TRUSTED_PATH
