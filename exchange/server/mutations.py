"""Mutations over the wire: prepared, then committed once under their request_id."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message as WireMessage

from exchange.errors import RequestIdReused
from exchange.requests import (
    KeptAnswer,
    RequestKey,
    find_answer,
    keep_answer,
    request_key,
    reserve_answer,
)
from exchange.server.door import current_caller
from exchange.services import Services
from exchange.wire.values import timestamp
from storage.database import Connection

_Answer = TypeVar("_Answer", bound=WireMessage)
Commit = Callable[[Connection], Awaitable[_Answer]]


async def answer_once(
    services: Services,
    request: WireMessage,
    *,
    answer_type: type[_Answer],
    prepare: Callable[[], Awaitable[Commit[_Answer]]],
) -> _Answer:
    """Answer a mutation, or give the first answer again.

    `prepare` does what may refuse or take long and leaves nothing that others see; the function it
    gives then writes all rows and makes the answer, in the transaction that also keeps the answer.
    A refusal is not kept: the caller may repair what was wrong and use the same request_id.
    """
    key = _key_of(request)
    async with services.database.reading() as connection:
        kept = await find_answer(connection, key)
    if kept is not None:
        return _again(answer_type, kept)
    commit = await prepare()
    async with services.database.transaction() as connection:
        if await reserve_answer(connection, key, at=services.clock()):
            answer = await commit(connection)
            await keep_answer(connection, key, answer=answer.SerializeToString())
            return answer
        kept = await find_answer(connection, key)
    if kept is None:
        raise RequestIdReused(str(key.request_id))
    return _again(answer_type, kept)


def _key_of(request: WireMessage) -> RequestKey:
    request_id: str = request.request_id  # type: ignore[attr-defined]  # every mutation has it
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("request_id")
    return request_key(
        current_caller().code,
        request_id=request_id,
        method=request.DESCRIPTOR.full_name,
        content=bare.SerializeToString(deterministic=True),
    )


def _again(answer_type: type[_Answer], kept: KeptAnswer) -> _Answer:
    answer = answer_type()
    answer.ParseFromString(kept.content)
    if "replay" in answer_type.DESCRIPTOR.fields_by_name:
        answer.replay.replayed = True  # type: ignore[attr-defined]  # looked up just above
        answer.replay.first_answered_at.CopyFrom(timestamp(kept.answered_at))  # type: ignore[attr-defined]
    return answer
