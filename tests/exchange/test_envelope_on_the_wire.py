"""Envelopes and statuses cross the wire unchanged: every business, every extension, every code."""

import datetime as dt
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from congvan.v1 import envelope_pb2
from exchange.deliveries import ReportedStatus
from exchange.envelope import (
    BusinessKind,
    Envelope,
    OtherInfo,
    StaffInfo,
    StatusCode,
    check_for_sending,
)
from exchange.errors import ArgumentInvalid, EnvelopeIncomplete
from exchange.messages import BlobName
from exchange.wire.envelopes import read_envelope, read_status, write_envelope, write_status
from tests.support.envelopes import attachment, envelope
from tests.support.made_envelopes import envelopes, texts

NOW = dt.datetime(2026, 11, 20, 2, 0, tzinfo=dt.UTC)


def without_zeros(document: Envelope) -> Envelope:
    """The wire knows no difference between zero and nothing for these numbers."""
    kind, other = document.document_type, document.other
    return replace(
        document,
        document_type=replace(kind, detail=kind.detail or None),
        other=replace(other, copies=other.copies or None, pages=other.pages or None),
    )


@settings(max_examples=60, deadline=None)
@given(envelopes(), st.lists(texts(20), max_size=2).map(tuple), texts(20) | st.just(""))
def test_any_envelope_comes_back_equal(
    made: tuple[Envelope, dict[str, bytes]], listed: tuple[str, ...], text: str
) -> None:
    document = without_zeros(made[0])
    document = replace(
        document,
        other=replace(document.other, reply_fors=listed, reference_codes=listed[:1]),
        task_codes=listed[1:],
        application_type=text,
    )
    sent = envelope_pb2.Envelope.FromString(write_envelope(document).SerializeToString())
    assert read_envelope(sent) == document


@pytest.mark.parametrize("code", list(StatusCode))
def test_every_status_comes_back_equal(code: StatusCode) -> None:
    status = ReportedStatus(
        status_id=uuid4(),
        delivery_id=uuid4(),
        code=code,
        description="Lý do",
        staff=StaffInfo(department="Văn thư", name="Nguyễn Thị Ví Dụ"),
        reported_at=NOW,
        received_at=NOW + dt.timedelta(seconds=3),
        edxml=BlobName(digest=attachment().digest, size_bytes=1),
    )
    read = read_status(write_status(status), now=NOW + dt.timedelta(days=1))
    assert (read.status, read.description, read.staff, read.reported_at) == (
        code,
        status.description,
        status.staff,
        NOW,
    )


@pytest.mark.parametrize("number", [0, 7, 12, 14, 99])
def test_a_status_that_is_not_defined_is_refused(number: int) -> None:
    message = envelope_pb2.StatusEntry(code=number)  # type: ignore[arg-type]  # proto3 takes any
    with pytest.raises(ArgumentInvalid, match="status"):
        read_status(message, now=NOW)


def test_a_business_that_is_not_defined_is_refused() -> None:
    message = write_envelope(envelope())
    message.business = 9  # type: ignore[assignment]  # proto3 takes any number
    with pytest.raises(ArgumentInvalid, match="business"):
        read_envelope(message)


def test_nothing_said_of_the_business_is_a_new_document_with_its_reason() -> None:
    message = write_envelope(envelope())
    message.ClearField("business")
    message.ClearField("business_reason")
    business = read_envelope(message).business
    assert (business.kind, business.reason) == (BusinessKind.NEW, "Văn bản điện tử mới")
    message.business = envelope_pb2.BUSINESS_RECALL
    assert read_envelope(message).business.reason == ""


@pytest.mark.parametrize(
    ("extended", "field"),
    [
        (replace(envelope(), task_codes=("T1",)), "ResponseForTask/TaskCode"),
        (replace(envelope(), application_type="MCDT_DT"), "ApplicationType"),
        (replace(envelope(), other=OtherInfo(reply_fors=("A",))), "OtherInfo/ReplyFors"),
        (replace(envelope(), other=OtherInfo(reference_codes=("A",))), "OtherInfo/ReferenceCodes"),
    ],
)
def test_extensions_of_others_are_not_written(extended: Envelope, field: str) -> None:
    with pytest.raises(EnvelopeIncomplete) as refused:
        check_for_sending(extended)
    assert refused.value.field == field
