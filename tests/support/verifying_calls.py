"""Calls of the verification service as clients make them: one request, or a stream of chunks."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from congvan.v1 import verification_pb2
from tests.support.signing_calls import CHUNK_BYTES


def request_for(
    content: bytes = b"", *, sha256: str = ""
) -> verification_pb2.VerifyDocumentRequest:
    """A request to judge a document given or uploaded."""
    request = verification_pb2.VerifyDocumentRequest(request_id=str(uuid4()))
    if sha256:
        request.blob_sha256 = sha256
    elif content:
        request.content = content
    return request


def in_chunks(
    header: verification_pb2.VerifyDocumentRequest,
    document: bytes,
    *,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[verification_pb2.VerifyDocumentStreamRequest]:
    """The messages of a stream: the header, then the document in chunks."""
    yield verification_pb2.VerifyDocumentStreamRequest(header=header)
    for start in range(0, len(document), chunk_bytes):
        yield verification_pb2.VerifyDocumentStreamRequest(
            chunk=document[start : start + chunk_bytes]
        )
