"""Streams that come to no end by themselves: refused in the time they have, leaving nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from certs.practice.authority import Issued
from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, client_of, refused_with
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice, one_page
from tests.support.service import (
    PROVINCE,
    RunningService,
    Variation,
    register,
    running,
    write_configuration,
)
from tests.support.signing_calls import MEGABYTE, large, sign_request, streamed
from tests.support.workers import spooled

SECONDS = 2
MOST_BYTES = 9_000_000
PAUSE_SECONDS = 0.1
# A client that reads ahead only so far. By itself gRPC makes its window as large as the line seems
# to want, on a busy machine for all of a document.
READS_LITTLE = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1 << 16))

Messages = Iterator[signing_pb2.SignDocumentStreamRequest]
Wait = Callable[[], object]


@pytest.fixture(scope="module")
def hasty(practice: Practice, seal: Issued) -> Iterator[RunningService]:
    """A service whose streams have two seconds in all, for documents up to 9 MB."""
    limits = f"[limits]\nstream_seconds = {SECONDS}\nmax_document_bytes = {MOST_BYTES}"
    variation = Variation(extra=limits)
    with reachable_directory("congvan-test-service-") as directory:
        identities = write_configuration(directory, practice, seal, variation=variation)
        with running(directory, practice, identities) as service:
            register(service)
            yield service


@pytest.fixture
def client(hasty: RunningService) -> Iterator[Client]:
    with hasty.channel(PROVINCE) as channel:
        yield client_of(PROVINCE, channel)


def silent(wait: Wait) -> Messages:
    """Nothing at all."""
    wait()
    yield from ()


def halting(wait: Wait) -> Messages:
    """The header and half of the document, then nothing more."""
    document = one_page("Halting")
    yield from streamed(sign_request(), document[: len(document) // 2])
    wait()


def trickling(wait: Wait) -> Messages:
    """A byte now and then, for ever: each comes in time, all of them don't."""
    yield from streamed(sign_request(), b"%PDF-1.7\n")
    while not wait():
        yield signing_pb2.SignDocumentStreamRequest(chunk=b"%")


@pytest.mark.parametrize(
    ("messages", "pause"),
    [(silent, WAIT), (halting, WAIT), (trickling, PAUSE_SECONDS)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_stream_that_does_not_end_is_ended(
    client: Client, hasty: RunningService, messages: Callable[[Wait], Messages], pause: float
) -> None:
    over = threading.Event()
    started = time.monotonic()
    with refused_with("STREAM_TOO_SLOW") as raised:
        list(client.signing.SignDocumentStream(messages(lambda: over.wait(pause)), timeout=WAIT))
    over.set()
    assert SECONDS <= time.monotonic() - started < SECONDS + 5
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not spooled(hasty)


def test_a_document_that_is_fetched_too_slowly_is_ended(hasty: RunningService) -> None:
    messages = streamed(sign_request(), large(8 * MEGABYTE))
    credentials = hasty.credentials(hasty.identities[PROVINCE])
    with grpc.secure_channel(hasty.address, credentials, options=READS_LITTLE) as channel:
        client = client_of(PROVINCE, channel)
        answers = client.signing.SignDocumentStream(messages, timeout=WAIT)
        assert next(answers).WhichOneof("kind") == "result"
        time.sleep(SECONDS)
        with refused_with("STREAM_TOO_SLOW"):
            list(answers)


def test_empty_chunks_are_refused_at_once(client: Client, hasty: RunningService) -> None:
    def empty() -> Messages:
        yield from streamed(sign_request(), b"%PDF-1.7\n")
        while True:
            yield signing_pb2.SignDocumentStreamRequest(chunk=b"")

    started = time.monotonic()
    with refused_with("ARGUMENT_INVALID"):
        list(client.signing.SignDocumentStream(empty(), timeout=WAIT))
    assert time.monotonic() - started < SECONDS
    assert not spooled(hasty)


def to_verify(messages: Messages) -> Iterator[verification_pb2.VerifyDocumentStreamRequest]:
    """The same stream, to be judged instead of signed."""
    for message in messages:
        if message.WhichOneof("kind") == "header":
            header = verification_pb2.VerifyDocumentRequest(request_id=message.header.request_id)
            yield verification_pb2.VerifyDocumentStreamRequest(header=header)
        else:
            yield verification_pb2.VerifyDocumentStreamRequest(chunk=message.chunk)


@pytest.mark.parametrize(
    ("messages", "pause"),
    [(silent, WAIT), (halting, WAIT), (trickling, PAUSE_SECONDS)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_stream_to_judge_that_does_not_end_is_ended(
    client: Client, hasty: RunningService, messages: Callable[[Wait], Messages], pause: float
) -> None:
    over = threading.Event()
    started = time.monotonic()
    stream = to_verify(messages(lambda: over.wait(pause)))
    with refused_with("STREAM_TOO_SLOW"):
        client.verification.VerifyDocumentStream(stream, timeout=WAIT)
    over.set()
    assert SECONDS <= time.monotonic() - started < SECONDS + 5
    assert not spooled(hasty)


def test_a_document_over_the_limit_is_refused_once_it_is(
    client: Client, hasty: RunningService
) -> None:
    document = large(MOST_BYTES)
    with refused_with("DOCUMENT_TOO_LARGE"):
        list(client.signing.SignDocumentStream(streamed(sign_request(), document), timeout=WAIT))
    with refused_with("DOCUMENT_TOO_LARGE"):
        client.verification.VerifyDocumentStream(
            to_verify(streamed(sign_request(), document)), timeout=WAIT
        )
    assert not spooled(hasty)
