"""Calls of the signing service as clients make them: options, two steps, streams, verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import grpc
from cryptography.hazmat.primitives.serialization import Encoding
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.schemes import SchemeFamily, SignatureScheme
from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client
from tests.support.pdfs import assemble
from tests.support.service import PROVINCE

CHUNK_BYTES = 1 << 20
MEGABYTE = 1_000_000
SEAL_KEY = f"signingKeys/seal-{PROVINCE}"
B_B, B_T = signing_pb2.SIGNATURE_LEVEL_B_B, signing_pb2.SIGNATURE_LEVEL_B_T
PSS = signing_pb2.SignatureScheme(
    family=signing_pb2.SCHEME_FAMILY_RSA_PSS, digest_algorithm="sha384"
)
PKCS1 = signing_pb2.SignatureScheme(
    family=signing_pb2.SCHEME_FAMILY_RSA_PKCS1, digest_algorithm="sha3_256"
)


def code_of(error: BaseException) -> grpc.StatusCode:
    assert isinstance(error, grpc.Call)
    return error.code()


def reason_in(status: Status) -> str:
    """The reason of an item's status, empty where the item was answered."""
    if not status.code:
        return ""
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


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


def sign_request(
    document: bytes = b"",
    options: signing_pb2.SigningOptions | None = None,
    *,
    sha256: str = "",
    key: str = SEAL_KEY,
) -> signing_pb2.SignDocumentRequest:
    """A request for the province's seal, or another key, on a document given or uploaded."""
    content = signing_pb2.DocumentContent(content=document)
    if sha256:
        content = signing_pb2.DocumentContent(blob_sha256=sha256)
    return signing_pb2.SignDocumentRequest(
        request_id=str(uuid4()),
        key=key,
        document=content if document or sha256 else None,
        options=options or signing_pb2.SigningOptions(level=B_B),
    )


def streamed(
    header: signing_pb2.SignDocumentRequest, document: bytes, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[signing_pb2.SignDocumentStreamRequest]:
    """The messages of a stream: the header, then the document in chunks."""
    yield signing_pb2.SignDocumentStreamRequest(header=header)
    for start in range(0, len(document), chunk_bytes):
        yield signing_pb2.SignDocumentStreamRequest(chunk=document[start : start + chunk_bytes])


def signed_by_stream(
    client: Client, messages: Iterator[signing_pb2.SignDocumentStreamRequest]
) -> tuple[signing_pb2.SignDocumentResponse, bytes]:
    answers = client.signing.SignDocumentStream(messages, timeout=WAIT)
    first = next(answers)
    assert first.WhichOneof("kind") == "result"
    return first.result, b"".join(each.chunk for each in answers)


def large(size_bytes: int) -> bytes:
    """One page with a stream beside it that makes the file about so large."""
    filling = b"<</Length %d>>\nstream\n%b\nendstream" % (size_bytes, bytes(size_bytes))
    return assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>",
            filling,
        ]
    )
