"""One request_id has one effect: first answers are kept for good and given again (AIP-155)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from exchange.agency import OrganId
from exchange.errors import RequestIdInvalid, RequestIdReused
from storage.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """What makes a request the same request: who asks, under which id, for what.

    `digest` is SHA-256 over method and content, so that an id that comes back with another
    content is noticed.
    """

    caller: OrganId
    request_id: UUID
    method: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The first answer to a request, as it went over the wire."""

    content: bytes
    answered_at: datetime


def parse_request_id(text: str) -> UUID:
    """Read a request_id. Raises RequestIdInvalid where it is missing or not a UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise RequestIdInvalid(f"{len(text)} characters") from None


def request_key(caller: OrganId, *, request_id: str, method: str, content: bytes) -> RequestKey:
    """Build the key of a mutation.

    Raises:
        RequestIdInvalid: `request_id` is missing or not a UUID.

    """
    parsed = parse_request_id(request_id)
    digest = hashlib.sha256(method.encode() + b"\x00" + content).hexdigest()
    return RequestKey(caller=caller, request_id=parsed, method=method, digest=digest)


async def find_answer(connection: Connection, key: RequestKey) -> KeptAnswer | None:
    """Look up the first answer.

    Raises:
        RequestIdReused: the id was used for another request.

    """
    cursor = await connection.execute(
        "SELECT digest, answer, answered_at FROM request_answer"
        " WHERE caller = %s AND request_id = %s",
        (key.caller, key.request_id),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row["digest"] != key.digest:
        raise RequestIdReused(str(key.request_id))
    return KeptAnswer(content=row["answer"], answered_at=row["answered_at"])


async def reserve_answer(connection: Connection, key: RequestKey, *, at: datetime) -> bool:
    """Claim the id inside the transaction of its effect; False where another one was first.

    A concurrent claim waits here for the other transaction to end, so that of two equal requests
    exactly one has an effect.
    """
    cursor = await connection.execute(
        "INSERT INTO request_answer (caller, request_id, method, digest, answered_at)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (key.caller, key.request_id, key.method, key.digest, at),
    )
    return cursor.rowcount == 1


async def keep_answer(connection: Connection, key: RequestKey, *, answer: bytes) -> None:
    """Store the answer in the same transaction, before it is sent."""
    await connection.execute(
        "UPDATE request_answer SET answer = %s WHERE caller = %s AND request_id = %s",
        (answer, key.caller, key.request_id),
    )
