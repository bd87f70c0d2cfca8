"""Rows of deliveries, the statuses reported about them, and the evidence of what happened."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from exchange.agency import OrganId
from exchange.delivery import DeliveryState
from exchange.envelope import StaffInfo, StatusCode
from exchange.errors import DeliveryUnknown
from exchange.evidence import Evidence, EvidenceEvent
from exchange.messages import BlobName
from storage.database import Connection

_STAFF: TypeAdapter[StaffInfo | None] = TypeAdapter(StaffInfo | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStatus:
    """A status as a recipient reported it. `reported_at` is the reporter's clock."""

    status_id: UUID
    delivery_id: UUID
    code: StatusCode
    description: str
    staff: StaffInfo | None
    reported_at: datetime
    received_at: datetime
    edxml: BlobName


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way to one recipient."""

    delivery_id: UUID
    message_id: UUID
    sender: OrganId
    recipient: OrganId
    state: DeliveryState
    delivered_at: datetime
    fetched_at: datetime | None = None
    acknowledged_at: datetime | None = None
    statuses: tuple[ReportedStatus, ...] = ()


_SELECT = "SELECT d.*, m.sender FROM delivery d JOIN message m USING (message_id)"


async def add_delivery(connection: Connection, delivery: Delivery) -> None:
    """Store a delivery."""
    await connection.execute(
        "INSERT INTO delivery (delivery_id, message_id, recipient, state, delivered_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (
            delivery.delivery_id,
            delivery.message_id,
            delivery.recipient,
            delivery.state.value,
            delivery.delivered_at,
        ),
    )


async def get_delivery(
    connection: Connection, delivery_id: UUID, *, for_update: bool = False
) -> Delivery:
    """Read a delivery with its statuses; raises DeliveryUnknown."""
    lock = " FOR UPDATE OF d" if for_update else ""
    cursor = await connection.execute(_SELECT + " WHERE d.delivery_id = %s" + lock, (delivery_id,))
    row = await cursor.fetchone()
    if row is None:
        raise DeliveryUnknown(str(delivery_id))
    (complete,) = await _with_statuses(connection, [_delivery(row)])
    return complete


async def list_deliveries(
    connection: Connection, message_id: UUID, *, after: str, limit: int
) -> list[Delivery]:
    """List a message's deliveries in the order of their recipients."""
    cursor = await connection.execute(
        _SELECT + " WHERE d.message_id = %s AND d.recipient > %s ORDER BY d.recipient LIMIT %s",
        (message_id, after, limit),
    )
    return await _with_statuses(connection, [_delivery(row) for row in await cursor.fetchall()])


async def is_recipient(connection: Connection, message_id: UUID, *, endpoint: str) -> bool:
    """Tell whether a message was delivered to an endpoint."""
    cursor = await connection.execute(
        "SELECT 1 FROM delivery WHERE message_id = %s AND recipient = %s", (message_id, endpoint)
    )
    return await cursor.fetchone() is not None


async def mark_fetched(connection: Connection, delivery_id: UUID, *, at: datetime) -> None:
    """Note when a recipient first saw the delivery in its mailbox."""
    await connection.execute(
        "UPDATE delivery SET fetched_at = %s WHERE delivery_id = %s AND fetched_at IS NULL",
        (at, delivery_id),
    )


async def mark_acknowledged(connection: Connection, delivery_id: UUID, *, at: datetime) -> None:
    """Note when a recipient said that it holds the document."""
    await connection.execute(
        "UPDATE delivery SET acknowledged_at = coalesce(acknowledged_at, %s)"
        " WHERE delivery_id = %s",
        (at, delivery_id),
    )


async def add_status(
    connection: Connection, status: ReportedStatus, *, state: DeliveryState
) -> None:
    """Store a reported status and the state that it leads to."""
    await connection.execute(
        "INSERT INTO delivery_status (status_id, delivery_id, code, description, staff,"
        " reported_at, received_at, edxml_digest, edxml_size)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            status.status_id,
            status.delivery_id,
            status.code.value,
            status.description,
            Jsonb(_STAFF.dump_python(status.staff, mode="json")) if status.staff else None,
            status.reported_at,
            status.received_at,
            status.edxml.digest,
            status.edxml.size_bytes,
        ),
    )
    await connection.execute(
        "UPDATE delivery SET state = %s WHERE delivery_id = %s", (state.value, status.delivery_id)
    )


async def add_evidence(connection: Connection, evidence: Evidence) -> None:
    """Store evidence in the transaction of what it states."""
    await connection.execute(
        "INSERT INTO evidence (evidence_id, message_id, delivery_id, recipient, event, event_at,"
        " reasons, statement, signature, key_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            evidence.evidence_id,
            evidence.message_id,
            evidence.delivery_id,
            evidence.recipient,
            evidence.event.value,
            evidence.event_at,
            list(evidence.reasons),
            evidence.statement,
            evidence.signature,
            evidence.key_id,
        ),
    )


async def find_evidence(connection: Connection, evidence_id: UUID) -> Evidence | None:
    """Read one piece of evidence."""
    cursor = await connection.execute(
        "SELECT * FROM evidence WHERE evidence_id = %s", (evidence_id,)
    )
    row = await cursor.fetchone()
    return _evidence(row) if row else None


async def list_evidence(
    connection: Connection, message_id: UUID, *, after: int, limit: int
) -> list[tuple[int, Evidence]]:
    """List a message's evidence in the order of events, each with its position in that order."""
    cursor = await connection.execute(
        "SELECT * FROM evidence WHERE message_id = %s AND position > %s ORDER BY position LIMIT %s",
        (message_id, after, limit),
    )
    return [(row["position"], _evidence(row)) for row in await cursor.fetchall()]


async def _with_statuses(connection: Connection, deliveries: list[Delivery]) -> list[Delivery]:
    cursor = await connection.execute(
        "SELECT * FROM delivery_status WHERE delivery_id = ANY(%s) ORDER BY received_at, status_id",
        ([each.delivery_id for each in deliveries],),
    )
    reported: dict[UUID, list[ReportedStatus]] = {}
    for row in await cursor.fetchall():
        reported.setdefault(row["delivery_id"], []).append(_status(row))
    return [
        replace(each, statuses=tuple(reported.get(each.delivery_id, ()))) for each in deliveries
    ]


def _delivery(row: dict[str, Any]) -> Delivery:
    return Delivery(
        delivery_id=row["delivery_id"],
        message_id=row["message_id"],
        sender=OrganId(row["sender"]),
        recipient=OrganId(row["recipient"]),
        state=DeliveryState(row["state"]),
        delivered_at=row["delivered_at"],
        fetched_at=row["fetched_at"],
        acknowledged_at=row["acknowledged_at"],
    )


def _status(row: dict[str, Any]) -> ReportedStatus:
    return ReportedStatus(
        status_id=row["status_id"],
        delivery_id=row["delivery_id"],
        code=StatusCode(row["code"]),
        description=row["description"],
        staff=_STAFF.validate_python(row["staff"]),
        reported_at=row["reported_at"],
        received_at=row["received_at"],
        edxml=BlobName(digest=row["edxml_digest"], size_bytes=row["edxml_size"]),
    )


def _evidence(row: dict[str, Any]) -> Evidence:
    return Evidence(
        evidence_id=row["evidence_id"],
        event=EvidenceEvent(row["event"]),
        message_id=row["message_id"],
        delivery_id=row["delivery_id"],
        recipient=row["recipient"],
        event_at=row["event_at"],
        reasons=tuple(row["reasons"]),
        statement=bytes(row["statement"]),
        signature=bytes(row["signature"]),
        key_id=row["key_id"],
    )
