"""What a failed call means: the line's failure may be tried again, the service's word may not."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from exchange.client.errors import ServiceAnswerInvalid, ServiceUnavailable
from exchange.client.refusals import from_rpc_error, is_transport_failure


def failed(code: grpc.StatusCode, details: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=details)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Socket closed"),
        # What grpc.aio says where the connection ends while a message of a stream is handed over.
        (grpc.StatusCode.INTERNAL, "Internal error from Core"),
    ],
)
def test_a_line_that_breaks_is_unavailable_and_may_be_tried_again(
    code: grpc.StatusCode, details: str
) -> None:
    error = failed(code, details)
    assert is_transport_failure(error)
    assert isinstance(from_rpc_error(error), ServiceUnavailable)


def test_an_internal_failure_of_the_other_side_is_not_taken_for_the_line() -> None:
    error = failed(grpc.StatusCode.INTERNAL, "Exception calling application")
    assert not is_transport_failure(error)
    assert isinstance(from_rpc_error(error), ServiceAnswerInvalid)
