"""Signed documents that others made: what we add for the archive breaks none of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from bench.agreement import accepted
from certs.errors import CertsError
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.augmentation.long_term import store_update
from signer.creation.document_timestamps import timestamp_update
from signer.creation.requests import Level
from signer.errors import DocumentRefused, SignerError
from signer.report import Report
from signer.source import Source
from signer.validation.assessing import assess
from signer.verdicts import Changes, Integrity
from tests.signer.test_assess_corpus import CORPUS
from tests.support.ages import Ages
from tests.support.office import OfficeTimestamper

LARGE_BYTES = 1_000_000
AT = datetime(2026, 11, 23, tzinfo=UTC)

pytestmark = [] if CORPUS.is_dir() else [pytest.mark.judge("../shared/corpus")]


@pytest.fixture(scope="module")
def ages(tmp_path_factory: pytest.TempPathFactory) -> Ages:
    return Ages(tmp_path_factory.mktemp("corpus"))


def documents() -> list[Path]:
    files = sorted((CORPUS / "pdf").glob("*.pdf"))
    return [file for file in files if file.stat().st_size < LARGE_BYTES]


def judged(document: bytes) -> Report:
    return assess(document, store=TrustStore(), at=AT)


async def test_a_store_and_a_time_stamp_change_nothing_that_others_signed(ages: Ages) -> None:
    root = ages.present.authority.root.public_bytes(Encoding.DER)
    proof = ages.evidence().merged(RevocationEvidence(certificates=(root,)))
    kept, refused, forbidden = 0, 0, []
    for file in documents():
        document = file.read_bytes()
        if not accepted(judged(document)):
            continue
        source = Source.of_bytes(document)
        try:
            tail = store_update(source, proof)
            stamp, _ = await timestamp_update(
                source.followed_by(tail), timestamper=OfficeTimestamper(ages.present)
            )
        except DocumentRefused:
            refused += 1
            continue
        report = judged(document + tail + stamp)
        kept += accepted(report)
        forbidden += [
            (file.name, entry.field, entry.detail)
            for entry in report.signatures
            if entry.changes is Changes.FORBIDDEN or entry.integrity is not Integrity.INTACT
        ]
    assert forbidden == []
    assert kept > 50
    assert refused <= 2


async def test_whoever_signed_a_refusal_to_extend_is_one_of_our_errors(ages: Ages) -> None:
    """Nobody of theirs is trusted here, so each must be refused, whatever the file does."""
    for file in documents():
        with pytest.raises((SignerError, CertsError)):
            await ages.extend(file.read_bytes(), Level.B_LTA)
