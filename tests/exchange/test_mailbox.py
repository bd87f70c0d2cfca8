"""Mailboxes: order of commits, cursors, acknowledgements at any time."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import ArgumentInvalid, DeliveryUnknown
from exchange.mailboxes import rows as mailbox
from exchange.mailboxes.lanes import Lane
from exchange.mailboxes.rows import AckOutcome, read_cursor, write_cursor
from storage.database import Database
from tests.support import rows
from tests.support.rows import NOW, RECIPIENT, SENDER


async def fill(database: Database, *lanes: Lane) -> None:
    async with database.transaction() as connection:
        await rows.parties(connection)
        for lane in lanes:
            delivery_id = await rows.delivered(connection)
            await mailbox.append(connection, RECIPIENT, lane=lane, delivery_id=delivery_id, at=NOW)


async def read(database: Database, after: dict[Lane, int] | None = None) -> list[tuple[Lane, int]]:
    async with database.transaction() as connection:
        items = await mailbox.read(connection, RECIPIENT, after=after or {}, lanes=(), limit=100)
    return [(item.lane, item.sequence) for item in items]


async def test_urgent_lanes_come_first_and_each_lane_keeps_its_order(database: Database) -> None:
    await fill(database, Lane.NORMAL, Lane.FLASH, Lane.NORMAL, Lane.CONTROL)
    assert await read(database) == [
        (Lane.CONTROL, 1),
        (Lane.FLASH, 1),
        (Lane.NORMAL, 1),
        (Lane.NORMAL, 2),
    ]


async def test_a_cursor_leaves_out_what_lies_before_it_in_its_lane_only(database: Database) -> None:
    await fill(database, Lane.NORMAL, Lane.NORMAL, Lane.FLASH)
    assert await read(database, {Lane.NORMAL: 1}) == [(Lane.FLASH, 1), (Lane.NORMAL, 2)]


async def test_what_is_acknowledged_is_not_read_again(database: Database) -> None:
    await fill(database, Lane.NORMAL, Lane.NORMAL)
    async with database.transaction() as connection:
        item = await mailbox.find_item(connection, RECIPIENT, lane=Lane.NORMAL, sequence=1)
        first = await mailbox.acknowledge(
            connection, RECIPIENT, item=item, outcome=AckOutcome.STORED, reason="", at=NOW
        )
        again = await mailbox.acknowledge(
            connection, RECIPIENT, item=item, outcome=AckOutcome.STORED, reason="", at=NOW
        )
    assert (first.repeated, again.repeated) == (False, True)
    assert await read(database) == [(Lane.NORMAL, 2)]


async def test_a_rejection_needs_its_reason(database: Database) -> None:
    await fill(database, Lane.NORMAL)
    async with database.transaction() as connection:
        item = await mailbox.find_item(connection, RECIPIENT, lane=Lane.NORMAL, sequence=1)
        with pytest.raises(ArgumentInvalid):
            await mailbox.acknowledge(
                connection, RECIPIENT, item=item, outcome=AckOutcome.REJECTED, reason=" ", at=NOW
            )


async def test_an_item_of_another_mailbox_is_unknown(database: Database) -> None:
    await fill(database, Lane.NORMAL)
    async with database.transaction() as connection:
        with pytest.raises(DeliveryUnknown):
            await mailbox.find_item(connection, SENDER, lane=Lane.NORMAL, sequence=1)


async def test_numbers_follow_the_order_of_commits_under_concurrency(database: Database) -> None:
    await fill(database)
    async with database.transaction() as connection:
        delivery_id = await rows.delivered(connection)
    committed: list[int] = []

    async def append_one() -> None:
        async with database.transaction() as connection:
            number = await mailbox.append(
                connection, RECIPIENT, lane=Lane.NORMAL, delivery_id=delivery_id, at=NOW
            )
            await asyncio.sleep(0.001)
            committed.append(number)

    await asyncio.gather(*(append_one() for _ in range(12)))
    assert committed == sorted(committed) == list(range(1, 13))


@given(st.dictionaries(st.sampled_from(list(Lane)), st.integers(0, 2**40)))
def test_a_cursor_reads_back_as_it_was_written(places: dict[Lane, int]) -> None:
    assert read_cursor(write_cursor(places)) == places


@given(st.text(max_size=40))
def test_a_cursor_of_someone_else_is_refused_or_a_place_and_never_crashes(text: str) -> None:
    with contextlib.suppress(ArgumentInvalid):
        assert isinstance(read_cursor(text), dict)
