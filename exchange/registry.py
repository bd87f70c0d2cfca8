"""The registry's rows: endpoints and the certificates that may speak for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, Endpoint, EndpointRole, OrganId
from exchange.errors import ArgumentInvalid, EndpointExists, EndpointUnknown, EtagMismatch
from exchange.signing_for import Body, Directory
from storage.database import Connection

_SELECT = """
    SELECT e.*, coalesce(array_agg(c.fingerprint ORDER BY c.bound_at, c.fingerprint)
                         FILTER (WHERE c.revoked_at IS NULL AND c.fingerprint IS NOT NULL),
                         ARRAY[]::text[]) AS certificates
      FROM endpoint e LEFT JOIN endpoint_certificate c USING (code)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredEndpoint:
    """An endpoint with what only the registry knows: its successor and the version of its row."""

    endpoint: Endpoint
    successor: OrganId | None
    version: int

    @property
    def etag(self) -> str:
        """What a change must name so that it does not overwrite another's (AIP-154)."""
        return f'"{self.version}"'


async def find_endpoint(connection: Connection, code: str) -> RegisteredEndpoint | None:
    """Look one endpoint up by its code, exactly as written."""
    cursor = await connection.execute(_SELECT + " WHERE e.code = %s GROUP BY e.code", (code,))
    row = await cursor.fetchone()
    return _registered(row) if row else None


async def get_endpoint(connection: Connection, code: str) -> RegisteredEndpoint:
    """The same, for callers who must have it; raises EndpointUnknown."""
    found = await find_endpoint(connection, code)
    if found is None:
        raise EndpointUnknown(code)
    return found


async def find_endpoints(
    connection: Connection, codes: Sequence[str]
) -> dict[str, RegisteredEndpoint]:
    """Look several up; unknown codes are absent from the answer."""
    cursor = await connection.execute(
        _SELECT + " WHERE e.code = ANY(%s) GROUP BY e.code", (list(codes),)
    )
    return {row["code"]: _registered(row) for row in await cursor.fetchall()}


async def list_endpoints(
    connection: Connection, *, after: str, limit: int, block: Block | None = None
) -> list[RegisteredEndpoint]:
    """List endpoints in the order of their codes, from the one after `after`."""
    cursor = await connection.execute(
        _SELECT + " WHERE e.code > %s AND (%s::text IS NULL OR e.block = %s)"
        " GROUP BY e.code ORDER BY e.code LIMIT %s",
        (after, block, block, limit),
    )
    return [_registered(row) for row in await cursor.fetchall()]


class SigningDirectory:
    """Whose signatures are whose, by all bodies, closed ones too: read anew where one changed."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, int], Directory] | None = None

    async def read(self, connection: Connection) -> Directory:
        """Give the directory as the registry has it now.

        No row is ever deleted, and every change counts its row's version up: how many rows there
        are and the sum of their versions name one state of the registry.
        """
        cursor = await connection.execute(
            "SELECT count(*) AS bodies, coalesce(sum(version), 0) AS versions FROM endpoint"
        )
        row = await cursor.fetchone()
        state = (int(row["bodies"]), int(row["versions"])) if row else (0, 0)
        known = self._known
        if known is not None and known[0] == state:
            return known[1]
        cursor = await connection.execute(
            "SELECT code, name, other_names, identifiers, parent, successor, version FROM endpoint"
        )
        rows = await cursor.fetchall()
        directory = Directory(_body(each) for each in rows)
        # Named by what was read, which may be of a moment later than the question above.
        state = (len(rows), sum(each["version"] for each in rows))
        self._known = (state, directory)
        return directory


async def add_endpoint(connection: Connection, endpoint: Endpoint) -> RegisteredEndpoint:
    """Register a body; raises EndpointExists."""
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO endpoint (code, name, block, level, parent, email, roles, valid_from,"
                " valid_until, other_names, identifiers)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (endpoint.code, *_columns(endpoint)),
            )
    except UniqueViolation:
        raise EndpointExists(endpoint.code) from None
    return RegisteredEndpoint(endpoint=endpoint, successor=None, version=1)


async def change_endpoint(
    connection: Connection, endpoint: Endpoint, *, etag: str
) -> RegisteredEndpoint:
    """Replace an endpoint's fields; its certificates are bound and revoked one by one elsewhere.

    Raises:
        EndpointUnknown: nobody is registered under the code.
        EtagMismatch: `etag` is given and someone changed the entry since.

    """
    present = await get_endpoint(connection, endpoint.code)
    cursor = await connection.execute(
        "UPDATE endpoint SET name = %s, block = %s, level = %s, parent = %s, email = %s,"
        " roles = %s, valid_from = %s, valid_until = %s, other_names = %s, identifiers = %s,"
        " version = version + 1 WHERE code = %s AND version = %s",
        (*_columns(endpoint), endpoint.code, present.version),
    )
    if (etag and etag != present.etag) or cursor.rowcount != 1:
        raise EtagMismatch(endpoint.code)
    return await get_endpoint(connection, endpoint.code)


async def close_endpoint(
    connection: Connection, code: str, *, at: datetime, successor: OrganId | None
) -> RegisteredEndpoint:
    """End an endpoint's part in the exchange at an instant; its history stays."""
    await get_endpoint(connection, code)
    if successor is not None:
        await get_endpoint(connection, successor)
    await connection.execute(
        "UPDATE endpoint SET valid_until = %s, successor = %s, version = version + 1"
        " WHERE code = %s",
        (at, successor, code),
    )
    return await get_endpoint(connection, code)


async def bind_certificate(
    connection: Connection, code: str, *, fingerprint: str, at: datetime
) -> RegisteredEndpoint:
    """Let a certificate speak for an endpoint; binding it again changes nothing.

    Raises:
        ArgumentInvalid: the certificate speaks for another endpoint, or was revoked here.

    """
    await get_endpoint(connection, code)
    cursor = await connection.execute(
        "INSERT INTO endpoint_certificate (fingerprint, code, bound_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint"
        " RETURNING code, revoked_at",
        (fingerprint, code, at),
    )
    row = await cursor.fetchone()
    if row is None or row["code"] != code or row["revoked_at"] is not None:
        raise ArgumentInvalid("bound to another endpoint or revoked here", field="certificate")
    return await get_endpoint(connection, code)


async def revoke_binding(
    connection: Connection, code: str, *, fingerprint: str, at: datetime
) -> RegisteredEndpoint:
    """Take a certificate's right to speak for an endpoint away, for good."""
    await connection.execute(
        "UPDATE endpoint_certificate SET revoked_at = coalesce(revoked_at, %s)"
        " WHERE code = %s AND fingerprint = %s",
        (at, code, fingerprint),
    )
    return await get_endpoint(connection, code)


def _body(row: dict[str, Any]) -> Body:
    return Body(
        code=OrganId(row["code"]),
        names=(row["name"], *row["other_names"]),
        identifiers=tuple(row["identifiers"]),
        parent=OrganId(row["parent"]) if row["parent"] else None,
        successor=OrganId(row["successor"]) if row["successor"] else None,
    )


def _columns(endpoint: Endpoint) -> tuple[Any, ...]:
    return (
        endpoint.name,
        endpoint.block.value,
        endpoint.level.value,
        endpoint.parent,
        endpoint.email,
        sorted(role.value for role in endpoint.roles),
        endpoint.valid_from,
        endpoint.valid_until,
        list(endpoint.other_names),
        list(endpoint.identifiers),
    )


def _registered(row: dict[str, Any]) -> RegisteredEndpoint:
    endpoint = Endpoint(
        code=OrganId(row["code"]),
        name=row["name"],
        block=Block(row["block"]),
        level=AgencyLevel(row["level"]),
        parent=OrganId(row["parent"]) if row["parent"] else None,
        email=row["email"],
        roles=frozenset(EndpointRole(role) for role in row["roles"]),
        other_names=tuple(row["other_names"]),
        identifiers=tuple(row["identifiers"]),
        certificates=tuple(row["certificates"]),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
    )
    successor = OrganId(row["successor"]) if row["successor"] else None
    return RegisteredEndpoint(endpoint=endpoint, successor=successor, version=row["version"])
