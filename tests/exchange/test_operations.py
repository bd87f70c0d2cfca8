"""Rows of operations: claimed by one worker at a time, taken over from the dead, written once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from exchange.errors import OperationUnknown
from exchange.operations import (
    Operation,
    OperationState,
    Work,
    add_operation,
    cancel_operation,
    claim_work,
    fail_work,
    finish_work,
    get_operation,
    list_operations,
    postpone_work,
    renew_claim,
)
from storage.database import Database
from storage.ports import digest_of
from tests.support.rows import NOW, RECIPIENT, SENDER

LEASE = timedelta(seconds=30)
LATER = NOW + LEASE + timedelta(seconds=1)
END = (NOW + timedelta(days=1), UUID(int=0))


def work() -> Work:
    identifier = uuid4()
    return Work(
        operation_id=identifier,
        claim=identifier,
        caller=SENDER,
        method="AugmentSignature",
        task={"level": "B-LTA"},
        document_digest=digest_of(b"document"),
        document=b"document",
        attempts=0,
    )


async def begun(database: Database, *, at: datetime = NOW) -> Operation:
    async with database.transaction() as connection:
        return await add_operation(connection, work=work(), at=at)


async def claimed(database: Database, *, at: datetime = NOW) -> Work | None:
    async with database.transaction() as connection:
        return await claim_work(connection, at=at, lease=LEASE)


async def standing(database: Database, operation: Operation) -> Operation:
    async with database.transaction() as connection:
        return await get_operation(connection, SENDER, operation_id=operation.operation_id)


async def test_work_is_claimed_as_it_was_stored_and_once(database: Database) -> None:
    operation = await begun(database)
    assert operation.state is OperationState.WAITING
    claims = await asyncio.gather(*(claimed(database) for _ in range(8)))
    (held,) = [each for each in claims if each is not None]
    assert (held.operation_id, held.task) == (operation.operation_id, {"level": "B-LTA"})
    assert (held.document, held.attempts) == (b"document", 1)
    assert (await standing(database, operation)).state is OperationState.RUNNING


async def test_the_work_of_a_dead_worker_is_taken_over_and_only_the_heir_writes(
    database: Database,
) -> None:
    operation = await begun(database)
    dead = await claimed(database)
    assert await claimed(database, at=NOW + LEASE) is None
    heir = await claimed(database, at=LATER)
    assert dead is not None
    assert heir is not None
    assert heir.attempts == 2
    async with database.transaction() as connection:
        assert not await renew_claim(connection, dead, at=LATER, lease=LEASE)
        assert not await finish_work(connection, dead, response=b"late", at=LATER)
        assert not await postpone_work(connection, dead, due_at=LATER)
        await fail_work(connection, dead, reason="LATE", at=LATER)
        assert await finish_work(connection, heir, response=b"answer", at=LATER)
    done = await standing(database, operation)
    assert (done.state, done.response, done.ended_at) == (OperationState.DONE, b"answer", LATER)
    assert await claimed(database, at=LATER + LEASE) is None


async def test_a_renewed_claim_lasts_longer(database: Database) -> None:
    await begun(database)
    held = await claimed(database)
    assert held is not None
    async with database.transaction() as connection:
        assert await renew_claim(connection, held, at=LATER, lease=LEASE)
    assert await claimed(database, at=LATER + LEASE) is None


async def test_postponed_work_is_due_later(database: Database) -> None:
    await begun(database)
    held = await claimed(database)
    assert held is not None
    async with database.transaction() as connection:
        assert await postpone_work(connection, held, due_at=LATER)
    assert await claimed(database) is None
    again = await claimed(database, at=LATER)
    assert again is not None
    assert again.attempts == 2


async def test_what_waits_is_cancelled_at_once_and_what_runs_is_asked_to_stop(
    database: Database,
) -> None:
    running, waiting = await begun(database), await begun(database, at=LATER)
    held = await claimed(database)
    assert held is not None
    for operation, state in (
        (running, OperationState.RUNNING),
        (waiting, OperationState.FAILED),
    ):
        async with database.transaction() as connection:
            cancelled = await cancel_operation(
                connection, SENDER, operation_id=operation.operation_id, at=NOW
            )
        assert cancelled.state is state
    async with database.transaction() as connection:
        assert not await renew_claim(connection, held, at=NOW, lease=LEASE)
        assert not await finish_work(connection, held, response=b"too late", at=NOW)
        await fail_work(connection, held, reason="TSA_UNAVAILABLE", at=NOW)
    for operation in (running, waiting):
        assert (await standing(database, operation)).reason == "OPERATION_CANCELLED"


async def test_what_is_done_stays_done(database: Database) -> None:
    operation = await begun(database)
    held = await claimed(database)
    assert held is not None
    async with database.transaction() as connection:
        assert await finish_work(connection, held, response=b"answer", at=NOW)
        after = await cancel_operation(
            connection, SENDER, operation_id=operation.operation_id, at=NOW
        )
    assert after.state is OperationState.DONE


async def test_an_ended_operation_holds_no_document(database: Database) -> None:
    await begun(database)
    held = await claimed(database)
    assert held is not None
    async with database.transaction() as connection:
        await fail_work(connection, held, reason="SIGNATURE_MISSING", at=NOW)
        cursor = await connection.execute("SELECT document, reason FROM operation")
        assert await cursor.fetchone() == {"document": None, "reason": "SIGNATURE_MISSING"}


async def test_callers_see_their_own_newest_first(database: Database) -> None:
    old, new = await begun(database), await begun(database, at=LATER)
    async with database.transaction() as connection:
        seen = await list_operations(connection, SENDER, before=END, limit=5)
        rest = await list_operations(
            connection, SENDER, before=(new.created_at, new.operation_id), limit=5
        )
        others = await list_operations(connection, RECIPIENT, before=END, limit=5)
    assert [each.operation_id for each in seen] == [new.operation_id, old.operation_id]
    assert [each.operation_id for each in rest] == [old.operation_id]
    assert not others
    async with database.transaction() as connection:
        for act in (get_operation, cancel):
            with pytest.raises(OperationUnknown):
                await act(connection, RECIPIENT, operation_id=old.operation_id)


async def cancel(connection: object, caller: str, *, operation_id: UUID) -> Operation:
    return await cancel_operation(connection, caller, operation_id=operation_id, at=NOW)  # type: ignore[arg-type]
