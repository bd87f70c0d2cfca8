"""Evidence about the past counts from when it is proved, and only while its makers were good."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certs.paths.validation import PathStatus, judge_path
from certs.practice.answers import Responder
from certs.practice.profiles import Validity
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole
from signer.validation.evidence_proofs import unproved_evidence
from signer.validation.existence import Existence, Proof
from signer.validation.trust import Circumstances
from signer.verdicts import SubIndication
from tests.certs.forging import NOW, Saying, root

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf")
FOR_A_DAY = Validity(not_before=NOW - DAY, not_after=NOW + DAY)
SHORT_LIVED = ISSUER.responder(validity=FOR_A_DAY)


def refused(
    responder: Responder,
    *,
    at: datetime,
    proved_at: datetime | None = None,
    known: RevocationEvidence | None = None,
) -> list[SubIndication]:
    """What is not believed at `at` of a path that was good at NOW by this responder's answer."""
    evidence = Saying().evidence(LEAF, responder).merged(ROOT.crls())
    verdict = judge_path(
        LEAF.certificate,
        intermediates=[ISSUER.certificate],
        store=ROOT.store(),
        role=AnchorRole.SIGNER,
        at=NOW,
        evidence=evidence,
    )
    assert verdict.status is PathStatus.VALID, verdict
    circumstances = Circumstances(
        store=ROOT.store(), evidence=evidence.merged(known or RevocationEvidence()), at=at
    )
    found = unproved_evidence(verdict, circumstances=circumstances, proved_at=lambda _: proved_at)
    return [each.sub_indication for each in found.values()]


def test_an_answer_counts_while_its_responder_lives_or_where_it_is_proved_from_then() -> None:
    assert refused(SHORT_LIVED, at=NOW + HOUR) == []
    assert refused(SHORT_LIVED, at=NOW + 2 * DAY) == [SubIndication.NO_POE]
    assert refused(SHORT_LIVED, at=NOW + 2 * DAY, proved_at=NOW + HOUR) == []
    assert refused(ISSUER.responder(), at=NOW + 2 * DAY) == []


def test_an_answer_by_the_issuer_itself_lives_as_long_as_the_issuer() -> None:
    own = ISSUER.responding_with(ISSUER)
    assert refused(own, at=NOW + 2 * DAY) == []
    end = ISSUER.certificate.not_valid_after_utc
    assert SubIndication.NO_POE in refused(own, at=end + HOUR)
    assert refused(own, at=end + HOUR, proved_at=end - HOUR) == []


@pytest.mark.parametrize(("proved", "found"), [(3, []), (30, [SubIndication.REVOKED_CA_NO_POE])])
def test_the_issuers_revocation_counts_from_when_its_word_is_proved(
    proved: int, found: list[SubIndication]
) -> None:
    told = ROOT.crl(ISSUER, at=NOW + 40 * HOUR, since=NOW + 20 * HOUR)
    known = RevocationEvidence(crls=(told,))
    at = NOW + 41 * HOUR
    responder = ISSUER.responder()
    assert refused(responder, at=at, proved_at=NOW + proved * HOUR, known=known) == found


def test_very_many_time_stamps_are_not_all_tried() -> None:
    proofs = tuple(Proof(end=1, stamped_at=NOW + at * HOUR) for at in range(100))
    existence = Existence(proofs=proofs, judged_at=NOW + 200 * HOUR)
    instants = existence.instants_after(NOW)
    assert instants == [*(NOW + at * HOUR for at in range(1, 17)), NOW + 200 * HOUR]
    assert existence.instants_after(NOW + 300 * HOUR) == []
    assert (existence.oldest, existence.archived) == (NOW, False)
