"""Rows of messages in transit: drafts, submitted messages and what the gate found in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from exchange.agency import OrganId
from exchange.envelope import AttachmentRef, Envelope
from exchange.errors import DocumentIdReused, MessageUnknown
from exchange.mailboxes.lanes import Lane
from exchange.signing_for import SignedFor
from storage.database import Connection

_ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)


class MessageState(StrEnum):
    """A draft can still be completed; a submitted message is accepted for delivery."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobName:
    """Stored content: SHA-256 in lower-case hexadecimal, and its size in bytes."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFinding:
    """How the gate judged one attachment. `verdict` is a signer.Verdict, or NOT_APPLICABLE.

    signed_for: whether it bears the sender's signatures; None for what bears none.
    """

    position: int
    attachment: AttachmentRef
    verdict: str
    reason: str
    report_id: UUID | None
    signed_for: SignedFor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An official document in transit as the service keeps it."""

    message_id: UUID
    sender: OrganId
    state: MessageState
    envelope: Envelope
    lane: Lane
    created_at: datetime
    edxml: BlobName | None = None
    submitted_at: datetime | None = None
    gate: tuple[GateFinding, ...] = ()

    @property
    def etag(self) -> str:
        """Changes when the message does: a draft becomes a submitted message once."""
        return f'"{self.state.value.lower()}-{self.message_id.hex[:12]}"'


async def add_draft(connection: Connection, message: Message) -> None:
    """Store a draft."""
    await connection.execute(
        "INSERT INTO message (message_id, sender, state, document_id, envelope, edxml_digest,"
        " edxml_size, lane, created_at) VALUES (%s, %s, 'DRAFT', %s, %s, %s, %s, %s, %s)",
        (
            message.message_id,
            message.sender,
            message.envelope.document_id,
            Jsonb(_ENVELOPE.dump_python(message.envelope, mode="json")),
            message.edxml.digest if message.edxml else None,
            message.edxml.size_bytes if message.edxml else None,
            message.lane,
            message.created_at,
        ),
    )


async def get_message(
    connection: Connection, message_id: UUID, *, for_update: bool = False
) -> Message:
    """Read a message with its gate findings; raises MessageUnknown."""
    statement = "SELECT * FROM message WHERE message_id = %s"
    if for_update:
        statement += " FOR UPDATE"
    cursor = await connection.execute(statement, (message_id,))
    row = await cursor.fetchone()
    if row is None:
        raise MessageUnknown(str(message_id))
    return _message(row, await _findings(connection, [message_id]))


async def list_sent(
    connection: Connection, sender: OrganId, *, before: tuple[datetime, UUID], limit: int
) -> list[Message]:
    """List a sender's messages, newest first, from the one before `before`."""
    cursor = await connection.execute(
        "SELECT * FROM message WHERE sender = %s AND (created_at, message_id) < (%s, %s)"
        " ORDER BY created_at DESC, message_id DESC LIMIT %s",
        (sender, *before, limit),
    )
    return await _messages(connection, await cursor.fetchall())


async def list_received(
    connection: Connection, recipient: OrganId, *, before: tuple[datetime, UUID], limit: int
) -> list[Message]:
    """List the messages delivered to an endpoint, newest first."""
    cursor = await connection.execute(
        "SELECT m.* FROM message m JOIN delivery d USING (message_id)"
        " WHERE d.recipient = %s AND (m.created_at, m.message_id) < (%s, %s)"
        " ORDER BY m.created_at DESC, m.message_id DESC LIMIT %s",
        (recipient, *before, limit),
    )
    return await _messages(connection, await cursor.fetchall())


async def mark_submitted(connection: Connection, message: Message) -> None:
    """Turn a draft into a submitted message, with what the gate found.

    Raises:
        DocumentIdReused: the sender has submitted another message with this DocumentId.

    """
    assert message.edxml is not None  # noqa: S101 - the use case writes the edXML first
    try:
        await connection.execute(
            "UPDATE message SET state = 'SUBMITTED', edxml_digest = %s, edxml_size = %s,"
            " submitted_at = %s, document_id = %s, envelope = %s WHERE message_id = %s",
            (
                message.edxml.digest,
                message.edxml.size_bytes,
                message.submitted_at,
                message.envelope.document_id,
                Jsonb(_ENVELOPE.dump_python(message.envelope, mode="json")),
                message.message_id,
            ),
        )
    except UniqueViolation:
        raise DocumentIdReused(message.envelope.document_id) from None
    for finding in message.gate:
        await _add_finding(connection, message.message_id, finding=finding)


async def _add_finding(connection: Connection, message_id: UUID, *, finding: GateFinding) -> None:
    attachment = finding.attachment
    await connection.execute(
        "INSERT INTO gate_finding (message_id, position, digest, size_bytes, file_name,"
        " media_type, verdict, reason, report_id, signed_for)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            message_id,
            finding.position,
            attachment.digest,
            attachment.size_bytes,
            attachment.file_name,
            attachment.media_type,
            finding.verdict,
            finding.reason,
            finding.report_id,
            finding.signed_for or "",
        ),
    )


async def _messages(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[Message]:
    findings = await _findings(connection, [row["message_id"] for row in rows])
    return [_message(row, findings) for row in rows]


async def _findings(
    connection: Connection, message_ids: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    cursor = await connection.execute(
        "SELECT * FROM gate_finding WHERE message_id = ANY(%s) ORDER BY message_id, position",
        (list(message_ids),),
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in await cursor.fetchall():
        found.setdefault(row["message_id"], []).append(row)
    return found


def _message(row: dict[str, Any], findings: dict[UUID, list[dict[str, Any]]]) -> Message:
    envelope = _ENVELOPE.validate_python(row["envelope"])
    edxml = (
        BlobName(digest=row["edxml_digest"], size_bytes=row["edxml_size"])
        if row["edxml_digest"]
        else None
    )
    return Message(
        message_id=row["message_id"],
        sender=OrganId(row["sender"]),
        state=MessageState(row["state"]),
        envelope=envelope,
        lane=Lane(row["lane"]),
        created_at=row["created_at"],
        edxml=edxml,
        submitted_at=row["submitted_at"],
        gate=tuple(
            GateFinding(
                position=found["position"],
                attachment=envelope.attachments[found["position"]],
                verdict=found["verdict"],
                reason=found["reason"],
                report_id=found["report_id"],
                signed_for=SignedFor(found["signed_for"]) if found["signed_for"] else None,
            )
            for found in findings.get(row["message_id"], [])
        ),
    )
