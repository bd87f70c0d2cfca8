"""Rows of facts: what the signature rate counts, one for each submitted message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, OrganId
from exchange.compliance.facts import DocumentFact
from signer.policy.values import DocumentKind
from signer.verdicts import Verdict
from storage.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFact:
    """A fact with the document's subject, which people need and counting does not."""

    fact: DocumentFact
    subject: str


async def keep_fact(connection: Connection, fact: DocumentFact, *, subject: str) -> None:
    """Store the fact of a submission in its transaction."""
    await connection.execute(
        "INSERT INTO document_fact (message_id, document_id, sender, block, level, subject,"
        " issued_on, type_name, kind, verdict, leader_signed, seal_signed, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            fact.message_id,
            fact.document_id,
            fact.sender,
            fact.block.value,
            fact.level.value,
            subject,
            fact.issued_on,
            fact.type_name,
            fact.kind.value,
            fact.verdict.value,
            fact.leader_signed,
            fact.seal_signed,
            fact.reason,
        ),
    )


async def read_facts(
    connection: Connection, *, first_day: date, last_day: date, senders: Sequence[str] | None
) -> list[KeptFact]:
    """Read the facts of a period (both days inclusive); `senders` None stands for all."""
    cursor = await connection.execute(
        "SELECT * FROM document_fact WHERE issued_on BETWEEN %s AND %s"
        " AND (%s::text[] IS NULL OR sender = ANY(%s)) ORDER BY issued_on, message_id",
        (first_day, last_day, *(2 * [None if senders is None else list(senders)])),
    )
    return [_kept(row) for row in await cursor.fetchall()]


def _kept(row: dict[str, Any]) -> KeptFact:
    fact = DocumentFact(
        message_id=str(row["message_id"]),
        document_id=row["document_id"],
        sender=OrganId(row["sender"]),
        block=Block(row["block"]),
        level=AgencyLevel(row["level"]),
        issued_on=row["issued_on"],
        type_name=row["type_name"],
        kind=DocumentKind(row["kind"]),
        verdict=Verdict(row["verdict"]),
        leader_signed=row["leader_signed"],
        seal_signed=row["seal_signed"],
        reason=row["reason"],
    )
    return KeptFact(fact=fact, subject=row["subject"])
