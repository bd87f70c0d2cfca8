"""The office's verbs: prepare, approve, issue, annex, copy, in the lawful order and no other."""

from __future__ import annotations

import contextlib
import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image

from certs.practice.authority import Issued
from exchange.cli.main import ALIASES, COMMANDS, main
from exchange.vietnam_time import VIETNAM_TIME
from tests.exchange.cli.conftest import Desk, desk_with
from tests.exchange.cli.running import Program, Ran
from tests.support.office_pages import BLANKS, HEADING, block, document
from tests.support.practice import AGENCY, LEADER, PASSPHRASE, Practice

PICTURES = Path(__file__).parents[2] / "data" / "pictures"
LEADERS_PICTURE, SEALS_PICTURE = PICTURES / "leader-signature.png", PICTURES / "seal.png"
NUMBER = "09/QĐ-UBND"


@dataclass(frozen=True)
class Office:
    """A clerk and a leader with a document whose number and date are blank."""

    desk: Desk
    congvan: Program

    def __call__(self, verb: str, file: str, *others: object) -> Ran:
        """Run a verb on a file of the desk, with the key that the law wants for it."""
        key = "leader" if verb in ("approve", "ky-duyet") else "seal"
        given = ("--key", f"{key}.p12", "--passphrase-file", "passphrase", *self.desk.trusting)
        return self.congvan(verb, file, *given, "--level", "B-B", *others, "--json")

    def approve(self, file: str, *others: object) -> Ran:
        return self("approve", file, "--picture", LEADERS_PICTURE, *others)

    def issue(self, file: str, *others: object) -> Ran:
        return self("issue", file, "--picture", SEALS_PICTURE, *others)

    def text(self, file: str) -> str:
        """What a reader sees on page one, form fields and signatures included."""
        flat = BytesIO()
        with pypdfium2.PdfDocument(self.desk.directory / file) as opened:
            opened.init_forms()
            opened[0].flatten()
            opened.save(flat)
        with pypdfium2.PdfDocument(flat.getvalue()) as opened:
            text = opened[0].get_textpage().get_text_bounded()
        return unicodedata.normalize("NFC", " ".join(text.split()))

    def verdict(self, file: str) -> tuple[str, list[str]]:
        told = self.congvan("verify", file, *self.desk.trusting, "--json").document
        return told["verdict"], [each["kind"] for each in told["signatures"]]


def blank_document() -> bytes:
    """A decision without number and date, for the leader of the practice."""
    return document((*HEADING, *BLANKS, *block(LEADER, "CHỦ TỊCH")))


@pytest.fixture
def office(desk: Desk, congvan: Program, seal: Issued, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(desk.directory)
    Path("seal.p12").write_bytes(seal.pkcs12(PASSPHRASE))
    Path("qd.pdf").write_bytes(blank_document())
    return Office(desk, congvan)


@pytest.fixture(scope="module")
def stages(
    practice: Practice, leader: Issued, seal: Issued, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The document after each step, made once by the commands themselves."""
    directory = tmp_path_factory.mktemp("stages")
    desk = desk_with(practice, leader, directory=directory, document=directory / "qd.pdf")
    desk.document.write_bytes(blank_document())
    (directory / "seal.p12").write_bytes(seal.pkcs12(PASSPHRASE))

    def done(verb: str, source: str, *others: object) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            command = [verb, directory / f"{source}.pdf", *others]
            assert main([str(each) for each in command]) == 0

    def signed(verb: str, source: str, result: str, *others: object) -> None:
        key, picture = ("leader", LEADERS_PICTURE) if verb == "approve" else ("seal", SEALS_PICTURE)
        secret = ("--key", directory / f"{key}.p12", "--passphrase-file", desk.passphrase)
        place = ("--picture", picture, "--level", "B-B", "--out", directory / f"{result}.pdf")
        done(verb, source, *secret, *desk.trusting, *place, *others)

    done("prepare", "qd", "--out", directory / "prepared.pdf")
    signed("approve", "prepared", "approved")
    signed("approve", "qd", "unprepared")
    signed("issue", "approved", "issued", "--number", "9/QĐ-UBND", "--date", "5/2/2026")
    return {path.stem: path.read_bytes() for path in directory.glob("*.pdf")}


def test_prepare_approve_issue_gives_a_valid_document_with_number_date_and_seal(
    office: Office, stages: dict[str, bytes]
) -> None:
    Path("issued.pdf").write_bytes(stages["issued"])
    assert office.verdict("issued.pdf") == ("VALID", ["SIGNATURE", "SEAL"])
    steps = [stages[name] for name in ("qd", "prepared", "approved", "issued")]
    for before, after in pairwise(steps):
        assert after.startswith(before)
    # Between the printed "Số:" and "/QĐ-UBND"; texts of fields come last.
    assert office.text("issued.pdf").endswith("09 05 02")


def test_the_date_is_todays_where_none_is_given_and_names_follow_the_steps(
    office: Office, stages: dict[str, bytes]
) -> None:
    Path("qd_daduyet.pdf").write_bytes(stages["approved"])
    first = datetime.now(VIETNAM_TIME)
    assert office.issue("qd_daduyet.pdf", "--number", NUMBER).code == 0
    days = {first.day, datetime.now(VIETNAM_TIME).day}
    assert int(office.text("qd_phathanh.pdf").split()[-2]) in days


def code_for(reason: str) -> int:
    """What is written wrongly is a matter of usage, what comes too early or late is not."""
    return 2 if reason == "NUMBER_INVALID" else 3


@pytest.mark.parametrize(
    ("verb", "stage", "options", "reason"),
    [
        ("issue", "qd", (), "SEAL_BEFORE_LEADER"),
        ("issue", "prepared", ("--number", NUMBER), "SEAL_BEFORE_LEADER"),
        ("issue", "unprepared", ("--number", NUMBER), "NUMBER_AFTER_SIGNATURE"),
        ("issue", "approved", (), "NUMBER_MISSING"),
        ("issue", "approved", ("--number", "09/TTr-UBND"), "NUMBER_INVALID"),
        ("issue", "issued", ("--number", NUMBER), "NUMBER_AFTER_SIGNATURE"),
        ("approve", "issued", (), "SEAL_BEFORE_LEADER"),
    ],
)
def test_the_wrong_way_round_is_refused_with_what_to_do(
    office: Office,
    stages: dict[str, bytes],
    *,
    verb: str,
    stage: str,
    options: tuple[str, ...],
    reason: str,
) -> None:
    Path("vào.pdf").write_bytes(stages[stage])
    before = sorted(Path().iterdir())
    run = office.issue if verb == "issue" else office.approve
    refused = run("vào.pdf", *options)
    assert (refused.code, refused.lines[0]["reason"]) == (code_for(reason), reason), refused.out
    assert sorted(Path().iterdir()) == before


def test_a_person_approves_and_the_organisation_does_all_else(office: Office) -> None:
    with_seal = office.congvan(
        *("approve", "qd.pdf", "--key", "seal.p12", "--passphrase-file", "passphrase"),
        *("--picture", LEADERS_PICTURE, *office.desk.trusting, "--json"),
    )
    assert (with_seal.code, with_seal.reason) == (3, "CERTIFICATE_UNSUITABLE")
    by_leader = office.congvan(
        *("copy", "qd.pdf", "--form", "sao-y", "--organisation", AGENCY, "--key", "leader.p12"),
        *("--passphrase-file", "passphrase", *office.desk.trusting, "--json"),
    )
    assert (by_leader.code, by_leader.reason) == (3, "CERTIFICATE_UNSUITABLE")


def test_an_annex_shows_number_and_time_at_the_top_right(office: Office) -> None:
    signed = office("annex", "qd.pdf", "--number", NUMBER)
    assert signed.code == 0, signed.out
    assert office.verdict("qd_phuluc.pdf") == ("VALID", ["SEAL"])
    text = office.text("qd_phuluc.pdf")
    assert NUMBER in text
    assert "+07:00" in text


@pytest.mark.parametrize(
    ("alias", "words"), [("sao-y", "SAO Y"), ("sao-luc", "SAO LỤC"), ("trich-sao", "TRÍCH SAO")]
)
def test_a_copy_shows_its_form_the_organisation_and_the_time(
    office: Office, alias: str, words: str
) -> None:
    signed = office(alias, "qd.pdf", "--organisation", AGENCY)
    assert signed.code == 0, signed.out
    file = f"qd_{alias.replace('-', '')}.pdf"
    assert office.verdict(file) == ("VALID", ["SEAL"])
    text = office.text(file)
    assert words in text
    assert AGENCY in text


def test_the_offices_words_without_diacritics_are_understood() -> None:
    assert {words[0] for words in ALIASES.values()} <= COMMANDS.keys()
    assert not ALIASES.keys() & COMMANDS.keys()


def test_an_alias_is_the_command(office: Office) -> None:
    signed = office("ky-duyet", "qd.pdf", "--picture", LEADERS_PICTURE)
    assert signed.code == 0
    assert Path("qd_daduyet.pdf").exists()


def test_a_preview_draws_the_page_warns_and_signs_nothing(office: Office) -> None:
    before = {path.name for path in Path().iterdir()}
    drawn = office.approve("qd.pdf", "--preview", "xem.png")
    assert drawn.code == 0, drawn.out
    assert drawn.lines[0]["warnings"] == []
    with Image.open("xem.png") as picture:
        assert picture.format == "PNG"
    red = office("approve", "qd.pdf", "--picture", SEALS_PICTURE, "--preview", "đỏ.png")
    assert red.lines[0]["warnings"] == ["PICTURE_NOT_BLUE"]
    people = office.congvan(
        *("approve", "qd.pdf", "--picture", SEALS_PICTURE),  # nothing is signed: no key
        *("--preview", "xem lại.png"),
    )
    assert people.code == 0, people.err
    assert "! " in people.out
    again = office.approve("qd.pdf", "--preview", "xem.png")
    assert (again.code, again.reason) == (3, "OUTPUT_EXISTS")
    after = {path.name for path in Path().iterdir()}
    assert after - before == {"xem.png", "đỏ.png", "xem lại.png"}


def test_a_dry_run_says_where_each_signature_would_go(
    office: Office, stages: dict[str, bytes]
) -> None:
    told = office.approve("qd.pdf", "--dry-run")
    assert told.code == 0, told.out
    [line] = told.files.values()
    assert (line["outcome"], line["detail"][:7]) == ("planned", "trang 1")
    Path("sẵn.pdf").write_bytes(stages["prepared"])
    prepared = office.approve("sẵn.pdf", "--dry-run")
    assert "LeaderSignature" in prepared.files["sẵn.pdf"]["detail"]


def test_several_documents_are_approved_with_one_passphrase_and_skipped_next_time(
    office: Office,
) -> None:
    Path("đi").mkdir()
    for number in range(1, 4):
        title = block(LEADER, "CHỦ TỊCH", top=90 + number)
        Path(f"đi/{number}.pdf").write_bytes(document((*HEADING, *title)))
    first = office.approve("đi")
    assert first.lines[-1]["summary"]["done"] == 3, first.out
    again = office.approve("đi/[123].pdf")
    assert again.lines[-1]["summary"]["skipped"] == 3


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("issue", ("--picture", SEALS_PICTURE, "--date", "1/2/2026")),
        ("issue", ("--picture", SEALS_PICTURE, "--seal-mm", "360")),
        ("copy", ("--form", "sao-y")),
        ("copy", ("--form", "photo", "--organisation", "X")),
        ("annex", ()),
    ],
)
def test_what_is_missing_or_makes_no_sense_is_a_usage_error(
    office: Office, verb: str, options: tuple[object, ...]
) -> None:
    refused = office(verb, "qd.pdf", *options)
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


@pytest.mark.parametrize("number", ["UBND", "0/QĐ-UBND", "9", "9/QĐ-UBND; rm"])
def test_a_number_that_is_none_is_told_before_any_key_is_used(office: Office, number: str) -> None:
    refused = office("annex", "qd.pdf", "--number", number, "--key", "nowhere.p12")
    assert (refused.code, refused.reason) == (2, "NUMBER_INVALID")


def test_a_number_is_one_documents(office: Office) -> None:
    Path("khác.pdf").write_bytes(document(HEADING))
    refused = office.issue("*.pdf", "--number", NUMBER)
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


@pytest.mark.parametrize("verb", ["approve", "issue"])
def test_a_picture_that_is_not_named_is_asked_for(office: Office, verb: str) -> None:
    refused = office(verb, "qd.pdf")
    assert (refused.code, refused.reason) == (2, "PICTURE_UNNAMED")
