"""OperationService: long-running work, followed, waited for and cancelled by whoever began it."""

import asyncio
from typing import Final

from congvan.v1 import operations_pb2, operations_pb2_grpc
from exchange import operations
from exchange.errors import ArgumentInvalid
from exchange.operations import Operation
from exchange.server.door import current_caller
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.wire.operations import write_operation
from exchange.wire.values import (
    END_OF_TIME,
    instant_and_id,
    page_size,
    read_page_token,
    resource_uuid,
    write_page_token,
)
from storage.database import Connection

DEFAULT_WAIT_SECONDS: Final = 30.0
_LOOK_AGAIN_SECONDS: Final = 0.25


class OperationServicer(operations_pb2_grpc.OperationServiceServicer):
    """Every caller sees the operations that it began, and no others."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def GetOperation(  # noqa: N802
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Tell how an operation stands."""
        return write_operation(await self._find(request.name))

    async def ListOperations(  # noqa: N802
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """List the caller's operations, newest first."""
        before = read_page_token(request.page_token, instant_and_id, parts=2) or END_OF_TIME
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        async with self._services.database.transaction() as connection:
            found = await operations.list_operations(
                connection, current_caller().code, before=before, limit=limit
            )
        last = found[-1] if len(found) == limit else None
        return operations_pb2.ListOperationsResponse(
            operations=[write_operation(each) for each in found],
            next_page_token=write_page_token(last.created_at.isoformat(), last.operation_id)
            if last
            else "",
        )

    async def WaitOperation(  # noqa: N802
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Answer when the operation is done or the time is up."""
        seconds = DEFAULT_WAIT_SECONDS
        if request.HasField("timeout"):
            seconds = request.timeout.seconds + request.timeout.nanos / 1e9
        if not 0 <= seconds <= self._services.limits.max_wait_seconds:
            most = self._services.limits.max_wait_seconds
            raise ArgumentInvalid(f"0 to {most} seconds", field="timeout")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        found = await self._find(request.name)
        while found.ended_at is None and (left := deadline - loop.time()) > 0:
            await asyncio.sleep(min(_LOOK_AGAIN_SECONDS, left))
            found = await self._find(request.name)
        return write_operation(found)

    async def CancelOperation(  # noqa: N802
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Ask an operation to end; what is done stays done."""
        services = self._services

        async def prepare() -> Commit[operations_pb2.Operation]:
            async def commit(connection: Connection) -> operations_pb2.Operation:
                cancelled = await operations.cancel_operation(
                    connection,
                    current_caller().code,
                    operation_id=resource_uuid(request.name, "operations"),
                    at=services.clock(),
                )
                return write_operation(cancelled)

            return commit

        return await answer_once(
            services, request, answer_type=operations_pb2.Operation, prepare=prepare
        )

    async def _find(self, name: str) -> Operation:
        async with self._services.database.transaction() as connection:
            return await operations.get_operation(
                connection, current_caller().code, operation_id=resource_uuid(name, "operations")
            )
