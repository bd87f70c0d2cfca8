"""What is no stream of one document is refused, signed and judged alike, and leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.clients import WAIT, Client, refused_with
from tests.support.practice import one_page
from tests.support.service import COMMUNE, PROVINCE, RunningService
from tests.support.signing_calls import CHUNK_BYTES, sign_request, streamed
from tests.support.verifying_calls import in_chunks, request_for
from tests.support.workers import spooled

Messages = Iterator[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A method that takes a document in chunks: how its messages are made and sent."""

    header: Callable[..., Any]
    messages: Callable[..., Messages]
    call: Callable[[Client, Messages], object]


SIGNING = Kind(
    header=sign_request,
    messages=streamed,
    call=lambda client, sent: list(client.signing.SignDocumentStream(sent, timeout=WAIT)),
)
VERIFYING = Kind(
    header=request_for,
    messages=in_chunks,
    call=lambda client, sent: client.verification.VerifyDocumentStream(sent, timeout=WAIT),
)
both = pytest.mark.parametrize("kind", [SIGNING, VERIFYING], ids=["signing", "verifying"])


@both
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no message", "ARGUMENT_INVALID"),
        ("no header", "ARGUMENT_INVALID"),
        ("two headers", "ARGUMENT_INVALID"),
        ("bytes in the header", "ARGUMENT_INVALID"),
        ("a chunk too large", "ARGUMENT_INVALID"),
        ("an empty chunk", "ARGUMENT_INVALID"),
        ("no byte", "ARGUMENT_INVALID"),
        ("chunks beside an upload", "ARGUMENT_INVALID"),
        ("a stranger's upload", "BLOB_UNKNOWN"),
    ],
)
def test_what_is_no_stream_of_one_document_is_refused(
    clients: dict[str, Client], service: RunningService, kind: Kind, *, case: str, reason: str
) -> None:
    client, document = clients[PROVINCE], one_page(f"Refused: {case}")
    header = kind.header()
    first, *chunks = kind.messages(header, document)
    [_, too_large] = kind.messages(header, bytes(CHUNK_BYTES + 1), chunk_bytes=CHUNK_BYTES + 1)
    uploaded = kind.header(sha256=client.upload(one_page("Uploaded")).sha256)
    strange = kind.header(sha256=clients[COMMUNE].upload(one_page("Theirs")).sha256)
    cases = {
        "no message": [],
        "no header": chunks,
        "two headers": [first, first, *chunks],
        "bytes in the header": [*kind.messages(kind.header(document), document)],
        "a chunk too large": [first, too_large],
        "an empty chunk": [first, *chunks, type(first)(chunk=b"")],
        "no byte": [first],
        "chunks beside an upload": [*kind.messages(uploaded, document)],
        "a stranger's upload": [*kind.messages(strange, b"")],
    }
    with refused_with(reason):
        kind.call(client, iter(cases[case]))
    assert not spooled(service)


@both
def test_a_stream_without_a_request_id_is_refused_before_its_first_chunk(
    clients: dict[str, Client], service: RunningService, kind: Kind
) -> None:
    header = kind.header()
    header.request_id = ""
    refused = threading.Event()

    def header_and_no_more() -> Messages:
        yield next(kind.messages(header, b""))
        refused.wait(WAIT)

    with refused_with("REQUEST_ID_INVALID"):
        kind.call(clients[PROVINCE], header_and_no_more())
    refused.set()
    assert not spooled(service)
