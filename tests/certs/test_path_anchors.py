"""Anchors that are intermediates, as trusted lists have them: all below is judged as ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.path import ValidationPath

from certs.parsing import asn1_certificate
from certs.paths.validation import PathStatus, judge_path
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole
from tests.certs.forging import NOW, OFFER, Pair, Saying, root

ROOT = root()
ANCHOR = ROOT.authority("Trusted by decision", offer=OFFER)
BELOW = ANCHOR.authority("Below", offer=OFFER)
LEAF, DEEPER = ANCHOR.issue("leaf"), BELOW.issue("deeper leaf")


def status(leaf: Pair, *intermediates: Pair, evidence: RevocationEvidence) -> PathStatus:
    return judge_path(
        leaf.certificate,
        intermediates=[each.certificate for each in intermediates],
        store=ANCHOR.store(),
        role=AnchorRole.SIGNER,
        at=NOW,
        evidence=evidence,
    ).status


@pytest.mark.parametrize(
    "evidence",
    [
        ANCHOR.crls,
        lambda: Saying().evidence(LEAF, ANCHOR.responding_with(ANCHOR)),
        lambda: Saying().evidence(LEAF, ANCHOR.responder()),
    ],
    ids=["its CRL", "its OCSP", "its responder"],
)
def test_what_an_intermediate_anchor_says_itself_proves(
    evidence: Callable[[], RevocationEvidence],
) -> None:
    assert status(LEAF, evidence=evidence()) is PathStatus.VALID


def test_a_path_below_an_intermediate_anchor_needs_evidence_at_every_step() -> None:
    both = ANCHOR.crls().merged(BELOW.crls())
    assert status(DEEPER, BELOW, evidence=both) is PathStatus.VALID
    for part in (ANCHOR.crls(), BELOW.crls()):
        assert status(DEEPER, BELOW, evidence=part) is PathStatus.REVOCATION_UNKNOWN


def test_a_revocation_below_an_intermediate_anchor_counts() -> None:
    assert status(LEAF, evidence=ANCHOR.crls(LEAF)) is PathStatus.REVOKED
    revoked = BELOW.crls().merged(ANCHOR.crls(BELOW))
    assert status(DEEPER, BELOW, evidence=revoked) is PathStatus.REVOKED


def test_what_others_say_proves_nothing_below_an_intermediate_anchor() -> None:
    twin = root("Another root").authority("Trusted by decision", offer=OFFER)
    for other in (ROOT.crls(), twin.crls(), RevocationEvidence()):
        assert status(LEAF, evidence=other) is PathStatus.REVOCATION_UNKNOWN
    stale = RevocationEvidence(crls=(ANCHOR.crl(at=NOW - timedelta(days=60)),))
    assert status(LEAF, evidence=stale) is PathStatus.REVOCATION_UNKNOWN


def test_the_library_still_finds_nobody_above_an_intermediate_anchor() -> None:
    """Once this fails, `_AnchoredPath` of certs/paths/validation.py has become superfluous."""
    intermediate = asn1_certificate(ANCHOR.certificate.public_bytes(Encoding.DER))
    leaf = asn1_certificate(LEAF.certificate.public_bytes(Encoding.DER))
    path = ValidationPath(CertTrustAnchor(intermediate), [], leaf)
    with pytest.raises(LookupError):
        path.truncate_to_issuer_and_append(intermediate)
