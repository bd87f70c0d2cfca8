"""Rows of mailboxes, one per endpoint and lane: append, read from a cursor, acknowledge.

A sequence number is given under the row lock of its mailbox, so the order of numbers is the order
of commits and a cursor never passes over an item that commits late. Each mailbox knows up to where
all of it is acknowledged (`low_ack`), so reading it costs what waits in it and not its history.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from exchange.agency import OrganId
from exchange.errors import ArgumentInvalid, CursorAhead, DeliveryUnknown
from exchange.mailboxes.lanes import Lane, share
from storage.database import Connection

_LAST_SEQUENCE = (1 << 63) - 1
"""The largest number that the database's bigint holds."""


class AckOutcome(StrEnum):
    """What the recipient says of an item: kept durably, or not taken."""

    STORED = "STORED"
    REJECTED = "REJECTED"


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

    Urgent lanes come first, though never for ever (`exchange.mailboxes.lanes.share`); within a lane
    the order is that of arrival.

    Raises:
        CursorAhead: the cursor lies behind the end of the mailbox, so it is of another one.

    """
    wanted = sorted(set(lanes or Lane))
    cursor = await connection.execute(
        "SELECT b.head, place.sequence AS place, b.lane AS of_lane, i.*"
        " FROM unnest(%s::smallint[], %s::bigint[]) AS place (lane, sequence)"
        " JOIN mailbox b ON b.endpoint = %s AND b.lane = place.lane"
        " LEFT JOIN LATERAL (SELECT * FROM mailbox_item m"
        "   WHERE m.endpoint = b.endpoint AND m.lane = b.lane"
        "     AND m.sequence > greatest(place.sequence, b.low_ack)"
        "     AND NOT EXISTS (SELECT 1 FROM mailbox_acknowledgement a WHERE a.endpoint = m.endpoint"
        "                     AND a.lane = m.lane AND a.sequence = m.sequence)"
        "   ORDER BY m.sequence LIMIT %s) i ON true"
        " ORDER BY b.lane, i.sequence",
        (wanted, [after.get(lane, 0) for lane in wanted], endpoint, limit),
    )
    waiting: dict[Lane, list[MailboxItem]] = {}
    for row in await cursor.fetchall():
        if row["place"] > row["head"]:
            raise CursorAhead(Lane(row["of_lane"]).name)
        if row["sequence"] is not None:
            waiting.setdefault(Lane(row["of_lane"]), []).append(_item(row))
    shares = share({lane: len(items) for lane, items in waiting.items()}, room=limit)
    return [item for lane in sorted(shares) for item in waiting[lane][: shares[lane]]]


async def heads(connection: Connection, endpoints: Sequence[OrganId]) -> dict[OrganId, int]:
    """Tell how many items the mailboxes of these endpoints have ever had, all lanes together."""
    cursor = await connection.execute(
        "SELECT endpoint, sum(head)::bigint AS items FROM mailbox WHERE endpoint = ANY(%s)"
        " GROUP BY endpoint",
        (list(endpoints),),
    )
    return {OrganId(row["endpoint"]): row["items"] for row in await cursor.fetchall()}


async def still_waiting(
    connection: Connection, endpoint: OrganId, *, items: Sequence[tuple[Lane, int]]
) -> int:
    """Count which of these items, by lane and sequence, are not acknowledged yet."""
    cursor = await connection.execute(
        "SELECT count(*) AS waiting FROM unnest(%s::smallint[], %s::bigint[]) AS i (lane, sequence)"
        " WHERE NOT EXISTS (SELECT 1 FROM mailbox_acknowledgement a WHERE a.endpoint = %s"
        "                   AND a.lane = i.lane AND a.sequence = i.sequence)",
        ([lane for lane, _ in items], [sequence for _, sequence in items], endpoint),
    )
    row = await cursor.fetchone()
    return int(row["waiting"]) if row else 0


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
        await _raise_low_ack(connection, endpoint, lane=item.lane)
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


async def _raise_low_ack(connection: Connection, endpoint: OrganId, *, lane: Lane) -> None:
    """Move the mailbox's mark over all that is acknowledged without a gap.

    Under the row lock of the mailbox: of two acknowledgements at once, the later sees the earlier.
    """
    await connection.execute(
        "UPDATE mailbox b SET low_ack = coalesce(("
        "   SELECT min(m.sequence) - 1 FROM mailbox_item m"
        "   WHERE m.endpoint = b.endpoint AND m.lane = b.lane AND m.sequence > b.low_ack"
        "     AND NOT EXISTS (SELECT 1 FROM mailbox_acknowledgement a WHERE a.endpoint = m.endpoint"
        "                     AND a.lane = m.lane AND a.sequence = m.sequence)), b.head)"
        " WHERE endpoint = %s AND lane = %s",
        (endpoint, lane),
    )


def _item(row: dict[str, Any]) -> MailboxItem:
    return MailboxItem(
        lane=Lane(row["lane"]),
        sequence=row["sequence"],
        delivery_id=row["delivery_id"],
        status_id=row["status_id"],
        delivered_at=row["delivered_at"],
    )
