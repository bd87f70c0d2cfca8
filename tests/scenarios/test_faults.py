"""Sudden ends at random moments: nothing accepted is lost, and no request has two effects."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import grpc
import psutil
import pytest

from certs.practice.authority import Issued
from congvan.v1 import (
    archive_pb2,
    archive_pb2_grpc,
    blobs_pb2,
    blobs_pb2_grpc,
    common_pb2,
    exchange_pb2,
    exchange_pb2_grpc,
)
from storage.ports import digest_of
from tests.support.clients import chunks, envelope
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice
from tests.support.service import (
    AUDITOR,
    COMMUNE,
    PARTY,
    PROVINCE,
    RunningService,
    Variation,
    register,
    start_service,
    stop_service,
    write_configuration,
)

MESSAGES = 12
KILLS = 3
PATIENCE_SECONDS = 90
SEED = 20261120
_FAST_RECONNECT = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
)
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
T = TypeVar("T")


@pytest.fixture
def directory() -> Iterator[Path]:
    with reachable_directory("congvan-test-service-") as made:
        yield made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def persistently(act: Callable[[], T]) -> T:
    """Repeat a call unchanged while the service is away, as a client over a bad line does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except grpc.RpcError as error:
            if error.code() not in _PASSING or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Sender(threading.Thread):
    """Sends messages one after the other; every request keeps its id until it is answered."""

    def __init__(self, service: RunningService, content: bytes) -> None:
        super().__init__(name="sender")
        self.channel = grpc.secure_channel(
            service.address,
            service.credentials(service.identities[PROVINCE]),
            options=_FAST_RECONNECT,
        )
        self.content = content
        self.answers: list[exchange_pb2.SubmitMessageResponse] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for number in range(MESSAGES):
                self.answers.append(self.send(self.content + b"%% %d\n" % number))
        except BaseException as error:
            self.failure = error

    def send(self, content: bytes) -> exchange_pb2.SubmitMessageResponse:
        exchange = exchange_pb2_grpc.ExchangeServiceStub(self.channel)
        blob = self.upload(content)
        create = exchange_pb2.CreateMessageRequest(
            request_id=str(uuid4()), envelope=envelope(PROVINCE, blob, PARTY, COMMUNE)
        )
        created = persistently(lambda: exchange.CreateMessage(create, timeout=20))
        submit = exchange_pb2.SubmitMessageRequest(
            request_id=str(uuid4()), name=created.message.name
        )
        return persistently(lambda: exchange.SubmitMessage(submit, timeout=20))

    def upload(self, content: bytes) -> common_pb2.BlobRef:
        blobs = blobs_pb2_grpc.BlobServiceStub(self.channel)
        blob = common_pb2.BlobRef(
            sha256=digest_of(content),
            size_bytes=len(content),
            file_name="van-ban.pdf",
            media_type="application/pdf",
        )
        start = blobs_pb2.StartUploadRequest(request_id=str(uuid4()), blob=blob)
        name = persistently(lambda: blobs.StartUpload(start, timeout=20)).name

        def resume() -> None:
            state = blobs.QueryUpload(blobs_pb2.QueryUploadRequest(name=name), timeout=20)
            if not state.complete:
                rest = chunks(name, content, offset=state.committed_size)
                blobs.WriteBlob(rest, timeout=20)

        persistently(resume)
        return blob


def kill_everything(process: psutil.Process) -> None:
    """End the service, its workers and its PostgreSQL at one instant, as a crash does."""
    family = [process, *process.children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)


def test_nothing_is_lost_or_doubled_when_everything_is_killed_while_documents_are_sent(
    directory: Path, practice: Practice, seal: Issued, one_page_pdf: bytes
) -> None:
    variation = Variation(listen=f"127.0.0.1:{free_port()}")
    identities = write_configuration(directory, practice, seal, variation=variation)
    process = start_service(directory / "congvan.toml")
    chance = random.Random(SEED)
    try:
        service = RunningService(
            address=variation.listen,
            directory=directory,
            root_pem=(directory / "root.crt").read_bytes(),
            identities=identities,
            process=process,
        )
        register(service)
        sender = Sender(service, one_page_pdf)
        sender.start()
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.0))
            kill_everything(psutil.Process(process.pid))
            process.wait(10)
            (directory / "data" / "address").unlink(missing_ok=True)
            process = start_service(directory / "congvan.toml")
        sender.join(PATIENCE_SECONDS)
        assert sender.failure is None, sender.failure
        assert len(sender.answers) == MESSAGES
        sent = {answer.message.name for answer in sender.answers}
        assert len(sent) == MESSAGES
        for recipient in (PARTY, COMMUNE):
            assert sorted(delivered_to(service, recipient)) == sorted(sent)
        checked = check(service)
        assert checked.intact == checked.checked
        assert not checked.missing_sha256
        sender.channel.close()
    finally:
        stop_service(process)


def delivered_to(service: RunningService, recipient: str) -> list[str]:
    with service.channel(recipient) as channel:
        stub = exchange_pb2_grpc.ExchangeServiceStub(channel)
        answer = stub.Pull(exchange_pb2.PullRequest(), timeout=20)
    return [item.document.delivery.message for item in answer.items]


def check(service: RunningService) -> archive_pb2.IntegrityReport:
    with service.channel(AUDITOR) as channel:
        stub = archive_pb2_grpc.ArchiveServiceStub(channel)
        return stub.CheckIntegrity(archive_pb2.CheckIntegrityRequest(), timeout=60)
