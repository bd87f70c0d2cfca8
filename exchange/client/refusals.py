"""From a gRPC failure to one of our errors: reading google.rpc.Status and its details."""

from collections.abc import Iterable

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from exchange.client.errors import (
    ClientError,
    DeadlineExceeded,
    ServiceAnswerInvalid,
    ServiceRefused,
    ServiceUnavailable,
)

_BROKEN_OFF = "Internal error from Core"
_STATUS_KEY = "grpc-status-details-bin"
_MAX_DETAIL_CHARACTERS = 300


def is_transport_failure(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether the line failed and not the service.

    Where a message can't be handed over because the connection is just ending, grpc.aio calls it
    INTERNAL with a fixed text of its own, not UNAVAILABLE.
    """
    if error.code() is grpc.StatusCode.INTERNAL:
        return error.details() == _BROKEN_OFF
    return error.code() is grpc.StatusCode.UNAVAILABLE


def from_rpc_error(error: grpc.aio.AioRpcError) -> ClientError:
    """Translate what grpc.aio raised.

    A status with an ErrorInfo is the service's own refusal, whatever its code. Without one it came
    from the transport, or from something between us and the service.
    """
    details = (error.details() or "")[:_MAX_DETAIL_CHARACTERS]
    status = _status(error.trailing_metadata() or ())
    if status is not None and (refusal := _refusal(status, error.code().name)):
        return refusal
    if is_transport_failure(error):
        return ServiceUnavailable(details)
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(details)
        case code:
            return ServiceAnswerInvalid(f"{code.name}: {details}")


def refusal_of(status: status_pb2.Status) -> ServiceRefused | None:
    """Translate the status of one item of a batch; None where the service gave no reason."""
    names = {code.value[0]: code.name for code in grpc.StatusCode}
    return _refusal(status, names.get(status.code, str(status.code)))


def _status(metadata: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status | None:
    for key, value in metadata:
        if key == _STATUS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _refusal(status: status_pb2.Status, code: str) -> ServiceRefused | None:
    info = error_details_pb2.ErrorInfo()
    localized = error_details_pb2.LocalizedMessage()
    for detail in status.details:
        for kind in (info, localized):
            if detail.Is(kind.DESCRIPTOR):
                detail.Unpack(kind)
    if not info.reason:
        return None
    metadata = dict(info.metadata)
    return ServiceRefused(
        metadata.get("detail", ""),
        reason=info.reason,
        code=code,
        message_vi=localized.message if localized.locale.startswith("vi") else "",
        message_en=status.message,
        metadata=metadata,
    )
