"""Bad input over real gRPC: each gets its reason, and nothing is lost or told to strangers."""

from __future__ import annotations

from uuid import uuid4

import pytest

from congvan.v1 import (
    blobs_pb2,
    common_pb2,
    envelope_pb2,
    exchange_pb2,
    verification_pb2,
)
from tests.support.clients import WAIT, Client, chunks, envelope, refused_with
from tests.support.pdfs import encrypted
from tests.support.service import (
    COMMUNE,
    COMPANY,
    FRONT,
    PARTY,
    PROVINCE,
    REGISTRAR,
)
from tests.support.signing_calls import sign_request


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
        clients[PROVINCE].signing.SignDocument(sign_request(content), timeout=WAIT)


@pytest.mark.parametrize(
    ("key", "reason"),
    [("revoked", "CERTIFICATE_REVOKED"), ("expired", "CERTIFICATE_EXPIRED")],
)
def test_a_seal_that_is_no_longer_good_is_refused_before_anything_is_signed(
    clients: dict[str, Client], one_page_pdf: bytes, *, key: str, reason: str
) -> None:
    with refused_with(reason):
        clients[PROVINCE].signing.SignDocument(
            sign_request(one_page_pdf, key=f"signingKeys/{key}"), timeout=WAIT
        )


def test_a_document_over_the_limit_is_refused_before_a_byte_of_it_is_sent(
    clients: dict[str, Client],
) -> None:
    blob = common_pb2.BlobRef(sha256="1" * 64, size_bytes=100_000_001)
    with refused_with("DOCUMENT_TOO_LARGE"):
        clients[PROVINCE].blobs.StartUpload(
            blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob), timeout=WAIT
        )


def test_an_encrypted_document_is_told_apart(
    clients: dict[str, Client], one_page_pdf: bytes
) -> None:
    with refused_with("DOCUMENT_ENCRYPTED"):
        clients[PROVINCE].signing.SignDocument(sign_request(encrypted(one_page_pdf)), timeout=WAIT)


def test_a_key_of_another_endpoint_does_not_exist(
    clients: dict[str, Client], one_page_pdf: bytes
) -> None:
    with refused_with("ARGUMENT_INVALID"):
        clients[COMPANY].signing.SignDocument(sign_request(one_page_pdf), timeout=WAIT)


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


def test_the_registrar_sends_no_documents(clients: dict[str, Client]) -> None:
    with refused_with("ROLE_MISSING"):
        clients[REGISTRAR].pull()
