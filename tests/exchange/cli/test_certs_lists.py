"""Trusted lists from the command line: pinned, current, never older, told service by service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certs.trust.anchors import AnchorClass, AnchorRole
from certs.trust.files import load_trust_store
from tests.certs.forging import root
from tests.exchange.cli.running import Program, Ran
from tests.support.trusted_lists import (
    QTST,
    WITHDRAWN,
    Scheme,
    Service,
    State,
    list_xml,
    signed,
)
from tests.support.unmarked import unmarked

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=90)
PUBLISHER = unmarked("The publisher", ca=None)
CA, TSU, GONE = unmarked("A listed authority"), unmarked("Stamps", ca=None), unmarked("Gone")
SERVICES = (
    Service(certificates=(CA.der,), states=(State(since=SINCE),), name="Signatures"),
    Service(certificates=(TSU.der,), states=(State(since=SINCE, kind=QTST, purposes=[]),)),
    Service(certificates=(GONE.der,), states=(State(since=SINCE, status=WITHDRAWN),)),
)
SAID = ("--class", "foreign", "--block", "state", "--name", "xx")
PINNED = ("--sha256", PUBLISHER.sha256)


@pytest.fixture
def publisher(tmp_path: Path) -> Path:
    file = tmp_path / "publisher.crt"
    file.write_bytes(PUBLISHER.pem)
    return file


@pytest.fixture
def run(congvan: Program, tmp_path: Path, publisher: Path) -> Callable[..., Ran]:
    """Runs `congvan certs trust import-list` on a list that it writes down."""

    def imported(content: bytes, *words: str) -> Ran:
        file = tmp_path / "list.xml"
        file.write_bytes(content)
        command = ("certs", "trust", "import-list", file, "--signed-by", publisher, *SAID)
        return congvan(*command, "--trust", tmp_path / "trust", *words)

    return imported


def scheme(number: int = 7, *, days: int = 100) -> Scheme:
    return Scheme(
        sequence=str(number),
        issued=(NOW - timedelta(days=20 - number)).isoformat(),
        next_update=f"<dateTime>{(NOW + timedelta(days=days)).isoformat()}</dateTime>",
    )


def the_list(number: int = 7, *, days: int = 100) -> bytes:
    return signed(list_xml(*SERVICES, scheme=scheme(number, days=days)), PUBLISHER)


def test_a_list_is_imported_and_says_of_every_service_what_became_of_it(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = run(the_list(), *PINNED, "--json")
    assert ran.code == 0
    document = ran.document
    assert (document["sequence"], document["services"]) == (7, 3)
    assert document["signed_by"] == PUBLISHER.sha256
    assert [each["act"] for each in document["anchors"]] == ["ADDED", "ADDED"]
    [skipped] = document["skipped"]
    assert skipped["reason"] == "NEVER_GRANTED"
    anchors = load_trust_store(tmp_path / "trust").anchors
    assert {(each.certificate, *each.roles) for each in anchors} == {
        (CA.certificate, AnchorRole.SIGNER),
        (TSU.certificate, AnchorRole.TSA),
    }
    assert {each.anchor_class for each in anchors} == {AnchorClass.FOREIGN}
    assert {each.valid_until for each in anchors} == {NOW + timedelta(days=100)}


def test_people_see_how_many_services_gave_no_anchor_and_why(run: Callable[..., Ran]) -> None:
    ran = run(the_list(), *PINNED)
    assert "chưa từng được công nhận" in ran.out
    assert "The publisher" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_the_publisher_is_pinned_by_hand(run: Callable[..., Ran], tmp_path: Path) -> None:
    for words in ((), ("--sha256", CA.sha256)):
        refused = run(the_list(), *words, "--json")
        assert (refused.code, refused.reason) == (2, "ANCHOR_UNCONFIRMED")
    assert not (tmp_path / "trust").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (signed(list_xml(*SERVICES, scheme=scheme()), CA), "TRUSTED_LIST_SIGNATURE_INVALID"),
        (list_xml(*SERVICES, scheme=scheme()), "TRUSTED_LIST_SIGNATURE_INVALID"),
        (the_list(days=-1), "TRUSTED_LIST_EXPIRED"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "TRUSTED_LIST_UNREADABLE"),
    ],
    ids=["another key", "unsigned", "expired", "a DOCTYPE"],
)
def test_a_bad_list_is_refused_with_its_reason_and_changes_nothing(
    run: Callable[..., Ran], tmp_path: Path, content: bytes, reason: str
) -> None:
    refused = run(content, *PINNED, "--json")
    assert (refused.code, refused.reason) == (3, reason)
    assert not (tmp_path / "trust").exists()


def test_an_older_list_is_refused_after_a_newer_one(run: Callable[..., Ran]) -> None:
    assert run(the_list(8), *PINNED).code == 0
    refused = run(the_list(7), *PINNED, "--json")
    assert (refused.code, refused.reason) == (3, "TRUSTED_LIST_ROLLED_BACK")
    assert run(the_list(9), *PINNED).code == 0


def test_the_check_tells_when_the_next_list_is_due(
    congvan: Program, run: Callable[..., Ran], tmp_path: Path
) -> None:
    assert run(the_list(days=20), *PINNED).code == 0
    ran = congvan("certs", "trust", "check", "--trust", tmp_path / "trust", "--json")
    [finding] = ran.document["findings"]
    assert (finding["concern"], finding["names"]) == ("LIST_DUE", ["xx"])
    assert finding["within_days"] == 30


def test_removing_a_listed_anchor_outlasts_the_next_list(
    congvan: Program, run: Callable[..., Ran], tmp_path: Path
) -> None:
    assert run(the_list(), *PINNED).code == 0
    removed = congvan(
        *("certs", "trust", "remove", CA.sha256, "--trust", tmp_path / "trust", "--json")
    )
    assert removed.document["list"] == "xx"
    assert run(the_list(8), *PINNED).code == 0
    anchors = load_trust_store(tmp_path / "trust").anchors
    trusted = [each.certificate for each in anchors if each.trusted_at(NOW + timedelta(days=1))]
    assert trusted == [TSU.certificate]


def test_other_lists_are_shown_with_their_publishers_and_nobody_is_trusted(
    congvan: Program, publisher: Path, tmp_path: Path
) -> None:
    pointing = Scheme(
        issued=SINCE.isoformat(),
        next_update=scheme().next_update,
        pointers=[("https://list.example/yy.xml", "YY", CA.der)],
    )
    file = tmp_path / "lists.xml"
    file.write_bytes(signed(list_xml(scheme=pointing), PUBLISHER))
    command = ("certs", "trust", "pointers", file, "--signed-by", publisher, *PINNED)
    [pointer] = congvan(*command, "--json").document["pointers"]
    assert (pointer["territory"], pointer["location"]) == ("YY", "https://list.example/yy.xml")
    [signer] = pointer["signers"]
    assert signer["sha256"] == CA.sha256
    assert x509.load_pem_x509_certificate(signer["pem"].encode()) == CA.certificate
    assert "https://list.example/yy.xml" in congvan(*command).out


def test_a_practice_store_takes_no_list(
    congvan: Program, run: Callable[..., Ran], tmp_path: Path
) -> None:
    practice = tmp_path / "practice.crt"
    made = root().certificate
    practice.write_bytes(made.public_bytes(Encoding.PEM))
    words = ("--role", "TSA", "--class", "PRACTICE", "--practice", "--past", "--block", "ALL")
    window = ("--from", "certificate", "--until", "certificate")
    digits = made.fingerprint(hashes.SHA256()).hex()
    trust = ("--trust", tmp_path / "trust", "--sha256", digits)
    assert congvan("certs", "trust", "import", practice, *words, *window, *trust).code == 0
    assert run(the_list(), *PINNED, "--json").reason == "ANCHOR_REFUSED"
    assert run(the_list(), *PINNED, "--class", "PRACTICE", "--json").reason == "USAGE_INVALID"
