"""Who gets in: a registered certificate, by its one URI name, to what its role allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from certs.practice.authority import Issued, PracticeAuthority
from certs.practice.profiles import Validity
from congvan.v1 import common_pb2, exchange_pb2, exchange_pb2_grpc, registry_pb2, registry_pb2_grpc
from exchange.agency import EndpointRole
from exchange.server.access import may_call
from exchange.server.app import CONTRACT
from tests.support.practice import Practice, utc_now
from tests.support.service import AUDITOR, COMMUNE, PROVINCE, REGISTRAR, RunningService

WAIT = 20


def refusal(call: object) -> tuple[grpc.StatusCode, str]:
    assert isinstance(call, grpc.Call)
    status = rpc_status.from_call(call)
    info = ErrorInfo()
    if status is None or not status.details[0].Unpack(info):
        return call.code(), ""
    return call.code(), str(info.reason)


def pull(channel: grpc.Channel) -> exchange_pb2.PullResponse:
    stub = exchange_pb2_grpc.ExchangeServiceStub(channel)
    return stub.Pull(exchange_pb2.PullRequest(), timeout=WAIT)


def refused(service: RunningService, issued: Issued) -> tuple[grpc.StatusCode, str]:
    with service.channel_with(issued) as channel, pytest.raises(grpc.RpcError) as caught:
        pull(channel)
    return refusal(caught.value)


def every_call(channel: grpc.Channel) -> Iterator[tuple[str, grpc.RpcError]]:
    """Call each method of the contract with an empty request; gives what was refused."""
    for file in CONTRACT:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                path = f"/{service.full_name}/{method.name}"
                make: Any = {
                    (False, False): channel.unary_unary,
                    (False, True): channel.unary_stream,
                    (True, False): channel.stream_unary,
                    (True, True): channel.stream_stream,
                }[method.client_streaming, method.server_streaming]
                call = make(path, lambda _: b"", lambda content: content)
                argument = iter([None]) if method.client_streaming else None
                try:
                    answer = call(argument, timeout=WAIT)
                    if method.server_streaming:
                        list(answer)
                except grpc.RpcError as error:
                    yield path, error


def test_a_registered_certificate_gets_in(service: RunningService) -> None:
    with service.channel(PROVINCE) as channel:
        assert pull(channel).next_cursor


def test_without_registration_every_method_is_denied(
    service: RunningService, practice: Practice
) -> None:
    stranger = practice.authority.issue_endpoint("H56.77")
    with service.channel_with(stranger) as channel:
        denied = {path: refusal(error) for path, error in every_call(channel)}
    expected = {
        f"/{each.full_name}/{method.name}"
        for file in CONTRACT
        for each in file.DESCRIPTOR.services_by_name.values()
        for method in each.methods
    }
    assert set(denied) == expected
    assert set(denied.values()) == {(grpc.StatusCode.UNAUTHENTICATED, "IDENTITY_UNKNOWN")}


def test_each_role_is_denied_what_the_table_does_not_give_it(service: RunningService) -> None:
    roles = {
        REGISTRAR: frozenset({EndpointRole.REGISTRAR}),
        AUDITOR: frozenset({EndpointRole.AUDITOR, EndpointRole.OPERATOR}),
        COMMUNE: frozenset({EndpointRole.ENDPOINT}),
    }
    for code, held in roles.items():
        with service.channel(code) as channel:
            answers = {path: refusal(error) for path, error in every_call(channel)}
        for path, answer in answers.items():
            denied = answer == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING")
            assert denied != may_call(held, path), (code, path, answer)


def test_what_is_not_built_yet_says_so(service: RunningService) -> None:
    with service.channel(COMMUNE) as channel:
        answers = {path: refusal(error) for path, error in every_call(channel)}
    assert answers["/congvan.v1.ExchangeService/RequestRecall"] == (
        grpc.StatusCode.UNIMPLEMENTED,
        "NOT_BUILT_YET",
    )
    assert answers["/congvan.v1.ExchangeService/Subscribe"][1] == "NOT_BUILT_YET"
    assert not [path for path, (code, _) in answers.items() if code is grpc.StatusCode.INTERNAL]


def test_a_certificate_of_the_same_name_that_is_not_registered_is_refused(
    service: RunningService, practice: Practice
) -> None:
    twin = practice.authority.issue_endpoint(PROVINCE)
    assert refused(service, twin) == (grpc.StatusCode.UNAUTHENTICATED, "IDENTITY_UNKNOWN")


def test_a_certificate_whose_binding_was_revoked_is_refused_from_the_next_call_on(
    service: RunningService, practice: Practice
) -> None:
    code = "H56.78"
    issued = practice.authority.issue_endpoint(code)
    with service.channel(REGISTRAR) as channel, service.channel_with(issued) as own:
        stub = registry_pb2_grpc.RegistryServiceStub(channel)
        endpoint = registry_pb2.Endpoint(
            code=code,
            display_name="Cơ quan thử",
            block=common_pb2.BLOCK_STATE,
            level=common_pb2.ADMINISTRATIVE_LEVEL_PROVINCE,
        )
        stub.CreateEndpoint(
            registry_pb2.CreateEndpointRequest(request_id=str(uuid4()), endpoint=endpoint)
        )
        bound = stub.BindCertificate(
            registry_pb2.BindCertificateRequest(
                request_id=str(uuid4()),
                name=f"endpoints/{code}",
                certificate=issued.certificate.public_bytes(Encoding.DER),
            )
        )
        assert pull(own).next_cursor
        stub.RevokeCertificateBinding(
            registry_pb2.RevokeCertificateBindingRequest(
                request_id=str(uuid4()),
                name=f"endpoints/{code}",
                certificate_sha256=bound.certificate_sha256[0],
            )
        )
        with pytest.raises(grpc.RpcError) as caught:
            pull(own)
    assert refusal(caught.value)[1] == "IDENTITY_UNKNOWN"


def test_metadata_is_no_identity(service: RunningService, practice: Practice) -> None:
    stranger = practice.authority.issue_endpoint("H56.79")
    with service.channel_with(stranger) as channel:
        stub = exchange_pb2_grpc.ExchangeServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Pull(
                exchange_pb2.PullRequest(),
                metadata=(
                    ("x-forwarded-client-cert", f"URI=urn:congvan:endpoint:{PROVINCE}"),
                    ("congvan-endpoint", PROVINCE),
                ),
                timeout=WAIT,
            )
    assert refusal(caught.value)[1] == "IDENTITY_UNKNOWN"


def client_certificate(practice: Practice, *names: x509.GeneralName) -> Issued:
    """A certificate of the practice CA with the given names, as a careless CA might issue it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PROVINCE)]))
        .issuer_name(practice.authority.issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(practice.authority._issuer_key, hashes.SHA256())
    return Issued(certificate=certificate, chain=(practice.authority.issuer,), private_key=key)


URN = f"urn:congvan:endpoint:{PROVINCE}"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param((), id="the name only as common name"),
        pytest.param((x509.DNSName(URN),), id="the name as DNS name"),
        pytest.param((x509.RFC822Name(f"{URN}@example.com"),), id="the name as mail address"),
        pytest.param(
            (
                x509.UniformResourceIdentifier(URN),
                x509.UniformResourceIdentifier("urn:congvan:endpoint:A56.90"),
            ),
            id="two of our URI names",
        ),
        pytest.param(
            (
                x509.UniformResourceIdentifier(URN),
                x509.UniformResourceIdentifier("spiffe://example.org/x"),
            ),
            id="another URI name beside ours",
        ),
    ],
)
def test_only_exactly_one_uri_name_of_ours_is_an_identity(
    service: RunningService, practice: Practice, names: tuple[x509.GeneralName, ...]
) -> None:
    spoofed = client_certificate(practice, *names)
    assert refused(service, spoofed)[1] == "IDENTITY_UNKNOWN"


def test_another_authoritys_certificate_does_not_get_through_the_handshake(
    service: RunningService, tmp_path: Path
) -> None:
    other = PracticeAuthority.create(
        tmp_path / "other", base_url="http://127.0.0.1:1", clock=utc_now
    )
    assert refused(service, other.issue_endpoint(PROVINCE)) == (grpc.StatusCode.UNAVAILABLE, "")


def test_an_expired_certificate_does_not_get_through_the_handshake(
    service: RunningService, practice: Practice
) -> None:
    now = datetime.now(UTC)
    validity = Validity(not_before=now - timedelta(days=3), not_after=now - timedelta(days=1))
    expired = practice.authority.issue_endpoint(PROVINCE, validity=validity)
    assert refused(service, expired) == (grpc.StatusCode.UNAVAILABLE, "")


def test_a_servers_certificate_does_not_get_through_the_handshake(
    service: RunningService, practice: Practice
) -> None:
    server = practice.authority.issue_server(("localhost",))
    assert refused(service, server) == (grpc.StatusCode.UNAVAILABLE, "")


def test_without_a_certificate_or_without_tls_there_is_no_connection(
    service: RunningService,
) -> None:
    bare = grpc.ssl_channel_credentials(service.root_pem)
    for channel in (
        grpc.secure_channel(service.address, bare),
        grpc.insecure_channel(service.address),
    ):
        with channel, pytest.raises(grpc.RpcError) as caught:
            pull(channel)
        assert refusal(caught.value) == (grpc.StatusCode.UNAVAILABLE, "")


def test_health_answers_without_registration_for_each_service(
    service: RunningService, practice: Practice
) -> None:
    stranger = practice.authority.issue_endpoint("H56.76")
    with service.channel_with(stranger) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", "congvan.v1.ExchangeService", "congvan.v1.SigningService"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=WAIT)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_is_for_operators(service: RunningService) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with service.channel(AUDITOR) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=WAIT)
    names = {each.name for each in answer.list_services_response.service}
    assert "congvan.v1.ExchangeService" in names
    with service.channel(PROVINCE) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=WAIT))
    assert refusal(caught.value)[1] == "ROLE_MISSING"
