"""A hundred files, one passphrase: resumable, told in order, stopped cleanly at any moment."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from exchange.cli.signing import journal as journals
from exchange.cli.signing.batch import MAX_IN_FLIGHT, SERVICE_FAILURES
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.failing_tsa import failing_tsa
from tests.support.pdfs import one_page

WAIT_SECONDS = 60
BY_DIGEST = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def folder(desk: Desk) -> Path:
    """A folder with five documents."""
    return filled(desk, 5)


def filled(desk: Desk, count: int) -> Path:
    place = desk.directory / "Công văn đi tháng 11"
    place.mkdir()
    for number in range(1, count + 1):
        (place / f"văn bản {number}.pdf").write_bytes(one_page(f"Document {number}"))
    return place


def results(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.stem.endswith("_daky"))


def at_b_b(desk: Desk) -> tuple[str, ...]:
    return (*desk.with_key, *desk.trusting, "--level", "B-B")


def test_a_hundred_files_with_one_of_them_broken_take_one_passphrase(
    congvan: Program, desk: Desk
) -> None:
    place = filled(desk, 100)
    (place / "văn bản 7.pdf").write_bytes(b"%PDF-1.7 torn off")
    reading, writing = os.pipe()
    os.write(writing, desk.passphrase.read_bytes())
    os.close(writing)
    given = ("--key", desk.key, "--passphrase-fd", reading, *desk.trusting, "--level", "B-B")
    ran = congvan("sign", place, *given, "--json")
    os.close(reading)
    assert ran.code == 6, ran.err
    *files, summary = ran.lines
    assert summary["summary"] == {"done": 99, "skipped": 0, "failed": 1, "interrupted": False}
    assert [Path(each["file"]).stem for each in files] == [f"văn bản {n}" for n in range(1, 101)]
    assert files[6]["reason"] == "DOCUMENT_TRUNCATED"
    assert all(BY_DIGEST.fullmatch(each["sha256"]) for each in files if each["sha256"])
    assert len(results(place)) == 99


def test_a_second_run_signs_nothing_twice_and_what_is_new(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    assert congvan("sign", folder, *at_b_b(desk)).code == 0
    before = {name: (folder / name).read_bytes() for name in results(folder)}
    (folder / "mới.pdf").write_bytes(one_page("New"))
    again = congvan("sign", folder, *at_b_b(desk), "--json")
    assert again.code == 0
    assert again.lines[-1]["summary"]["done"] == 1
    reasons = {name: each["reason"] for name, each in again.files.items()}
    assert reasons["văn bản 1.pdf"] == "ALREADY_SIGNED"
    assert reasons["văn bản 1_daky.pdf"] == "OWN_OUTPUT"
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_file_that_was_renamed_is_known_by_its_content(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    assert congvan("sign", folder, *at_b_b(desk)).code == 0
    (folder / "văn bản 1.pdf").rename(folder / "đổi tên.pdf")
    again = congvan("sign", folder, *at_b_b(desk), "--json")
    assert again.files["đổi tên.pdf"]["reason"] == "ALREADY_SIGNED"
    assert again.files["đổi tên.pdf"]["output"].endswith("văn bản 1_daky.pdf")


def test_a_changed_document_or_setting_is_not_taken_for_done(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    assert congvan("sign", folder, *at_b_b(desk)).code == 0
    (folder / "văn bản 1.pdf").write_bytes(one_page("Another text"))
    changed = congvan("sign", folder, *at_b_b(desk), "--json")
    assert changed.code == 6
    assert changed.files["văn bản 1.pdf"]["reason"] == "OUTPUT_EXISTS"
    other = congvan("sign", folder, *at_b_b(desk), "--reason", "Khác", "--json")
    assert {each["reason"] for each in other.files.values()} == {"OUTPUT_EXISTS", "OWN_OUTPUT"}


def test_a_result_that_was_deleted_is_made_again(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    assert congvan("sign", folder, *at_b_b(desk)).code == 0
    (folder / "văn bản 1_daky.pdf").unlink()
    again = congvan("sign", folder, *at_b_b(desk), "--json")
    assert again.files["văn bản 1.pdf"]["outcome"] == "done"


def test_a_dry_run_tells_all_and_does_nothing(congvan: Program, desk: Desk, folder: Path) -> None:
    (folder / "hỏng.pdf").write_bytes(b"no PDF")
    before = sorted(desk.directory.rglob("*"))
    no_secret = ("--key", desk.key, "--trust", desk.directory / "nowhere", "--dry-run")
    ran = congvan("sign", folder, *no_secret, "--json")
    assert ran.code == 6
    assert ran.lines[-1]["summary"]["planned"] == 5
    assert ran.files["hỏng.pdf"]["reason"] == "NOT_A_PDF"
    assert ran.files["văn bản 1.pdf"]["output"].endswith("văn bản 1_daky.pdf")
    told = congvan("sign", folder, *no_secret)
    assert "leader.p12" in told.out
    assert sorted(desk.directory.rglob("*")) == before
    assert congvan("sign", folder, *at_b_b(desk)).code == 6
    assert congvan("sign", folder, *at_b_b(desk), "-n", "--json").lines[0]["reason"]


def test_the_summary_is_a_table_and_a_csv_file(congvan: Program, desk: Desk, folder: Path) -> None:
    (folder / "=1+1.pdf").write_bytes(b"no PDF")
    table = desk.directory / "tổng hợp.csv"
    ran = congvan("sign", folder, *at_b_b(desk), "--summary", table)
    assert ran.code == 6
    assert "NOT_A_PDF · 1 tệp" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 120
    rows = list(csv.DictReader(io.StringIO(table.read_bytes().decode("utf-8-sig"), newline="")))
    assert len(rows) == 6
    assert [row["outcome"] for row in rows].count("done") == 5
    refused = congvan("sign", folder, *at_b_b(desk), "--summary", table, "--json")
    assert (refused.code, refused.reason) == (3, "OUTPUT_EXISTS")


def test_with_an_output_folder_its_journal_lies_there(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    out = desk.directory / "đã ký"
    out.mkdir()
    pattern = str(folder / "*.pdf")
    assert congvan("sign", pattern, *at_b_b(desk), "--out", out).code == 0
    assert len(results(out)) == 5
    assert (out / journals.NAME).exists()
    assert not (folder / journals.NAME).exists()
    again = congvan("sign", pattern, *at_b_b(desk), "--out", out, "--json")
    assert again.lines[-1]["summary"]["skipped"] == 5


def test_without_a_journal_none_is_kept_and_with_one_it_lies_where_it_is_said(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    own = desk.directory / "nhật ký.jsonl"
    assert congvan("sign", folder, *at_b_b(desk), "--no-journal").code == 0
    assert not (folder / journals.NAME).exists()
    for name in results(folder):
        (folder / name).unlink()
    assert congvan("sign", folder, *at_b_b(desk), "--journal", own).code == 0
    assert len(own.read_text().splitlines()) == 5
    both = congvan("sign", folder, *at_b_b(desk), "--journal", own, "--no-journal", "--json")
    assert (both.code, both.reason) == (2, "USAGE_INVALID")


def test_time_stamps_are_fetched_for_four_documents_at_once(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    all_four = threading.Event()

    def before(number: int) -> None:
        # The first is alone: it proves key and service. The others are kept until all are there.
        if number == 5:
            all_four.set()
        if number > 1:
            all_four.wait(WAIT_SECONDS)

    with failing_tsa(desk.practice.tsa_url, answers=100, before=before) as tsa:
        stamping = (*desk.with_key, *desk.trusting, "--tsa", tsa.url)
        assert congvan("sign", folder, *stamping).code == 0
    assert tsa.asked == 5
    assert tsa.most_at_once == MAX_IN_FLIGHT == 4


def test_a_time_stamping_service_that_stops_midway_leaves_whole_files_and_no_silent_b_b(
    congvan: Program, desk: Desk
) -> None:
    place = filled(desk, 16)
    with failing_tsa(desk.practice.tsa_url, answers=3) as tsa:
        stamping = (*desk.with_key, *desk.trusting, "--tsa", tsa.url)
        ran = congvan("sign", place, *stamping, "--json")
    assert ran.code == 6
    reasons = [each["reason"] for each in ran.files.values()]
    assert reasons.count("") == 3
    assert set(reasons) == {"", "TSA_UNAVAILABLE", "NOT_TRIED"}
    # A success starts the count of failures anew: the second and third may each come one failure
    # before the run would have ended. When it ends, others are under way.
    most = 2 * (SERVICE_FAILURES - 1) + SERVICE_FAILURES + MAX_IN_FLIGHT - 1
    assert SERVICE_FAILURES <= reasons.count("TSA_UNAVAILABLE") <= most
    assert len(results(place)) == 3
    again = congvan("sign", place, *desk.signing, "--json")
    assert again.code == 0
    assert again.lines[-1]["summary"]["done"] == 13
    told = congvan("verify", *(place / name for name in results(place)), *desk.trusting, "--json")
    signatures = [each for file in told.files.values() for each in file["signatures"]]
    assert {each["level"] for each in signatures} == {"B-T"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_leaves_no_half_file_and_goes_on_next_time(
    congvan: Program, desk: Desk, number: signal.Signals
) -> None:
    place = filled(desk, 8)
    with failing_tsa(desk.practice.tsa_url, answers=2, hangs=True) as tsa:
        process = _started(desk, place, "--tsa", tsa.url)
        _wait(lambda: len(results(place)) == 2 and tsa.asked > 4)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    *files, summary = [json.loads(line) for line in out.splitlines()]
    assert summary["summary"] == {"done": 2, "skipped": 6, "failed": 0, "interrupted": True}
    assert [each["reason"] for each in files].count("NOT_TRIED") == 6
    assert "Traceback" not in err
    assert sorted(path.name for path in place.iterdir() if not path.name.startswith("văn")) == [
        journals.NAME
    ]
    again = congvan("sign", place, *desk.signing, "--json")
    assert (again.code, again.lines[-1]["summary"]["done"]) == (0, 6)


def test_killed_at_any_moment_it_has_whole_files_only_and_goes_on_next_time(
    congvan: Program, desk: Desk
) -> None:
    place = filled(desk, 30)
    chance = random.Random(30)
    for wanted in (3, 12):
        process = _started(desk, place, "--level", "B-B")
        _wait(partial(_has, place, wanted))
        time.sleep(chance.random() / 100)
        process.kill()
        process.communicate(timeout=30)
    _all_are_whole(place)
    again = congvan("sign", place, *at_b_b(desk), "--json")
    assert again.code == 0, again.out
    assert {each["reason"] for each in again.files.values()} <= {"", "ALREADY_SIGNED", "OWN_OUTPUT"}
    assert len(results(place)) == 30
    _all_are_whole(place)
    named = {path.name for path in place.iterdir()} - {journals.NAME}
    assert all(name.startswith("văn bản") for name in named)


def _has(place: Path, wanted: int) -> bool:
    return len(results(place)) >= wanted


def _all_are_whole(place: Path) -> None:
    recorded = {
        entry["output"]: entry["output_sha256"]
        for line in (place / journals.NAME).read_text().splitlines()
        if (entry := json.loads(line))
    }
    for name in results(place):
        assert journals.file_sha256(place / name) == recorded[name]


def test_two_runs_at_once_into_one_folder_do_not_mix(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    with journals.Journal(folder / journals.NAME):
        refused = congvan("sign", folder, *at_b_b(desk), "--json")
    assert (refused.code, refused.reason) == (3, "JOURNAL_IN_USE")
    assert results(folder) == []


def _started(desk: Desk, place: Path, *others: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "exchange.cli.main", "sign", str(place))
    return subprocess.Popen(
        [*command, *desk.with_key, *desk.trusting, *others, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.01)
