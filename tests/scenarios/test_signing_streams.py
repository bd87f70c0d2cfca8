"""Large documents over real gRPC: signed and given back in chunks, in memory that doesn't grow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import grpc
import psutil
import pytest

from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, refused_with
from tests.support.practice import one_page
from tests.support.service import COMMUNE, PROVINCE, RunningService
from tests.support.signing_calls import (
    CHUNK_BYTES,
    MEGABYTE,
    large,
    sign_request,
    signed_by_stream,
    streamed,
    verdict_of,
)
from tests.support.workers import Peak, spooled, worker_of


@pytest.fixture
def worker(service: RunningService) -> psutil.Process:
    return worker_of(service)


@pytest.mark.parametrize("chunk_bytes", [7, CHUNK_BYTES])
def test_a_small_document_comes_back_signed(
    clients: dict[str, Client], service: RunningService, chunk_bytes: int
) -> None:
    document, client = one_page("By stream"), clients[PROVINCE]
    header = sign_request()
    result, signed = signed_by_stream(client, streamed(header, document, chunk_bytes=chunk_bytes))
    assert signed.startswith(document)
    assert result.document.sha256 == hashlib.sha256(signed).hexdigest()
    assert result.document.size_bytes == len(signed)
    assert not result.content
    assert verdict_of(client, signed).verdict == verification_pb2.DOCUMENT_VERDICT_VALID
    assert client.download(result.document.sha256) == signed
    again, same = signed_by_stream(client, streamed(header, document))
    assert (again.replay.replayed, same) == (True, signed)
    assert not spooled(service)


def test_an_uploaded_document_is_named_in_the_header(clients: dict[str, Client]) -> None:
    document, client = one_page("Uploaded"), clients[PROVINCE]
    blob = client.upload(document)
    _, signed = signed_by_stream(client, streamed(sign_request(sha256=blob.sha256), b""))
    assert signed.startswith(document)


def test_50_megabytes_are_signed_in_little_more_memory(
    clients: dict[str, Client], service: RunningService, worker: psutil.Process
) -> None:
    document, client = large(50 * MEGABYTE), clients[PROVINCE]
    peaks = [Peak(each) for each in (worker, *worker.children(recursive=True))]
    started = time.monotonic()
    result, signed = signed_by_stream(client, streamed(sign_request(), document))
    elapsed = time.monotonic() - started
    extra = sum(peak.extra_bytes for peak in peaks)
    assert signed.startswith(document)
    assert result.document.size_bytes == len(signed) < len(document) + 50_000
    assert extra <= 0.25 * len(document), f"{extra / MEGABYTE:.1f} MB"
    assert elapsed < 30
    assert not spooled(service)


def test_a_large_upload_is_signed_without_its_bytes_in_the_answer(
    clients: dict[str, Client], worker: psutil.Process
) -> None:
    document, client = large(5 * MEGABYTE), clients[PROVINCE]
    blob = client.upload(document)
    answer = client.signing.SignDocument(sign_request(sha256=blob.sha256), timeout=WAIT)
    assert not answer.content
    assert client.download(answer.document.sha256).startswith(document)


def test_a_stream_that_breaks_leaves_nothing(
    clients: dict[str, Client], service: RunningService
) -> None:
    document, client = large(4 * MEGABYTE), clients[PROVINCE]
    header = sign_request()

    def broken() -> Iterator[signing_pb2.SignDocumentStreamRequest]:
        for number, message in enumerate(streamed(header, document)):
            if number == 3:
                deadline = time.monotonic() + WAIT
                while not spooled(service) and time.monotonic() < deadline:
                    time.sleep(0.01)
                call.cancel()
            yield message

    call = client.signing.SignDocumentStream(broken(), timeout=WAIT)
    with pytest.raises(grpc.RpcError) as raised:
        list(call)
    assert raised.value.code() is grpc.StatusCode.CANCELLED
    deadline = time.monotonic() + WAIT
    while spooled(service) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not spooled(service)
    result, _ = signed_by_stream(client, streamed(header, document))
    assert not result.replay.replayed


def test_a_stranger_s_key_signs_no_stream(
    clients: dict[str, Client], service: RunningService
) -> None:
    messages = streamed(sign_request(), one_page("Refused"))
    with refused_with("ARGUMENT_INVALID") as raised:
        list(clients[COMMUNE].signing.SignDocumentStream(messages, timeout=WAIT))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not spooled(service)
