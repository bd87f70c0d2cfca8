"""Documents that grew by signatures: an earlier revision of what an endpoint has shown is noticed.

A PDF cut back to an earlier signature is valid by itself (EN 319 102-1 judges what there is), so
only who remembers the later one can tell. What one endpoint shows says nothing of another's: a
receiver may lawfully add a signature of its own to the copy it got.
"""

import hashlib
from dataclasses import dataclass

from exchange.agency import OrganId
from signer.report import Report
from signer.source import Source
from signer.verdicts import SignatureKind, Verdict
from storage.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    """The bytes that a signature covers: their SHA-256, and the how-manieth signature that is."""

    digest: str
    place: int


def signed_parts(source: Source, report: Report) -> tuple[SignedPart, ...]:
    """Return what each signature of a valid document covers, the oldest first; none of another.

    Time-stamps are nobody's signatures and don't count. Reads the document once, in pieces.
    """
    if report.verdict is not Verdict.VALID:
        return ()
    signatures = {
        entry.field for entry in report.signatures if entry.kind is not SignatureKind.DOC_TIMESTAMP
    }
    ends = [each.end for each in report.revisions if signatures.intersection(each.signed_by)]
    parts, hashed, start = [], hashlib.sha256(), 0
    for place, end in enumerate(ends, start=1):
        if end == source.size:
            parts.append(SignedPart(digest=report.sha256, place=place))
            break
        source.feed(hashed, start=start, end=end)
        start = end
        parts.append(SignedPart(digest=hashed.hexdigest(), place=place))
    return tuple(parts)


async def keep_parts(
    connection: Connection, owner: OrganId, *, digest: str, parts: tuple[SignedPart, ...]
) -> None:
    """Remember that the owner has shown a document with these signatures."""
    for part in parts:
        await connection.execute(
            "INSERT INTO signed_revision (owner, signed_digest, digest, place, signatures)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (owner, part.digest, digest, part.place, len(parts)),
        )


async def later_signatures(
    connection: Connection, owner: OrganId, *, parts: tuple[SignedPart, ...]
) -> int:
    """Tell how many signatures the owner's longest later revision has; 0 where none is known."""
    if not parts:
        return 0
    cursor = await connection.execute(
        "SELECT max(signatures) AS most FROM signed_revision"
        " WHERE owner = %s AND signed_digest = %s AND signatures > place",
        (owner, parts[-1].digest),
    )
    row = await cursor.fetchone()
    return int(row["most"] or 0) if row is not None else 0


async def parts_of(
    connection: Connection, owner: OrganId, *, digest: str
) -> tuple[SignedPart, ...]:
    """Read the parts of a document that the owner has shown; none of what is not known."""
    cursor = await connection.execute(
        "SELECT signed_digest, place FROM signed_revision WHERE owner = %s AND digest = %s"
        " ORDER BY place",
        (owner, digest),
    )
    return tuple(
        SignedPart(digest=row["signed_digest"], place=row["place"])
        for row in await cursor.fetchall()
    )
