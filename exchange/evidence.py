"""What happened to a message, said and signed by the service so that it can be shown to others.

Pure. Events are named as in ETSI EN 319 522-3 V1.2.1 table 2; the signature gate, statuses and
recalls are this service's own. A statement is canonical JSON (UTF-8, sorted keys, no white space);
the Ed25519 signature is over exactly those bytes.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

STATEMENT_VERSION = 1
SIGNATURE_ALGORITHM = "Ed25519"


class EvidenceEvent(StrEnum):
    """What happened (sự kiện), named as in EN 319 522-3 table 2 where that has a name for it."""

    SUBMISSION_ACCEPTANCE = "SUBMISSION_ACCEPTANCE"
    CONTENT_CONSIGNMENT = "CONTENT_CONSIGNMENT"
    CONTENT_HANDOVER = "CONTENT_HANDOVER"
    CONTENT_HANDOVER_FAILURE = "CONTENT_HANDOVER_FAILURE"
    STATUS_REPORTED = "STATUS_REPORTED"
    SIGNATURE_GATE_PASSED = "SIGNATURE_GATE_PASSED"
    SIGNATURE_GATE_MARKED = "SIGNATURE_GATE_MARKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What is to be stated: the event, what it happened to, and the digests that tie it down.

    `edxml_digest` and `document_digests` are SHA-256 in lower-case hexadecimal.
    """

    event: EvidenceEvent
    message_id: UUID
    sender: str
    document_id: str
    edxml_digest: str
    document_digests: tuple[str, ...]
    delivery_id: UUID | None = None
    recipient: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A signed statement. `key_id` is the SHA-256 of the signer's public key (DER)."""

    evidence_id: UUID
    event: EvidenceEvent
    message_id: UUID
    delivery_id: UUID | None
    recipient: str
    event_at: datetime
    reasons: tuple[str, ...]
    statement: bytes
    signature: bytes
    key_id: str


class EvidenceSigner:
    """Signs statements with the service's key; the key never leaves this object."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id_of(key.public_key())

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that others verify with."""
        return self._key.public_key()

    def state(self, occurrence: Occurrence, *, at: datetime) -> Evidence:
        """State that something happened at an instant (aware UTC), and sign it."""
        evidence_id = uuid4()
        statement = _canonical(_fields(occurrence, evidence_id=evidence_id, at=at))
        return Evidence(
            evidence_id=evidence_id,
            event=occurrence.event,
            message_id=occurrence.message_id,
            delivery_id=occurrence.delivery_id,
            recipient=occurrence.recipient,
            event_at=at,
            reasons=occurrence.reasons,
            statement=statement,
            signature=self._key.sign(statement),
            key_id=self.key_id,
        )


def key_id_of(key: Ed25519PublicKey) -> str:
    """Name a public key by the SHA-256 of its DER form."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def is_genuine(statement: bytes, signature: bytes, *, key: Ed25519PublicKey) -> bool:
    """Tell whether the holder of `key` signed exactly this statement."""
    try:
        key.verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def read_statement(statement: bytes) -> dict[str, Any]:
    """Give the fields of a statement whose signature was found genuine."""
    fields: dict[str, Any] = json.loads(statement)
    return fields


def _fields(occurrence: Occurrence, *, evidence_id: UUID, at: datetime) -> dict[str, Any]:
    return {
        "version": STATEMENT_VERSION,
        "evidence_id": str(evidence_id),
        "event": occurrence.event.value,
        "event_at": at.isoformat(),
        "message_id": str(occurrence.message_id),
        "delivery_id": str(occurrence.delivery_id) if occurrence.delivery_id else "",
        "sender": occurrence.sender,
        "recipient": occurrence.recipient,
        "document_id": occurrence.document_id,
        "edxml_sha256": occurrence.edxml_digest,
        "documents_sha256": list(occurrence.document_digests),
        "reasons": list(occurrence.reasons),
    }


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
