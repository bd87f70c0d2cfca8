"""Accepted paths are remembered while all that they rest on holds, and not a second longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.paths import known as known_paths
from certs.paths.known import KnownPath, known_path
from certs.paths.validation import judge_path
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, TrustStore
from tests.certs.forging import NOW, OFFER, Pair, Saying, root


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """Start with nothing remembered, and leave nothing."""
    known_paths.forget()
    yield
    known_paths.forget()


@pytest.fixture(scope="module")
def top() -> Pair:
    return root()


@pytest.fixture(scope="module")
def authority(top: Pair) -> Pair:
    return top.authority("CA", offer=OFFER)


@pytest.fixture(scope="module")
def leaf(authority: Pair) -> Pair:
    return authority.issue("Leaf")


@pytest.fixture(scope="module")
def evidence(top: Pair, authority: Pair, leaf: Pair) -> RevocationEvidence:
    """An answer that holds for an hour, and a CRL that holds for a day."""
    return Saying().evidence(leaf, authority.responder()).merged(top.crls())


class Asking:
    """Asks for one path, and knows whether it was judged or remembered."""

    def __init__(self, top: Pair, authority: Pair, leaf: Pair) -> None:
        self.top, self.authority, self.leaf = top, authority, leaf
        self.store = top.store()

    def __call__(
        self,
        evidence: RevocationEvidence,
        *,
        at: datetime = NOW,
        store: TrustStore | None = None,
        role: AnchorRole = AnchorRole.SIGNER,
    ) -> KnownPath | None:
        return known_path(
            self.leaf.certificate.public_bytes(Encoding.DER),
            intermediates=(self.authority.certificate.public_bytes(Encoding.DER),),
            store=store or self.store,
            role=role,
            at=at,
            evidence=evidence,
        )

    def is_judged(self, evidence: RevocationEvidence, *, at: datetime = NOW) -> bool:
        """Whether the question is judged anew: then something else is remembered afterwards."""
        before = list(known_paths._known.values())
        self(evidence, at=at)
        return list(known_paths._known.values()) != before


@pytest.fixture
def ask(top: Pair, authority: Pair, leaf: Pair) -> Asking:
    return Asking(top, authority, leaf)


def test_what_is_remembered_is_the_full_verdict_at_each_instant(
    ask: Asking, evidence: RevocationEvidence
) -> None:
    for minutes in (0, 1, 59):
        at = NOW + timedelta(minutes=minutes)
        known = ask(evidence, at=at)
        assert known is not None
        assert known.verdict == judge_path(
            ask.leaf.certificate,
            intermediates=(ask.authority.certificate,),
            store=ask.store,
            role=AnchorRole.SIGNER,
            at=at,
            evidence=evidence,
        )
    assert len(known_paths._known) == 1


def test_within_its_time_a_path_is_judged_once(ask: Asking, evidence: RevocationEvidence) -> None:
    assert ask.is_judged(evidence)
    assert not ask.is_judged(evidence, at=NOW)
    assert not ask.is_judged(evidence, at=NOW + timedelta(minutes=59))


def test_an_earlier_instant_is_judged_anew(ask: Asking, evidence: RevocationEvidence) -> None:
    ask(evidence)
    assert ask.is_judged(evidence, at=NOW - timedelta(seconds=1))


def test_after_the_first_evidence_ends_a_path_is_not_remembered(
    ask: Asking, evidence: RevocationEvidence
) -> None:
    assert ask(evidence) is not None
    assert ask(evidence, at=NOW + timedelta(hours=1, seconds=1)) is None
    assert ask(evidence, at=NOW + timedelta(days=2)) is None


def test_new_evidence_of_a_revocation_wins_over_what_is_remembered(
    ask: Asking, evidence: RevocationEvidence
) -> None:
    assert ask(evidence) is not None
    revoked = RevocationEvidence(crls=(ask.authority.crl(ask.leaf),))
    assert ask(evidence.merged(revoked)) is None
    assert ask(revoked.merged(evidence)) is None
    assert ask(evidence) is not None


def test_another_store_or_role_is_another_question(
    ask: Asking, evidence: RevocationEvidence
) -> None:
    assert ask(evidence) is not None
    assert ask(evidence, store=TrustStore()) is None
    assert ask(evidence, role=AnchorRole.TSA) is None
    other = root("Other root")
    assert ask(evidence, store=other.store()) is None


def test_pieces_moved_from_one_group_to_another_are_another_question(
    ask: Asking, evidence: RevocationEvidence
) -> None:
    assert ask(evidence) is not None
    moved = RevocationEvidence(ocsp_responses=evidence.ocsp_responses + evidence.crls, crls=())
    assert ask(moved) is None
    [answer], [crl] = evidence.ocsp_responses, evidence.crls
    joined = RevocationEvidence(ocsp_responses=(answer + crl[:1],), crls=(crl[1:],))
    assert ask(joined) is None


def test_memory_is_bounded_and_holds_no_evidence(
    ask: Asking, evidence: RevocationEvidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_paths, "MAX_REMEMBERED", 3)
    for minute in range(5):
        answer = Saying(at=NOW - timedelta(minutes=minute)).evidence(
            ask.leaf, ask.authority.responder()
        )
        assert ask(answer.merged(RevocationEvidence(crls=evidence.crls))) is not None
    assert len(known_paths._known) == 3
    for remembered in known_paths._known.values():
        assert not remembered.accepted.verdict.evidence


def test_threads_may_ask_at_once(ask: Asking, evidence: RevocationEvidence) -> None:
    found: list[KnownPath | None] = []
    threads = [
        threading.Thread(target=lambda: found.extend(ask(evidence) for _ in range(5)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(each is not None and each == found[0] for each in found)
