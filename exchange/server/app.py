"""The composition root: settings become services, services become a gRPC server."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from certs.fetching.fetcher import EvidenceFetcher
from certs.parsing import DAMAGE
from certs.paths.checking import PathChecker
from certs.timestamping import HttpTimestamper
from certs.trust.anchors import TrustStore
from certs.trust.files import load_trust_store
from congvan.v1 import (
    archive_pb2,
    archive_pb2_grpc,
    blobs_pb2,
    blobs_pb2_grpc,
    compliance_pb2,
    compliance_pb2_grpc,
    exchange_pb2,
    exchange_pb2_grpc,
    operations_pb2,
    operations_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    signing_pb2,
    signing_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)
from exchange.compliance.rate_definitions import load_definitions
from exchange.errors import SettingInvalid
from exchange.evidence import EvidenceSigner
from exchange.routing import load_routing_table
from exchange.server.door import Door
from exchange.server.evidence_sources import evidence_fetcher, finds_evidence
from exchange.server.keys import load_keys
from exchange.server.servicers.archive import ArchiveServicer
from exchange.server.servicers.blobs import BlobServicer
from exchange.server.servicers.compliance import ComplianceServicer
from exchange.server.servicers.exchange import ExchangeServicer
from exchange.server.servicers.operations import OperationServicer
from exchange.server.servicers.registry import RegistryServicer
from exchange.server.servicers.signing import SigningServicer
from exchange.server.servicers.verification import VerificationServicer
from exchange.server.settings import Settings, read_setting_file
from exchange.services import (
    AssessingPolicy,
    OperationPolicy,
    ServiceLimits,
    Services,
    SigningPolicy,
)
from signer import Sandbox
from signer.policy.files import parse_policy, policy_bytes, shipped_policies
from signer.policy.values import DEFAULT
from storage.archive import Archive
from storage.database import Database
from storage.objects import open_object_store

CONTRACT = (
    archive_pb2,
    blobs_pb2,
    compliance_pb2,
    exchange_pb2,
    operations_pb2,
    registry_pb2,
    signing_pb2,
    verification_pb2,
)
SERVICE_NAMES = tuple(
    service.full_name for file in CONTRACT for service in file.DESCRIPTOR.services_by_name.values()
)
# What a sandbox process imports before its first call: all that reads strangers' bytes.
SANDBOXED_MODULES = (
    "signer.sandbox.guarded_assessing",
    "signer.sandbox.guarded_preparation",
    "exchange.edxml.reader",
)

# The wire's own limits. Documents travel in chunks; nothing else is large.
_OPTIONS = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_send_message_length", 8 << 20),
    ("grpc.max_metadata_size", 8 << 10),
    # Windows that don't grow with a fast sender: what is on its way is held in memory.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 512 << 10),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # A client's channel stays with one process; ending it now and then spreads the load.
    ("grpc.max_connection_age_ms", 900_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)
MAXIMUM_CONCURRENT_RPCS = 256


@contextlib.asynccontextmanager
async def open_services(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """Open everything that the use cases need, and close it again.

    Raises:
        SettingInvalid, TrustStoreInvalid, PolicyInvalid, KeyUnusable, StorageError: what can't be
            opened, and why.

    """
    trust = load_trust_store(settings.trust.directory, allow_practice=settings.trust.allow_practice)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(await Database.open(dsn))
        objects = open_object_store(settings.object_store_url)
        stack.push_async_callback(objects.close)
        sandbox = await stack.enter_async_context(
            Sandbox(workers=settings.limits.sandbox_workers, modules=SANDBOXED_MODULES)
        )
        fetcher = await stack.enter_async_context(evidence_fetcher(settings))
        usable = fetcher if finds_evidence(settings) else None
        yield Services(
            database=database,
            objects=objects,
            archive=Archive(database, objects),
            sandbox=sandbox,
            trust=trust,
            fetcher=usable,
            checker=PathChecker(store=trust, fetcher=usable),
            timestamper=_timestamper(settings, fetcher, trust=trust),
            patient_timestamper=_timestamper(settings, fetcher, trust=trust, patient=True),
            keys=await load_keys(settings),
            evidence_signer=_load_evidence_signer(settings.evidence_key),
            routing=load_routing_table(),
            definitions=load_definitions(),
            spool=settings.spool,
            limits=ServiceLimits(
                max_document_bytes=settings.limits.max_document_bytes,
                max_stream_seconds=settings.limits.stream_seconds,
            ),
            signing=SigningPolicy(
                allow_unknown_revocation=settings.signing.allow_unknown_revocation,
                session_life=timedelta(seconds=settings.signing.session_seconds),
            ),
            assessing=_assessing(settings),
            operations=OperationPolicy(
                lease=timedelta(seconds=settings.operations.lease_seconds),
                at_once=settings.operations.at_once,
            ),
            clock=lambda: datetime.now(UTC),
        )


def _assessing(settings: Settings) -> AssessingPolicy:
    """Read the verification policy once; raises PolicyInvalid, so that none is judged by less."""
    path = settings.verification.policy or shipped_policies()[DEFAULT.name]
    content = policy_bytes(path)
    policy = parse_policy(content, source=f"verification.policy: {path}")
    return AssessingPolicy(
        policy=policy.in_force(datetime.now(UTC)),
        policy_document=content.decode("utf-8"),
        reuse_for=timedelta(seconds=settings.verification.reuse_seconds),
    )


def build_server(
    services: Services, settings: Settings, *, port: int
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    """Put servicers, door and TLS together; not started yet."""
    server = grpc.aio.server(
        interceptors=[Door(services)],
        options=_OPTIONS,
        maximum_concurrent_rpcs=MAXIMUM_CONCURRENT_RPCS,
    )
    archive_pb2_grpc.add_ArchiveServiceServicer_to_server(ArchiveServicer(services), server)
    blobs_pb2_grpc.add_BlobServiceServicer_to_server(BlobServicer(services), server)
    compliance_pb2_grpc.add_ComplianceServiceServicer_to_server(
        ComplianceServicer(services), server
    )
    exchange_pb2_grpc.add_ExchangeServiceServicer_to_server(ExchangeServicer(services), server)
    operations_pb2_grpc.add_OperationServiceServicer_to_server(OperationServicer(services), server)
    registry_pb2_grpc.add_RegistryServiceServicer_to_server(RegistryServicer(services), server)
    signing_pb2_grpc.add_SigningServiceServicer_to_server(SigningServicer(services), server)
    verification_pb2_grpc.add_VerificationServiceServicer_to_server(
        VerificationServicer(services), server
    )
    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    if settings.service.reflection:
        reflection.enable_server_reflection((*SERVICE_NAMES, reflection.SERVICE_NAME), server)
    host = settings.service.host
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        server.add_secure_port(address, _credentials(settings))
    except RuntimeError:  # all that gRPC says here; what is wrong with the files it only logs
        raise SettingInvalid(f"tls, or service.listen: no server with them at {address}") from None
    return server, healths


def _credentials(settings: Settings) -> grpc.ServerCredentials:
    tls = settings.tls
    return grpc.ssl_server_credentials(
        [
            (
                read_setting_file(tls.key, what="tls.key"),
                read_setting_file(tls.certificate, what="tls.certificate"),
            )
        ],
        root_certificates=read_setting_file(tls.client_ca, what="tls.client_ca"),
        require_client_auth=True,
    )


def _timestamper(
    settings: Settings, fetcher: EvidenceFetcher, *, trust: TrustStore, patient: bool = False
) -> HttpTimestamper | None:
    section = settings.timestamping
    if not section.url:
        return None
    seconds = section.patient_seconds if patient else section.seconds
    return HttpTimestamper(section.url, fetcher=fetcher, store=trust, timeout_seconds=seconds)


def _load_evidence_signer(path: Path) -> EvidenceSigner:
    content = read_setting_file(path, what="the evidence key")
    try:
        key = load_pem_private_key(content, password=None)
    except DAMAGE:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingInvalid(f"{path}: no Ed25519 key that is not encrypted")
    return EvidenceSigner(key)
