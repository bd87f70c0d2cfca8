"""Many requests in one call: each answered or refused by itself, under a request_id of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID, uuid5

import structlog
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from exchange.errors import ArgumentInvalid, InternalFailure, RequestIdInvalid
from exchange.server.status import code_of, status_of
from exchange.services import Services

_Request = TypeVar("_Request", bound=Message)
_Answer = TypeVar("_Answer", bound=Message)

AT_ONCE: Final = 4
"""Items under way side by side: what the connections to database and authorities bear."""
_log = structlog.get_logger("congvan.batches")


async def answer_each(
    services: Services,
    requests: Sequence[_Request],
    *,
    batch_id: str,
    answer: Callable[[_Request], Awaitable[_Answer]],
    refused: _Answer,
) -> tuple[list[_Answer], list[Status]]:
    """Answer every request of a batch; gives answers and statuses in the order of the requests.

    A request that is refused has `refused` as its answer and says why in its status. One without
    a request_id gets one that follows from the batch's and its place, so that a repeated batch
    repeats the same requests.

    Raises:
        RequestIdInvalid, ArgumentInvalid: the batch as a whole is not one.

    """
    most = services.limits.max_batch_items
    if not 1 <= len(requests) <= most:
        raise ArgumentInvalid(f"1 to {most} entries", field="requests")
    named = [_named(each, batch_id, place=place) for place, each in enumerate(requests)]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(request: _Request) -> tuple[_Answer, Status]:
        async with turns:
            try:
                return await answer(request), Status()
            except Exception as error:
                return refused, _status(error)

    answered = await asyncio.gather(*(one(each) for each in named))
    return [each for each, _ in answered], [each for _, each in answered]


def _named(request: _Request, batch_id: str, *, place: int) -> _Request:
    try:
        name = uuid5(UUID(batch_id), str(place))
    except ValueError:
        raise RequestIdInvalid(f"{len(batch_id)} characters") from None
    if request.request_id:  # type: ignore[attr-defined]  # every mutation has it
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = str(name)  # type: ignore[attr-defined]
    return copy


def _status(error: Exception) -> Status:
    code = code_of(error)
    if code is None:
        _log.error("an item of a batch failed inside", exc_info=error)
        error = InternalFailure()
        code = code_of(error)
    assert code is not None  # noqa: S101 - a test walks the table
    return status_of(error, code)
