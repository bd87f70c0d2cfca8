"""Whatever a policy says, no forged or broken document counts, and only formats can be admitted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.trust.anchors import AnchorClass, Block, TrustStore
from signer.policy import values as policy_module
from signer.policy.values import (
    CURVES,
    DIGESTS,
    LEVELS,
    SCHEMES,
    Accepted,
    AcceptedSize,
    AlgorithmRules,
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
from signer.validation.evidence_gathering import assess_with_evidence
from signer.verdicts import Integrity, SignatureKind, Verdict
from tests.support import attacks
from tests.support.hand_signing import Shape, hand_signed
from tests.support.verification import Desk, Judge

ENDS: Final = st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1))
LAX: Final = replace(policy_module.DEFAULT, formats=frozenset(Format))
"""The policy that asks for least of all."""


def accepted(names: tuple[str, ...]) -> st.SearchStrategy[tuple[Accepted, ...]]:
    chosen = st.lists(st.sampled_from(names), min_size=1, unique=True)
    return chosen.flatmap(
        lambda some: st.tuples(*(st.builds(Accepted, name=st.just(n), ends_on=ENDS) for n in some))
    )


def by_word(
    words: type[Block] | type[DocumentKind], rules: st.SearchStrategy[object]
) -> st.SearchStrategy[tuple[object, ...]]:
    return st.dictionaries(st.sampled_from(list(words)), rules).map(lambda d: tuple(d.items()))


SIGNATURE_RULES: Final = st.builds(
    SignatureRules,
    least_signature=st.sampled_from(LEVELS),
    least_seal=st.sampled_from(LEVELS),
    anchor_classes=st.frozensets(st.sampled_from([c for c in AnchorClass if c != "UNSTATED"])),
    own_anchors=st.booleans(),
    proved_time=st.booleans(),
)
DOCUMENT_RULES: Final = st.builds(
    DocumentRules,
    signers=st.frozensets(st.sampled_from([SignatureKind.SIGNATURE, SignatureKind.SEAL])),
    seal_last=st.booleans(),
)
POLICIES: Final = st.just(LAX) | st.builds(
    replace,
    st.just(policy_module.DEFAULT),
    algorithms=st.builds(
        AlgorithmRules,
        digests=accepted(DIGESTS),
        schemes=accepted(SCHEMES),
        rsa=st.dictionaries(st.integers(2048, 8192), ENDS).map(
            lambda d: tuple(AcceptedSize(bits=bits, ends_on=end) for bits, end in d.items())
        ),
        curves=accepted(CURVES),
    ),
    formats=st.sampled_from([frozenset({Format.PADES}), frozenset(Format)]),
    rules=SIGNATURE_RULES,
    blocks=by_word(Block, SIGNATURE_RULES),
    documents=by_word(DocumentKind, DOCUMENT_RULES),
    block=st.none() | st.sampled_from(Block),
    kind=st.none() | st.sampled_from(DocumentKind),
)


@pytest.fixture(scope="module")
def documents(
    judge: Judge, desk: Desk, leader: Issued, seal_key: FileKey, signed: bytes, sealed: bytes
) -> dict[str, bytes]:
    """Good and bad documents; the forgeries are INVALID by the default policy."""
    forge: dict[str, Callable[[bytes], bytes]] = {
        "content replaced": attacks.with_replaced_content,
        "content overwritten": attacks.with_overwritten_content,
        "script added": attacks.with_script,
        "overlay added": attacks.with_overlay,
        "fields removed": attacks.without_fields,
        "bytes behind": attacks.with_zip_behind,
    }
    made = {name: attack(sealed) for name, attack in forge.items()}
    made["content replaced and sealed"] = desk.sign(attacks.with_replaced_content(signed), seal_key)
    made["an older format, altered"] = attacks.with_replaced_content(older(leader))
    assert {judge(document).verdict for document in made.values()} == {Verdict.INVALID}
    return {
        **made,
        "good": sealed,
        "an older format": older(leader),
        "SHA-1": hand_signed(leader, Shape(digest="sha1")),
        "an older format with SHA-1": older(leader, digest="sha1"),
        "an unknown format": hand_signed(leader, Shape(sub_filter="/adbe.pkcs7.sha1")),
    }


def older(leader: Issued, *, digest: str = "sha256") -> bytes:
    return hand_signed(
        leader, Shape(sub_filter="/adbe.pkcs7.detached", use_pades=False, digest=digest)
    )


@pytest.fixture(scope="module")
def by_default(judge: Judge, documents: dict[str, bytes]) -> dict[str, Report]:
    return {name: judge(document) for name, document in documents.items()}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), policy=POLICIES)
def test_a_policy_makes_nothing_better_but_formats_that_it_admits(
    judge: Judge,
    documents: dict[str, bytes],
    by_default: dict[str, Report],
    data: st.DataObject,
    policy: VerificationPolicy,
) -> None:
    name = data.draw(st.sampled_from(sorted(documents)))
    before = by_default[name]
    after = assess(
        documents[name],
        store=judge.practice.trust,
        evidence=judge.evidence,
        at=datetime.now(UTC),
        policy=policy,
    )
    if after.verdict is Verdict.VALID:
        admitted = before.reason == Reason.NOT_PADES and len(policy.formats) > 1
        assert before.verdict is Verdict.VALID or admitted
    if before.verdict is Verdict.INVALID:
        assert after.verdict is Verdict.INVALID
        # Number and date drawn in between are only named so where the seal over them is good.
        named = {before.reason, str(Reason.DOCUMENT_ALTERED)}
        late = before.reason == Reason.NUMBER_ADDED_AFTER_SIGNATURE
        assert after.reason in (named if late else {before.reason})
    # What was signed and what changed afterwards is not for a policy to say.
    assert [(each.integrity, each.changes, each.level) for each in after.signatures] == [
        (each.integrity, each.changes, each.level) for each in before.signatures
    ]


@pytest.mark.parametrize("name", ["SHA-1", "an older format with SHA-1", "an unknown format"])
def test_no_policy_takes_weak_algorithms_or_unknown_formats(
    judge: Judge, documents: dict[str, bytes], by_default: dict[str, Report], name: str
) -> None:
    report = assess(
        documents[name],
        store=judge.practice.trust,
        evidence=judge.evidence,
        at=datetime.now(UTC),
        policy=LAX,
    )
    assert report.verdict is by_default[name].verdict is Verdict.INDETERMINATE


def test_there_is_no_word_for_integrity_in_a_policy() -> None:
    words = {
        each.name
        for kind in (VerificationPolicy, SignatureRules, DocumentRules, AlgorithmRules)
        for each in fields(kind)
    }
    assert not {word for word in words if "integr" in word or "change" in word or "cover" in word}


def test_a_policy_crosses_to_the_sandbox_as_it_is(
    judge: Judge, documents: dict[str, bytes]
) -> None:
    async def judged() -> Report:
        async with Sandbox(1) as sandbox:
            return await assess_with_evidence(
                documents["content replaced"],
                sandbox=sandbox,
                store=TrustStore(),
                fetcher=None,
                at=datetime.now(UTC),
                policy=LAX.for_block(Block.PARTY),
            )

    report = asyncio.run(judged())
    assert (report.verdict, report.policy) == (Verdict.INVALID, LAX.label)
    assert report.signatures[0].integrity is Integrity.INTACT
