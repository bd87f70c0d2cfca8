"""Rows of signing sessions: signatures prepared here that wait for a value made elsewhere."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.trust.anchors import AnchorRole
from exchange.agency import OrganId
from exchange.errors import (
    SigningSessionCompleted,
    SigningSessionExpired,
    SigningSessionUnknown,
)
from signer import Level
from storage.database import Connection
from storage.ports import Digest

REMEMBERED_FOR = timedelta(days=1)
"""How long after its end a session is known to have been: its callers learn what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSession:
    """What the second step needs (phiên ký): any worker on any machine can take it.

    document: the bytes where they came inside the request; otherwise they are an object.
    prepared: the JSON form of `signer.creation.prepared.PreparedSignature`. filled: what is written
    between the document and the signature's update.
    certificates: the signer's first, then its issuers.
    """

    session_id: UUID
    caller: OrganId
    document_digest: Digest
    document: bytes | None = field(repr=False)
    prepared: str = field(repr=False)
    filled: bytes = field(repr=False)
    certificates: tuple[x509.Certificate, ...] = field(repr=False)
    role: AnchorRole
    level: Level
    created_at: datetime
    expires_at: datetime


async def add_session(connection: Connection, session: SigningSession) -> None:
    """Store a session."""
    await connection.execute(
        "INSERT INTO signing_session (session_id, caller, document_digest, document, prepared,"
        " filled, certificates, role, level, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            session.session_id,
            session.caller,
            session.document_digest,
            session.document,
            session.prepared,
            session.filled,
            [each.public_bytes(Encoding.DER) for each in session.certificates],
            session.role,
            session.level,
            session.created_at,
            session.expires_at,
        ),
    )


async def open_session(
    connection: Connection, caller: OrganId, *, session_id: UUID, at: datetime
) -> SigningSession:
    """Read a session that can still be completed.

    Raises:
        SigningSessionUnknown: there is none of the caller's; a stranger's looks the same.
        SigningSessionCompleted, SigningSessionExpired: it is over.

    """
    cursor = await connection.execute(
        "SELECT * FROM signing_session WHERE session_id = %s AND caller = %s", (session_id, caller)
    )
    row = await cursor.fetchone()
    if row is None:
        raise SigningSessionUnknown(str(session_id))
    if row["completed_at"] is not None:
        raise SigningSessionCompleted(str(session_id))
    if row["expires_at"] <= at:
        raise SigningSessionExpired(str(session_id))
    return _session(row)


async def complete_session(
    connection: Connection, session: SigningSession, *, at: datetime
) -> None:
    """End a session and forget what it held; of two at once, one gets SigningSessionCompleted."""
    cursor = await connection.execute(
        "UPDATE signing_session SET completed_at = %s, prepared = NULL, document = NULL,"
        " filled = ''"
        " WHERE session_id = %s AND completed_at IS NULL",
        (at, session.session_id),
    )
    if cursor.rowcount != 1:
        raise SigningSessionCompleted(str(session.session_id))


async def forget_old_sessions(connection: Connection, *, at: datetime) -> int:
    """Delete what ended long enough ago; gives how many."""
    cursor = await connection.execute(
        "DELETE FROM signing_session WHERE expires_at < %s", (at - REMEMBERED_FOR,)
    )
    return cursor.rowcount


def _session(row: dict[str, Any]) -> SigningSession:
    return SigningSession(
        session_id=row["session_id"],
        caller=OrganId(row["caller"]),
        document_digest=Digest(row["document_digest"]),
        document=row["document"],
        prepared=row["prepared"],
        filled=row["filled"],
        certificates=tuple(x509.load_der_x509_certificate(each) for each in row["certificates"]),
        role=AnchorRole(row["role"]),
        level=Level(row["level"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )
