"""Strangers' documents are prepared with bounded work: plain ones here, others in the sandbox."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.keys.file import FileKey
from signer import Level, SigningRequest, Source
from signer.errors import (
    NumberMissing,
    PictureUnreadable,
    SandboxBroken,
    SandboxLimitExceeded,
)
from signer.office.lawful_order import Act
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD, FieldValues
from signer.pages.appearance import Appearance, Box
from signer.sandbox.guarded_preparation import (
    GuardedPreparation,
    SignatureWanted,
    prepare_guarded,
)
from signer.sandbox.pool import Sandbox
from signer.sandbox.process import SandboxLimits
from signer.verdicts import Verdict
from tests.support.lawful import VALUES, prepared
from tests.support.pictures import seal_picture
from tests.support.verification import Desk, Judge

SEEN = Appearance(
    picture=seal_picture(),
    lines=("Nguyễn Văn An",),
    box=Box(page=1, left_mm=120, bottom_mm=60, width_mm=50, height_mm=20),
)
LIMITS = SandboxLimits(cpu_seconds=1)
MODULES = ("signer.sandbox.guarded_preparation",)


def wanted(
    key: FileKey,
    *,
    appearance: Appearance | None = None,
    act: Act | None = None,
    values: FieldValues | None = None,
) -> SignatureWanted:
    field_name = {Act.LEADER: LEADER_FIELD, Act.SEAL: SEAL_FIELD}.get(act) if act else None
    request = SigningRequest(
        level=Level.B_B,
        signed_at=datetime.now(UTC),
        field_name=field_name,
        appearance=appearance,
    )
    return SignatureWanted(
        certificates=(key.certificate, *key.chain),
        request=request,
        token_bytes=0,
        act=act,
        values=values,
    )


async def completed(document: bytes, made: GuardedPreparation, key: FileKey) -> bytes:
    signature = made.signature
    value = await key.sign_raw(signature.data_to_be_signed, signature.scheme)
    return document + made.filled + signature.completed(value)


async def test_a_plain_document_needs_no_sandbox_but_for_a_picture(
    one_page_pdf: bytes, leader_key: FileKey, judge: Judge
) -> None:
    closed = Sandbox(workers=1)
    source = Source.of_bytes(one_page_pdf)
    for looks in (None, Appearance(lines=SEEN.lines, box=SEEN.box)):
        plain = wanted(leader_key, appearance=looks)
        made = await prepare_guarded(source, path=None, sandbox=closed, wanted=plain)
        signed = await completed(one_page_pdf, made, leader_key)
        assert judge(signed).verdict is Verdict.VALID
    visible = wanted(leader_key, appearance=SEEN)
    with pytest.raises(SandboxBroken):
        await prepare_guarded(source, path=None, sandbox=closed, wanted=visible)


async def test_what_the_sandbox_prepares_is_valid(
    one_page_pdf: bytes,
    leader_key: FileKey,
    seal_key: FileKey,
    desk: Desk,
    judge: Judge,
    tmp_path: Path,
) -> None:
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        path = tmp_path / "document.pdf"
        path.write_bytes(one_page_pdf)
        with Source.of_file(path) as source:
            made = await prepare_guarded(
                source, path=path, sandbox=sandbox, wanted=wanted(leader_key, appearance=SEEN)
            )
        signed = await completed(one_page_pdf, made, leader_key)
        assert judge(signed).verdict is Verdict.VALID

        document = prepared(one_page_pdf)
        made = await prepare_guarded(
            Source.of_bytes(document),
            path=None,
            sandbox=sandbox,
            wanted=wanted(leader_key, act=Act.LEADER),
        )
        approved = await completed(document, made, leader_key)
        source = Source.of_bytes(approved)
        numbered = wanted(seal_key, act=Act.SEAL, values=VALUES)
        sealed = await prepare_guarded(source, path=None, sandbox=sandbox, wanted=numbered)
        assert sealed.filled
        report = judge(await completed(approved, sealed, seal_key))
        assert report.verdict is Verdict.VALID, report.to_json()
        with pytest.raises(NumberMissing):
            await prepare_guarded(
                source, path=None, sandbox=sandbox, wanted=wanted(seal_key, act=Act.SEAL)
            )


async def test_a_document_that_costs_too_much_ends_and_loses_nothing_else(
    one_page_pdf: bytes, leader_key: FileKey, tmp_path: Path
) -> None:
    """The engine looks for the end in blanks byte by byte: four megabytes of a file take long."""
    path = tmp_path / "costly.pdf"
    path.write_bytes(one_page_pdf + b"%" + b" " * 4_000_000 + b"\n%%EOF\n")
    plain = wanted(leader_key, appearance=SEEN)
    async with Sandbox(workers=1, limits=LIMITS, modules=MODULES) as sandbox:
        started = time.monotonic()
        with Source.of_file(path) as source, pytest.raises(SandboxLimitExceeded):
            await prepare_guarded(source, path=path, sandbox=sandbox, wanted=wanted(leader_key))
        assert time.monotonic() - started < 15
        whole = Source.of_bytes(one_page_pdf)
        assert await prepare_guarded(whole, path=None, sandbox=sandbox, wanted=plain)


async def test_what_no_document_need_be_read_for_is_refused_before(
    one_page_pdf: bytes, leader_key: FileKey
) -> None:
    asked = wanted(leader_key, appearance=Appearance(picture=b"no picture", box=SEEN.box))
    with pytest.raises(PictureUnreadable):
        await prepare_guarded(
            Source.of_bytes(one_page_pdf), path=None, sandbox=Sandbox(workers=1), wanted=asked
        )
