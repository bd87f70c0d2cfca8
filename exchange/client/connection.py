"""One mutual TLS channel to the service: typed stubs, deadlines, keepalive, careful repeats."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import grpc
import stamina
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from congvan.v1 import (
    archive_pb2_grpc,
    blobs_pb2_grpc,
    compliance_pb2_grpc,
    exchange_pb2_grpc,
    operations_pb2_grpc,
    registry_pb2_grpc,
    signing_pb2_grpc,
    verification_pb2_grpc,
)
from exchange.client.errors import ProfileInvalid
from exchange.client.profile import Profile
from exchange.client.refusals import from_rpc_error, is_transport_failure

RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT", bound=Message)

UNARY_SECONDS = 60.0
"""Deadline of a call that moves no content."""
_ATTEMPTS = 4
_CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # A dead link is noticed within 40 s; the server's floor for pings is its own setting.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    # Repeats are ours: only UNAVAILABLE, always with the same request_id (AIP-194).
    ("grpc.enable_retries", 0),
    # The default lets a client sleep for two minutes after a service that was down for one.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


class Connection:
    """The stubs of every service over one channel, and the calls that keep our rules."""

    def __init__(self, channel: grpc.aio.Channel, profile: Profile) -> None:
        """Use connect()."""
        self.profile = profile
        self.exchange = exchange_pb2_grpc.ExchangeServiceStub(channel)
        self.blobs = blobs_pb2_grpc.BlobServiceStub(channel)
        self.registry = registry_pb2_grpc.RegistryServiceStub(channel)
        self.archive = archive_pb2_grpc.ArchiveServiceStub(channel)
        self.compliance = compliance_pb2_grpc.ComplianceServiceStub(channel)
        self.signing = signing_pb2_grpc.SigningServiceStub(channel)
        self.operations = operations_pb2_grpc.OperationServiceStub(channel)
        self.verification = verification_pb2_grpc.VerificationServiceStub(channel)
        self._channel = channel

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, AnswerT],
        request: RequestT,
        *,
        deadline_seconds: float = UNARY_SECONDS,
    ) -> AnswerT:
        """Call once, and again with the very same request while the service is UNAVAILABLE.

        Raises ServiceRefused, ServiceUnavailable, DeadlineExceeded, ServiceAnswerInvalid.
        """
        repeats = stamina.retry_context(
            on=is_unavailable, attempts=_ATTEMPTS, timeout=deadline_seconds, wait_max=2.0
        )
        try:
            async for attempt in repeats:
                with attempt:
                    return await method(request, timeout=deadline_seconds)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        raise AssertionError("stamina ends with an answer or an error")

    async def health(self, service: str = "", *, deadline_seconds: float = 5.0) -> str:
        """Ask the service how it is: `SERVING`, `NOT_SERVING`, …"""
        check = self._channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = await check(request, timeout=deadline_seconds)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@contextlib.asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[Connection]:
    """Open a channel to the profile's service; the connection itself is made by the first call.

    Raises ProfileInvalid where a file of the profile can't be read.
    """
    profile.require_connection()
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(profile, profile.ca),
        private_key=_read(profile, profile.key),
        certificate_chain=_read(profile, profile.certificate),
    )
    options = list(_CHANNEL_OPTIONS)
    if profile.server_name:
        options.append(("grpc.ssl_target_name_override", profile.server_name))
    channel = grpc.aio.secure_channel(profile.server, credentials, options=options)
    try:
        yield Connection(channel, profile)
    finally:
        await channel.close()


def is_unavailable(error: Exception) -> bool:
    """Tell whether the transport failed, which alone allows a repeat without asking."""
    return isinstance(error, grpc.aio.AioRpcError) and is_transport_failure(error)


def _read(profile: Profile, path: Path | None) -> bytes:
    try:
        return path.read_bytes() if path else b""
    except OSError as error:
        raise ProfileInvalid(f"{profile.path}: {path}: {error.strerror}") from error
