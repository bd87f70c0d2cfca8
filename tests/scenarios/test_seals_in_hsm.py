"""Seals in an HSM (SoftHSM2): whole services that sign with them, lose them and find them again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from certs.identity import fingerprint
from certs.keys.pkcs11_module import RESTART_PAUSE_SECONDS
from certs.keys.pkcs11_tokens import list_tokens
from certs.practice.authority import Issued
from congvan.v1 import (
    signing_pb2,
    signing_pb2_grpc,
    verification_pb2,
    verification_pb2_grpc,
)
from tests.support.clients import WAIT, reason_of, refused_with
from tests.support.postgres import reachable_directory
from tests.support.practice import Practice
from tests.support.service import (
    COMPANY,
    PROVINCE,
    RunningService,
    Variation,
    launch,
    register,
    running,
    write_configuration,
)
from tests.support.signing_calls import code_of, sign_request
from tests.support.tokens import PIN, WRONG_PIN, TokenBox, make_box

pytestmark = pytest.mark.judge("softhsm2-util")

KEY = "signingKeys/hsm-seal"
LABEL = "con-dau"


def section(box: TokenBox, pin_file: Path, seal: Issued) -> str:
    return f"""
[[signing_keys]]
id = "hsm-seal"
endpoint = "{PROVINCE}"
module = "{box.module}"
token_label = "{LABEL}"
certificate_sha256 = "{fingerprint(seal.certificate)}"
pin_file = "{pin_file}"
"""


def fill(directory: Path, seal: Issued) -> TokenBox:
    """An HSM with the seal's key, its certificate and its issuer's."""
    box = make_box(directory)
    with box.as_configured():
        box.add_token(LABEL)
        box.put(LABEL, seal.certificate, key=seal.private_key, key_id=b"\x10")
        box.put(LABEL, seal.chain[0], key=None, key_id=b"\x11")
    return box


def pin_file_in(directory: Path, pin: bytes) -> Path:
    path = directory / "hsm.pin"
    path.touch(0o600)
    path.write_bytes(pin + b"\n")
    return path


@pytest.fixture(scope="module")
def hsm(seal: Issued) -> Iterator[TokenBox]:
    with reachable_directory("congvan-test-hsm-") as directory:
        yield fill(directory, seal)


@pytest.fixture(scope="module")
def service_with_hsm(practice: Practice, seal: Issued, hsm: TokenBox) -> Iterator[RunningService]:
    """A service with two workers, each of which opens the HSM itself."""
    pin_file = pin_file_in(hsm.directory, PIN.encode())
    with reachable_directory("congvan-test-service-") as directory, hsm.as_configured():
        variation = Variation(workers=2, extra=section(hsm, pin_file, seal))
        identities = write_configuration(directory, practice, seal, variation=variation)
        with running(directory, practice, identities) as started:
            register(started)
            yield started


def sign(service: RunningService, code: str, document: bytes) -> signing_pb2.SignDocumentResponse:
    # A channel of its own for each call, so that calls come to both workers.
    with service.channel(code) as channel:
        return signing_pb2_grpc.SigningServiceStub(channel).SignDocument(
            sign_request(document, key=KEY), timeout=WAIT
        )


def keys_shown_to(service: RunningService, code: str) -> list[str]:
    with service.channel(code) as channel:
        stub = signing_pb2_grpc.SigningServiceStub(channel)
        listed = stub.ListSigningKeys(signing_pb2.ListSigningKeysRequest(), timeout=WAIT)
        return [each.name for each in listed.keys]


def test_a_seal_in_the_hsm_signs_for_its_endpoint(
    service_with_hsm: RunningService, one_page_pdf: bytes
) -> None:
    assert KEY in keys_shown_to(service_with_hsm, PROVINCE)
    with service_with_hsm.channel(PROVINCE) as channel:
        stub = verification_pb2_grpc.VerificationServiceStub(channel)
        for _ in range(6):
            signed = sign(service_with_hsm, PROVINCE, one_page_pdf)
            report = stub.VerifyDocument(
                verification_pb2.VerifyDocumentRequest(
                    request_id=str(uuid4()), content=signed.content
                ),
                timeout=WAIT,
            )
            assert report.verdict == verification_pb2.DOCUMENT_VERDICT_VALID, report.json


def test_another_endpoint_is_refused_and_does_not_even_see_it(
    service_with_hsm: RunningService, one_page_pdf: bytes
) -> None:
    assert KEY not in keys_shown_to(service_with_hsm, COMPANY)
    with refused_with("ARGUMENT_INVALID"):
        sign(service_with_hsm, COMPANY, one_page_pdf)


def test_an_hsm_that_is_away_makes_the_service_unavailable_for_it_until_it_is_back(
    service_with_hsm: RunningService, hsm: TokenBox, one_page_pdf: bytes
) -> None:
    hsm.take_away()
    try:
        for _ in range(6):
            with pytest.raises(grpc.RpcError) as caught:
                sign(service_with_hsm, PROVINCE, one_page_pdf)
            assert reason_of(caught.value) == "TOKEN_UNAVAILABLE"
            assert code_of(caught.value) == grpc.StatusCode.UNAVAILABLE
    finally:
        hsm.bring_back()
    time.sleep(RESTART_PAUSE_SECONDS)
    for _ in range(6):
        assert sign(service_with_hsm, PROVINCE, one_page_pdf).content


def test_the_pin_shows_in_no_log(service_with_hsm: RunningService) -> None:
    log = (service_with_hsm.directory / "service.log").read_bytes()
    assert log
    assert PIN.encode() not in log


def test_a_wrong_pin_is_tried_once_however_often_the_service_is_started(
    practice: Practice, seal: Issued, tmp_path: Path
) -> None:
    box = fill(tmp_path, seal)
    pin_file = pin_file_in(tmp_path, WRONG_PIN)

    def fails() -> str:
        process = launch(directory / "congvan.toml")
        assert process.wait(60) != 0
        return (directory / "service.log").read_text(errors="replace")

    with reachable_directory("congvan-test-service-") as directory, box.as_configured():
        variation = Variation(workers=2, extra=section(box, pin_file, seal))
        write_configuration(directory, practice, seal, variation=variation)
        assert "PIN_WRONG: " in fails()
        assert list_tokens(box.module, access=box.access)[0].pin_count_low
        asked = [each.read_text() for each in (directory / "data" / "tokens").glob("*.refused")]
        assert len(asked) == 1
        assert asked[0].startswith(str(pin_file))
        box.forget_wrong_pins()
        told = fails()
        assert "it was refused before and is not tried again" in told
        assert not list_tokens(box.module, access=box.access)[0].pin_count_low
        assert WRONG_PIN.decode() not in told
