"""Whose signatures they are, and by which policy: asked over gRPC, and found by the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pypdfium2  # type: ignore[import-untyped]
import pytest
from lxml import etree

from certs.keys.file import FileKey
from certs.practice.authority import Issued
from congvan.v1 import common_pb2, registry_pb2, registry_pb2_grpc, verification_pb2
from exchange.cli.gate import finding_json, short_words, whose_lines
from exchange.cli.output import Output
from signer.policy.files import parse_policy, shipped_policies
from signer.policy.values import DEFAULT
from tests.support.clients import WAIT, Client, client_of, refused_with
from tests.support.json_schema import complaints
from tests.support.postgres import reachable_directory
from tests.support.practice import AGENCY, Practice
from tests.support.service import (
    COMMUNE,
    COMPANY,
    PARTY,
    PROVINCE,
    REGISTRAR,
    RunningService,
    Variation,
    register,
    running,
    write_configuration,
)
from tests.support.verification import Desk
from tests.support.verifying_calls import request_for

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8")
)
VALID = verification_pb2.DOCUMENT_VERDICT_VALID
INDETERMINATE = verification_pb2.DOCUMENT_VERDICT_INDETERMINATE
MATCHES = verification_pb2.SIGNED_FOR_MATCHES
OTHER = verification_pb2.SIGNED_FOR_OTHER_ORGANISATION
UNKNOWN = verification_pb2.SIGNED_FOR_UNKNOWN_ENDPOINT
AGENCY_CODE = "H56.77"
POLICY = (
    shipped_policies()["default"]
    .read_text("utf-8")
    .replace('name = "default"', 'name = "province"')
    + """
[blocks.PARTY]
anchor_classes = ["CONG_VU"]

[documents.ORIGINAL]
signers = ["SIGNATURE", "SEAL"]
seal_last = true

[documents.ANNEX]
signers = ["SEAL"]
"""
)


@pytest.fixture(scope="module")
def issued(
    practice: Practice, one_page_pdf: bytes, leader_key: FileKey, seal_key: FileKey
) -> bytes:
    """A document of the agency's: its leader's signature, then its seal."""
    desk = Desk(practice)
    return desk.sign(desk.sign(one_page_pdf, leader_key), seal_key)


@pytest.fixture(scope="module")
def agency(service: RunningService) -> str:
    """The agency that the leader's and the seal's certificates name, registered under a code."""
    endpoint = registry_pb2.Endpoint(
        code=AGENCY_CODE,
        display_name="UBND tỉnh",
        other_names=[AGENCY],
        identifiers=["GOVVN-000.00.00.H56"],
        block=common_pb2.BLOCK_STATE,
        level=common_pb2.ADMINISTRATIVE_LEVEL_PROVINCE,
    )
    with service.channel(REGISTRAR) as channel:
        made = registry_pb2_grpc.RegistryServiceStub(channel).CreateEndpoint(
            registry_pb2.CreateEndpointRequest(request_id=str(uuid4()), endpoint=endpoint),
            timeout=WAIT,
        )
    assert (list(made.other_names), list(made.identifiers)) == (
        [AGENCY],
        ["GOVVN-000.00.00.H56"],
    )
    return AGENCY_CODE


def asked(
    client: Client,
    document: bytes,
    *,
    code: str = "",
    kind: verification_pb2.DocumentKind.ValueType = verification_pb2.DOCUMENT_KIND_UNSPECIFIED,
) -> verification_pb2.VerificationReport:
    request = request_for(document)
    request.on_behalf_of, request.document_kind = code, kind
    return client.verification.VerifyDocument(request, timeout=WAIT)


def outcomes(report: verification_pb2.VerificationReport) -> list[int]:
    return [entry.signed_for for entry in report.signatures]


def test_a_caller_is_told_whether_each_signature_is_the_endpoints_he_names(
    clients: dict[str, Client], agency: str, issued: bytes
) -> None:
    client = clients[COMMUNE]
    own = asked(client, issued, code=agency)
    assert (own.verdict, own.on_behalf_of, outcomes(own)) == (VALID, agency, [MATCHES, MATCHES])
    other = asked(client, issued, code=PROVINCE)
    assert (other.verdict, outcomes(other)) == (VALID, [OTHER, OTHER])
    assert outcomes(asked(client, issued, code="H56.12345")) == [UNKNOWN, UNKNOWN]
    nobody = asked(client, issued)
    assert (nobody.on_behalf_of, outcomes(nobody)) == ("", [0, 0])
    assert nobody.policy == DEFAULT.label
    with refused_with("ARGUMENT_INVALID"):
        asked(client, issued, code="no code")


def test_a_kept_report_says_the_same_again(
    clients: dict[str, Client], agency: str, issued: bytes
) -> None:
    first = asked(clients[COMMUNE], issued, code=agency)
    kept = clients[COMMUNE].verification.GetVerificationReport(
        verification_pb2.GetVerificationReportRequest(name=first.name), timeout=WAIT
    )
    assert (kept.on_behalf_of, outcomes(kept)) == (agency, [MATCHES, MATCHES])


def test_every_form_of_a_kept_report_says_whose_signatures_they_are(
    clients: dict[str, Client], agency: str, issued: bytes
) -> None:
    client = clients[COMMUNE]
    for code, word, told in (
        (agency, "MATCHES", f"Đúng chữ ký số của {agency}."),
        (PROVINCE, "OTHER_ORGANISATION", f"Chữ ký số của cơ quan khác, không phải {PROVINCE} —"),
    ):
        report = asked(client, issued, code=code)
        kept = json.loads(report.json)
        assert (kept["on_behalf_of"], kept["signed_for"]) == (code, word)
        assert [each["signed_for"] for each in kept["signatures"]] == [word, word]
        assert complaints(kept, SCHEMA) == []
        made = {
            form: client.verification.GetVerificationReport(
                verification_pb2.GetVerificationReportRequest(name=report.name, form=form),
                timeout=WAIT,
            ).rendering
            for form in (
                verification_pb2.REPORT_FORM_JSON,
                verification_pb2.REPORT_FORM_HTML,
                verification_pb2.REPORT_FORM_PDF,
                verification_pb2.REPORT_FORM_XML,
            )
        }
        assert json.loads(made[verification_pb2.REPORT_FORM_JSON]) == kept
        sheet = made[verification_pb2.REPORT_FORM_HTML].decode()
        # Once of the document, and once of each signature.
        assert sheet.count(told) == 3
        with pypdfium2.PdfDocument(made[verification_pb2.REPORT_FORM_PDF]) as opened:
            pages = " ".join(page.get_textpage().get_text_range() for page in opened)
        assert "Có phải của cơ quan gửi?" in " ".join(pages.split())
        tree = etree.fromstring(made[verification_pb2.REPORT_FORM_XML])
        found = tree.findall(".//{*}SignedFor")
        assert [(each.text, each.get("Endpoint")) for each in found] == [(word, code)] * 2


def test_what_nobody_vouches_for_proves_nothing_of_anybody(
    clients: dict[str, Client], agency: str, issued: bytes
) -> None:
    at = issued.index(b"Practice page")
    altered = issued[:at] + b"p" + issued[at + 1 :]
    report = asked(clients[COMMUNE], altered, code=agency)
    assert set(outcomes(report)) == {verification_pb2.SIGNED_FOR_NOT_PROVED}


def test_the_gate_says_of_what_is_sent_whether_it_bears_the_senders_signatures(
    clients: dict[str, Client], issued: bytes
) -> None:
    [finding] = clients[PROVINCE].send(issued, COMMUNE).message.gate
    assert (finding.verdict, finding.signed_for) == (VALID, OTHER)


def test_clerks_see_whose_signatures_came_and_what_to_do(
    clients: dict[str, Client], issued: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = clients[PROVINCE].send(issued, COMMUNE)
    finding = sent.message.gate[0]
    output = Output(as_json=False)
    assert short_words(finding, output) == "HỢP LỆ, của cơ quan khác!"
    output.show(*whose_lines(finding, PROVINCE, output=output))
    told = " ".join(capsys.readouterr().out.split())
    assert "hỏi lại bên gửi trước khi xử lý" in told
    assert "ask the sender before you act on it" in told
    assert finding_json(finding)["signed_for"] == "OTHER_ORGANISATION"


def test_a_service_shows_the_policy_that_it_judges_by(clients: dict[str, Client]) -> None:
    policy = clients[COMMUNE].verification.GetVerificationPolicy(
        verification_pb2.GetVerificationPolicyRequest(), timeout=WAIT
    )
    assert policy.version == DEFAULT.label
    assert parse_policy(policy.document.encode()) == DEFAULT


def test_a_service_judges_by_the_operators_policy_and_the_senders_block(
    practice: Practice, seal: Issued, leader_signed: bytes, issued: bytes
) -> None:
    variation = Variation(extra='[verification]\npolicy = "policy.toml"')
    with reachable_directory("congvan-test-service-") as directory:
        identities = write_configuration(directory, practice, seal, variation=variation)
        (directory / "policy.toml").write_text(POLICY, encoding="utf-8")
        with running(directory, practice, identities) as service:
            register(service)
            with service.channel(PROVINCE) as channel, service.channel(PARTY) as party:
                client = client_of(PROVINCE, channel)
                shown = client.verification.GetVerificationPolicy(
                    verification_pb2.GetVerificationPolicyRequest(), timeout=WAIT
                )
                assert shown.document == POLICY
                assert shown.version == parse_policy(POLICY.encode()).label
                report = asked(client, leader_signed)
                assert (report.verdict, report.reason) == (INDETERMINATE, "SEAL_SIGNATURE_MISSING")
                assert report.policy == shown.version
                annex = verification_pb2.DOCUMENT_KIND_ANNEX
                assert asked(client, issued, kind=annex).verdict == VALID
                assert asked(client, issued, code=COMPANY).verdict == VALID
                assert asked(client, issued, code=PARTY).reason == "AUTHORITY_CLASS_REFUSED"
                [by_state] = client.send(issued, COMMUNE).message.gate
                assert (by_state.verdict, by_state.reason) == (VALID, "")
                [by_party] = client_of(PARTY, party).send(issued, PROVINCE).message.gate
                assert (by_party.verdict, by_party.reason) == (
                    INDETERMINATE,
                    "AUTHORITY_CLASS_REFUSED",
                )
