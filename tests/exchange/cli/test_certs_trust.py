"""The trust store from the command line: nobody is trusted by accident, nothing is forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from certs.trust.anchors import AnchorClass, AnchorRole, Block
from certs.trust.changes import HISTORY
from certs.trust.files import load_trust_store
from tests.certs.forging import root, weak_rsa
from tests.exchange.cli.running import Program, Ran
from tests.support.terminal import at_terminal
from tests.support.unmarked import Made, unmarked

NOW = datetime.now(UTC).replace(microsecond=0)
NATIONAL = unmarked("Gốc quốc gia Đà Nẵng")
OTHER = unmarked("Another root")
SAID = ("--role", "signer", "--role", "seal", "--class", "cong_cong", "--block", "ALL")
WINDOW = ("--from", "certificate", "--until", "certificate")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "trust"


@pytest.fixture
def trust(congvan: Program, store: Path) -> Callable[..., Ran]:
    """Runs `congvan certs trust VERB … --trust STORE`."""

    def run(verb: str, *arguments: object) -> Ran:
        return congvan("certs", "trust", verb, *arguments, "--trust", store)

    return run


@pytest.fixture
def national(tmp_path: Path) -> Path:
    return written(tmp_path / "national.crt", NATIONAL)


def written(path: Path, made: Made, encoding: Encoding = Encoding.PEM) -> Path:
    path.write_bytes(made.certificate.public_bytes(encoding))
    return path


def test_an_anchor_is_imported_with_everything_that_trust_rests_on(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    ran = trust("import", national, *SAID, *WINDOW, "--sha256", NATIONAL.sha256, "--json")
    assert ran.code == 0
    [anchor] = load_trust_store(store).anchors
    assert anchor.certificate == NATIONAL.certificate
    assert anchor.roles == {AnchorRole.SIGNER, AnchorRole.SEAL}
    assert anchor.blocks == frozenset(Block)
    assert anchor.anchor_class is AnchorClass.CONG_CONG
    assert anchor.valid_until == NATIONAL.certificate.not_valid_after_utc
    [told] = ran.document["added"]
    assert told["file"] == f"goc-quoc-gia-da-nang-{NATIONAL.sha256[:8]}.crt"
    assert (told["sha256"], told["class"]) == (NATIONAL.sha256, "CONG_CONG")


def test_days_are_those_of_vietnam(trust: Callable[..., Ran], national: Path, store: Path) -> None:
    window = ("--from", "2026-10-01", "--until", "30/11/2026")
    assert trust("import", national, *SAID, *window, "--sha256", NATIONAL.sha256).code == 0
    [anchor] = load_trust_store(store).anchors
    assert anchor.valid_from == datetime(2026, 9, 30, 17, tzinfo=UTC)
    assert anchor.valid_until == datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "confirmed",
    [(), ("--sha256", OTHER.sha256), ("--sha256", NATIONAL.sha256, "--sha256", OTHER.sha256)],
    ids=["not at all", "another", "one too many"],
)
def test_nobody_is_trusted_whose_fingerprint_was_not_confirmed(
    trust: Callable[..., Ran], national: Path, store: Path, confirmed: tuple[str, ...]
) -> None:
    refused = trust("import", national, *SAID, *WINDOW, *confirmed, "--json")
    assert (refused.code, refused.reason) == (2, "ANCHOR_UNCONFIRMED")
    assert not store.exists()


def test_a_fingerprint_is_read_as_people_print_it(
    trust: Callable[..., Ran], national: Path
) -> None:
    pairs = NATIONAL.sha256.upper()
    spelled = ":".join(pairs[place : place + 2] for place in range(0, 64, 2))
    assert trust("import", national, *SAID, *WINDOW, "--sha256", spelled).code == 0
    assert trust("import", national, *SAID, *WINDOW, "--sha256", "12:34").code == 2


@pytest.mark.parametrize("missing", ["--role", "--class", "--block", "--from", "--until"])
def test_what_trust_rests_on_is_never_guessed(
    trust: Callable[..., Ran], national: Path, store: Path, missing: str
) -> None:
    words = [*SAID, *WINDOW]
    while missing in words:
        place = words.index(missing)
        del words[place : place + 2]
    assert trust("import", national, *words, "--sha256", NATIONAL.sha256).code == 2
    assert not store.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--role", "KING"),
        ("--class", "UNSTATED"),
        ("--class", "BEST"),
        ("--class", "PRACTICE"),
        ("--block", "EAST"),
        ("--from", "soon"),
        ("--until", "2020-01-01"),
    ],
)
def test_what_trust_rests_on_is_said_in_known_words(
    trust: Callable[..., Ran], national: Path, store: Path, option: str, value: str
) -> None:
    words = [*SAID, *WINDOW]
    place = words.index(option)
    words[place + 1] = value
    refused = trust("import", national, *words, "--sha256", NATIONAL.sha256, "--json")
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")
    assert not store.exists()


def self_named(name: str) -> Made:
    """A certificate that names itself as its issuer and is signed by another key."""
    return unmarked(name, issuer=unmarked(name))


REFUSED = [
    ("NOT_AUTHORITY", lambda: unmarked("Leaf", ca=False), ()),
    ("NOT_AUTHORITY", lambda: unmarked("First version", ca=None), ()),
    ("NOT_SELF_ISSUED", lambda: unmarked("Below", issuer=NATIONAL), ()),
    ("SIGNATURE_WRONG", lambda: self_named("Nobody"), ()),
    ("WEAK", lambda: unmarked("Weak", key=weak_rsa(1024)), ()),
    (
        "EXPIRED",
        lambda: unmarked("Old", since=NOW - timedelta(days=99), until=NOW - timedelta(days=1)),
        (),
    ),
    ("WINDOW_OUTSIDE", lambda: unmarked("Young"), ("--from", "2010-01-01")),
    ("PRACTICE_MIXED", lambda: Made(certificate=root().certificate, key=weak_rsa()), ()),
]


@pytest.mark.parametrize(("named", "make", "words"), REFUSED, ids=[each[0] for each in REFUSED])
def test_what_can_be_no_anchor_is_refused_with_its_reason(
    trust: Callable[..., Ran],
    tmp_path: Path,
    store: Path,
    *,
    named: str,
    make: Callable[[], Made],
    words: tuple[str, ...],
) -> None:
    made = make()
    file = written(tmp_path / "offered.pem", made)
    command = (file, *SAID, *WINDOW, *words, "--sha256", made.sha256)
    refused = trust("import", *command, "--json")
    assert (refused.code, refused.reason) == (3, "ANCHOR_REFUSED")
    assert named in refused.lines[-1]["error"]["detail"]
    assert not store.exists()
    assert "offered.pem: " in trust("import", *command).err


def test_an_intermediate_and_the_past_are_trusted_when_asked_for_explicitly(
    trust: Callable[..., Ran], tmp_path: Path, store: Path
) -> None:
    below = unmarked("Below", issuer=NATIONAL)
    old = unmarked("Old", since=NOW - timedelta(days=99), until=NOW - timedelta(days=1))
    for made, flag in ((below, "--intermediate"), (old, "--past")):
        file = written(tmp_path / "offered.crt", made)
        assert trust("import", file, *SAID, *WINDOW, flag, "--sha256", made.sha256).code == 0
    assert len(load_trust_store(store).anchors) == 2


def test_practice_and_real_anchors_never_share_a_store(
    trust: Callable[..., Ran], national: Path, tmp_path: Path, store: Path
) -> None:
    practice = root()
    file = tmp_path / "practice.crt"
    file.write_bytes(practice.certificate.public_bytes(Encoding.PEM))
    digits = Made(certificate=practice.certificate, key=weak_rsa()).sha256
    words = (
        file,
        "--role",
        "TSA",
        "--class",
        "PRACTICE",
        "--practice",
        "--block",
        "ALL",
        *WINDOW,
        "--past",
    )
    assert trust("import", national, *SAID, *WINDOW, "--sha256", NATIONAL.sha256).code == 0
    mixed = trust("import", *words, "--sha256", digits, "--json")
    assert mixed.reason == "ANCHOR_REFUSED"
    assert "PRACTICE_MIXED" in mixed.lines[-1]["error"]["detail"]
    assert [each.practice for each in load_trust_store(store).anchors] == [False]


def test_the_same_certificate_is_not_trusted_twice_for_the_same_time(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    first = ("--from", "2026-01-01", "--until", "2026-06-30")
    later = ("--from", "2026-07-01", "--until", "2027-06-30")
    assert trust("import", national, *SAID, *first, "--sha256", NATIONAL.sha256).code == 0
    twice = trust("import", national, *SAID, *WINDOW, "--sha256", NATIONAL.sha256, "--json")
    assert "OVERLAPPING" in twice.lines[-1]["error"]["detail"]
    assert trust("import", national, *SAID, *later, "--sha256", NATIONAL.sha256).code == 0
    assert len(load_trust_store(store).anchors) == 2


@pytest.mark.parametrize("form", ["pem", "der", "p7b", "p7b in PEM", "directory", "one PEM"])
def test_certificates_come_in_every_form_that_authorities_publish(
    trust: Callable[..., Ran], tmp_path: Path, store: Path, form: str
) -> None:
    both = [NATIONAL.certificate, OTHER.certificate]
    place = tmp_path / "published"
    place.mkdir()
    match form:
        case "pem" | "der":
            kind = Encoding.PEM if form == "pem" else Encoding.DER
            files = [
                written(place / f"{made.sha256[:4]}.cer", made, kind) for made in (NATIONAL, OTHER)
            ]
        case "directory":
            written(place / "a.CRT", NATIONAL)
            written(place / "b.der", OTHER, Encoding.DER)
            (place / "read-me.txt").write_text("not a certificate")
            files = [place]
        case "one PEM":
            (place / "both.pem").write_bytes(NATIONAL.pem + OTHER.pem)
            files = [place / "both.pem"]
        case _:
            kind = Encoding.PEM if "PEM" in form else Encoding.DER
            (place / "both.p7b").write_bytes(pkcs7.serialize_certificates(both, kind))
            files = [place / "both.p7b"]
    digits = ("--sha256", NATIONAL.sha256, "--sha256", OTHER.sha256)
    assert trust("import", *files, *SAID, *WINDOW, *digits).code == 0
    assert {each.certificate for each in load_trust_store(store).anchors} == set(both)


@pytest.mark.parametrize("content", [b"", b"\x30\x03\x02\x01\x05", b"-----BEGIN PKCS7-----\nAA\n"])
def test_a_directory_with_one_file_that_cannot_be_read_is_refused_whole(
    trust: Callable[..., Ran], tmp_path: Path, store: Path, content: bytes
) -> None:
    place = tmp_path / "published"
    place.mkdir()
    written(place / "a.crt", NATIONAL)
    (place / "b.p7b").write_bytes(content)
    refused = trust("import", place, *SAID, *WINDOW, "--sha256", NATIONAL.sha256, "--json")
    assert (refused.code, refused.reason) == (3, "CERTIFICATE_UNSUITABLE")
    assert not store.exists()


def imported(trust: Callable[..., Ran], national: Path, *window: str) -> str:
    ran = trust(
        "import", national, *SAID, *(window or WINDOW), "--sha256", NATIONAL.sha256, "--json"
    )
    assert ran.code == 0, ran.err
    return str(ran.document["added"][0]["file"])


def test_an_anchor_is_shown_with_its_history(trust: Callable[..., Ran], national: Path) -> None:
    file = imported(trust, national)
    assert trust("remove", file).code == 0
    for named in (file, file.removesuffix(".crt"), NATIONAL.sha256, NATIONAL.sha256[:8].upper()):
        shown = trust("show", named, "--json")
        assert shown.document["sha256"] == NATIONAL.sha256
    assert [each["act"] for each in shown.document["history"]] == ["ADDED", "CHANGED"]
    assert NATIONAL.sha256 in trust("show", file).out.replace("\n", "")
    unknown = trust("show", "nobody", "--json")
    assert (unknown.code, unknown.reason) == (2, "ANCHOR_UNKNOWN")


def test_removing_ends_the_window_and_keeps_the_past(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    file = imported(trust, national)
    before = datetime.now(UTC)
    assert trust("remove", file).code == 0
    [anchor] = load_trust_store(store).anchors
    assert before <= anchor.valid_until <= datetime.now(UTC)
    assert anchor.trusted_at(before)
    assert trust("remove", file, "--until", "2026-08-31").code == 0
    [anchor] = load_trust_store(store).anchors
    assert anchor.valid_until == datetime(2026, 8, 31, 16, 59, 59, tzinfo=UTC)
    assert trust("remove", file, "--until", "2020-01-01").code == 2


def test_an_end_is_never_put_off_by_removing(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    file = imported(trust, national, "--from", "2026-01-01", "--until", "2026-02-28")
    assert trust("remove", file, "--until", "2026-12-31").code == 0
    [anchor] = load_trust_store(store).anchors
    assert anchor.valid_until == datetime(2026, 2, 28, 16, 59, 59, tzinfo=UTC)


def test_deleting_asks_for_the_fingerprint_and_the_history_keeps_the_certificate(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    file = imported(trust, national)
    for wrong in ((), ("--sha256", OTHER.sha256)):
        assert trust("remove", file, "--delete", *wrong, "--json").reason == "ANCHOR_UNCONFIRMED"
    assert len(load_trust_store(store).anchors) == 1
    assert trust("remove", file, "--delete", "--sha256", NATIONAL.sha256).code == 0
    assert load_trust_store(store).anchors == ()
    last = json.loads((store / HISTORY).read_text("utf-8").splitlines()[-1])
    assert last["act"] == "REMOVED"
    assert last["certificate"] == NATIONAL.pem.decode()


def test_a_store_in_order_is_said_to_be_so(trust: Callable[..., Ran], national: Path) -> None:
    imported(trust, national)
    ran = trust("check", "--json")
    assert ran.code == 0
    assert (ran.document["ok"], ran.document["findings"]) == (True, [])


@pytest.mark.parametrize(("days", "within"), [(3, 7), (20, 30), (50, 60), (70, None)])
def test_what_ends_soon_is_told_in_time(
    trust: Callable[..., Ran], national: Path, days: int, within: int | None
) -> None:
    end = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    imported(trust, national, "--from", "2026-01-01", "--until", end)
    findings = trust("check", "--json").document["findings"]
    assert [each["within_days"] for each in findings] == ([within] if within else [])
    assert trust("check").code == 0


def test_what_is_not_named_or_overlaps_is_told(
    trust: Callable[..., Ran], national: Path, store: Path
) -> None:
    file = imported(trust, national)
    (store / "stray.crt").write_bytes(OTHER.pem)
    (store / "twin.crt").write_bytes(NATIONAL.pem)
    index = (store / "trust.toml").read_text("utf-8")
    twin = index.replace(file, "twin.crt").replace('class = "CONG_CONG"\n', "")
    (store / "trust.toml").write_text(f"{index}\n{twin}", "utf-8")
    ran = trust("check", "--json")
    assert ran.code == 3
    found = {each["concern"]: each["names"] for each in ran.document["findings"]}
    assert found == {
        "STRAY": ["stray.crt"],
        "OVERLAPPING": [file, "twin.crt"],
        "UNSTATED": ["twin.crt"],
    }
    assert "stray.crt" in trust("check").out


def test_somebody_at_a_terminal_types_what_the_authority_publishes(
    national: Path, store: Path
) -> None:
    words = ["certs", "trust", "import", national, *SAID, *WINDOW, "--trust", store]
    command = [sys.executable, "-m", "exchange.cli.main", *map(str, words)]
    for typed, code in (("yes\n", 2), (NATIONAL.sha256[:8] + "\n", 0)):
        with at_terminal(command, {**os.environ, "LANG": "C.UTF-8"}) as terminal:
            terminal.answer("chữ số đầu", typed)
            assert terminal.end() == code
        assert NATIONAL.sha256[:16] in terminal.shown
        assert store.exists() is (code == 0)


def test_two_commands_at_the_same_time_both_have_their_effect(tmp_path: Path, store: Path) -> None:
    running = []
    for made in (NATIONAL, OTHER):
        file = written(tmp_path / f"{made.sha256}.crt", made)
        words = ["certs", "trust", "import", file, *SAID, *WINDOW, "--trust", store]
        command = [sys.executable, "-m", "exchange.cli.main", *map(str, words)]
        running.append(subprocess.Popen([*command, "--sha256", made.sha256]))
    assert [each.wait(60) for each in running] == [0, 0]
    assert len(load_trust_store(store).anchors) == 2
