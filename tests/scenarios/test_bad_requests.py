"""Bad input is refused as bad input: never an internal error, never a list without an end."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.timestamp_pb2 import Timestamp

from congvan.v1 import (
    archive_pb2,
    blobs_pb2,
    common_pb2,
    compliance_pb2,
    envelope_pb2,
    exchange_pb2,
    registry_pb2,
    registry_pb2_grpc,
    verification_pb2,
)
from tests.support.clients import WAIT, Client, envelope
from tests.support.hand_signing import assembled
from tests.support.service import COMMUNE, PROVINCE, REGISTRAR, RunningService

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def token(*places: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(places).encode()).decode()


def opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    found: grpc.StatusCode = refused.value.code()
    return found


@pytest.fixture
def province(clients: dict[str, Client]) -> Client:
    return clients[PROVINCE]


@pytest.fixture
def registry(service: RunningService) -> Iterator[registry_pb2_grpc.RegistryServiceStub]:
    with service.channel(PROVINCE) as channel:
        yield registry_pb2_grpc.RegistryServiceStub(channel)


@pytest.mark.parametrize(
    "cursor",
    ['{"1": 99999999999999999999}', '{"1": -5}', '{"1": 1e999}', "[" * 5000, "[1]"],
)
def test_a_cursor_that_no_mailbox_gave_is_refused(province: Client, cursor: str) -> None:
    request = exchange_pb2.PullRequest(cursor=opaque(cursor))
    assert code_of(lambda: province.exchange.Pull(request, timeout=WAIT)) is INVALID


@pytest.mark.parametrize("place", ["x", "-1", "9" * 30, "9" * 5000, "\0"])
def test_page_tokens_that_no_list_gave_are_refused(
    province: Client, registry: registry_pb2_grpc.RegistryServiceStub, place: str
) -> None:
    day = envelope_pb2.CalendarDate(year=2026, month=11, day=23)
    period = compliance_pb2.Period(first_day=day, last_day=day)
    message = province.send(assembled([b"null", str(uuid4()).encode()]), COMMUNE).message.name
    two, one = token(place, place), token(place)
    for call in (
        lambda: province.exchange.ListMessages(exchange_pb2.ListMessagesRequest(page_token=two)),
        lambda: province.exchange.ListEvidence(
            exchange_pb2.ListEvidenceRequest(message=message, page_token=one)
        ),
        lambda: province.archive.ListRecords(archive_pb2.ListRecordsRequest(page_token=one)),
        lambda: province.compliance.ListExceptions(
            compliance_pb2.ListExceptionsRequest(period=period, page_token=one)
        ),
    ):
        assert code_of(call) is INVALID
    if place == "\0":
        request = registry_pb2.ListEndpointsRequest(page_token=one)
        assert code_of(lambda: registry.ListEndpoints(request)) is INVALID


def test_texts_and_lists_out_of_bounds_are_refused(
    province: Client, registry: registry_pb2_grpc.RegistryServiceStub
) -> None:
    blob = common_pb2.BlobRef(sha256="0" * 64, size_bytes=1, file_name="a.pdf")
    for subject in ("a\0b", "a\x01b", "a" * 20_000):
        written = envelope(PROVINCE, blob, COMMUNE)
        written.subject = subject
        request = exchange_pb2.CreateMessageRequest(request_id=str(uuid4()), envelope=written)
        assert code_of(lambda: province.exchange.CreateMessage(request)) is INVALID  # noqa: B023
    for codes in (["\0"], [PROVINCE] * 2000):
        many = registry_pb2.ResolveRecipientsRequest(codes=codes)
        assert code_of(lambda: registry.ResolveRecipients(many)) is INVALID  # noqa: B023
    item = exchange_pb2.AckItem(lane=common_pb2.LANE_NORMAL, sequence=1, outcome=1)  # type: ignore[arg-type]
    acks = exchange_pb2.AcknowledgeRequest(request_id=str(uuid4()), items=[item] * 2000)
    assert code_of(lambda: province.exchange.Acknowledge(acks)) is INVALID
    pull = exchange_pb2.PullRequest(max_items=-1)
    assert code_of(lambda: province.exchange.Pull(pull)) is INVALID
    name = registry_pb2.GetEndpointRequest(name="endpoints/" + "é" * 9000)
    assert code_of(lambda: registry.GetEndpoint(name)) is grpc.StatusCode.NOT_FOUND
    status = envelope_pb2.StatusEntry(
        code=envelope_pb2.STATUS_CODE_ARRIVED, reported_at=Timestamp(seconds=10**15)
    )
    report = exchange_pb2.ReportStatusRequest(
        request_id=str(uuid4()), delivery=f"deliveries/{uuid4()}", status=status
    )
    assert code_of(lambda: province.exchange.ReportStatus(report)) is INVALID


@pytest.mark.parametrize("version", [3, 200])
def test_a_certificate_of_no_known_version_is_no_certificate(
    service: RunningService, version: int
) -> None:
    der = bytearray(service.identities[PROVINCE].certificate.public_bytes(Encoding.DER))
    # Version 3 of RFC 5280 §4.1 is written as 2, in an explicit tag of its own.
    der[der.index(b"\xa0\x03\x02\x01\x02") + 4] = version
    request = registry_pb2.BindCertificateRequest(
        request_id=str(uuid4()), name=f"endpoints/{PROVINCE}", certificate=bytes(der)
    )
    with service.channel(REGISTRAR) as channel:
        registrar = registry_pb2_grpc.RegistryServiceStub(channel)
        assert code_of(lambda: registrar.BindCertificate(request, timeout=WAIT)) == INVALID


@pytest.mark.parametrize(("offset", "limit"), [(-1, 0), (0, -5), (1 << 62, 0)])
def test_a_download_outside_the_content_is_refused(
    province: Client, offset: int, limit: int
) -> None:
    blob = province.upload(b"some content of ours")
    request = blobs_pb2.DownloadBlobRequest(
        sha256=blob.sha256, read_offset=offset, read_limit=limit
    )
    assert code_of(lambda: list(province.blobs.DownloadBlob(request))) is INVALID


@pytest.mark.parametrize("title", [b"(a\\000b)", b"<FEFFD800>"])
def test_a_document_whose_field_names_nobody_can_store_gets_its_report(
    province: Client, title: bytes
) -> None:
    document = assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [3 0 R] >> >>",
            b"<< /Type /Pages /Kids [] /Count 0 >>",
            b"<< /FT /Sig /T %b /V 4 0 R >>" % title,
            b"<< /Type /Sig /SubFilter /x /ByteRange [0 1 2 3] /Contents <00> >>",
        ]
    )
    request = verification_pb2.VerifyDocumentRequest(request_id=str(uuid4()), content=document)
    report = province.verification.VerifyDocument(request, timeout=WAIT)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_INDETERMINATE
