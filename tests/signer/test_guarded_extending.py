"""What would cost the service too much to extend is refused before its own process reads it."""

# mypy: allow-untyped-calls
from __future__ import annotations

import zlib
from datetime import UTC, datetime

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from certs.keys.file import FileKey
from signer import Level, SigningRequest
from signer.errors import DocumentMalformed, SandboxLimitExceeded
from signer.guarded_extending import require_bounded
from signer.guarded_preparation import SignatureWanted, prepare_guarded
from signer.sandbox import MEBIBYTE, Sandbox, SandboxLimits
from signer.source import Source
from tests.support import attacks
from tests.support.verification import Desk

LIMITS = SandboxLimits(cpu_seconds=4, memory_bytes=512 * MEBIBYTE)
MODULES = ("signer.guarded_preparation",)


def with_bombs_in_its_store(document: bytes) -> bytes:
    """Add lists to the security store that unpack to far more than they take."""
    packed = zlib.compress(bytes(60_000_000), 9)
    with attacks.update(document) as (writer, results):
        streams = []
        for _ in range(12):
            bomb = generic.StreamObject(encoded_data=packed)
            bomb[pdf_name("/Filter")] = pdf_name("/FlateDecode")
            streams.append(writer.add_object(bomb))
        store = generic.DictionaryObject({pdf_name("/CRLs"): generic.ArrayObject(streams)})
        writer.root[pdf_name("/DSS")] = writer.add_object(store)
        writer.update_root()
    return results[0]


@pytest.fixture(scope="module")
def signed(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    return desk.sign(one_page_pdf, leader_key)


async def test_what_costs_too_much_is_refused_and_all_else_goes_on(signed: bytes) -> None:
    at = datetime.now(UTC)
    costly = Source.of_bytes(with_bombs_in_its_store(signed))
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        with pytest.raises((SandboxLimitExceeded, DocumentMalformed)):
            await require_bounded(costly, path=None, sandbox=sandbox, at=at)
        await require_bounded(Source.of_bytes(signed), path=None, sandbox=sandbox, at=at)


async def test_so_it_is_before_a_signature_that_lasts(signed: bytes, leader_key: FileKey) -> None:
    """Its evidence is written behind it by the engine, in the service's own process."""
    costly = Source.of_bytes(with_bombs_in_its_store(signed))
    wanted = SignatureWanted(
        certificates=(leader_key.certificate, *leader_key.chain),
        request=SigningRequest(level=Level.B_LTA, signed_at=datetime.now(UTC)),
        token_bytes=8_192,
    )
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        with pytest.raises((SandboxLimitExceeded, DocumentMalformed)):
            await prepare_guarded(costly, path=None, sandbox=sandbox, wanted=wanted)
