"""Evidence is fetched once for all workers of a service, whichever of them meets a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from certs.practice.authority import Issued
from congvan.v1 import verification_pb2
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from tests.support.clients import client_of
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice, file_key, one_page
from tests.support.service import (
    PROVINCE,
    RunningService,
    Variation,
    register,
    running,
    write_configuration,
)
from tests.support.signing_calls import verdict_of

WORKERS = 3
DOCUMENTS = 9


@pytest.fixture
def asked(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the practice authority was asked for each thing."""
    count: Counter[str] = Counter()
    for name in ("answer_ocsp", "crl", "root_crl"):
        original = getattr(practice.authority, name)

        def counted(*arguments: object, _name: str = name, _original: object = original) -> object:
            count[_name] += 1
            assert callable(_original)
            return _original(*arguments)

        monkeypatch.setattr(practice.authority, name, counted)
    return count


@pytest.fixture
def several(practice: Practice, seal: Issued) -> Iterator[RunningService]:
    """A service of several workers."""
    with reachable_directory("congvan-test-service-") as directory:
        variation = Variation(workers=WORKERS)
        identities = write_configuration(directory, practice, seal, variation=variation)
        with running(directory, practice, identities) as started:
            register(started)
            yield started


async def test_many_documents_by_many_workers_cost_one_request(
    practice: Practice, several: RunningService, asked: Counter[str]
) -> None:
    signer = practice.authority.issue_person("Lê Văn Chung", organisation="H56", key="p256")
    request = SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC))
    key = file_key(signer)
    documents = [
        await sign(one_page(f"Page {number}"), key=key, request=request)
        for number in range(DOCUMENTS)
    ]
    asked.clear()

    def verdict(document: bytes) -> verification_pb2.DocumentVerdict.ValueType:
        # A channel of its own for each, so that the system spreads them over the workers.
        with several.channel(PROVINCE) as channel:
            return verdict_of(client_of(PROVINCE, channel), document).verdict

    with ThreadPoolExecutor(WORKERS) as callers:
        verdicts = set(callers.map(verdict, documents))
    assert verdicts == {verification_pb2.DOCUMENT_VERDICT_VALID}
    assert asked == {"answer_ocsp": 1, "root_crl": 1}
    kept = several.directory / "data" / "evidence-cache"
    assert kept.stat().st_mode & 0o777 == 0o700
