"""What would cost the service too much to extend is refused before its own process reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certs.keys.file import FileKey
from signer import Level, SigningRequest
from signer.errors import SandboxLimitExceeded
from signer.sandbox.guarded_extending import require_bounded
from signer.sandbox.guarded_preparation import SignatureWanted, prepare_guarded
from signer.sandbox.pool import Sandbox
from signer.sandbox.process import SandboxLimits
from signer.source import Source
from tests.support.verification import Desk

LIMITS = SandboxLimits(cpu_seconds=2)
MODULES = ("signer.sandbox.guarded_preparation",)


def costly(document: bytes) -> Source:
    """A document whose end the engine looks for byte by byte, in blanks."""
    return Source.of_bytes(document + b"%" + b" " * 60_000_000 + b"\n%%EOF\n")


@pytest.fixture(scope="module")
def signed(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    return desk.sign(one_page_pdf, leader_key)


async def test_what_costs_too_much_is_refused_and_all_else_goes_on(signed: bytes) -> None:
    at = datetime.now(UTC)
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        with pytest.raises(SandboxLimitExceeded):
            await require_bounded(costly(signed), path=None, sandbox=sandbox, at=at)
        await require_bounded(Source.of_bytes(signed), path=None, sandbox=sandbox, at=at)


async def test_so_it_is_before_a_signature_that_lasts(signed: bytes, leader_key: FileKey) -> None:
    """Its evidence is written behind it by the engine, in the service's own process."""
    wanted = SignatureWanted(
        certificates=(leader_key.certificate, *leader_key.chain),
        request=SigningRequest(level=Level.B_LTA, signed_at=datetime.now(UTC)),
        token_bytes=8_192,
    )
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        with pytest.raises(SandboxLimitExceeded):
            await prepare_guarded(costly(signed), path=None, sandbox=sandbox, wanted=wanted)
