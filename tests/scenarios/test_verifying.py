"""Documents judged over real gRPC: in one piece, in chunks, and many in one call."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from certs.practice.authority import Issued
from congvan.v1 import verification_pb2
from tests.support.clients import WAIT, Client, client_of, refused_with
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice, one_page
from tests.support.service import (
    COMMUNE,
    PROVINCE,
    RunningService,
    Variation,
    register,
    running,
    write_configuration,
)
from tests.support.signing_calls import (
    CHUNK_BYTES,
    MEGABYTE,
    large,
    reason_in,
    sign_request,
    signed_by_stream,
    streamed,
    verdict_of,
)
from tests.support.verifying_calls import in_chunks, request_for
from tests.support.workers import Peak, spooled, worker_of

Report = verification_pb2.VerificationReport
VALID = verification_pb2.DOCUMENT_VERDICT_VALID
INVALID = verification_pb2.DOCUMENT_VERDICT_INVALID
UNREADABLE = verification_pb2.DOCUMENT_VERDICT_UNREADABLE
LARGE_BYTES = 40 * MEGABYTE


def judged_in_chunks(
    client: Client,
    document: bytes,
    *,
    header: verification_pb2.VerifyDocumentRequest | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Report:
    messages = in_chunks(header or request_for(), document, chunk_bytes=chunk_bytes)
    return client.verification.VerifyDocumentStream(messages, timeout=WAIT)


def told(report: Report) -> tuple[object, ...]:
    """What a report says about its document, whenever it was made."""
    parsed = json.loads(report.json)
    del parsed["judged_at"]
    bare = Report()
    bare.CopyFrom(report)
    for field in ("name", "json", "judged_at", "replay"):
        bare.ClearField(field)
    return bare.SerializeToString(deterministic=True), parsed


@pytest.fixture(scope="module")
def large_signed(clients: dict[str, Client]) -> bytes:
    messages = streamed(sign_request(), large(LARGE_BYTES))
    return signed_by_stream(clients[PROVINCE], messages)[1]


@pytest.mark.parametrize("chunk_bytes", [199, CHUNK_BYTES])
def test_a_document_in_chunks_is_judged_as_in_one_piece(
    clients: dict[str, Client], service: RunningService, sealed: bytes, chunk_bytes: int
) -> None:
    client = clients[PROVINCE]
    whole = verdict_of(client, sealed)
    report = judged_in_chunks(client, sealed, chunk_bytes=chunk_bytes)
    assert whole.verdict == VALID
    assert told(report) == told(whole)
    assert not spooled(service)


def test_a_bad_document_in_chunks_is_an_answer(clients: dict[str, Client]) -> None:
    client, document = clients[PROVINCE], b"no PDF at all"
    report = judged_in_chunks(client, document)
    assert (report.verdict, report.reason) == (UNREADABLE, "NOT_A_PDF")
    assert told(report) == told(verdict_of(client, document))


def test_a_large_document_is_judged_in_little_more_memory_of_the_service(
    clients: dict[str, Client], service: RunningService, large_signed: bytes
) -> None:
    client = clients[PROVINCE]
    sandboxes = [Peak(each) for each in worker_of(service).children(recursive=True)]
    peak = Peak(worker_of(service))
    report = judged_in_chunks(client, large_signed)
    # Judged twice there, the second time with evidence.
    assert sum(each.extra_bytes for each in sandboxes) <= 1.3 * len(large_signed)
    assert peak.extra_bytes <= 0.25 * len(large_signed), f"{peak.extra_bytes / MEGABYTE:.1f} MB"
    assert report.verdict == VALID, report.json

    blob = client.upload(large_signed)
    peak = Peak(worker_of(service))
    uploaded = client.verification.VerifyDocument(request_for(sha256=blob.sha256), timeout=WAIT)
    assert peak.extra_bytes <= 0.25 * len(large_signed), f"{peak.extra_bytes / MEGABYTE:.1f} MB"
    assert told(uploaded) == told(report)
    assert not spooled(service)


def test_one_bit_of_a_large_document_is_noticed(
    clients: dict[str, Client], large_signed: bytes
) -> None:
    altered = bytearray(large_signed)
    altered[LARGE_BYTES // 2] ^= 1
    report = judged_in_chunks(clients[PROVINCE], bytes(altered))
    assert report.verdict == INVALID
    assert report.signatures[0].integrity == "BROKEN"


def test_a_repeated_stream_gets_the_first_report(clients: dict[str, Client], sealed: bytes) -> None:
    client, header = clients[PROVINCE], request_for()
    first = judged_in_chunks(client, sealed, header=header)
    again = judged_in_chunks(client, sealed, header=header, chunk_bytes=1000)
    assert (first.replay.replayed, again.replay.replayed) == (False, True)
    assert (again.name, again.json) == (first.name, first.json)
    kept = client.verification.GetVerificationReport(
        verification_pb2.GetVerificationReportRequest(name=first.name), timeout=WAIT
    )
    assert kept.json == first.json
    with refused_with("REQUEST_ID_REUSED"):
        judged_in_chunks(client, one_page("Another"), header=header)


def test_a_stream_and_an_upload_of_the_same_document_are_the_same_request(
    clients: dict[str, Client], sealed: bytes
) -> None:
    client, header = clients[PROVINCE], request_for()
    first = judged_in_chunks(client, sealed, header=header)
    named = request_for(sha256=client.upload(sealed).sha256)
    named.request_id = header.request_id
    again = client.verification.VerifyDocument(named, timeout=WAIT)
    alone = judged_in_chunks(client, b"", header=named)
    assert {first.name} == {again.name, alone.name}
    assert again.replay.replayed
    assert alone.replay.replayed


def test_a_stranger_s_upload_is_not_judged(clients: dict[str, Client]) -> None:
    theirs = clients[COMMUNE].upload(one_page("Not yours to judge"))
    with refused_with("BLOB_UNKNOWN"):
        clients[PROVINCE].verification.VerifyDocument(
            request_for(sha256=theirs.sha256), timeout=WAIT
        )


def test_in_a_batch_one_that_is_refused_costs_the_others_nothing(
    clients: dict[str, Client], service: RunningService, sealed: bytes, large_signed: bytes
) -> None:
    client = clients[PROVINCE]
    theirs = one_page("Theirs, in a batch")
    first, strange = request_for(sealed), request_for(sha256=clients[COMMUNE].upload(theirs).sha256)
    batch = verification_pb2.BatchVerifyDocumentsRequest(
        request_id=str(uuid4()),
        requests=[
            first,
            strange,
            verification_pb2.VerifyDocumentRequest(content=b"no PDF at all"),
            verification_pb2.VerifyDocumentRequest(),
            verification_pb2.VerifyDocumentRequest(blob_sha256=client.upload(large_signed).sha256),
        ],
    )
    answer = client.verification.BatchVerifyDocuments(batch, timeout=WAIT)
    assert [reason_in(each) for each in answer.statuses] == [
        *("", "BLOB_UNKNOWN", "", "ARGUMENT_INVALID", "")
    ]
    refused = verification_pb2.DOCUMENT_VERDICT_UNSPECIFIED
    verdicts = [VALID, refused, UNREADABLE, refused, VALID]
    assert [each.verdict for each in answer.reports] == verdicts
    assert [bool(each.name) for each in answer.reports] == [True, False, True, False, True]
    assert not any(each.json for each in answer.reports)
    assert not spooled(service)
    kept = client.verification.GetVerificationReport(
        verification_pb2.GetVerificationReportRequest(name=answer.reports[0].name), timeout=WAIT
    )
    assert told(kept) == told(verdict_of(client, sealed))
    # An item is the request that it would be by itself.
    alone = client.verification.VerifyDocument(first, timeout=WAIT)
    assert (alone.name, alone.replay.replayed) == (answer.reports[0].name, True)

    client.upload(theirs)
    again = client.verification.BatchVerifyDocuments(batch, timeout=WAIT)
    assert [reason_in(each) for each in again.statuses] == ["", "", "", "ARGUMENT_INVALID", ""]
    assert [each.replay.replayed for each in again.reports] == [True, False, True, False, True]
    names = [each.name for each in again.reports]
    assert [names[place] for place in (0, 2, 4)] == [
        answer.reports[place].name for place in (0, 2, 4)
    ]


@pytest.mark.parametrize("count", [0, 101])
def test_the_size_of_a_batch_is_bounded(clients: dict[str, Client], count: int) -> None:
    batch = verification_pb2.BatchVerifyDocumentsRequest(
        request_id=str(uuid4()), requests=[request_for(b"x") for _ in range(count)]
    )
    with refused_with("ARGUMENT_INVALID"):
        clients[PROVINCE].verification.BatchVerifyDocuments(batch, timeout=WAIT)


def test_a_batch_has_a_request_id_of_its_own(clients: dict[str, Client]) -> None:
    batch = verification_pb2.BatchVerifyDocumentsRequest(requests=[request_for(b"x")])
    with refused_with("REQUEST_ID_INVALID"):
        clients[PROVINCE].verification.BatchVerifyDocuments(batch, timeout=WAIT)


def judged_twice(clients: dict[str, Client], document: bytes) -> list[Report]:
    """The reports that two endpoints get on the same document, one after the other."""
    return [
        clients[each].verification.VerifyDocument(request_for(document), timeout=WAIT)
        for each in (PROVINCE, COMMUNE)
    ]


@pytest.mark.parametrize(("tail", "verdict"), [(b"", VALID), (b"\nmore", INVALID)])
def test_the_same_document_is_not_judged_again_while_its_report_holds(
    clients: dict[str, Client], sealed: bytes, tail: bytes, verdict: int
) -> None:
    first, second = judged_twice(clients, sealed + tail)
    assert first.verdict == second.verdict == verdict
    assert first.name != second.name
    assert first.judged_at == second.judged_at
    assert told(first) == told(second)
    assert not second.replay.replayed
    kept = verification_pb2.GetVerificationReportRequest(name=second.name)
    assert clients[COMMUNE].verification.GetVerificationReport(kept, timeout=WAIT) == second
    with refused_with("REPORT_UNKNOWN"):
        clients[PROVINCE].verification.GetVerificationReport(kept, timeout=WAIT)


def test_what_could_not_be_read_is_tried_again(clients: dict[str, Client]) -> None:
    first, second = judged_twice(clients, b"%PDF-1.7 and no more")
    assert first.verdict == second.verdict == UNREADABLE
    assert first.judged_at.ToDatetime() < second.judged_at.ToDatetime()


def test_an_operator_can_have_every_document_judged_anew(
    practice: Practice, seal: Issued, sealed: bytes
) -> None:
    variation = Variation(extra="[verification]\nreuse_seconds = 0")
    with reachable_directory("congvan-test-service-") as directory:
        identities = write_configuration(directory, practice, seal, variation=variation)
        with running(directory, practice, identities) as service:
            register(service)
            with service.channel(PROVINCE) as one, service.channel(COMMUNE) as other:
                pair = {PROVINCE: client_of(PROVINCE, one), COMMUNE: client_of(COMMUNE, other)}
                first, second = judged_twice(pair, sealed)
    assert first.verdict == second.verdict == VALID
    assert first.judged_at.ToDatetime() < second.judged_at.ToDatetime()
