"""Clients of the running service for tests: stubs, uploads, envelopes, and refusals by reason."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys.file import FileKey
from certs.timestamping import HttpTimestamper
from congvan.v1 import (
    archive_pb2_grpc,
    blobs_pb2,
    blobs_pb2_grpc,
    common_pb2,
    compliance_pb2_grpc,
    envelope_pb2,
    exchange_pb2,
    exchange_pb2_grpc,
    operations_pb2_grpc,
    signing_pb2,
    signing_pb2_grpc,
    verification_pb2_grpc,
)
from signer import Level, SigningRequest, sign
from tests.support.practice import Practice
from tests.support.service import (
    PROVINCE,
    RunningService,
)

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
    operations: operations_pb2_grpc.OperationServiceStub

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
    # At least one message, also where only the end of the upload is missing.
    for start in range(offset, max(len(content), offset + 1), 64 << 10):
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


def client_of(code: str, channel: grpc.Channel) -> Client:
    return Client(
        code=code,
        exchange=exchange_pb2_grpc.ExchangeServiceStub(channel),
        blobs=blobs_pb2_grpc.BlobServiceStub(channel),
        signing=signing_pb2_grpc.SigningServiceStub(channel),
        verification=verification_pb2_grpc.VerificationServiceStub(channel),
        archive=archive_pb2_grpc.ArchiveServiceStub(channel),
        compliance=compliance_pb2_grpc.ComplianceServiceStub(channel),
        operations=operations_pb2_grpc.OperationServiceStub(channel),
    )


@pytest.fixture(scope="session")
def clients(service: RunningService) -> Iterator[dict[str, Client]]:
    channels = {code: service.channel(code) for code in service.identities}
    yield {code: client_of(code, channel) for code, channel in channels.items()}
    for channel in channels.values():
        channel.close()


@pytest.fixture(scope="session")
def leader_signed(practice: Practice, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    async def make() -> bytes:
        async with EvidenceFetcher(practice.fetch_policy) as fetcher:
            timestamper = HttpTimestamper(practice.tsa_url, fetcher=fetcher, store=practice.trust)
            request = SigningRequest(level=Level.B_T, signed_at=datetime.now(UTC))
            return await sign(
                one_page_pdf, key=leader_key, request=request, timestamper=timestamper
            )

    return asyncio.run(make())


@pytest.fixture(scope="session")
def sealed(clients: dict[str, Client], leader_signed: bytes) -> bytes:
    listed = clients[PROVINCE].signing.ListSigningKeys(
        signing_pb2.ListSigningKeysRequest(), timeout=WAIT
    )
    (key,) = [each.name for each in listed.keys if each.name.endswith(f"seal-{PROVINCE}")]
    response = clients[PROVINCE].signing.SignDocument(
        signing_pb2.SignDocumentRequest(
            request_id=str(uuid4()),
            key=key,
            document=signing_pb2.DocumentContent(content=leader_signed),
            options=signing_pb2.SigningOptions(level=signing_pb2.SIGNATURE_LEVEL_B_T),
        ),
        timeout=WAIT,
    )
    return bytes(response.content)


def reason_of(error: object) -> str:
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


def refused_with(reason: str) -> pytest.RaisesExc[grpc.RpcError]:
    return pytest.RaisesExc(grpc.RpcError, check=lambda error: reason_of(error) == reason)
