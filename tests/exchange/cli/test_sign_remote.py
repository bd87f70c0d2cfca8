"""Signing a folder with a key at a remote service (CSC API v2): the same command, one PIN."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.practice.authority import Issued
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program, Ran
from tests.support.csc_server import CREDENTIAL, PIN, TOKEN, CscServer, csc_server
from tests.support.pdfs import one_page


@dataclass(frozen=True)
class RemoteDesk:
    """A folder with three documents, and a remote service with the seal's key."""

    desk: Desk
    server: CscServer
    folder: Path
    congvan: Program

    async def sign(self, *others: object, pin: str = PIN) -> Ran:
        """Sign the folder at B-B; the command has an event loop of its own, in a thread."""
        place = self.server.url.removeprefix("http://").partition("/")[0]
        secret, access = self.desk.directory / "pin", self.desk.directory / "access"
        secret.write_text(pin + "\n")
        access.write_text(TOKEN + "\n")
        command = ("sign", self.folder, *self.desk.trusting, "--allow", place, "--level", "B-B")
        remote = ("--remote", self.server.url, "--credential", CREDENTIAL)
        secrets = ("--access-token-file", access, "--pin-file", secret)
        return await asyncio.to_thread(self.congvan, *command, *remote, *secrets, "--json", *others)


@pytest.fixture
async def at(desk: Desk, seal: Issued, congvan: Program) -> AsyncIterator[RemoteDesk]:
    folder = desk.directory / "đi"
    folder.mkdir()
    for number in range(1, 4):
        (folder / f"{number}.pdf").write_bytes(one_page(f"Document {number}"))
    async with csc_server(CscServer(seal)) as server:
        yield RemoteDesk(desk, server, folder, congvan)


async def test_a_remote_key_signs_a_folder_with_one_pin(at: RemoteDesk) -> None:
    ran = await at.sign()
    assert ran.code == 0, ran.out
    assert len(list(at.folder.glob("*_daky.pdf"))) == 3
    assert PIN not in ran.out + ran.err
    assert TOKEN not in ran.out + ran.err
    verify = ("verify", at.folder / "1_daky.pdf", *at.desk.trusting)
    assert (await asyncio.to_thread(at.congvan, *verify)).code == 0


async def test_a_wrong_pin_is_sent_once_for_all_files(at: RemoteDesk) -> None:
    ran = await at.sign(pin="000000")
    reasons = [each["reason"] for each in ran.files.values()]
    assert (ran.code, reasons) == (4, ["PIN_WRONG", "NOT_TRIED", "NOT_TRIED"])
    assert list(at.folder.glob("*_daky.pdf")) == []


async def test_a_wrong_pin_is_sent_once_also_where_several_files_could_be_in_flight(
    at: RemoteDesk,
) -> None:
    ran = await at.sign("--level", "B-T", "--tsa", at.desk.practice.tsa_url, pin="000000")
    assert ran.code == 4
    assert at.server.refused == 1


async def test_a_service_that_is_away_is_told(at: RemoteDesk) -> None:
    ran = await at.sign("--remote", "http://127.0.0.1:9/csc/v2", "--allow", "127.0.0.1:9")
    assert (ran.code, ran.reason) == (9, "REMOTE_SIGNER_UNAVAILABLE")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--remote", "http://example.invalid/csc/v2"), "FETCH_REFUSED"),
        (("--credential", ""), "USAGE_INVALID"),
        (("--key", "x.p12"), "USAGE_INVALID"),
    ],
)
async def test_what_makes_no_sense_is_told_before_anything_is_asked(
    at: RemoteDesk, options: tuple[str, ...], reason: str
) -> None:
    ran = await at.sign(*options)
    assert (ran.code, ran.reason) == (2, reason)
