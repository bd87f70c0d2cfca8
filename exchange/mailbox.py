"""Mailboxes, one per endpoint and lane: append, read from a cursor, acknowledge.

A sequence number is given under the row lock of its mailbox, so the order of numbers is the order
of commits and a cursor never passes over an item that commits late.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from exchange.agency import OrganId
from exchange.envelope import Priority
from exchange.errors import ArgumentInvalid, DeliveryUnknown
from storage.database import Connection

_LAST_SEQUENCE = (1 << 63) - 1
"""The largest number that the database's bigint holds."""


class Lane(IntEnum):
    """The order in which a mailbox is served; a lower number comes first."""

    CONTROL = 1
    FLASH = 2
    VERY_URGENT = 3
    URGENT = 4
    NORMAL = 5
    BULK = 6


class AckOutcome(StrEnum):
    """What the recipient says of an item: kept durably, or not taken."""

    STORED = "STORED"
    REJECTED = "REJECTED"


_LANES: Mapping[Priority, Lane] = {
    Priority.NORMAL: Lane.NORMAL,
    Priority.URGENT: Lane.URGENT,
    Priority.VERY_URGENT: Lane.VERY_URGENT,
    Priority.EXPRESS: Lane.FLASH,
    Priority.EXPRESS_TIMED: Lane.FLASH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxItem:
    """An item of a mailbox: a document's delivery, or (`status_id`) a status about one."""

    lane: Lane
    sequence: int
    delivery_id: UUID
    status_id: UUID | None
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The outcome of acknowledging one item. `repeated` tells that it had been done before."""

    item: MailboxItem
    repeated: bool
    evidence_id: UUID | None


def lane_of(priority: Priority) -> Lane:
    """The lane that documents of an urgency travel in."""
    return _LANES[priority]


async def append(
    connection: Connection,
    endpoint: OrganId,
    *,
    lane: Lane,
    delivery_id: UUID,
    status_id: UUID | None = None,
    at: datetime,
) -> int:
    """Put an item at the end of a mailbox, in the caller's transaction; gives its sequence."""
    cursor = await connection.execute(
        "INSERT INTO mailbox (endpoint, lane, head) VALUES (%s, %s, 1)"
        " ON CONFLICT (endpoint, lane) DO UPDATE SET head = mailbox.head + 1 RETURNING head",
        (endpoint, lane),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - RETURNING of an upsert always gives its row
    sequence: int = row["head"]
    await connection.execute(
        "INSERT INTO mailbox_item (endpoint, lane, sequence, delivery_id, status_id, delivered_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (endpoint, lane, sequence, delivery_id, status_id, at),
    )
    return sequence


async def read(
    connection: Connection,
    endpoint: OrganId,
    *,
    after: Mapping[Lane, int],
    lanes: Sequence[Lane],
    limit: int,
) -> list[MailboxItem]:
    """Read what is not acknowledged and lies after the cursor's place in each lane.

    Urgent lanes come first; within a lane the order is that of arrival.
    """
    wanted = sorted(set(lanes or Lane))
    cursor = await connection.execute(
        "SELECT i.* FROM unnest(%s::smallint[], %s::bigint[]) AS place (lane, sequence)"
        " CROSS JOIN LATERAL (SELECT * FROM mailbox_item m"
        "   WHERE m.endpoint = %s AND m.lane = place.lane AND m.sequence > place.sequence"
        "     AND NOT EXISTS (SELECT 1 FROM mailbox_acknowledgement a WHERE a.endpoint = m.endpoint"
        "                     AND a.lane = m.lane AND a.sequence = m.sequence)"
        "   ORDER BY m.sequence LIMIT %s) i"
        " ORDER BY i.lane, i.sequence LIMIT %s",
        (wanted, [after.get(lane, 0) for lane in wanted], endpoint, limit, limit),
    )
    return [_item(row) for row in await cursor.fetchall()]


async def find_item(
    connection: Connection, endpoint: OrganId, *, lane: Lane, sequence: int
) -> MailboxItem:
    """One item of the caller's own mailbox; raises DeliveryUnknown."""
    cursor = await connection.execute(
        "SELECT * FROM mailbox_item WHERE endpoint = %s AND lane = %s AND sequence = %s",
        (endpoint, lane, sequence),
    )
    row = await cursor.fetchone()
    if row is None:
        raise DeliveryUnknown(f"lane {lane.name}, sequence {sequence}")
    return _item(row)


async def acknowledge(
    connection: Connection,
    endpoint: OrganId,
    *,
    item: MailboxItem,
    outcome: AckOutcome,
    reason: str,
    at: datetime,
) -> Acknowledged:
    """Note that the recipient holds (or rejects) an item. Accepted at any time, first word counts.

    Raises:
        ArgumentInvalid: a rejection without a reason.

    """
    if outcome is AckOutcome.REJECTED and not reason.strip():
        raise ArgumentInvalid("a rejection needs its reason", field="reason")
    cursor = await connection.execute(
        "INSERT INTO mailbox_acknowledgement"
        " (endpoint, lane, sequence, outcome, reason, acknowledged_at)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (endpoint, item.lane, item.sequence, outcome.value, reason, at),
    )
    if cursor.rowcount == 1:
        return Acknowledged(item=item, repeated=False, evidence_id=None)
    cursor = await connection.execute(
        "SELECT evidence_id FROM mailbox_acknowledgement"
        " WHERE endpoint = %s AND lane = %s AND sequence = %s",
        (endpoint, item.lane, item.sequence),
    )
    row = await cursor.fetchone()
    return Acknowledged(item=item, repeated=True, evidence_id=row["evidence_id"] if row else None)


async def tie_evidence(
    connection: Connection, endpoint: OrganId, *, item: MailboxItem, evidence_id: UUID
) -> None:
    """Remember which evidence answered an acknowledgement, so that a repeat gets the same."""
    await connection.execute(
        "UPDATE mailbox_acknowledgement SET evidence_id = %s"
        " WHERE endpoint = %s AND lane = %s AND sequence = %s",
        (evidence_id, endpoint, item.lane, item.sequence),
    )


def write_cursor(places: Mapping[Lane, int]) -> str:
    """Write a reader's place in each lane as an opaque text."""
    content = json.dumps({str(int(lane)): place for lane, place in sorted(places.items())})
    return base64.urlsafe_b64encode(content.encode()).decode()


def read_cursor(text: str) -> dict[Lane, int]:
    """Read what `write_cursor` wrote; the empty text is the beginning.

    Raises:
        ArgumentInvalid: the text was not made here.

    """
    if not text:
        return {}
    try:
        places = json.loads(base64.urlsafe_b64decode(text.encode()))
        read = {Lane(int(lane)): int(place) for lane, place in places.items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        raise ArgumentInvalid("not a cursor of this service", field="cursor") from None
    if not all(0 <= place <= _LAST_SEQUENCE for place in read.values()):
        raise ArgumentInvalid("not a cursor of this service", field="cursor")
    return read


def _item(row: dict[str, Any]) -> MailboxItem:
    return MailboxItem(
        lane=Lane(row["lane"]),
        sequence=row["sequence"],
        delivery_id=row["delivery_id"],
        status_id=row["status_id"],
        delivered_at=row["delivered_at"],
    )
