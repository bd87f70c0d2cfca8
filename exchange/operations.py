"""Rows of operations: long-running work that outlives calls and workers, claimed by one at a time.

A claim is a lease: its worker renews it, and where the worker dies the lease runs out and another
worker claims the work again. An outcome is written by the holder of the claim alone, so that a
worker that was thought dead can't write over what its successor did.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from exchange.agency import OrganId
from exchange.errors import OperationCancelled, OperationUnknown
from storage.database import Connection
from storage.ports import Digest

_SHOWN = "operation_id, caller, method, state, attempts, created_at, ended_at, response, reason"


class OperationState(StrEnum):
    """Where an operation (tác vụ) stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation as its caller sees it. `response` is the answer's wire form, once DONE."""

    operation_id: UUID
    caller: OrganId
    method: str
    state: OperationState
    attempts: int
    created_at: datetime
    ended_at: datetime | None = None
    response: bytes | None = field(default=None, repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A claimed operation: what to do, and with which document."""

    operation_id: UUID
    claim: UUID
    caller: OrganId
    method: str
    task: dict[str, Any]
    document_digest: Digest
    document: bytes | None = field(repr=False)
    attempts: int


async def add_operation(connection: Connection, *, work: Work, at: datetime) -> Operation:
    """Store an operation that waits for a worker; `work.claim` does not matter yet."""
    await connection.execute(
        "INSERT INTO operation (operation_id, caller, method, task, document_digest, document,"
        " state, due_at, created_at) VALUES (%s, %s, %s, %s, %s, %s, 'WAITING', %s, %s)",
        (
            work.operation_id,
            work.caller,
            work.method,
            Jsonb(work.task),
            work.document_digest,
            work.document,
            at,
            at,
        ),
    )
    return await get_operation(connection, work.caller, operation_id=work.operation_id)


async def get_operation(
    connection: Connection, caller: OrganId, *, operation_id: UUID
) -> Operation:
    """Read one of the caller's operations; raises OperationUnknown."""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM operation WHERE operation_id = %s AND caller = %s",  # noqa: S608
        (operation_id, caller),
    )
    row = await cursor.fetchone()
    if row is None:
        raise OperationUnknown(str(operation_id))
    return _operation(row)


async def list_operations(
    connection: Connection, caller: OrganId, *, before: tuple[datetime, UUID], limit: int
) -> list[Operation]:
    """List the caller's operations, newest first, from the one before `before`."""
    cursor = await connection.execute(
        f"SELECT {_SHOWN} FROM operation WHERE caller = %s"  # noqa: S608 - a constant
        " AND (created_at, operation_id) < (%s, %s)"
        " ORDER BY created_at DESC, operation_id DESC LIMIT %s",
        (caller, *before, limit),
    )
    return [_operation(row) for row in await cursor.fetchall()]


async def cancel_operation(
    connection: Connection, caller: OrganId, *, operation_id: UUID, at: datetime
) -> Operation:
    """End what waits; ask what runs to stop; what is over stays. Raises OperationUnknown."""
    await connection.execute(
        "UPDATE operation SET cancelled = true WHERE operation_id = %s AND caller = %s"
        " AND state IN ('WAITING', 'RUNNING')",
        (operation_id, caller),
    )
    await connection.execute(
        "UPDATE operation SET state = 'FAILED', reason = %s, ended_at = %s, document = NULL"
        " WHERE operation_id = %s AND caller = %s AND state = 'WAITING'",
        (OperationCancelled.reason, at, operation_id, caller),
    )
    return await get_operation(connection, caller, operation_id=operation_id)


async def claim_work(connection: Connection, *, at: datetime, lease: timedelta) -> Work | None:
    """Claim what has been due longest, or what a dead worker left; None where nothing is to do."""
    cursor = await connection.execute(
        "UPDATE operation SET state = 'RUNNING', claim = %s, leased_until = %s,"
        " attempts = attempts + 1 WHERE operation_id = (SELECT operation_id FROM operation"
        " WHERE (state = 'WAITING' AND due_at <= %s) OR (state = 'RUNNING' AND leased_until < %s)"
        " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *",
        (uuid4(), at + lease, at, at),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Work(
        operation_id=row["operation_id"],
        claim=row["claim"],
        caller=OrganId(row["caller"]),
        method=row["method"],
        task=row["task"],
        document_digest=Digest(row["document_digest"]),
        document=row["document"],
        attempts=row["attempts"],
    )


async def renew_claim(
    connection: Connection, work: Work, *, at: datetime, lease: timedelta
) -> bool:
    """Hold a claim longer; False where it is lost, or the caller has cancelled the operation."""
    cursor = await connection.execute(
        "UPDATE operation SET leased_until = %s WHERE operation_id = %s AND claim = %s"
        " AND NOT cancelled",
        (at + lease, work.operation_id, work.claim),
    )
    return cursor.rowcount == 1


async def finish_work(connection: Connection, work: Work, *, response: bytes, at: datetime) -> bool:
    """Write the outcome; False, and nothing written, where the claim is lost or cancelled."""
    cursor = await connection.execute(
        "UPDATE operation SET state = 'DONE', response = %s, ended_at = %s, claim = NULL,"
        " leased_until = NULL, document = NULL"
        " WHERE operation_id = %s AND claim = %s AND NOT cancelled",
        (response, at, work.operation_id, work.claim),
    )
    return cursor.rowcount == 1


async def fail_work(connection: Connection, work: Work, *, reason: str, at: datetime) -> None:
    """Write why it failed for good; the claim's holder only."""
    await connection.execute(
        "UPDATE operation SET state = 'FAILED', ended_at = %s, claim = NULL, leased_until = NULL,"
        " document = NULL, reason = CASE WHEN cancelled THEN %s ELSE %s END"
        " WHERE operation_id = %s AND claim = %s",
        (at, OperationCancelled.reason, reason, work.operation_id, work.claim),
    )


async def postpone_work(connection: Connection, work: Work, *, due_at: datetime) -> bool:
    """Give a claim back, to be tried again later; False where it is lost or cancelled."""
    cursor = await connection.execute(
        "UPDATE operation SET state = 'WAITING', claim = NULL, leased_until = NULL, due_at = %s"
        " WHERE operation_id = %s AND claim = %s AND NOT cancelled",
        (due_at, work.operation_id, work.claim),
    )
    return cursor.rowcount == 1


def _operation(row: dict[str, Any]) -> Operation:
    return Operation(
        operation_id=row["operation_id"],
        caller=OrganId(row["caller"]),
        method=row["method"],
        state=OperationState(row["state"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        response=row["response"],
        reason=row["reason"] or "",
    )
