"""What the use cases work with: one frozen value, put together by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys import SigningKey
from certs.paths.checking import PathChecker
from certs.timestamping import Timestamper
from certs.trust.anchors import TrustStore
from exchange.agency import OrganId
from exchange.compliance.rate_definitions import RateDefinition
from exchange.evidence import EvidenceSigner
from exchange.registry import SigningDirectory
from exchange.routing import RoutingTable
from signer.policy.values import DEFAULT, VerificationPolicy
from signer.sandbox.pool import Sandbox
from storage.archive import Archive
from storage.database import Database
from storage.ports import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKey:
    """A key that the service keeps for one endpoint: its seal, as a rule."""

    key_id: str
    endpoint: OrganId
    key: SigningKey
    seal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """Limits on what callers may send, with units in the names."""

    max_document_bytes: int = 100_000_000
    """Size of one attachment or edXML message in bytes."""
    max_inline_bytes: int = 3 << 20
    """Size of a document inside a request; larger ones are uploaded first."""
    max_recipients: int = 500
    """Recipients of one message."""
    max_attachments: int = 50
    """Attachments of one message."""
    max_page_size: int = 500
    """Entries on one page of a list."""
    max_pull_items: int = 100
    """Items that one Pull gives."""
    max_wait_seconds: int = 55
    """How long a call may wait: a Pull for the first item, a wait for an operation's end."""
    max_batch_items: int = 100
    """Items of one batch."""
    max_stream_seconds: float = 600
    """How long a stream may take that carries a document there and back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningPolicy:
    """What the operator decides about signing.

    allow_unknown_revocation: sign also where nothing proves that a certificate was not revoked
    (NĐ 68/2024/NĐ-CP art. 29 asks for proof); each time it is logged.
    session_life: how long a signature may take that is made elsewhere.
    """

    allow_unknown_revocation: bool = False
    session_life: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessingPolicy:
    """What the operator decides about verification.

    policy: what documents are judged by; policy_document: the text of its file. reuse_for: how
    long an assessment is given again for the same document, at most; zero: never.
    """

    policy: VerificationPolicy = DEFAULT
    policy_document: str = ""
    reuse_for: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPolicy:
    """How long-running work is done.

    lease: how long a worker that doesn't answer is believed to be at it still.
    at_once: operations that one worker process does side by side; a time-stamping authority
    bears about four calls at a time.
    """

    lease: timedelta = timedelta(seconds=30)
    at_once: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ports and settings. `clock` gives aware UTC; `spool` is a directory for uploads.

    patient_timestamper: asks the same authority as `timestamper`, and waits for minutes.
    """

    database: Database
    objects: ObjectStore
    archive: Archive
    sandbox: Sandbox
    trust: TrustStore
    fetcher: EvidenceFetcher | None
    checker: PathChecker
    timestamper: Timestamper | None
    patient_timestamper: Timestamper | None
    keys: Mapping[str, ServerKey]
    evidence_signer: EvidenceSigner
    routing: RoutingTable
    definitions: tuple[RateDefinition, ...]
    spool: Path
    limits: ServiceLimits
    signing: SigningPolicy
    assessing: AssessingPolicy
    operations: OperationPolicy
    clock: Callable[[], datetime]
    directory: SigningDirectory = field(default_factory=SigningDirectory)
