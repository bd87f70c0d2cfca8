"""Operations on the wire."""

from congvan.v1 import operations_pb2, signing_pb2
from exchange.operations import Operation, OperationState
from exchange.texts import sentence
from exchange.wire.values import timestamp

# What the response of each method is.
_RESPONSES = {"AugmentSignature": signing_pb2.SignDocumentResponse}


def write_operation(operation: Operation) -> operations_pb2.Operation:
    """Show how an operation stands, and its outcome once there is one."""
    written = operations_pb2.Operation(
        name=f"operations/{operation.operation_id}",
        done=operation.ended_at is not None,
        percent=100 if operation.state is OperationState.DONE else -1,
        start_time=timestamp(operation.created_at),
        end_time=timestamp(operation.ended_at),
        method=operation.method,
        attempts=operation.attempts,
    )
    if operation.state is OperationState.FAILED:
        written.failure.reason = operation.reason
        written.failure.message_vi = sentence(operation.reason, "vi")
        written.failure.message_en = sentence(operation.reason, "en")
    if operation.response is not None:
        response = _RESPONSES[operation.method]()
        response.ParseFromString(operation.response)
        written.response.Pack(response)
    return written
