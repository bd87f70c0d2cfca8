"""A document's whole way over real gRPC with mTLS: sent, judged, delivered, received, answered."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from certs.fetching import EvidenceFetcher
from certs.keys.file import FileKey
from certs.timestamping import HttpTimestamper
from congvan.v1 import (
    archive_pb2,
    archive_pb2_grpc,
    blobs_pb2,
    blobs_pb2_grpc,
    common_pb2,
    compliance_pb2,
    compliance_pb2_grpc,
    envelope_pb2,
    exchange_pb2,
    exchange_pb2_grpc,
    signing_pb2,
    signing_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)
from exchange.edxml.reader import read_edxml
from exchange.edxml.result import ReadDocument, ReadStatus
from exchange.envelope import StatusCode
from signer import Level, SigningRequest, sign
from tests.support.practice import Practice
from tests.support.service import (
    AUDITOR,
    COMMUNE,
    COMPANY,
    FRONT,
    PARTY,
    PROVINCE,
    REGISTRAR,
    RunningService,
)

pytest_plugins = ["tests.support.service"]
WAIT = 60


@dataclass(frozen=True)
class Client:
    """The stubs of one endpoint over one channel."""

    code: str
    exchange: exchange_pb2_grpc.ExchangeServiceStub
    blobs: blobs_pb2_grpc.BlobServiceStub
    signing: signing_pb2_grpc.SigningServiceStub
    verification: verification_pb2_grpc.VerificationServiceStub
    archive: archive_pb2_grpc.ArchiveServiceStub
    compliance: compliance_pb2_grpc.ComplianceServiceStub

    def upload(self, content: bytes, *, name: str = "van-ban.pdf") -> common_pb2.BlobRef:
        blob = common_pb2.BlobRef(
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            media_type="application/pdf",
            file_name=name,
        )
        upload = self.blobs.StartUpload(
            blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
        )
        if not upload.complete:
            upload = self.blobs.WriteBlob(chunks(upload.name, content), timeout=WAIT)
        assert upload.complete
        return blob

    def download(self, sha256: str) -> bytes:
        request = blobs_pb2.DownloadBlobRequest(sha256=sha256)
        return b"".join(chunk.data for chunk in self.blobs.DownloadBlob(request, timeout=WAIT))

    def send(self, content: bytes, *recipients: str) -> exchange_pb2.SubmitMessageResponse:
        blob = self.upload(content)
        created = self.exchange.CreateMessage(
            exchange_pb2.CreateMessageRequest(
                request_id=str(uuid4()), envelope=envelope(self.code, blob, *recipients)
            ),
            timeout=WAIT,
        )
        assert not created.missing_blobs
        return self.exchange.SubmitMessage(
            exchange_pb2.SubmitMessageRequest(
                request_id=str(uuid4()), name=created.message.name, etag=created.message.etag
            ),
            timeout=WAIT,
        )

    def pull(self, cursor: str = "") -> exchange_pb2.PullResponse:
        return self.exchange.Pull(exchange_pb2.PullRequest(cursor=cursor), timeout=WAIT)

    def find(self, message: str) -> exchange_pb2.MailboxItem:
        for item in self.pull().items:
            if item.document.delivery.message == message or item.status.message == message:
                return item
        raise AssertionError(f"{message} is not in the mailbox of {self.code}")


def chunks(upload: str, content: bytes, *, offset: int = 0) -> Iterator[blobs_pb2.WriteBlobRequest]:
    for start in range(offset, len(content), 64 << 10):
        yield blobs_pb2.WriteBlobRequest(
            upload=upload, write_offset=start, data=content[start : start + (64 << 10)]
        )


def envelope(sender: str, blob: common_pb2.BlobRef, *recipients: str) -> envelope_pb2.Envelope:
    return envelope_pb2.Envelope(
        sender=envelope_pb2.Party(organ_id=sender, organ_name="Cơ quan gửi"),
        recipients=[
            envelope_pb2.Party(organ_id=code, organ_name=f"Cơ quan {code}") for code in recipients
        ],
        code=envelope_pb2.DocumentCode(number=str(uuid4().int % 10**9), notation="KHCN-VP"),
        place="Thanh Hóa",
        promulgated_on=envelope_pb2.CalendarDate(year=2026, month=11, day=20),
        document_type=envelope_pb2.DocumentType(group=2, detail=18, name="Công văn"),
        subject="V/v kết nối, liên thông hệ thống quản lý văn bản",
        signer=envelope_pb2.SignerInfo(position="Giám đốc", full_name="Nguyễn Văn An"),
        priority=envelope_pb2.PRIORITY_NORMAL,
        attachments=[envelope_pb2.Attachment(blob=blob, description="Văn bản chính")],
    )


@pytest.fixture(scope="module")
def clients(service: RunningService) -> Iterator[dict[str, Client]]:
    channels = {code: service.channel(code) for code in service.identities}
    yield {
        code: Client(
            code=code,
            exchange=exchange_pb2_grpc.ExchangeServiceStub(channel),
            blobs=blobs_pb2_grpc.BlobServiceStub(channel),
            signing=signing_pb2_grpc.SigningServiceStub(channel),
            verification=verification_pb2_grpc.VerificationServiceStub(channel),
            archive=archive_pb2_grpc.ArchiveServiceStub(channel),
            compliance=compliance_pb2_grpc.ComplianceServiceStub(channel),
        )
        for code, channel in channels.items()
    }
    for channel in channels.values():
        channel.close()


@pytest.fixture(scope="module")
def leader_signed(practice: Practice, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    async def make() -> bytes:
        async with EvidenceFetcher(practice.fetch_policy) as fetcher:
            timestamper = HttpTimestamper(practice.tsa_url, fetcher=fetcher, store=practice.trust)
            request = SigningRequest(level=Level.B_T, signed_at=datetime.now(UTC))
            return await sign(
                one_page_pdf, key=leader_key, request=request, timestamper=timestamper
            )

    return asyncio.run(make())


@pytest.fixture(scope="module")
def sealed(clients: dict[str, Client], leader_signed: bytes) -> bytes:
    keys = clients[PROVINCE].signing.ListSigningKeys(
        signing_pb2.ListSigningKeysRequest(), timeout=WAIT
    )
    response = clients[PROVINCE].signing.SignDocument(
        signing_pb2.SignDocumentRequest(
            request_id=str(uuid4()),
            key=keys.keys[0].name,
            document=signing_pb2.DocumentContent(content=leader_signed),
            options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_T),
        ),
        timeout=WAIT,
    )
    return bytes(response.content)


def reason_of(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


def refused_with(reason: str) -> pytest.RaisesExc[grpc.RpcError]:
    return pytest.RaisesExc(grpc.RpcError, check=lambda error: reason_of(error) == reason)


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
    verdict = clients[COMPANY].verification.VerifyEvidence(
        verification_pb2.VerifyEvidenceRequest(evidence=handover), timeout=WAIT
    )
    assert verdict.valid


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


def test_a_wrong_hash_keeps_nothing(clients: dict[str, Client]) -> None:
    content = b"what is really sent"
    blob = common_pb2.BlobRef(sha256="0" * 64, size_bytes=len(content))
    client = clients[COMMUNE]
    upload = client.blobs.StartUpload(
        blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
    )
    with refused_with("DIGEST_MISMATCH"):
        client.blobs.WriteBlob(chunks(upload.name, content), timeout=WAIT)
    with refused_with("BLOB_UNKNOWN"):
        client.download(blob.sha256)


def test_content_that_others_hold_is_not_told_of(clients: dict[str, Client], sealed: bytes) -> None:
    blob = clients[PROVINCE].upload(sealed + b"\n")
    with refused_with("BLOB_UNKNOWN"):
        clients[COMPANY].download(blob.sha256)
    upload = clients[COMPANY].blobs.StartUpload(
        blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
    )
    assert not upload.complete


def test_strangers_see_neither_message_nor_delivery_nor_report(
    clients: dict[str, Client], sealed: bytes
) -> None:
    sent = clients[PROVINCE].send(sealed, PARTY)
    with refused_with("MESSAGE_UNKNOWN"):
        clients[COMPANY].exchange.GetMessage(
            exchange_pb2.GetMessageRequest(name=sent.message.name), timeout=WAIT
        )
    with refused_with("DELIVERY_UNKNOWN"):
        clients[COMPANY].exchange.GetDelivery(
            exchange_pb2.GetDeliveryRequest(name=sent.deliveries[0].name), timeout=WAIT
        )
    with refused_with("REPORT_UNKNOWN"):
        clients[COMPANY].verification.GetVerificationReport(
            verification_pb2.GetVerificationReportRequest(name=sent.message.gate[0].report),
            timeout=WAIT,
        )
    assert (
        clients[PARTY]
        .verification.GetVerificationReport(
            verification_pb2.GetVerificationReportRequest(name=sent.message.gate[0].report),
            timeout=WAIT,
        )
        .json
    )


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


def test_the_envelope_must_name_the_caller(clients: dict[str, Client], sealed: bytes) -> None:
    blob = clients[COMPANY].upload(sealed)
    with refused_with("SENDER_IDENTITY_MISMATCH"):
        clients[COMPANY].exchange.CreateMessage(
            exchange_pb2.CreateMessageRequest(
                request_id=str(uuid4()), envelope=envelope(PROVINCE, blob, PARTY)
            ),
            timeout=WAIT,
        )


def test_a_doctype_is_refused(clients: dict[str, Client]) -> None:
    hostile = b'<?xml version="1.0"?><!DOCTYPE edXML [<!ENTITY a "b">]><edXML>&a;</edXML>'
    blob = clients[PROVINCE].upload(hostile, name="message.edxml")
    with refused_with("EDXML_DOCTYPE_REFUSED"):
        clients[PROVINCE].exchange.CreateMessage(
            exchange_pb2.CreateMessageRequest(request_id=str(uuid4()), edxml=blob), timeout=WAIT
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"MZ no document", "NOT_A_PDF"), (b"%PDF-1.7\n1 0 obj\n<<", "DOCUMENT_TRUNCATED")],
)
def test_what_can_not_be_signed_is_named(
    clients: dict[str, Client], content: bytes, reason: str
) -> None:
    with refused_with(reason):
        clients[PROVINCE].signing.SignDocument(
            signing_pb2.SignDocumentRequest(
                request_id=str(uuid4()),
                key=f"signingKeys/seal-{PROVINCE}",
                document=signing_pb2.DocumentContent(content=content),
                options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_B),
            ),
            timeout=WAIT,
        )


def test_a_key_of_another_endpoint_does_not_exist(
    clients: dict[str, Client], one_page_pdf: bytes
) -> None:
    with refused_with("ARGUMENT_INVALID"):
        clients[COMPANY].signing.SignDocument(
            signing_pb2.SignDocumentRequest(
                request_id=str(uuid4()),
                key=f"signingKeys/seal-{PROVINCE}",
                document=signing_pb2.DocumentContent(content=one_page_pdf),
                options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_B),
            ),
            timeout=WAIT,
        )


def test_a_refusal_without_reason_is_not_taken(clients: dict[str, Client], sealed: bytes) -> None:
    sent = clients[PROVINCE].send(sealed, FRONT)
    with refused_with("ARGUMENT_INVALID"):
        clients[FRONT].exchange.ReportStatus(
            exchange_pb2.ReportStatusRequest(
                request_id=str(uuid4()),
                delivery=sent.deliveries[0].name,
                status=envelope_pb2.StatusEntry(code=envelope_pb2.STATUS_CODE_REFUSED),
            ),
            timeout=WAIT,
        )


def test_the_spool_is_empty_when_uploads_are_done(
    service: RunningService, clients: dict[str, Client], sealed: bytes
) -> None:
    clients[PROVINCE].upload(sealed + b"%\n")
    spool = service.directory / "data" / "spool"
    for leftover in spool.iterdir():
        assert leftover.stat().st_size < len(sealed), leftover


def test_the_registrar_sends_no_documents(clients: dict[str, Client]) -> None:
    with refused_with("ROLE_MISSING"):
        clients[REGISTRAR].pull()


def test_no_secret_reaches_the_log(service: RunningService) -> None:
    log = Path(service.directory / "service.log").read_text(encoding="utf8")
    assert "practice passphrase" not in log
    assert "PRIVATE KEY" not in log
