"""What the use cases work with: one frozen value, put together by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certs.anchors import TrustStore
from certs.fetching import EvidenceFetcher
from certs.keys import SigningKey
from certs.timestamping import Timestamper
from exchange.agency import OrganId
from exchange.compliance.rate_definitions import RateDefinition
from exchange.evidence import EvidenceSigner
from exchange.routing import RoutingTable
from signer.sandbox import Sandbox
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
    """How long a Pull may wait for the first item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ports and settings. `clock` gives aware UTC; `spool` is a directory for uploads."""

    database: Database
    objects: ObjectStore
    archive: Archive
    sandbox: Sandbox
    trust: TrustStore
    fetcher: EvidenceFetcher | None
    timestamper: Timestamper | None
    keys: Mapping[str, ServerKey]
    evidence_signer: EvidenceSigner
    routing: RoutingTable
    definitions: tuple[RateDefinition, ...]
    spool: Path
    limits: ServiceLimits
    clock: Callable[[], datetime]
