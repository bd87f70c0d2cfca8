"""Signing in two steps over real gRPC: the key stays with the client, the service does the rest."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import grpc
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm

from certs.keys.file import FileKey
from certs.practice.authority import Issued, PracticeAuthority
from congvan.v1 import signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, reason_of, refused_with
from tests.support.pdfs import encrypted
from tests.support.practice import Practice, file_key, utc_now
from tests.support.service import PARTY, PROVINCE, RunningService
from tests.support.signing_calls import (
    B_B,
    B_T,
    PKCS1,
    PSS,
    code_of,
    complete_request,
    prepare_request,
    reason_in,
    value_for,
    verdict_of,
)


@pytest.fixture(scope="session")
def curve_leader(practice: Practice) -> Issued:
    return practice.authority.issue_person(
        "Trần Thị Bình", organisation="Sở Nội vụ", position="Giám đốc", key="p256"
    )


@pytest.mark.parametrize("level", [B_B, B_T])
def test_a_key_that_stays_with_the_client_signs(
    clients: dict[str, Client],
    leader: Issued,
    one_page_pdf: bytes,
    level: signing_pb2.SignatureLevel.ValueType,
) -> None:
    client = clients[PROVINCE]
    session = client.signing.PrepareSigning(
        prepare_request(leader, one_page_pdf, signing_pb2.SigningOptions(level=level)),
        timeout=WAIT,
    )
    assert session.scheme_family == signing_pb2.SCHEME_FAMILY_RSA_PSS
    signed = client.signing.CompleteSigning(
        complete_request(session, value_for(session, file_key(leader))), timeout=WAIT
    )
    assert signed.content.startswith(one_page_pdf)
    assert (signed.field_name, signed.signed_at) == (session.field_name, session.signed_at)
    report = verdict_of(client, signed.content)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert report.signatures[0].level == ("B-T" if level == B_T else "B-B")
    assert client.download(signed.document.sha256) == signed.content


def test_the_client_chooses_scheme_and_key(
    clients: dict[str, Client], leader: Issued, curve_leader: Issued, one_page_pdf: bytes
) -> None:
    client, document = clients[PROVINCE], one_page_pdf
    schemes = {}
    for issued, asked in ((leader, PSS), (leader, PKCS1), (curve_leader, None)):
        session = client.signing.PrepareSigning(
            prepare_request(issued, document, signing_pb2.SigningOptions(level=B_B, scheme=asked)),
            timeout=WAIT,
        )
        value = value_for(session, file_key(issued))
        answer = client.signing.CompleteSigning(complete_request(session, value), timeout=WAIT)
        document = answer.content
        schemes[session.scheme_family] = session.digest_algorithm
    assert schemes == {
        signing_pb2.SCHEME_FAMILY_RSA_PSS: "sha384",
        signing_pb2.SCHEME_FAMILY_RSA_PKCS1: "sha3_256",
        signing_pb2.SCHEME_FAMILY_ECDSA: "sha256",
    }
    report = verdict_of(client, document)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    assert len(report.signatures) == 3


def test_a_scheme_that_the_key_does_not_serve_is_refused(
    clients: dict[str, Client], curve_leader: Issued, one_page_pdf: bytes
) -> None:
    with refused_with("KEY_UNSUPPORTED"):
        clients[PROVINCE].signing.PrepareSigning(
            prepare_request(
                curve_leader, one_page_pdf, signing_pb2.SigningOptions(level=B_B, scheme=PSS)
            ),
            timeout=WAIT,
        )


@pytest.fixture
def session(
    clients: dict[str, Client], leader: Issued, one_page_pdf: bytes
) -> signing_pb2.SigningSession:
    return clients[PROVINCE].signing.PrepareSigning(
        prepare_request(leader, one_page_pdf), timeout=WAIT
    )


@pytest.mark.parametrize("wrong", ["another key", "other data", "nothing", "flipped bit"])
def test_a_wrong_value_is_refused_and_the_session_stays_open(
    clients: dict[str, Client],
    leader: Issued,
    seal_key: FileKey,
    session: signing_pb2.SigningSession,
    wrong: str,
) -> None:
    right = value_for(session, file_key(leader))
    other = signing_pb2.SigningSession()
    other.CopyFrom(session)
    other.data_to_be_signed = b"other"
    values = {
        "another key": value_for(session, seal_key),
        "other data": value_for(other, file_key(leader)),
        "nothing": b"",
        "flipped bit": right[:-1] + bytes((right[-1] ^ 1,)),
    }
    client = clients[PROVINCE]
    with refused_with("SIGNATURE_VALUE_WRONG") as raised:
        client.signing.CompleteSigning(complete_request(session, values[wrong]), timeout=WAIT)
    assert code_of(raised.value) is grpc.StatusCode.INVALID_ARGUMENT
    assert client.signing.CompleteSigning(complete_request(session, right), timeout=WAIT).content


def test_a_session_is_its_callers_alone(
    clients: dict[str, Client], leader: Issued, session: signing_pb2.SigningSession
) -> None:
    value = value_for(session, file_key(leader))
    with refused_with("SIGNING_SESSION_UNKNOWN") as raised:
        clients[PARTY].signing.CompleteSigning(complete_request(session, value), timeout=WAIT)
    assert code_of(raised.value) is grpc.StatusCode.NOT_FOUND


def test_completing_twice_gives_the_first_answer_under_the_same_request_id_only(
    clients: dict[str, Client], leader: Issued, session: signing_pb2.SigningSession
) -> None:
    client = clients[PROVINCE]
    request = complete_request(session, value_for(session, file_key(leader)))
    first = client.signing.CompleteSigning(request, timeout=WAIT)
    again = client.signing.CompleteSigning(request, timeout=WAIT)
    assert again.replay.replayed
    assert not first.replay.replayed
    assert (again.document, again.content) == (first.document, first.content)
    with refused_with("SIGNING_SESSION_COMPLETED") as raised:
        client.signing.CompleteSigning(
            complete_request(session, request.signature_value), timeout=WAIT
        )
    assert code_of(raised.value) is grpc.StatusCode.FAILED_PRECONDITION


def test_of_two_completions_at_once_one_makes_the_document(
    clients: dict[str, Client], leader: Issued, session: signing_pb2.SigningSession
) -> None:
    value = value_for(session, file_key(leader))
    client = clients[PROVINCE]
    calls = [
        client.signing.CompleteSigning.future(complete_request(session, value), timeout=WAIT)
        for _ in range(4)
    ]
    failures = [call.exception(WAIT) for call in calls]
    assert [reason_of(each) for each in failures if each is not None] == [
        "SIGNING_SESSION_COMPLETED"
    ] * 3


@pytest.mark.parametrize(
    ("holder", "role", "reason"),
    [
        ("revoked", signing_pb2.SIGNING_ROLE_UNSPECIFIED, "CERTIFICATE_REVOKED"),
        ("person", signing_pb2.SIGNING_ROLE_SEAL, "CERTIFICATE_UNSUITABLE"),
        ("person", signing_pb2.SIGNING_ROLE_COPY, "CERTIFICATE_UNSUITABLE"),
        ("organisation", signing_pb2.SIGNING_ROLE_LEADER, "CERTIFICATE_UNSUITABLE"),
        ("endpoint", signing_pb2.SIGNING_ROLE_UNSPECIFIED, "CERTIFICATE_UNSUITABLE"),
        ("stranger", signing_pb2.SIGNING_ROLE_LEADER, "NO_TRUSTED_PATH"),
    ],
)
def test_a_certificate_is_checked_before_anything_is_signed(
    clients: dict[str, Client],
    certificates: dict[str, Issued],
    one_page_pdf: bytes,
    holder: str,
    role: signing_pb2.SigningRole.ValueType,
    reason: str,
) -> None:
    options = signing_pb2.SigningOptions(level=B_B, role=role)
    with refused_with(reason) as raised:
        clients[PROVINCE].signing.PrepareSigning(
            prepare_request(certificates[holder], one_page_pdf, options), timeout=WAIT
        )
    assert code_of(raised.value) is grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture(scope="session")
def certificates(
    practice: Practice,
    leader: Issued,
    seal: Issued,
    service: RunningService,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Issued]:
    issue = practice.authority.issue_person
    revoked = issue("Lê Văn Cũ", organisation="Sở Nội vụ", position="Giám đốc", key="p256")
    practice.authority.revoke(revoked.certificate)
    elsewhere = PracticeAuthority.create(
        tmp_path_factory.mktemp("elsewhere") / "authority",
        base_url="http://127.0.0.1:9",
        clock=utc_now,
    )
    return {
        "person": leader,
        "organisation": seal,
        "revoked": revoked,
        "endpoint": service.identities[PROVINCE],
        "stranger": elsewhere.issue_person("Ai Đó", organisation="Đâu đó", position="", key="p256"),
    }


@pytest.mark.parametrize("chain", [[], [b"no certificate"], [b"x"] * 11])
def test_what_is_no_chain_of_certificates_is_refused(
    clients: dict[str, Client], leader: Issued, one_page_pdf: bytes, chain: list[bytes]
) -> None:
    request = prepare_request(leader, one_page_pdf)
    del request.certificate_chain[:]
    request.certificate_chain.extend(chain)
    with refused_with("ARGUMENT_INVALID"):
        clients[PROVINCE].signing.PrepareSigning(request, timeout=WAIT)


def test_certification_and_lock_are_written_as_asked(
    clients: dict[str, Client], leader: Issued, one_page_pdf: bytes
) -> None:
    options = signing_pb2.SigningOptions(
        level=B_B,
        field_name="Lãnh đạo",
        certification=signing_pb2.CHANGES_ALLOWED_FORMS,
        lock=signing_pb2.FieldLock(scope=signing_pb2.LOCKED_FIELDS_THESE, fields=["Ngày", "Số"]),
    )
    client = clients[PROVINCE]
    session = client.signing.PrepareSigning(
        prepare_request(leader, one_page_pdf, options), timeout=WAIT
    )
    signed = client.signing.CompleteSigning(
        complete_request(session, value_for(session, file_key(leader))), timeout=WAIT
    )
    field = PdfFileReader(BytesIO(signed.content)).embedded_signatures[0]
    assert field.field_name == "Lãnh đạo"
    assert field.docmdp_level == MDPPerm.FILL_FORMS
    assert list(field.fieldmdp.fields) == ["Ngày", "Số"]
    assert verdict_of(client, signed.content).verdict == verification_pb2.DOCUMENT_VERDICT_VALID


def test_a_batch_gives_each_document_its_own_outcome(
    clients: dict[str, Client], leader: Issued, one_page_pdf: bytes
) -> None:
    client = clients[PROVINCE]
    requests = [
        prepare_request(leader, document)
        for document in (one_page_pdf, b"no PDF", encrypted(one_page_pdf), one_page_pdf)
    ]
    requests[3].request_id = ""
    batch = signing_pb2.BatchPrepareSigningRequest(request_id=str(uuid4()), requests=requests)
    prepared = client.signing.BatchPrepareSigning(batch, timeout=WAIT)
    assert [reason_in(each) for each in prepared.statuses] == [
        *("", "NOT_A_PDF", "DOCUMENT_ENCRYPTED", "")
    ]
    assert [bool(each.name) for each in prepared.sessions] == [True, False, False, True]

    key = file_key(leader)
    first, last = prepared.sessions[0], prepared.sessions[3]
    completing = signing_pb2.BatchCompleteSigningRequest(
        request_id=str(uuid4()),
        requests=[
            complete_request(first, value_for(first, key)),
            complete_request(last, value_for(first, key)),
            complete_request(last, value_for(last, key)),
        ],
    )
    completed = client.signing.BatchCompleteSigning(completing, timeout=WAIT)
    reasons = [reason_in(each) for each in completed.statuses]
    assert reasons == ["", "SIGNATURE_VALUE_WRONG", ""]
    for response in (completed.responses[0], completed.responses[2]):
        assert not response.content
        document = client.download(response.document.sha256)
        assert verdict_of(client, document).verdict == verification_pb2.DOCUMENT_VERDICT_VALID

    again = client.signing.BatchCompleteSigning(completing, timeout=WAIT)
    assert [each.replay.replayed for each in again.responses] == [True, False, True]
    assert [reason_in(each) for each in again.statuses] == ["", "SIGNING_SESSION_COMPLETED", ""]
    repeated = client.signing.BatchPrepareSigning(batch, timeout=WAIT)
    assert [each.name for each in repeated.sessions] == [each.name for each in prepared.sessions]


@pytest.mark.parametrize("count", [0, 101])
def test_the_size_of_a_batch_is_bounded(clients: dict[str, Client], count: int) -> None:
    batch = signing_pb2.BatchCompleteSigningRequest(
        request_id=str(uuid4()), requests=[signing_pb2.CompleteSigningRequest()] * count
    )
    with refused_with("ARGUMENT_INVALID"):
        clients[PROVINCE].signing.BatchCompleteSigning(batch, timeout=WAIT)
