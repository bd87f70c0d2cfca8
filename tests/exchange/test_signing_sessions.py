"""Rows of signing sessions: the caller's alone, completed once, forgotten a day after their end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from certs.practice.authority import Issued
from certs.trust.anchors import AnchorRole
from exchange.errors import (
    SigningSessionCompleted,
    SigningSessionExpired,
    SigningSessionUnknown,
)
from exchange.signing_sessions import (
    REMEMBERED_FOR,
    SigningSession,
    add_session,
    complete_session,
    forget_old_sessions,
    open_session,
)
from signer import Level
from storage.database import Database
from storage.ports import digest_of
from tests.support.rows import NOW, RECIPIENT, SENDER

LIFE = timedelta(minutes=30)


@pytest.fixture
def session(leader: Issued) -> SigningSession:
    return SigningSession(
        session_id=uuid4(),
        caller=SENDER,
        document_digest=digest_of(b"document"),
        document=b"document",
        prepared="{}",
        filled=b"number and date",
        certificates=(leader.certificate, *leader.chain),
        role=AnchorRole.SIGNER,
        level=Level.B_T,
        created_at=NOW,
        expires_at=NOW + LIFE,
    )


async def stored(database: Database, session: SigningSession) -> None:
    async with database.transaction() as connection:
        await add_session(connection, session)


async def opened(database: Database, session: SigningSession) -> SigningSession:
    async with database.transaction() as connection:
        return await open_session(connection, session.caller, session_id=session.session_id, at=NOW)


async def test_a_session_is_read_as_it_was_stored(
    database: Database, session: SigningSession
) -> None:
    await stored(database, session)
    assert await opened(database, session) == session


async def test_a_strangers_session_is_unknown(database: Database, session: SigningSession) -> None:
    await stored(database, session)
    with pytest.raises(SigningSessionUnknown):
        await opened(database, replace(session, caller=RECIPIENT))


async def test_a_session_expires_at_its_instant(
    database: Database, session: SigningSession
) -> None:
    await stored(database, session)
    async with database.transaction() as connection:
        with pytest.raises(SigningSessionExpired):
            await open_session(connection, SENDER, session_id=session.session_id, at=NOW + LIFE)


async def test_of_many_completions_at_once_one_succeeds(
    database: Database, session: SigningSession
) -> None:
    await stored(database, session)

    async def complete() -> None:
        async with database.transaction() as connection:
            await complete_session(connection, session, at=NOW)

    outcomes = await asyncio.gather(*(complete() for _ in range(8)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(each, SigningSessionCompleted) for each in outcomes) == 7
    with pytest.raises(SigningSessionCompleted):
        await opened(database, session)


async def test_a_completed_session_holds_nothing_of_the_document(
    database: Database, session: SigningSession
) -> None:
    await stored(database, session)
    async with database.transaction() as connection:
        await complete_session(connection, session, at=NOW)
        cursor = await connection.execute("SELECT document, prepared, filled FROM signing_session")
        assert await cursor.fetchone() == {"document": None, "prepared": None, "filled": b""}


async def test_a_session_is_forgotten_a_day_after_its_end(
    database: Database, session: SigningSession
) -> None:
    await stored(database, session)
    end = session.expires_at + REMEMBERED_FOR
    for at, forgotten in ((end, 0), (end + timedelta(seconds=1), 1)):
        async with database.transaction() as connection:
            assert await forget_old_sessions(connection, at=at) == forgotten
    with pytest.raises(SigningSessionUnknown):
        await opened(database, session)
