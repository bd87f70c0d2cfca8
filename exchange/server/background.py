"""What a worker does beside calls: operations, a few side by side, and tidying up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import structlog

from certs.errors import FetchUnavailable, RevocationUnknown, TsaUnavailable
from exchange import uploads
from exchange.errors import InternalFailure, OperationAbandoned, OperationCancelled
from exchange.operations import (
    Work,
    claim_work,
    fail_work,
    finish_work,
    postpone_work,
    renew_claim,
)
from exchange.server.status import code_of
from exchange.services import Services
from exchange.signing_sessions import forget_old_sessions
from exchange.use_cases.augmenting import AUGMENT, augment
from exchange.use_cases.signing import SignedDocument
from exchange.wire.signing import write_signed
from exchange.working_copies import remove_left_behind
from signer.errors import SandboxBroken
from storage.errors import StorageError, StorageFull, StorageUnavailable

POLL_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 600.0
CANCEL_AGAIN_SECONDS: Final = 2.0
"""Longer than the row takes in which work that was interrupted is given back."""
MAX_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# Reasons that may be gone at the next attempt.
PASSING: Final = (
    *(TsaUnavailable, FetchUnavailable, RevocationUnknown),
    *(SandboxBroken, StorageUnavailable, StorageFull),
)
_WORKS: Mapping[str, Callable[[Services, Work], Awaitable[SignedDocument]]] = MappingProxyType(
    {AUGMENT: augment}
)
_log = structlog.get_logger("congvan.background")


@contextlib.asynccontextmanager
async def background(services: Services) -> AsyncIterator[None]:
    """Do operations and tidy up until the block ends; what is under way then goes to others."""
    tasks = [asyncio.create_task(_work(services)), asyncio.create_task(_tidy(services))]
    try:
        yield
    finally:
        await end_tasks(tasks)


async def end_tasks(
    tasks: Sequence[asyncio.Task[None]], *, again_seconds: float = CANCEL_AGAIN_SECONDS
) -> None:
    """Cancel tasks until they have ended; what they raise is left.

    One cancellation may get lost: before Python 3.12 `asyncio.wait_for`, by which psycopg waits for
    its socket, answers instead where the answer came in the same turn of the loop. The task then
    goes on as if nobody had asked.
    """
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=again_seconds)
    await asyncio.gather(*tasks, return_exceptions=True)


def pause_after(attempts: int) -> timedelta:
    """How long to wait before the next attempt: growing, up to five minutes."""
    doublings = min(attempts - 1, 16)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


async def _work(services: Services) -> None:
    """Claim operations and do them side by side, at most as many as the policy says."""
    turns = asyncio.Semaphore(services.operations.at_once)
    doing: set[asyncio.Task[None]] = set()
    try:
        while True:
            await turns.acquire()
            work = await _claim(services)
            if work is None:
                turns.release()
                await asyncio.sleep(POLL_SECONDS)
                continue
            task = asyncio.create_task(_do(services, work))
            doing.add(task)
            task.add_done_callback(doing.discard)
            task.add_done_callback(lambda _: turns.release())
    finally:
        for task in tuple(doing):
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)


async def _claim(services: Services) -> Work | None:
    try:
        async with services.database.transaction() as connection:
            return await claim_work(
                connection, at=services.clock(), lease=services.operations.lease
            )
    except StorageError:
        return None  # health says so; the next look is soon


async def _do(services: Services, work: Work) -> None:
    """Do one operation to an outcome, or give it back to be tried again."""
    try:
        if work.attempts > MAX_ATTEMPTS:
            await _fail(services, work, error=OperationAbandoned())
            return
        signed = await _held(services, work)
        if signed is not None:
            await _finish(services, work, signed=signed)
    except asyncio.CancelledError:
        # The worker is ending: let another one begin anew at once.
        with contextlib.suppress(StorageError):
            await asyncio.shield(_postpone(services, work, pause=timedelta()))
        raise
    except PASSING as error:
        _log.warning("operation has to wait", operation=str(work.operation_id), reason=error.reason)
        if work.attempts < MAX_ATTEMPTS:
            await _postpone(services, work, pause=pause_after(work.attempts))
        else:
            await _fail(services, work, error=error)
    except Exception as error:
        await _fail(services, work, error=error)


async def _held(services: Services, work: Work) -> SignedDocument | None:
    """Do the work while its claim is renewed; None where it was cancelled or lost on the way."""
    lease = services.operations.lease
    doing = asyncio.ensure_future(_WORKS[work.method](services, work))
    try:
        while True:
            done, _ = await asyncio.wait({doing}, timeout=lease.total_seconds() / 3)
            if done:
                return doing.result()
            with contextlib.suppress(StorageError):
                async with services.database.transaction() as connection:
                    held = await renew_claim(connection, work, at=services.clock(), lease=lease)
                if not held:
                    await _fail(services, work, error=OperationCancelled())
                    return None
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)


async def _finish(services: Services, work: Work, *, signed: SignedDocument) -> None:
    now = services.clock()
    response = write_signed(signed).SerializeToString()
    async with services.database.transaction() as connection:
        if await finish_work(connection, work, response=response, at=now):
            await uploads.grant(connection, work.caller, digest=signed.blob.digest, at=now)
            return
    await _fail(services, work, error=OperationCancelled())


async def _fail(services: Services, work: Work, *, error: Exception) -> None:
    """Write the reason; where the claim is lost, nothing: its holder will."""
    if code_of(error) is None:
        _log.error("operation failed inside", operation=str(work.operation_id), exc_info=error)
        error = InternalFailure()
    reason: str = getattr(error, "reason", "")
    async with services.database.transaction() as connection:
        await fail_work(connection, work, reason=reason, at=services.clock())


async def _postpone(services: Services, work: Work, *, pause: timedelta) -> None:
    async with services.database.transaction() as connection:
        if await postpone_work(connection, work, due_at=services.clock() + pause):
            return
    await _fail(services, work, error=OperationCancelled())


async def _tidy(services: Services) -> None:
    """Forget old sessions and remove what killed processes left, now and then."""
    while True:
        with contextlib.suppress(StorageError, OSError):
            async with services.database.transaction() as connection:
                await forget_old_sessions(connection, at=services.clock())
            await asyncio.to_thread(remove_left_behind, services.spool, at=services.clock())
        await asyncio.sleep(TIDY_SECONDS)
