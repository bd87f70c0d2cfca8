"""The client against a small real gRPC server that fails as links and services fail."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from congvan.v1 import blobs_pb2, blobs_pb2_grpc, registry_pb2, registry_pb2_grpc
from exchange.client.blobs import download, download_bytes, request_id_for, upload
from exchange.client.connection import Connection, connect
from exchange.client.errors import (
    DeadlineExceeded,
    DownloadCorrupt,
    ServiceAnswerInvalid,
    ServiceRefused,
    ServiceUnavailable,
)
from exchange.client.profile import Profile
from tests.support.practice import Practice

Context = grpc.aio.ServicerContext[Any, Any]
CONTENT = bytes(range(256)) * 4096 * 3


@dataclass
class Blobs(blobs_pb2_grpc.BlobServiceServicer):
    """Keeps one upload in memory, and breaks streams as often as it is told."""

    stored: bytearray = field(default_factory=bytearray)
    cuts: int = 0
    corrupt: bool = False
    offsets: list[int] = field(default_factory=list)

    async def StartUpload(  # noqa: N802
        self, request: blobs_pb2.StartUploadRequest, context: Context
    ) -> blobs_pb2.Upload:
        return blobs_pb2.Upload(name="uploads/1", blob=request.blob)

    async def QueryUpload(  # noqa: N802
        self, request: blobs_pb2.QueryUploadRequest, context: Context
    ) -> blobs_pb2.Upload:
        return self._state()

    async def WriteBlob(  # noqa: N802
        self, request_iterator: AsyncIterator[blobs_pb2.WriteBlobRequest], context: Context
    ) -> blobs_pb2.Upload:
        async for piece in request_iterator:
            if piece.upload:
                assert piece.write_offset == len(self.stored)
                self.offsets.append(piece.write_offset)
            self.stored += piece.data
            if self.cuts and len(self.stored) > len(CONTENT) // 3:
                self.cuts -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the line was cut")
        return self._state()

    async def DownloadBlob(  # noqa: N802
        self, request: blobs_pb2.DownloadBlobRequest, context: Context
    ) -> AsyncIterator[blobs_pb2.BlobChunk]:
        self.offsets.append(request.read_offset)
        for offset in range(request.read_offset, len(CONTENT), 100_000):
            piece = CONTENT[offset : offset + 100_000]
            if self.corrupt:
                piece = piece[:-1] + b"!"
            yield blobs_pb2.BlobChunk(offset=offset, data=piece)
            if self.cuts and offset > len(CONTENT) // 3:
                self.cuts -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the line was cut")

    def _state(self) -> blobs_pb2.Upload:
        size = len(self.stored)
        return blobs_pb2.Upload(
            name="uploads/1", committed_size=size, complete=size == len(CONTENT)
        )


@dataclass
class Registry(registry_pb2_grpc.RegistryServiceServicer):
    """Refuses, fails or sleeps as it is told."""

    failures: int = 0
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    requests: list[str] = field(default_factory=list)

    async def CreateEndpoint(  # noqa: N802
        self, request: registry_pb2.CreateEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        self.requests.append(request.request_id)
        if len(self.requests) <= self.failures:
            await context.abort(self.code, "not now")
        return registry_pb2.Endpoint(code="H56")

    async def GetEndpoint(  # noqa: N802
        self, request: registry_pb2.GetEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        if request.name == "slow":
            await asyncio.sleep(30)
        status = status_pb2.Status(code=5, message="No endpoint has this code.")
        status.details.add().Pack(
            error_details_pb2.ErrorInfo(
                reason="ENDPOINT_UNKNOWN", domain="congvan", metadata={"detail": "H99"}
            )
        )
        status.details.add().Pack(
            error_details_pb2.LocalizedMessage(locale="vi", message="Không có đơn vị này.")
        )
        await context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError


@asynccontextmanager
async def _connected(
    practice: Practice,
    directory: Path,
    *,
    blobs: Blobs | None = None,
    registry: Registry | None = None,
) -> AsyncIterator[Connection]:
    issued = practice.authority.issue_server(("localhost",), ("127.0.0.1",))
    client = practice.authority.issue_endpoint("H56.90")
    (directory / "ca.crt").write_bytes(practice.authority.root.public_bytes(Encoding.PEM))
    (directory / "ep.crt").write_bytes(client.certificate_pem)
    (directory / "ep.key").write_bytes(client.private_key_pem)
    server = grpc.aio.server()
    blobs_pb2_grpc.add_BlobServiceServicer_to_server(blobs or Blobs(), server)
    registry_pb2_grpc.add_RegistryServiceServicer_to_server(registry or Registry(), server)
    credentials = grpc.ssl_server_credentials(
        [(issued.private_key_pem, issued.certificate_pem)],
        root_certificates=(directory / "ca.crt").read_bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    profile = Profile(
        path=directory / "profile.toml",
        server=f"127.0.0.1:{port}",
        ca=directory / "ca.crt",
        certificate=directory / "ep.crt",
        key=directory / "ep.key",
        endpoint="H56.90",
    )
    try:
        async with connect(profile) as connection:
            yield connection
    finally:
        await server.stop(None)


async def test_only_unavailable_is_repeated_and_with_the_same_request(
    practice: Practice, tmp_path: Path
) -> None:
    registry = Registry(failures=2)
    async with _connected(practice, tmp_path, registry=registry) as connection:
        request = registry_pb2.CreateEndpointRequest(request_id="same")
        answer = await connection.call(connection.registry.CreateEndpoint, request)
    assert answer.code == "H56"
    assert registry.requests == ["same"] * 3


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED, grpc.StatusCode.UNKNOWN]
)
async def test_nothing_else_is_repeated(
    practice: Practice, tmp_path: Path, code: grpc.StatusCode
) -> None:
    registry = Registry(failures=9, code=code)
    async with _connected(practice, tmp_path, registry=registry) as connection:
        request = registry_pb2.CreateEndpointRequest(request_id="once")
        with pytest.raises(ServiceAnswerInvalid):
            await connection.call(connection.registry.CreateEndpoint, request)
    assert registry.requests == ["once"]


async def test_a_refusal_carries_reason_sentences_and_details(
    practice: Practice, tmp_path: Path
) -> None:
    async with _connected(practice, tmp_path) as connection:
        request = registry_pb2.GetEndpointRequest(name="endpoints/H99")
        with pytest.raises(ServiceRefused) as caught:
            await connection.call(connection.registry.GetEndpoint, request)
    refused = caught.value
    assert (refused.reason, refused.code) == ("ENDPOINT_UNKNOWN", "NOT_FOUND")
    assert refused.message_vi == "Không có đơn vị này."
    assert refused.message_en == "No endpoint has this code."
    assert (refused.metadata["detail"], refused.detail) == ("H99", "H99")


async def test_every_call_has_a_deadline(practice: Practice, tmp_path: Path) -> None:
    async with _connected(practice, tmp_path) as connection:
        request = registry_pb2.GetEndpointRequest(name="slow")
        with pytest.raises(DeadlineExceeded):
            await connection.call(connection.registry.GetEndpoint, request, deadline_seconds=0.3)


async def test_a_service_that_is_not_there_is_told_so(practice: Practice, tmp_path: Path) -> None:
    async with _connected(practice, tmp_path) as connection:
        profile = connection.profile
    async with connect(profile) as connection:
        request = registry_pb2.GetEndpointRequest(name="endpoints/H56")
        with pytest.raises(ServiceUnavailable):
            await connection.call(connection.registry.GetEndpoint, request, deadline_seconds=1)


async def test_an_upload_goes_on_where_it_was_cut(practice: Practice, tmp_path: Path) -> None:
    blobs = Blobs(cuts=2)
    source = tmp_path / "content"
    source.write_bytes(CONTENT)
    async with _connected(practice, tmp_path, blobs=blobs) as connection:
        blob = await upload(connection, source)
    assert bytes(blobs.stored) == CONTENT
    assert blob.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert len(blobs.offsets) == 3
    assert blobs.offsets[0] == 0 < blobs.offsets[1] <= blobs.offsets[2]


async def test_a_download_goes_on_where_it_was_cut_and_is_proved(
    practice: Practice, tmp_path: Path
) -> None:
    blobs = Blobs(cuts=1)
    digest = hashlib.sha256(CONTENT).hexdigest()
    async with _connected(practice, tmp_path, blobs=blobs) as connection:
        size = await download(connection, digest, target=tmp_path / "target")
    assert size == len(CONTENT)
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert blobs.offsets[1] > 0
    assert not (tmp_path / "target.part").exists()


async def test_a_download_of_other_bytes_never_appears(practice: Practice, tmp_path: Path) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    async with _connected(practice, tmp_path, blobs=Blobs(corrupt=True)) as connection:
        with pytest.raises(DownloadCorrupt):
            await download(connection, digest, target=tmp_path / "target")
        with pytest.raises(DownloadCorrupt):
            await download_bytes(connection, digest, max_bytes=len(CONTENT))
        with pytest.raises(ServiceAnswerInvalid):
            await download_bytes(connection, digest, max_bytes=1000)
    assert not (tmp_path / "target").exists()
    assert not (tmp_path / "target.part").exists()


def test_a_request_id_depends_on_the_content_and_nothing_else() -> None:
    assert request_id_for("a", "b") == request_id_for("a", "b")
    assert request_id_for("a", "b") != request_id_for("ab")
