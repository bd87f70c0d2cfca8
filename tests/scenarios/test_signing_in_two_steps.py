"""Signing in two steps over real gRPC: the key stays with the client, the service does the rest."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.keys.file import FileKey
from certs.schemes import SchemeFamily, SignatureScheme
from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client
from tests.support.practice import Practice, file_key
from tests.support.service import PROVINCE

B_B, B_T = signing_pb2.SIGNATURE_LEVEL_B_B, signing_pb2.SIGNATURE_LEVEL_B_T
PSS = signing_pb2.SignatureScheme(
    family=signing_pb2.SCHEME_FAMILY_RSA_PSS, digest_algorithm="sha384"
)


def chain_of(issued: Issued) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in (issued.certificate, *issued.chain)]


def prepare_request(
    issued: Issued, document: bytes, options: signing_pb2.SigningOptions | None = None
) -> signing_pb2.PrepareSigningRequest:
    return signing_pb2.PrepareSigningRequest(
        request_id=str(uuid4()),
        document=signing_pb2.DocumentContent(content=document),
        options=options or signing_pb2.SigningOptions(level=B_B),
        certificate_chain=chain_of(issued),
    )


def value_for(session: signing_pb2.SigningSession, key: FileKey) -> bytes:
    """What the token does: sign the data of the session, knowing nothing of the document."""
    name = signing_pb2.SchemeFamily.Name(session.scheme_family).removeprefix("SCHEME_FAMILY_")
    scheme = SignatureScheme(SchemeFamily[name], session.digest_algorithm)
    return asyncio.run(key.sign_raw(session.data_to_be_signed, scheme))


def complete_request(
    session: signing_pb2.SigningSession, value: bytes
) -> signing_pb2.CompleteSigningRequest:
    return signing_pb2.CompleteSigningRequest(
        request_id=str(uuid4()), session=session.name, signature_value=value
    )


def verdict_of(client: Client, document: bytes) -> verification_pb2.VerificationReport:
    return client.verification.VerifyDocument(
        verification_pb2.VerifyDocumentRequest(request_id=str(uuid4()), content=document),
        timeout=WAIT,
    )


@pytest.fixture(scope="session")
def curve_leader(practice: Practice) -> Issued:
    return practice.authority.issue_person(
        "Trần Thị Bình", organisation="Sở Nội vụ", position="Giám đốc", key="p256"
    )


@pytest.mark.parametrize("level", [B_B, B_T])
def test_a_key_that_stays_with_the_client_signs(
    clients: dict[str, Client],
    leader: Issued,
    one_page_pdf: bytes,
    level: signing_pb2.SignatureLevel.ValueType,
) -> None:
    client = clients[PROVINCE]
    session = client.signing.PrepareSigning(
        prepare_request(leader, one_page_pdf, signing_pb2.SigningOptions(level=level)),
        timeout=WAIT,
    )
    assert session.scheme_family == signing_pb2.SCHEME_FAMILY_RSA_PSS
    signed = client.signing.CompleteSigning(
        complete_request(session, value_for(session, file_key(leader))), timeout=WAIT
    )
    assert signed.content.startswith(one_page_pdf)
    assert (signed.field_name, signed.signed_at) == (session.field_name, session.signed_at)
    report = verdict_of(client, signed.content)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert report.signatures[0].level == ("B-T" if level == B_T else "B-B")
    assert client.download(signed.document.sha256) == signed.content
