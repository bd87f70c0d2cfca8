"""The command of ./dev corpus: what it counts, tells and answers on a small folder made here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.agreement import Finding, Outcome
from bench.foreign import main
from certs.keys.file import FileKey
from signer.report import Report, SignatureReport
from signer.sandbox.process import SandboxLimits
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SubIndication,
    Verdict,
)
from tests.support.attacks import with_replaced_content
from tests.support.practice import Practice
from tests.support.verification import Desk

NONE = {"accepted": 0, "refused": 0, "undetermined": 0, "crashed": 0, "slow": 0}


@pytest.fixture(scope="module")
def good(practice: Practice, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    return Desk(practice).sign(one_page_pdf, leader_key)


@pytest.fixture(scope="module")
def folder(good: bytes, one_page_pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed document, an altered one, one that nobody signed and one that was cut off."""
    made = tmp_path_factory.mktemp("corpus")
    (made / "good.pdf").write_bytes(good)
    (made / "altered.pdf").write_bytes(with_replaced_content(good))
    (made / "unsigned.pdf").write_bytes(one_page_pdf)
    (made / "damaged.pdf").write_bytes(good[: len(good) // 2])
    return made


EXPECTED = {
    "good.pdf": "VALID",
    "altered.pdf": "ATTACK",
    "unsigned.pdf": "VALID",
    "damaged.pdf": "INVALID_MOD",
}


def table(directory: Path, expected: dict[str, str]) -> str:
    """Write a table with a column more than is needed, and return its path."""
    lines = [
        "file\texpected\tsource",
        *(f"{file}\t{what}\there" for file, what in expected.items()),
    ]
    path = directory / "expected.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_json_counts_by_category_and_names_each_disagreement(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([str(folder), table(tmp_path, EXPECTED), "--json"])
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "categories": {
            "VALID": {**NONE, "accepted": 1, "refused": 1},
            "ATTACK": {**NONE, "refused": 1},
            "INVALID_MOD": {**NONE, "refused": 1},
        },
        "disagreements": [
            {
                "file": "unsigned.pdf",
                "expected": "VALID",
                "verdict": "UNSIGNED",
                "reason": "UNSIGNED",
            }
        ],
    }
    assert code == 0
    assert told.err == "", "progress is for terminals only"


def test_text_shows_the_table_and_the_disagreements(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), table(tmp_path, EXPECTED)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines]
    assert rows[0] == ["accepted", "refused", "undetermined", "crashed", "slow"]
    assert ["VALID", "1", "1", "0", "0", "0"] in rows
    assert ["ATTACK", "0", "1", "0", "0", "0"] in rows
    assert "forged or altered, and accepted: 0" in lines
    assert "VALID as expected: 1 of 2" in lines
    assert lines[-2] == "disagreements: 1"
    assert lines[-1] == "  unsigned.pdf  VALID  refused: UNSIGNED UNSIGNED"


def test_a_forgery_that_is_accepted_fails_the_run_and_is_told_first(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = {**EXPECTED, "good.pdf": "INVALID_CRYPTO"}
    assert main([str(folder), table(tmp_path, forged)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "forged or altered, and accepted: 1" in lines
    first = lines[lines.index("disagreements: 2") + 1]
    assert first.startswith("! good.pdf  INVALID_CRYPTO  accepted: INDETERMINATE NO_TRUSTED_PATH")


@pytest.mark.parametrize(
    ("limits", "counted", "verdict", "reason"),
    [
        (
            SandboxLimits(wall_seconds=0.001),
            {**NONE, "refused": 1, "slow": 1},
            "UNREADABLE",
            "SANDBOX_LIMIT_EXCEEDED",
        ),
        (SandboxLimits(answer_bytes=200), {**NONE, "crashed": 1}, "CRASHED", "SANDBOX_BROKEN"),
    ],
    ids=["slow", "crashed"],
)
def test_what_is_slow_or_crashes_fails_the_run(
    good: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    limits: SandboxLimits,
    counted: dict[str, int],
    verdict: str,
    reason: str,
) -> None:
    (tmp_path / "good.pdf").write_bytes(good)
    expected = table(tmp_path, {"good.pdf": "VALID"})
    assert main([str(tmp_path), expected, "--json"], limits) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["categories"] == {"VALID": counted}
    assert [(each["verdict"], each["reason"]) for each in told["disagreements"]] == [
        (verdict, reason)
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "expected.tsv: there is no such file"),
        ("", "names no column file nor expected"),
        ("file,expected\ngood.pdf,VALID\n", "names no column file nor expected"),
        ("file\tsource\ngood.pdf\there\n", "names no column expected"),
        ("file\texpected\n", "no file is named in it"),
        ("file\texpected\ngood.pdf\n", "line 2 lacks the file or what is expected of it"),
        ("file\texpected\ngood.pdf\tVALID\ngood.pdf\tATTACK\n", "named more than once: good.pdf"),
        (
            "file\texpected\n" + "".join(f"{name}.pdf\tVALID\n" for name in "abcdefg"),
            "not in the folder: a.pdf, b.pdf, c.pdf, d.pdf, e.pdf and 2 more",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_clear_words(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    words: str,
) -> None:
    path = tmp_path / "expected.tsv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main([str(folder), str(path), "--json"]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_a_table_of_other_bytes_and_a_folder_that_is_none_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), str(folder / "good.pdf")]) == 2
    assert "can't be read as a table" in capsys.readouterr().err
    assert main([str(folder / "none"), table(tmp_path, EXPECTED)]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_files_that_the_table_forgets_are_named_and_the_others_judged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = table(tmp_path, {"good.pdf": "VALID", "unsigned.pdf": "OTHER"})
    assert main([str(folder), expected, "--json"]) == 3
    told = capsys.readouterr()
    assert "not in the table, not judged: altered.pdf, damaged.pdf" in told.err
    assert "categories that expect nothing: OTHER" in told.err
    assert json.loads(told.out) == {
        "categories": {"VALID": {**NONE, "accepted": 1}, "OTHER": {**NONE, "refused": 1}},
        "disagreements": [],
    }


def test_the_help_says_what_each_category_expects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "GOLDEN" in told
    assert "FORM_FILLED" in told
    assert "Exit code" in told


# What each category expects.


def finding(
    expected: str,
    changes: Changes = Changes.NONE,
    *,
    integrity: Integrity = Integrity.INTACT,
    verdict: Verdict = Verdict.INDETERMINATE,
    sub_indication: SubIndication = SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
) -> Finding:
    entry = SignatureReport(
        field="Ky",
        kind=SignatureKind.SIGNATURE,
        indication=Indication.INDETERMINATE,
        sub_indication=sub_indication,
        integrity=integrity,
        changes=changes,
        reason="HERE",
    )
    report = Report(
        sha256="00" * 32,
        size_bytes=1,
        verdict=verdict,
        reason="DOCUMENT",
        signatures=(entry,),
        judged_at=datetime(2026, 1, 1, tzinfo=UTC),
        trust_version="",
    )
    return Finding(file="a.pdf", expected=expected, report=report)


@pytest.mark.parametrize("category", ["ATTACK", "INVALID_MOD", "INVALID_CRYPTO"])
def test_a_forged_document_must_be_refused_and_may_never_pass(category: str) -> None:
    refused = finding(category, Changes.FORBIDDEN, verdict=Verdict.INVALID)
    assert (refused.agrees, refused.fails) == (True, False)
    undetermined = finding(category, Changes.UNKNOWN)
    assert (undetermined.agrees, undetermined.fails) == (False, False)
    assert undetermined.cause[0] == "HERE"
    for changes in (Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL, Changes.NUMBER_AND_DATE):
        assert finding(category, changes).fails


def test_a_filled_form_is_fine_only_where_modifications_are() -> None:
    assert finding("MODS_OK", Changes.FORM_FILLED).agrees
    assert finding("MODS_OK").agrees
    assert not finding("MODS_OK", Changes.UNKNOWN).agrees
    assert finding("MODS_OK", Changes.FORM_FILLED).outcome is Outcome.UNDETERMINED
    assert not finding("VALID", Changes.FORM_FILLED).agrees


def test_weak_keys_and_sha1_alone_are_set_aside_among_valid_documents() -> None:
    weak = SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    unknown = Integrity.UNKNOWN
    assert finding("VALID", Changes.UNKNOWN, integrity=unknown, sub_indication=weak).agrees
    assert not finding("VALID", Changes.UNKNOWN, integrity=unknown).agrees
    assert not finding("VALID", integrity=Integrity.BROKEN, sub_indication=weak).agrees


def test_documents_whose_trust_alone_is_in_doubt_must_not_be_refused() -> None:
    assert finding("VALID_CRYPTO_NOT_TRUSTED").agrees
    assert finding("VALID_CRYPTO_NOT_TRUSTED", Changes.UNKNOWN).agrees
    assert not finding(
        "VALID_CRYPTO_NOT_TRUSTED", Changes.FORBIDDEN, verdict=Verdict.INVALID
    ).agrees


def test_a_document_prepared_before_it_was_signed_expects_no_verdict() -> None:
    assert finding("ATTACK_PRE").agrees
    assert finding("ATTACK_PRE", Changes.FORBIDDEN, verdict=Verdict.INVALID).agrees


def test_an_invalid_verdict_on_a_good_document_is_told_whatever_its_signatures_say() -> None:
    found = finding("VALID", verdict=Verdict.INVALID)
    assert found.outcome is Outcome.ACCEPTED
    assert not found.agrees
