"""The client signs many documents with a key of its own, and follows operations to their end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.keys.file import FileKey
from congvan.v1 import signing_pb2, verification_pb2
from exchange.client.blobs import download_bytes
from exchange.client.connection import Connection, connect
from exchange.client.errors import ServiceRefused
from exchange.client.profile import Profile
from exchange.client.signing import Outcome, finished, sign_with_own_key
from tests.support.clients import Client
from tests.support.practice import one_page
from tests.support.service import PROVINCE, RunningService
from tests.support.signing_calls import B_B, MEGABYTE, large, verdict_of


@asynccontextmanager
async def connected(service: RunningService, folder: Path) -> AsyncIterator[Connection]:
    identity = service.identities[PROVINCE]
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in identity.chain)
    contents = {
        "ca.crt": service.root_pem,
        "client.crt": identity.certificate_pem + chain,
        "client.key": identity.private_key_pem,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    profile = Profile(
        path=folder / "profile.toml",
        server=service.address,
        ca=folder / "ca.crt",
        certificate=folder / "client.crt",
        key=folder / "client.key",
    )
    async with connect(profile) as connection:
        yield connection


def test_many_documents_are_signed_with_the_clients_own_key(
    service: RunningService, clients: dict[str, Client], leader_key: FileKey, tmp_path: Path
) -> None:
    on_disk = tmp_path / "large.pdf"
    on_disk.write_bytes(large(4 * MEGABYTE))
    documents: list[bytes | Path] = [one_page("First"), b"no PDF at all", on_disk, one_page("Last")]
    options = signing_pb2.SigningOptions(level=B_B, role=signing_pb2.SIGNING_ROLE_LEADER)

    async def sign_all() -> list[bytes | str]:
        async with connected(service, tmp_path) as connection:
            outcomes = await sign_with_own_key(
                connection, documents, key=leader_key, options=options
            )
            return [await outcome(connection, each) for each in outcomes]

    async def outcome(connection: Connection, found: Outcome) -> bytes | str:
        if found.document is None:
            return found.refusal.reason if found.refusal else ""
        sha256 = found.document.sha256
        return await download_bytes(connection, sha256, max_bytes=10 * MEGABYTE)

    first, refused, big, last = asyncio.run(sign_all())
    assert refused == "NOT_A_PDF"
    assert isinstance(big, bytes)
    assert big.startswith(on_disk.read_bytes())
    for signed in (first, last):
        assert isinstance(signed, bytes)
        report = verdict_of(clients[PROVINCE], signed)
        assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json


def test_the_client_waits_for_an_operation_and_learns_why_one_failed(
    service: RunningService, leader_signed: bytes, tmp_path: Path
) -> None:
    async def augment(document: bytes) -> signing_pb2.SignDocumentResponse:
        request = signing_pb2.AugmentSignatureRequest(
            request_id=str(uuid.uuid4()),
            document=signing_pb2.DocumentContent(content=document),
            level=signing_pb2.SIGNATURE_LEVEL_B_LTA,
        )
        async with connected(service, tmp_path) as connection:
            operation = await connection.call(connection.signing.AugmentSignature, request)
            return await finished(connection, operation)

    answer = asyncio.run(augment(leader_signed))
    assert answer.document.size_bytes > len(leader_signed)
    with pytest.raises(ServiceRefused) as raised:
        asyncio.run(augment(one_page("Unsigned")))
    assert raised.value.reason == "SIGNATURE_MISSING"
    assert raised.value.message_vi
