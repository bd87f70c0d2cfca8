"""Signing while things fail: no time-stamps, killed workers, restarts between two steps."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import grpc
import psutil
import pytest
from google.protobuf.duration_pb2 import Duration

from certs.practice.authority import Issued
from congvan.v1 import operations_pb2, signing_pb2, verification_pb2
from tests.support.clients import WAIT, Client, refused_with
from tests.support.failing_tsa import FailingTsa, failing_tsa
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice, file_key, one_page
from tests.support.service import PARTY, Variation, register, stop_service, write_configuration
from tests.support.signing_calls import (
    B_B,
    B_T,
    code_of,
    complete_request,
    large,
    prepare_request,
    sign_request,
    value_for,
    verdict_of,
)
from tests.support.unsteady_site import (
    ALWAYS,
    CONFIGURATION,
    TSA_SECONDS,
    Site,
    answer_again,
    started,
    stop_answering,
    until,
)

B_LT, B_LTA = signing_pb2.SIGNATURE_LEVEL_B_LT, signing_pb2.SIGNATURE_LEVEL_B_LTA


@pytest.fixture(scope="module")
def whole_site(practice: Practice, seal: Issued) -> Iterator[Site]:
    with (
        reachable_directory("congvan-test-service-") as directory,
        failing_tsa(practice.tsa_url, answers=ALWAYS) as tsa,
    ):
        variation = Variation(workers=2, tsa_url=tsa.url, extra=CONFIGURATION)
        identities = write_configuration(directory, practice, seal, variation=variation)
        root_pem = (directory / "root.crt").read_bytes()
        running = started(directory, identities, root_pem=root_pem)
        site = Site(directory, identities, root_pem, tsa, running)
        try:
            register(running)
            yield site
        finally:
            stop_service(site.running.process)


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """The site with an authority that answers, which a test may take away."""
    yield whole_site
    whole_site.tsa.answers, whole_site.tsa.hangs = ALWAYS, False
    whole_site.tsa.ended.set()


def augment(
    client: Client, document: bytes, level: signing_pb2.SignatureLevel.ValueType
) -> operations_pb2.Operation:
    return client.signing.AugmentSignature(
        signing_pb2.AugmentSignatureRequest(
            request_id=str(uuid4()),
            document=signing_pb2.DocumentContent(content=document),
            level=level,
        ),
        timeout=WAIT,
    )


def begun(site: Site, client: Client, document: bytes) -> operations_pb2.Operation:
    """An operation that has asked the authority."""
    asked = site.tsa.asked
    operation = augment(client, document, B_T)
    until(lambda: site.tsa.asked > asked)
    return operation


def cancel(client: Client, operation: operations_pb2.Operation) -> operations_pb2.Operation:
    return client.operations.CancelOperation(
        operations_pb2.CancelOperationRequest(request_id=str(uuid4()), name=operation.name),
        timeout=WAIT,
    )


def outcome(client: Client, operation: operations_pb2.Operation) -> operations_pb2.Operation:
    request = operations_pb2.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=50))
    deadline = time.monotonic() + WAIT
    while True:
        try:
            ended = client.operations.WaitOperation(request, timeout=WAIT)
        except grpc.RpcError as error:  # the call went to a worker that had just been killed
            if code_of(error) is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            continue
        assert ended.done
        return ended


def document_of(client: Client, operation: operations_pb2.Operation) -> bytes:
    answer = signing_pb2.SignDocumentResponse()
    assert operation.response.Unpack(answer), operation.failure
    return client.download(answer.document.sha256)


def signed(client: Client, text: str) -> bytes:
    answer = client.signing.SignDocument(sign_request(one_page(text)), timeout=WAIT)
    return answer.content


def level_of(client: Client, document: bytes) -> str:
    report = verdict_of(client, document)
    assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
    return report.signatures[0].level


def test_an_operation_brings_a_signature_from_level_to_level(site: Site) -> None:
    with site.client() as client:
        document = signed(client, "From B-B to B-LTA")
        for level, name in ((B_T, "B-T"), (B_LT, "B-LT"), (B_LTA, "B-LTA"), (B_LTA, "B-LTA")):
            ended = outcome(client, augment(client, document, level))
            longer = document_of(client, ended)
            assert longer.startswith(document)
            assert len(longer) > len(document)
            assert level_of(client, longer) == name
            document = longer
        assert (ended.method, ended.attempts, ended.percent) == ("AugmentSignature", 1, 100)


@pytest.mark.parametrize(("level", "name"), [(B_LT, "B-LT"), (B_LTA, "B-LTA")])
def test_levels_with_evidence_are_made_at_once(
    site: Site, level: signing_pb2.SignatureLevel.ValueType, name: str
) -> None:
    options = signing_pb2.SigningOptions(level=level)
    with site.client() as client:
        request = sign_request(one_page("With evidence"), options)
        answer = client.signing.SignDocument(request, timeout=WAIT)
        assert level_of(client, answer.content) == name


def test_an_operation_outlives_the_worker_that_does_it(site: Site) -> None:
    with site.client() as client:
        document = signed(client, "Killed on the way")
        stop_answering(site.tsa, hangs=True)
        operation = augment(client, document, B_T)
        busy: list[psutil.Process] = []

        def found() -> bool:
            busy[:] = [each for each in site.workers() if asks(each, site.tsa)]
            return bool(busy)

        until(found)
        answer_again(site.tsa)
        busy[0].send_signal(signal.SIGKILL)
    with site.client() as client:
        ended = outcome(client, operation)
        assert ended.attempts == 2
        assert level_of(client, document_of(client, ended)) == "B-T"
    until(lambda: len(site.workers()) == 2)


def asks(process: psutil.Process, tsa: FailingTsa) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(
            each.raddr and each.raddr.port == tsa.port and each.status == "ESTABLISHED"
            for each in process.net_connections("tcp")
        )
    return False


def test_an_operation_waits_for_an_authority_that_is_away(site: Site) -> None:
    with site.client() as client:
        document = signed(client, "Waits for the authority")
        stop_answering(site.tsa, hangs=False)
        operation = begun(site, client, document)
        standing = client.operations.WaitOperation(
            operations_pb2.WaitOperationRequest(
                name=operation.name, timeout=Duration(nanos=100_000_000)
            ),
            timeout=WAIT,
        )
        assert not standing.done
        answer_again(site.tsa)
        ended = outcome(client, operation)
        assert ended.attempts >= 2
        assert level_of(client, document_of(client, ended)) == "B-T"


def test_an_operation_can_be_cancelled(site: Site) -> None:
    with site.client() as client:
        document = signed(client, "Cancelled")
        stop_answering(site.tsa, hangs=True)
        operation = begun(site, client, document)
        cancel(client, operation)
        ended = outcome(client, operation)
        assert ended.failure.reason == "OPERATION_CANCELLED"
        assert "hủy" in ended.failure.message_vi
        late = cancel(client, operation)
        assert late.failure.reason == "OPERATION_CANCELLED"


def test_what_can_come_to_nothing_fails_with_its_reason(site: Site) -> None:
    with site.client() as client:
        ended = outcome(client, augment(client, one_page("Unsigned"), B_LT))
        assert ended.failure.reason == "SIGNATURE_MISSING"
        with refused_with("NOT_A_PDF"):
            augment(client, b"no PDF", B_LT)
        with refused_with("ARGUMENT_INVALID"):
            augment(client, one_page(), B_B)


def test_operations_are_their_callers_alone(site: Site) -> None:
    with site.client() as client, site.client(PARTY) as stranger:
        operation = augment(client, one_page("Mine"), B_LT)
        listed = client.operations.ListOperations(
            operations_pb2.ListOperationsRequest(page_size=1), timeout=WAIT
        )
        assert [each.name for each in listed.operations] == [operation.name]
        assert listed.next_page_token
        others = stranger.operations.ListOperations(
            operations_pb2.ListOperationsRequest(), timeout=WAIT
        )
        assert not others.operations
        with refused_with("OPERATION_UNKNOWN") as raised:
            stranger.operations.GetOperation(
                operations_pb2.GetOperationRequest(name=operation.name), timeout=WAIT
            )
        assert code_of(raised.value) is grpc.StatusCode.NOT_FOUND
        with refused_with("OPERATION_UNKNOWN"):
            stranger.operations.CancelOperation(
                operations_pb2.CancelOperationRequest(request_id=str(uuid4()), name=operation.name),
                timeout=WAIT,
            )
        outcome(client, operation)


@pytest.mark.parametrize("hangs", [False, True])
def test_without_a_time_stamp_nothing_is_signed_and_the_request_can_be_repeated(
    site: Site, hangs: bool
) -> None:
    stop_answering(site.tsa, hangs=hangs)
    request = sign_request(one_page("B-T or nothing"), signing_pb2.SigningOptions(level=B_T))
    with site.client() as client:
        started_at = time.monotonic()
        with refused_with("TSA_UNAVAILABLE") as raised:
            client.signing.SignDocument(request, timeout=WAIT)
        assert code_of(raised.value) is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() - started_at < TSA_SECONDS + 3
        answer_again(site.tsa)
        answer = client.signing.SignDocument(request, timeout=WAIT)
        assert not answer.replay.replayed
        assert level_of(client, answer.content) == "B-T"


def test_a_deadline_is_kept_and_the_request_can_be_repeated(site: Site) -> None:
    stop_answering(site.tsa, hangs=True)
    request = sign_request(one_page("In time"), signing_pb2.SigningOptions(level=B_T))
    with site.client() as client:
        with pytest.raises(grpc.RpcError) as raised:
            client.signing.SignDocument(request, timeout=0.5)
        assert code_of(raised.value) is grpc.StatusCode.DEADLINE_EXCEEDED
        answer_again(site.tsa)
        answer = client.signing.SignDocument(request, timeout=WAIT)
        assert not answer.replay.replayed
        assert level_of(client, answer.content) == "B-T"


def test_a_session_outlives_an_authority_that_is_away(site: Site, leader: Issued) -> None:
    options = signing_pb2.SigningOptions(level=B_T)
    with site.client() as client:
        session = client.signing.PrepareSigning(
            prepare_request(leader, one_page("Twice"), options), timeout=WAIT
        )
        request = complete_request(session, value_for(session, file_key(leader)))
        stop_answering(site.tsa, hangs=False)
        with refused_with("TSA_UNAVAILABLE"):
            client.signing.CompleteSigning(request, timeout=WAIT)
        answer_again(site.tsa)
        answer = client.signing.CompleteSigning(request, timeout=WAIT)
        assert level_of(client, answer.content) == "B-T"


def test_a_session_expires_and_is_forgotten_later(site: Site, leader: Issued) -> None:
    with site.client() as client:
        session = client.signing.PrepareSigning(
            prepare_request(leader, one_page("Too late")), timeout=WAIT
        )
        request = complete_request(session, value_for(session, file_key(leader)))
        identifier = session.name.removeprefix("signingSessions/")
        with site.database() as connection:
            connection.execute(
                "UPDATE signing_session SET expires_at = now() WHERE session_id = %s",
                (identifier,),
            )
        with refused_with("SIGNING_SESSION_EXPIRED") as raised:
            client.signing.CompleteSigning(request, timeout=WAIT)
        assert code_of(raised.value) is grpc.StatusCode.FAILED_PRECONDITION


def test_sessions_and_operations_go_on_in_other_processes_after_a_restart(
    site: Site, leader: Issued
) -> None:
    documents = [one_page("Inside the request"), large(4_000_000)]
    options = signing_pb2.SigningOptions(level=B_T)
    requests = [prepare_request(leader, each, options) for each in documents]
    with site.client() as client:
        blob = client.upload(documents[1])
        requests[1].document.CopyFrom(signing_pb2.DocumentContent(blob_sha256=blob.sha256))
        sessions = [client.signing.PrepareSigning(each, timeout=WAIT) for each in requests]
        began = signed(client, "Begun before the restart")
        stop_answering(site.tsa, hangs=True)
        operation = begun(site, client, began)
    before = {each.pid for each in site.workers()}
    # What hangs goes on hanging; the worker that takes the operation over gets its answer.
    answer_again(site.tsa)
    site.restart()
    assert not before & {each.pid for each in site.workers()}
    with site.client() as client:
        for document, request, session in zip(documents, requests, sessions, strict=True):
            completing = complete_request(session, value_for(session, file_key(leader)))
            answer = client.signing.CompleteSigning(completing, timeout=WAIT)
            whole = client.download(answer.document.sha256)
            assert whole.startswith(document)
            report = client.verification.VerifyDocument(
                verification_pb2.VerifyDocumentRequest(
                    request_id=str(uuid4()), blob_sha256=answer.document.sha256
                ),
                timeout=WAIT,
            )
            assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json
            again = client.signing.PrepareSigning(request, timeout=WAIT)
            assert (again.name, again.replay.replayed) == (session.name, True)
        ended = outcome(client, operation)
        assert ended.attempts >= 2
        assert level_of(client, document_of(client, ended)) == "B-T"
