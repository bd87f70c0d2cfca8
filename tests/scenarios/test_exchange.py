"""A document's whole way over real gRPC with mTLS: sent, judged, delivered, received, answered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from uuid import uuid4

import pytest

from congvan.v1 import (
    archive_pb2,
    blobs_pb2,
    common_pb2,
    compliance_pb2,
    envelope_pb2,
    exchange_pb2,
    verification_pb2,
)
from exchange.edxml.reader import read_edxml
from exchange.edxml.result import ReadDocument, ReadStatus
from exchange.envelope import StatusCode
from tests.support.clients import WAIT, Client, chunks, envelope, refused_with
from tests.support.service import (
    AUDITOR,
    COMMUNE,
    COMPANY,
    FRONT,
    PARTY,
    PROVINCE,
    RunningService,
)


def test_leader_and_seal_are_both_found_valid(clients: dict[str, Client], sealed: bytes) -> None:
    report = clients[PARTY].verification.VerifyDocument(
        verification_pb2.VerifyDocumentRequest(request_id=str(uuid4()), content=sealed),
        timeout=WAIT,
    )
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert [entry.kind for entry in report.signatures] == ["SIGNATURE", "SEAL"]
    assert {entry.level for entry in report.signatures} == {"B-T"}
    assert all(entry.practice for entry in report.signatures)
    assert json.loads(report.json)["schema_version"] == 1


def test_a_document_reaches_each_recipient_and_its_statuses_come_back(
    clients: dict[str, Client], sealed: bytes
) -> None:
    sent = clients[PROVINCE].send(sealed, PARTY, COMMUNE, COMPANY)
    assert sent.message.state == exchange_pb2.MESSAGE_STATE_SUBMITTED
    assert [each.verdict for each in sent.message.gate] == [verification_pb2.DOCUMENT_VERDICT_VALID]
    assert {each.recipient for each in sent.deliveries} == {PARTY, COMMUNE, COMPANY}

    item = clients[PARTY].find(sent.message.name)
    edxml = clients[PARTY].download(item.document.edxml.sha256)
    read = read_edxml(edxml)
    assert isinstance(read, ReadDocument)
    assert read.attachments[0].content == sealed
    assert clients[PARTY].download(item.document.envelope.attachments[0].blob.sha256) == sealed
    acknowledged = clients[PARTY].exchange.Acknowledge(
        exchange_pb2.AcknowledgeRequest(
            request_id=str(uuid4()),
            items=[
                exchange_pb2.AckItem(
                    lane=item.lane,
                    sequence=item.sequence,
                    outcome=exchange_pb2.ACK_OUTCOME_STORED,
                )
            ],
        ),
        timeout=WAIT,
    )
    handover = acknowledged.results[0].evidence
    assert handover.event == common_pb2.EVIDENCE_EVENT_CONTENT_HANDOVER
    for code in (envelope_pb2.STATUS_CODE_ARRIVED, envelope_pb2.STATUS_CODE_ACCEPTED):
        report(clients[PARTY], item.document.delivery.name, code)

    deliveries = clients[PROVINCE].exchange.ListDeliveries(
        exchange_pb2.ListDeliveriesRequest(message=sent.message.name), timeout=WAIT
    )
    states = {each.recipient: each.state for each in deliveries.deliveries}
    assert states[PARTY] == exchange_pb2.DELIVERY_STATE_ACCEPTED
    assert states[COMMUNE] == exchange_pb2.DELIVERY_STATE_SENT
    news = [
        each for each in clients[PROVINCE].pull().items if each.status.message == sent.message.name
    ]
    assert [each.lane for each in news] == [common_pb2.LANE_CONTROL] * 2
    status = read_edxml(clients[PROVINCE].download(news[1].status.edxml.sha256))
    assert isinstance(status, ReadStatus)
    assert (status.status.status, status.status.addressee) == (StatusCode.ACCEPTED, PROVINCE)

    evidence = clients[AUDITOR].exchange.ListEvidence(
        exchange_pb2.ListEvidenceRequest(message=sent.message.name), timeout=WAIT
    )
    events = [common_pb2.EvidenceEvent.Name(each.event) for each in evidence.evidence]
    assert events.count("EVIDENCE_EVENT_CONTENT_CONSIGNMENT") == 3
    assert events[-1] == "EVIDENCE_EVENT_STATUS_REPORTED"
    asked = exchange_pb2.GetEvidenceRequest(name=handover.name)
    assert clients[COMMUNE].exchange.GetEvidence(asked, timeout=WAIT) == handover
    with refused_with("EVIDENCE_UNKNOWN"):
        clients[FRONT].exchange.GetEvidence(asked, timeout=WAIT)
    verdict = clients[COMPANY].verification.VerifyEvidence(
        verification_pb2.VerifyEvidenceRequest(evidence=handover), timeout=WAIT
    )
    assert verdict.valid
    handover.recipient = COMPANY
    relabelled = clients[COMPANY].verification.VerifyEvidence(
        verification_pb2.VerifyEvidenceRequest(evidence=handover), timeout=WAIT
    )
    assert (relabelled.valid, relabelled.reason) == (False, "FIELDS_DIFFER")


def report(client: Client, delivery: str, code: envelope_pb2.StatusCode.ValueType) -> None:
    client.exchange.ReportStatus(
        exchange_pb2.ReportStatusRequest(
            request_id=str(uuid4()),
            delivery=delivery,
            status=envelope_pb2.StatusEntry(code=code, description="Đã vào sổ"),
        ),
        timeout=WAIT,
    )


def test_an_unsigned_and_a_broken_document_are_delivered_marked(
    clients: dict[str, Client], sealed: bytes, one_page_pdf: bytes
) -> None:
    unsigned = clients[PROVINCE].send(one_page_pdf, COMMUNE)
    place = sealed.index(b"Practice page")
    broken = clients[PROVINCE].send(
        sealed[:place] + b"Altered! page" + sealed[place + 13 :], COMMUNE
    )
    assert unsigned.message.gate[0].verdict == verification_pb2.DOCUMENT_VERDICT_UNSIGNED
    assert broken.message.gate[0].verdict == verification_pb2.DOCUMENT_VERDICT_INVALID
    assert broken.message.gate[0].reason
    for sent in (unsigned, broken):
        found = clients[COMMUNE].find(sent.message.name)
        assert found.document.gate[0].verdict == sent.message.gate[0].verdict
        marked = [each.event for each in sent.evidence]
        assert common_pb2.EVIDENCE_EVENT_SIGNATURE_GATE_MARKED in marked


def test_the_rate_counts_what_was_sent_and_says_why_the_rest_was_not(
    clients: dict[str, Client], sealed: bytes, one_page_pdf: bytes
) -> None:
    for content in (sealed, one_page_pdf):
        clients[PROVINCE].send(content, FRONT)
    period = compliance_pb2.Period(
        first_day=envelope_pb2.CalendarDate(year=2026, month=11, day=1),
        last_day=envelope_pb2.CalendarDate(year=2026, month=11, day=30),
    )
    rate = clients[AUDITOR].compliance.QuerySignatureRate(
        compliance_pb2.QuerySignatureRateRequest(period=period), timeout=WAIT
    )
    assert 0 < rate.total.numerator < rate.total.denominator
    assert "100 %" not in rate.total.rate
    assert sum(each.count.denominator for each in rate.blocks) == rate.total.denominator
    exceptions = clients[AUDITOR].compliance.ListExceptions(
        compliance_pb2.ListExceptionsRequest(period=period), timeout=WAIT
    )
    assert len(exceptions.exceptions) == rate.exception_count
    assert all(each.reason and each.sentence_vi for each in exceptions.exceptions)


def test_an_uploaded_edxml_document_is_delivered_byte_for_byte(
    clients: dict[str, Client], sealed: bytes
) -> None:
    sent = clients[PROVINCE].send(sealed, PARTY)
    edxml = clients[PROVINCE].download(sent.message.edxml.sha256)
    other = edxml.replace(b"KHCN-VP", b"KHCN-TH")
    blob = clients[PROVINCE].upload(other, name="message.edxml")
    created = clients[PROVINCE].exchange.CreateMessage(
        exchange_pb2.CreateMessageRequest(request_id=str(uuid4()), edxml=blob), timeout=WAIT
    )
    submitted = clients[PROVINCE].exchange.SubmitMessage(
        exchange_pb2.SubmitMessageRequest(request_id=str(uuid4()), name=created.message.name),
        timeout=WAIT,
    )
    item = clients[PARTY].find(submitted.message.name)
    assert clients[PARTY].download(item.document.edxml.sha256) == other
    assert item.document.gate[0].verdict == verification_pb2.DOCUMENT_VERDICT_VALID


def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(
    clients: dict[str, Client], sealed: bytes
) -> None:
    blob = clients[PROVINCE].upload(sealed)
    create = exchange_pb2.CreateMessageRequest(
        request_id=str(uuid4()), envelope=envelope(PROVINCE, blob, FRONT)
    )
    first = clients[PROVINCE].exchange.CreateMessage(create, timeout=WAIT)
    again = clients[PROVINCE].exchange.CreateMessage(create, timeout=WAIT)
    assert again.message.name == first.message.name
    assert (first.replay.replayed, again.replay.replayed) == (False, True)
    submit = exchange_pb2.SubmitMessageRequest(request_id=str(uuid4()), name=first.message.name)
    sent = clients[PROVINCE].exchange.SubmitMessage(submit, timeout=WAIT)
    resent = clients[PROVINCE].exchange.SubmitMessage(submit, timeout=WAIT)
    assert [each.name for each in resent.deliveries] == [each.name for each in sent.deliveries]
    found = [
        item
        for item in clients[FRONT].pull().items
        if item.document.delivery.message == first.message.name
    ]
    assert len(found) == 1
    create.envelope.subject = "Một trích yếu khác"
    with refused_with("REQUEST_ID_REUSED"):
        clients[PROVINCE].exchange.CreateMessage(create, timeout=WAIT)


def test_twenty_equal_requests_at_once_make_one_message(
    clients: dict[str, Client], service: RunningService, sealed: bytes
) -> None:
    blob = clients[PROVINCE].upload(sealed)
    request = exchange_pb2.CreateMessageRequest(
        request_id=str(uuid4()), envelope=envelope(PROVINCE, blob, PARTY)
    )
    calls = [
        clients[PROVINCE].exchange.CreateMessage.future(request, timeout=WAIT) for _ in range(20)
    ]
    names = {call.result().message.name for call in calls}
    assert len(names) == 1


def test_an_upload_resumes_at_the_committed_offset(clients: dict[str, Client]) -> None:
    content = b"%PDF-" + bytes(range(256)) * 600
    client = clients[COMMUNE]
    blob = common_pb2.BlobRef(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    upload = client.blobs.StartUpload(
        blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
    )
    first = next(chunks(upload.name, content))
    part = client.blobs.WriteBlob(iter([first]), timeout=WAIT)
    assert (part.committed_size, part.complete) == (64 << 10, False)
    with refused_with("UPLOAD_OFFSET_WRONG"):
        client.blobs.WriteBlob(iter([first]), timeout=WAIT)
    asked = client.blobs.QueryUpload(blobs_pb2.QueryUploadRequest(name=upload.name), timeout=WAIT)
    rest = chunks(upload.name, content, offset=asked.committed_size)
    assert client.blobs.WriteBlob(rest, timeout=WAIT).complete
    assert client.download(blob.sha256) == content


def test_the_archive_lists_ones_own_and_is_whole(clients: dict[str, Client], sealed: bytes) -> None:
    clients[PROVINCE].send(sealed, PARTY)
    own = clients[PROVINCE].archive.ListRecords(archive_pb2.ListRecordsRequest(), timeout=WAIT)
    assert own.records
    assert {record.owner for record in own.records} == {PROVINCE}
    kinds = {archive_pb2.RecordKind.Name(record.kind) for record in own.records}
    assert {"RECORD_KIND_DOCUMENT", "RECORD_KIND_ENVELOPE", "RECORD_KIND_REPORT"} <= kinds
    with refused_with("RECORD_UNKNOWN"):
        clients[COMPANY].archive.GetRecord(
            archive_pb2.GetRecordRequest(name=own.records[0].name), timeout=WAIT
        )
    checked = clients[AUDITOR].archive.CheckIntegrity(
        archive_pb2.CheckIntegrityRequest(), timeout=WAIT
    )
    assert checked.checked == checked.intact > 0


@pytest.mark.parametrize(
    ("sender", "recipient", "reason"),
    [
        (PROVINCE, "H56.00", "RECIPIENT_UNKNOWN"),
        (COMPANY, PARTY, "ROUTE_FORBIDDEN"),
    ],
)
def test_what_may_not_go_there_is_refused_before_anything_happens(
    clients: dict[str, Client], sealed: bytes, *, sender: str, recipient: str, reason: str
) -> None:
    with refused_with(reason):
        clients[sender].send(sealed, recipient)


def test_an_upload_comes_in_single_chunks_over_links_that_break_streams(
    clients: dict[str, Client],
) -> None:
    content, client = b"%PDF-" + bytes(range(256)) * 300, clients[COMMUNE]
    name = begun(client, content)
    for offset in range(0, len(content), 32 << 10):
        chunk = blobs_pb2.WriteChunkRequest(
            upload=name, write_offset=offset, data=content[offset : offset + (32 << 10)]
        )
        first = client.blobs.WriteChunk(chunk, timeout=WAIT)
        again = client.blobs.WriteChunk(chunk, timeout=WAIT)
        assert (
            again.committed_size == first.committed_size == min(offset + (32 << 10), len(content))
        )
    assert again.complete
    assert client.download(again.blob.sha256) == content


def test_a_cancelled_upload_is_forgotten_once_and_a_repeat_says_the_same(
    clients: dict[str, Client],
) -> None:
    client = clients[COMMUNE]
    cancel = blobs_pb2.CancelUploadRequest(
        request_id=str(uuid4()), name=begun(client, b"%PDF- never sent in full")
    )
    client.blobs.CancelUpload(cancel, timeout=WAIT)
    client.blobs.CancelUpload(cancel, timeout=WAIT)
    with refused_with("UPLOAD_UNKNOWN"):
        client.blobs.QueryUpload(blobs_pb2.QueryUploadRequest(name=cancel.name), timeout=WAIT)


def begun(client: Client, content: bytes) -> str:
    blob = common_pb2.BlobRef(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    request = blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob)
    return client.blobs.StartUpload(request, timeout=WAIT).name


def test_the_spool_is_empty_when_uploads_are_done(
    service: RunningService, clients: dict[str, Client], sealed: bytes
) -> None:
    clients[PROVINCE].upload(sealed + b"%\n")
    spool = service.directory / "data" / "spool"
    for leftover in spool.iterdir():
        assert leftover.stat().st_size < len(sealed), leftover


def test_no_secret_reaches_the_log(service: RunningService) -> None:
    log = Path(service.directory / "service.log").read_text(encoding="utf8")
    assert "practice passphrase" not in log
    assert "PRIVATE KEY" not in log
