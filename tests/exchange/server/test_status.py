"""Every error of ours leaves the service with a status code, a reason and Vietnamese words."""

import pickle
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, LocalizedMessage

from exchange.errors import EnvelopeIncomplete, InternalFailure, RouteForbidden
from exchange.server import app
from exchange.server.status import DOMAIN, ROOTS, STATUS, code_of, status_of


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def every_error() -> list[type[Exception]]:
    assert app  # importing the composition root imports every module that defines an error
    return [kind for root in ROOTS for kind in descendants(root)]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_row_in_the_table(kind: type[Exception]) -> None:
    assert any(ancestor in STATUS for ancestor in kind.__mro__)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_passes_from_a_worker_to_the_supervisor(kind: type[Exception]) -> None:
    error = kind("detail")
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is kind
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_only_a_failure_of_our_own_is_internal() -> None:
    internal = [kind for kind, code in STATUS.items() if code is grpc.StatusCode.INTERNAL]
    assert internal == [InternalFailure]
    assert grpc.StatusCode.UNKNOWN not in STATUS.values()


def test_a_status_carries_reason_domain_metadata_and_a_vietnamese_sentence() -> None:
    error = EnvelopeIncomplete("empty", field="From/OrganName")
    status = status_of(error, code_of(error) or grpc.StatusCode.INTERNAL)
    info, message = ErrorInfo(), LocalizedMessage()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(message)
    assert (info.reason, info.domain) == ("ENVELOPE_INCOMPLETE", DOMAIN)
    assert info.metadata["field"] == "From/OrganName"
    assert message.locale == "vi"
    assert message.message
    assert "ENVELOPE_INCOMPLETE" not in message.message


def test_each_detail_type_stands_once() -> None:
    error = RouteForbidden("A to B", rule="business-to-party")
    status = status_of(error, grpc.StatusCode.PERMISSION_DENIED)
    assert len({detail.type_url for detail in status.details}) == len(status.details) == 2


def test_what_is_not_ours_has_no_code() -> None:
    assert code_of(KeyError("x")) is None
