"""One request_id has one effect, also when equal requests race."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import RequestIdInvalid, RequestIdReused
from exchange.requests import find_answer, keep_answer, request_key, reserve_answer
from storage.database import Database
from tests.support.rows import NOW, SENDER


async def test_the_first_answer_is_found_again(database: Database) -> None:
    key = request_key(SENDER, request_id=str(uuid4()), method="m", content=b"x")
    async with database.transaction() as connection:
        assert await find_answer(connection, key) is None
        assert await reserve_answer(connection, key, at=NOW)
        await keep_answer(connection, key, answer=b"answer")
    async with database.transaction() as connection:
        kept = await find_answer(connection, key)
    assert kept is not None
    assert kept.content == b"answer"


@pytest.mark.parametrize(("method", "content"), [("m", b"y"), ("n", b"x")])
async def test_the_same_id_for_another_request_is_refused(
    database: Database, method: str, content: bytes
) -> None:
    request_id = str(uuid4())
    first = request_key(SENDER, request_id=request_id, method="m", content=b"x")
    other = request_key(SENDER, request_id=request_id, method=method, content=content)
    async with database.transaction() as connection:
        assert await reserve_answer(connection, first, at=NOW)
        await keep_answer(connection, first, answer=b"answer")
    async with database.transaction() as connection:
        with pytest.raises(RequestIdReused):
            await find_answer(connection, other)


async def test_of_many_equal_requests_at_once_one_has_the_effect(database: Database) -> None:
    key = request_key(SENDER, request_id=str(uuid4()), method="m", content=b"x")
    effects: list[int] = []

    async def ask(number: int) -> bytes:
        async with database.transaction() as connection:
            if await reserve_answer(connection, key, at=NOW):
                effects.append(number)
                await keep_answer(connection, key, answer=b"%d" % number)
        async with database.transaction() as connection:
            kept = await find_answer(connection, key)
        assert kept is not None
        return kept.content

    answers = await asyncio.gather(*(ask(number) for number in range(8)))
    assert len(effects) == 1
    assert set(answers) == {b"%d" % effects[0]}


async def test_an_effect_that_fails_leaves_the_id_free(database: Database) -> None:
    key = request_key(SENDER, request_id=str(uuid4()), method="m", content=b"x")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            assert await reserve_answer(connection, key, at=NOW)
            raise ZeroDivisionError
    async with database.transaction() as connection:
        assert await reserve_answer(connection, key, at=NOW)


@given(st.text(max_size=40).filter(lambda text: len(text) < 32))
def test_an_id_that_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(RequestIdInvalid):
        request_key(SENDER, request_id=text, method="m", content=b"")
