"""Sending, receiving, following, counting, registering from the command line, for real."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program, Ran
from tests.support.practice import Practice
from tests.support.service import (
    AUDITOR,
    COMMUNE,
    COMPANY,
    PARTY,
    PROVINCE,
    REGISTRAR,
    RunningService,
)

NUMBERS = itertools.count(1)


@pytest.fixture
def profile(service: RunningService, practice: Practice, tmp_path: Path) -> Callable[[str], Path]:
    """Makes the profile of an endpoint."""

    def make(code: str) -> Path:
        issued = service.identities[code]
        (tmp_path / "ca.crt").write_bytes(service.root_pem)
        (tmp_path / f"{code}.crt").write_bytes(issued.certificate_pem)
        (tmp_path / f"{code}.key").write_bytes(issued.private_key_pem)
        values = {
            "server": service.address,
            "ca": "ca.crt",
            "certificate": f"{code}.crt",
            "key": f"{code}.key",
            "endpoint": code,
            "trust": str(service.directory / "trust"),
            "practice": True,
            "allowed": [practice.base_url.removeprefix("http://")],
            "tsa": practice.tsa_url,
        }
        path = tmp_path / f"{code}.toml"
        path.write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        )
        return path

    return make


@dataclass(frozen=True)
class Office:
    """Runs commands as one endpoint or another."""

    program: Program
    profile: Callable[[str], Path]

    def __call__(self, code: str, *arguments: object) -> Ran:
        return self.program(*arguments, "--profile", self.profile(code), "--json")


@pytest.fixture
def office(congvan: Program, profile: Callable[[str], Path]) -> Office:
    """The program, speaking for an endpoint."""
    return Office(congvan, profile)


def _envelope(number: int, to: str) -> tuple[object, ...]:
    return (
        *("--to", to, "--number", number, "--notation", "SKHCN-CĐS", "--type", "công văn"),
        *("--subject", "V/v thử gửi từ dòng lệnh", "--signer", "Lê Thị Minh Họa"),
        *("--position", "PHÓ GIÁM ĐỐC", "--priority", "khẩn"),
    )


def test_a_document_goes_all_the_way(office: Office, desk: Desk) -> None:
    number = next(NUMBERS)
    signed = desk.directory / "out.pdf"
    assert office(PROVINCE, "sign", desk.document, *desk.with_key, "--out", signed).code == 0

    sent = office(PROVINCE, "send", signed, *_envelope(number, f"{COMMUNE},{PARTY}"))
    assert sent.code == 0, sent.out
    assert [each["verdict"] for each in sent.document["gate"]] == ["VALID"]
    assert {each["recipient"] for each in sent.document["deliveries"]} == {COMMUNE, PARTY}
    assert sent.document["replayed"] is False

    again = office(PROVINCE, "send", signed, *_envelope(number, f"{COMMUNE},{PARTY}"))
    assert again.document["replayed"] is True
    assert again.document["message"] == sent.document["message"]

    waiting = office(COMMUNE, "inbox").document["items"]
    [item] = [each for each in waiting if each["code"] == f"{number}/SKHCN-CĐS"]
    assert item["lane"] == "URGENT"

    into = desk.directory / "received"
    taken = office(COMMUNE, "receive", item["delivery"], "--into", into)
    assert taken.code == 0, taken.out
    [document] = taken.document["documents"]
    assert [each["verdict"] for each in document["files"]] == ["VALID"]
    folder = Path(document["folder"])
    assert (folder / "out.pdf").read_bytes() == signed.read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        "van-ban.edxml",
        "out.pdf",
        "kiem-tra-chu-ky.json",
    }
    assert not [path for path in into.iterdir() if path.name.startswith(".")]

    reported = office(
        COMMUNE, "status", "report", item["delivery"], "06", "--note", "Đã hoàn thành"
    )
    assert reported.document["delivery"]["state"] == "DONE"
    [followed] = office(PROVINCE, "status", sent.document["message"]).document["messages"]
    states = {each["recipient"]: each["state"] for each in followed["deliveries"]}
    assert states == {COMMUNE: "DONE", PARTY: "SENT"}
    mine = next(each for each in followed["deliveries"] if each["recipient"] == COMMUNE)
    assert [each["code"] for each in mine["statuses"]] == ["01", "03", "06"]


def test_everything_is_received_at_once_and_an_unsigned_document_is_marked(
    office: Office, desk: Desk
) -> None:
    number = next(NUMBERS)
    sent = office(PROVINCE, "send", desk.document, *_envelope(number, PARTY))
    assert sent.document["gate"][0]["verdict"] == "UNSIGNED"
    taken = office(PARTY, "receive", "--all", "--into", desk.directory / "in")
    assert taken.code == 0, taken.out
    codes = {each["code"]: each for each in taken.document["documents"]}
    assert codes[f"{number}/SKHCN-CĐS"]["files"][0]["verdict"] == "UNSIGNED"
    assert office(PARTY, "inbox").document["items"] == []


def test_an_edxml_message_is_sent_as_it_is(office: Office, desk: Desk) -> None:
    number = next(NUMBERS)
    office(PROVINCE, "send", desk.document, *_envelope(number, COMMUNE))
    office(COMMUNE, "receive", "--all", "--into", desk.directory / "in")
    [edxml] = desk.directory.glob(f"in/{number}-SKHCN*/van-ban.edxml")
    refused = office(COMMUNE, "send", "--edxml", edxml)
    assert (refused.code, refused.reason) == (9, "SENDER_IDENTITY_MISMATCH")
    reused = office(PROVINCE, "send", "--edxml", edxml)
    assert (reused.code, reused.reason) == (9, "DOCUMENT_ID_REUSED")


def test_an_envelope_may_come_from_a_file(office: Office, desk: Desk) -> None:
    envelope = desk.directory / "meta.toml"
    envelope.write_text(
        f'to = ["{COMMUNE}"]\nnumber = "{next(NUMBERS)}"\nnotation = "SKHCN"\n'
        'type = "Thông báo"\nsubject = "Thử"\nsigner = "A"\nposition = "GĐ"\n'
        "promulgated_on = 2026-11-02\n"
    )
    sent = office(PROVINCE, "send", desk.document, "--envelope", envelope)
    assert sent.code == 0, sent.out
    assert ",2026/11/02," in sent.document["document_id"]
    envelope.write_text('to = "H56"\n')
    assert office(PROVINCE, "send", desk.document, "--envelope", envelope).code == 2


def test_what_the_service_refuses_has_exit_code_9_and_its_reason(
    office: Office, desk: Desk
) -> None:
    unknown = office(PROVINCE, "send", desk.document, *_envelope(next(NUMBERS), "H99.99"))
    assert (unknown.code, unknown.reason) == (9, "RECIPIENT_UNKNOWN")
    forbidden = office(COMPANY, "send", desk.document, *_envelope(next(NUMBERS), PARTY))
    assert (forbidden.code, forbidden.reason) == (9, "ROUTE_FORBIDDEN")
    stranger = office(REGISTRAR, "inbox")
    assert (stranger.code, stranger.reason) == (9, "ROLE_MISSING")
    nobody = office(PROVINCE, "status", "show", "messages/00000000-0000-4000-8000-000000000000")
    assert (nobody.code, nobody.reason) == (9, "MESSAGE_UNKNOWN")


def test_missing_fields_are_named_before_anything_is_sent(office: Office, desk: Desk) -> None:
    refused = office(PROVINCE, "send", desk.document, "--to", COMMUNE)
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")
    assert "--subject" in refused.document["error"]["detail"]


def test_the_archive_lists_fetches_and_is_checked(office: Office, desk: Desk) -> None:
    number = next(NUMBERS)
    sent = office(PROVINCE, "send", desk.document, *_envelope(number, COMMUNE)).document
    listed = office(PROVINCE, "archive", "list", "--message", sent["message"]).document["records"]
    document = next(each for each in listed if each["kind"] == "DOCUMENT")
    target = desk.directory / "fetched.pdf"
    fetched = office(PROVINCE, "archive", "fetch", document["record"], "--out", target)
    assert fetched.code == 0, fetched.out
    assert target.read_bytes() == desk.document.read_bytes()
    assert office(PROVINCE, "archive", "fetch", document["record"], "--out", target).code == 3
    assert office(PROVINCE, "archive", "show", document["record"]).code == 0
    checked = office(AUDITOR, "archive", "check")
    assert (checked.code, checked.document["missing"], checked.document["corrupt"]) == (0, 0, 0)


def test_the_rate_counts_and_names_each_exception(office: Office, desk: Desk) -> None:
    number = next(NUMBERS)
    sent = office(
        PROVINCE, "send", desk.document, *_envelope(number, COMMUNE), "--date", "2025-12-31"
    )
    assert sent.code == 0, sent.out
    told = office(AUDITOR, "rate", "--from", "31/12/2025", "--to", "2025-12-31")
    assert told.code == 0, told.out
    assert told.document["total"]["denominator"] >= 1
    reasons = {each["document_id"]: each["reason"] for each in told.document["exceptions"]}
    assert reasons[sent.document["document_id"]] == "UNSIGNED"
    assert office(AUDITOR, "rate", "--month", "2026-13").code == 2
    assert office(AUDITOR, "rate", "--month", "2026-11", "--year", "2026").code == 2


def test_the_registry_is_listed_explained_and_changed_by_the_registrar_only(
    office: Office, practice: Practice, tmp_path: Path
) -> None:
    listed = office(PROVINCE, "registry", "list").document["endpoints"]
    assert {PROVINCE, COMMUNE, PARTY} <= {each["code"] for each in listed}
    allowed = office(PROVINCE, "registry", "explain", PROVINCE, PARTY)
    assert (allowed.code, allowed.document["allowed"]) == (0, True)
    assert office(PROVINCE, "registry", "explain", COMPANY, PARTY).code == 9

    new = ("H56.97", "--name", "Xã Thử", "--block", "state", "--level", "commune")
    assert office(PROVINCE, "registry", "add", *new).reason == "ROLE_MISSING"
    assert office(REGISTRAR, "registry", "add", *new).code == 0
    assert office(REGISTRAR, "registry", "add", *new).reason == "ENDPOINT_EXISTS"
    certificate = tmp_path / "new.crt"
    certificate.write_bytes(practice.authority.issue_endpoint("H56.97").certificate_pem)
    bound = office(REGISTRAR, "registry", "bind", "H56.97", certificate)
    assert bound.code == 0, bound.out
    assert len(bound.document["endpoint"]["certificate_sha256"]) == 1

    file = tmp_path / "endpoints.toml"
    file.write_text(
        '[[endpoint]]\ncode = "H56.97"\nname = "X"\nblock = "STATE"\nlevel = "COMMUNE"\n'
        '[[endpoint]]\ncode = "H56.98"\nname = "Y"\nblock = "STATE"\nlevel = "COMMUNE"\n'
    )
    imported = office(REGISTRAR, "registry", "import", file).document
    assert (imported["added"], imported["known"]) == (["H56.98"], ["H56.97"])


def test_a_certificate_that_nobody_registered_is_not_let_in(
    office: Office, practice: Practice, tmp_path: Path
) -> None:
    path = office.profile(PROVINCE)
    stranger = practice.authority.issue_endpoint(PROVINCE)
    (tmp_path / f"{PROVINCE}.crt").write_bytes(stranger.certificate_pem)
    (tmp_path / f"{PROVINCE}.key").write_bytes(stranger.private_key_pem)
    refused = office.program("inbox", "--profile", path, "--json")
    assert (refused.code, refused.reason) == (4, "IDENTITY_UNKNOWN")


def test_the_doctor_finds_the_service_well(office: Office) -> None:
    told = office(PROVINCE, "doctor")
    results = {each["check"]: each["result"] for each in told.document["checks"]}
    assert told.code == 0, told.out
    assert (results["service"], results["identity"], results["timestamping"]) == ("ok",) * 3


def test_people_read_tables_within_80_columns(
    congvan: Program, profile: Callable[[str], Path]
) -> None:
    for arguments in (("registry", "list"), ("archive", "list"), ("inbox",)):
        told = congvan(*arguments, "--profile", profile(PROVINCE))
        assert told.code == 0, told.err
        assert max(map(len, told.out.splitlines())) <= 80
