"""The office's order over gRPC: fields prepared, the leader signs, number and date, the seal."""

from __future__ import annotations

from uuid import uuid4

import pytest
from google.protobuf.message import Message

from certs.practice.authority import Issued
from congvan.v1 import envelope_pb2, signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, refused_with
from tests.support.office_pages import BLANKS, HEADING, block, document
from tests.support.practice import LEADER, file_key
from tests.support.service import PROVINCE
from tests.support.signing_calls import (
    B_B,
    code_of,
    complete_request,
    prepare_request,
    sign_request,
    value_for,
    verdict_of,
)

SEAL, LEADS = signing_pb2.SIGNING_ROLE_SEAL, signing_pb2.SIGNING_ROLE_LEADER
ON = envelope_pb2.CalendarDate(year=2026, month=2, day=5)


@pytest.fixture(scope="module")
def draft() -> bytes:
    """A decision as an office's template sets it, with blanks for number and date."""
    return document((*HEADING, *BLANKS, *block(LEADER, "TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH")))


@pytest.fixture(scope="module")
def prepared(clients: dict[str, Client], draft: bytes) -> bytes:
    request = signing_pb2.PrepareDocumentRequest(
        request_id=str(uuid4()),
        document=signing_pb2.DocumentContent(content=draft),
        leaders=[LEADER],
    )
    answer = clients[PROVINCE].signing.PrepareDocument(request, timeout=WAIT)
    assert answer.content.startswith(draft)
    return answer.content


@pytest.fixture(scope="module")
def approved(clients: dict[str, Client], leader: Issued, prepared: bytes) -> bytes:
    """Prepared and signed by the leader, whose key stays where it is."""
    client = clients[PROVINCE]
    options = signing_pb2.SigningOptions(level=B_B, role=LEADS, field_name="LeaderSignature")
    session = client.signing.PrepareSigning(
        prepare_request(leader, prepared, options), timeout=WAIT
    )
    completing = complete_request(session, value_for(session, file_key(leader)))
    return client.signing.CompleteSigning(completing, timeout=WAIT).content


def numbered_seal(**more: object) -> signing_pb2.SigningOptions:
    options = signing_pb2.SigningOptions(
        level=B_B,
        role=SEAL,
        field_name="SealSignature",
        document_number="9/QĐ-UBND",
        document_date=ON,
    )
    for name, value in more.items():
        if isinstance(value, Message):
            getattr(options, name).CopyFrom(value)
        elif value is None:
            options.ClearField(name)  # type: ignore[arg-type]
        else:
            setattr(options, name, value)
    return options


def test_number_date_and_seal_come_after_the_leader_and_break_nothing(
    clients: dict[str, Client], approved: bytes
) -> None:
    client = clients[PROVINCE]
    answer = client.signing.SignDocument(sign_request(approved, numbered_seal()), timeout=WAIT)
    assert answer.content.startswith(approved)
    assert answer.field_name == "SealSignature"
    report = verdict_of(client, answer.content)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert [each.kind for each in report.signatures] == ["SIGNATURE", "SEAL"]


def test_the_seal_may_be_made_elsewhere_too(
    clients: dict[str, Client], seal: Issued, approved: bytes
) -> None:
    client = clients[PROVINCE]
    session = client.signing.PrepareSigning(
        prepare_request(seal, approved, numbered_seal()), timeout=WAIT
    )
    completing = complete_request(session, value_for(session, file_key(seal)))
    answer = client.signing.CompleteSigning(completing, timeout=WAIT)
    assert answer.content.startswith(approved)
    report = verdict_of(client, answer.content)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert len(report.signatures) == 2


@pytest.mark.parametrize(
    ("state", "changes", "reason", "code"),
    [
        ("prepared", {}, "SEAL_BEFORE_LEADER", "FAILED_PRECONDITION"),
        ("approved", {"document_number": None}, "NUMBER_MISSING", "FAILED_PRECONDITION"),
        ("approved", {"document_number": "chín"}, "NUMBER_INVALID", None),
        ("draft", {}, "FIELD_UNUSABLE", "FAILED_PRECONDITION"),
        ("approved", {"role": LEADS}, "CERTIFICATE_UNSUITABLE", "FAILED_PRECONDITION"),
        (
            "approved",
            {"document_date": envelope_pb2.CalendarDate(year=2026, month=2, day=30)},
            "ARGUMENT_INVALID",
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_the_wrong_way_round_is_refused(
    clients: dict[str, Client],
    request: pytest.FixtureRequest,
    state: str,
    changes: dict[str, object],
    reason: str,
    code: str | None,
) -> None:
    content: bytes = request.getfixturevalue(state)
    with refused_with(reason) as raised:
        clients[PROVINCE].signing.SignDocument(
            sign_request(content, numbered_seal(**changes)), timeout=WAIT
        )
    assert code in (None, code_of(raised.value).name)


def test_a_number_after_the_seal_is_refused(clients: dict[str, Client], approved: bytes) -> None:
    client = clients[PROVINCE]
    sealed = client.signing.SignDocument(sign_request(approved, numbered_seal()), timeout=WAIT)
    late = numbered_seal(field_name=None)
    with refused_with("NUMBER_AFTER_SIGNATURE"):
        client.signing.SignDocument(sign_request(sealed.content, late), timeout=WAIT)


def test_fields_are_prepared_where_the_caller_says(
    clients: dict[str, Client], draft: bytes
) -> None:
    box = signing_pb2.PageBox(page=1, left_mm=35, bottom_mm=240, width_mm=60, height_mm=6)
    seat = signing_pb2.PageBox(page=-1, left_mm=100, bottom_mm=32, width_mm=36, height_mm=36)
    request = signing_pb2.PrepareDocumentRequest(
        request_id=str(uuid4()),
        document=signing_pb2.DocumentContent(content=draft),
        fields=[
            signing_pb2.OfficeField(kind=signing_pb2.OFFICE_FIELD_KIND_NUMBER, box=box),
            signing_pb2.OfficeField(kind=signing_pb2.OFFICE_FIELD_KIND_SEAL, box=seat),
        ],
    )
    client = clients[PROVINCE]
    first = client.signing.PrepareDocument(request, timeout=WAIT)
    again = client.signing.PrepareDocument(request, timeout=WAIT)
    assert (again.replay.replayed, again.content) == (True, first.content)
    request.request_id = str(uuid4())
    request.document.content = first.content
    with refused_with("FIELDS_PREPARED"):
        client.signing.PrepareDocument(request, timeout=WAIT)
    request.fields[0].ClearField("box")
    with refused_with("ARGUMENT_INVALID"):
        client.signing.PrepareDocument(request, timeout=WAIT)
