"""What reports rest on beside the document: certificates and evidence, kept as shared objects.

Who has to show years later why a signature counted needs what it was checked by: by then the
authority may be gone that said so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from signer.report import ValidationMaterial
from storage.archive import note_object
from storage.database import Connection, Database
from storage.ports import Digest, ObjectStore, digest_of


class MaterialKind(StrEnum):
    """What a piece of a report's material is (chứng thư, phản hồi OCSP, danh sách thu hồi)."""

    CERTIFICATE = "CERTIFICATE"
    OCSP = "OCSP"
    CRL = "CRL"


_MEDIA_TYPES = {
    MaterialKind.CERTIFICATE: "application/pkix-cert",
    MaterialKind.OCSP: "application/ocsp-response",
    MaterialKind.CRL: "application/pkix-crl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialItem:
    """One piece, an object of the store."""

    kind: MaterialKind
    digest: Digest
    size_bytes: int


async def put_material(
    database: Database, objects: ObjectStore, *, material: ValidationMaterial
) -> tuple[MaterialItem, ...]:
    """Put into the store what it lacks; most of it is the same for all documents of a signer."""
    pieces = [(kind, content, digest_of(content)) for kind, content in _pieces(material)]
    async with database.reading() as connection:
        cursor = await connection.execute(
            "SELECT digest FROM object WHERE digest = ANY(%s)", ([each for *_, each in pieces],)
        )
        known = {row["digest"] for row in await cursor.fetchall()}
    for _, content, digest in pieces:
        if digest not in known:
            await objects.put_new(digest, content)
    return tuple(
        MaterialItem(kind=kind, digest=digest, size_bytes=len(content))
        for kind, content, digest in pieces
    )


async def keep_material(
    connection: Connection, report_id: UUID, *, items: Iterable[MaterialItem], at: datetime
) -> None:
    """Write which objects a report rests on; they are in the store already."""
    for place, item in enumerate(items):
        await note_object(
            connection,
            item.digest,
            size_bytes=item.size_bytes,
            media_type=_MEDIA_TYPES[item.kind],
            at=at,
        )
        await connection.execute(
            "INSERT INTO report_material (report_id, place, kind, digest) VALUES (%s, %s, %s, %s)",
            (report_id, place, item.kind.value, item.digest),
        )


async def items_of(connection: Connection, report_id: UUID) -> tuple[MaterialItem, ...]:
    """Read which objects a report rests on; none for a report of before they were kept."""
    cursor = await connection.execute(
        "SELECT kind, digest, size_bytes FROM report_material JOIN object USING (digest)"
        " WHERE report_id = %s ORDER BY place",
        (report_id,),
    )
    return tuple(
        MaterialItem(
            kind=MaterialKind(row["kind"]),
            digest=Digest(row["digest"]),
            size_bytes=row["size_bytes"],
        )
        for row in await cursor.fetchall()
    )


async def read_material(
    objects: ObjectStore, items: tuple[MaterialItem, ...]
) -> ValidationMaterial:
    """Read the pieces again. Raises ObjectMissing, ObjectCorrupt, StorageUnavailable."""
    contents: dict[MaterialKind, list[bytes]] = {kind: [] for kind in MaterialKind}
    for item in items:
        contents[item.kind].append(await objects.read(item.digest))
    return ValidationMaterial(
        certificates=tuple(contents[MaterialKind.CERTIFICATE]),
        ocsp_responses=tuple(contents[MaterialKind.OCSP]),
        crls=tuple(contents[MaterialKind.CRL]),
    )


def _pieces(material: ValidationMaterial) -> list[tuple[MaterialKind, bytes]]:
    return [
        *((MaterialKind.CERTIFICATE, each) for each in material.certificates),
        *((MaterialKind.OCSP, each) for each in material.ocsp_responses),
        *((MaterialKind.CRL, each) for each in material.crls),
    ]
