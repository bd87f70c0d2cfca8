"""A document cut back to an earlier signature is valid by itself: who showed the later is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from certs.keys.file import FileKey
from congvan.v1 import exchange_pb2, signing_pb2, verification_pb2
from signer import Level, SigningRequest, sign
from tests.support.clients import WAIT, Client
from tests.support.practice import one_page
from tests.support.service import COMMUNE, PARTY, PROVINCE
from tests.support.signing_calls import large, sign_request
from tests.support.verifying_calls import request_for

Report = verification_pb2.VerificationReport
VALID = verification_pb2.DOCUMENT_VERDICT_VALID
INDETERMINATE = verification_pb2.DOCUMENT_VERDICT_INDETERMINATE
OPTIONS = signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_B)


def signed(document: bytes, key: FileKey) -> bytes:
    request = SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC))
    return asyncio.run(sign(document, key=key, request=request))


def with_seal(client: Client, document: bytes) -> bytes:
    blob = client.upload(document)
    request = sign_request(options=OPTIONS, sha256=blob.sha256)
    answer = client.signing.SignDocument(request, timeout=WAIT)
    return client.download(answer.document.sha256)


def report_on(client: Client, document: bytes) -> Report:
    request = request_for(sha256=client.upload(document).sha256)
    return client.verification.VerifyDocument(request, timeout=WAIT)


def gate_of(sent: exchange_pb2.SubmitMessageResponse) -> tuple[int, str]:
    [finding] = sent.message.gate
    return finding.verdict, finding.reason


@pytest.fixture
def first(leader_key: FileKey, request: pytest.FixtureRequest) -> bytes:
    return signed(one_page(request.node.name), leader_key)


def test_a_sender_who_sends_an_earlier_revision_is_marked_with_the_reason(
    clients: dict[str, Client], first: bytes
) -> None:
    sender = clients[PROVINCE]
    sealed = with_seal(sender, first)
    assert gate_of(sender.send(sealed, COMMUNE)) == (VALID, "")
    assert gate_of(sender.send(first, COMMUNE)) == (INDETERMINATE, "EARLIER_REVISION")
    assert gate_of(sender.send(sealed, COMMUNE)) == (VALID, "")


def test_the_draft_s_way_from_leader_to_seal_marks_nothing(
    clients: dict[str, Client], first: bytes
) -> None:
    sender = clients[PROVINCE]
    early = report_on(sender, first)
    assert (early.verdict, early.later_signatures) == (VALID, 0)
    whole = report_on(sender, with_seal(sender, first))
    assert (whole.verdict, whole.later_signatures) == (VALID, 0)
    # Asked again, the first report tells what came after it; so does a new one.
    kept = verification_pb2.GetVerificationReportRequest(name=early.name)
    again = sender.verification.GetVerificationReport(kept, timeout=WAIT)
    assert (again.verdict, again.later_signatures) == (VALID, 2)
    assert report_on(sender, first).later_signatures == 2


def test_what_one_endpoint_adds_to_its_copy_says_nothing_to_the_others(
    clients: dict[str, Client], first: bytes
) -> None:
    assert report_on(clients[PROVINCE], with_seal(clients[PROVINCE], first)).verdict == VALID
    assert report_on(clients[PARTY], first).later_signatures == 0


def test_two_continuations_of_one_document_are_not_revisions_of_each_other(
    clients: dict[str, Client], first: bytes, leader_key: FileKey
) -> None:
    client = clients[PROVINCE]
    one, other = signed(first, leader_key), signed(first, leader_key)
    longer = signed(one, leader_key)
    for document in (one, longer, other):
        assert report_on(client, document).later_signatures == 0
    assert [report_on(client, each).later_signatures for each in (first, one, other, longer)] == [
        *(3, 3),
        *(0, 0),
    ]


def test_a_later_signature_that_is_not_valid_makes_no_document_an_earlier_one(
    clients: dict[str, Client], first: bytes
) -> None:
    client = clients[PROVINCE]
    sealed = bytearray(with_seal(client, first))
    sealed[len(first) + 20] ^= 1
    assert report_on(client, bytes(sealed)).verdict != VALID
    assert report_on(client, first).later_signatures == 0


def test_large_documents_are_compared_where_they_lie(
    clients: dict[str, Client], leader_key: FileKey
) -> None:
    client, document = clients[PROVINCE], signed(large(5_000_000), leader_key)
    sealed = with_seal(client, document)
    assert report_on(client, sealed).verdict == VALID
    assert report_on(client, document).later_signatures == 2
