"""Signing without request_id: the answer is all there is, and nothing of it is kept."""

from __future__ import annotations

import hashlib

import pytest

from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, refused_with
from tests.support.pdfs import encrypted
from tests.support.service import PARTY, PROVINCE
from tests.support.signing_calls import B_B, SEAL_KEY, verdict_of


def unkept(document: signing_pb2.DocumentContent) -> signing_pb2.SignDocumentRequest:
    return signing_pb2.SignDocumentRequest(
        key=SEAL_KEY, document=document, options=signing_pb2.SigningOptions(level=B_B)
    )


def test_the_answer_holds_the_signed_document_and_the_service_does_not(
    clients: dict[str, Client], one_page_pdf: bytes
) -> None:
    client = clients[PROVINCE]
    request = unkept(signing_pb2.DocumentContent(content=one_page_pdf))
    signed = client.signing.SignDocument(request, timeout=WAIT)
    assert signed.content.startswith(one_page_pdf)
    assert signed.document.sha256 == hashlib.sha256(signed.content).hexdigest()
    assert signed.document.size_bytes == len(signed.content)
    report = verdict_of(client, signed.content)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    with refused_with("BLOB_UNKNOWN"):
        client.download(signed.document.sha256)


def test_a_repeat_signs_anew(clients: dict[str, Client], one_page_pdf: bytes) -> None:
    request = unkept(signing_pb2.DocumentContent(content=one_page_pdf))
    sign = clients[PROVINCE].signing.SignDocument
    first, second = sign(request, timeout=WAIT), sign(request, timeout=WAIT)
    assert first.content != second.content
    assert not second.replay.replayed


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("an upload", "REQUEST_ID_INVALID"),
        ("nothing", "ARGUMENT_INVALID"),
        ("no document", "NOT_A_PDF"),
        ("a locked document", "DOCUMENT_ENCRYPTED"),
    ],
)
def test_what_can_not_be_signed_so_is_refused(
    clients: dict[str, Client], one_page_pdf: bytes, case: str, reason: str
) -> None:
    client = clients[PROVINCE]
    content = {"no document": b"no document", "a locked document": encrypted(one_page_pdf)}
    document = signing_pb2.DocumentContent(content=content.get(case, b""))
    if case == "an upload":
        document = signing_pb2.DocumentContent(blob_sha256=client.upload(one_page_pdf).sha256)
    with refused_with(reason):
        client.signing.SignDocument(unkept(document), timeout=WAIT)


def test_a_key_of_another_endpoint_does_not_sign(
    clients: dict[str, Client], one_page_pdf: bytes
) -> None:
    request = unkept(signing_pb2.DocumentContent(content=one_page_pdf))
    with refused_with("ARGUMENT_INVALID"):
        clients[PARTY].signing.SignDocument(request, timeout=WAIT)
