"""Folders and patterns to verify: every verdict told in order, the worst decides, sums are true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.pdfs import one_page
from tests.support.terminal import at_terminal

OF_EACH = {"VALID": 3, "INVALID": 2, "INDETERMINATE": 2, "UNSIGNED": 3, "UNREADABLE": 2}


@pytest.fixture
def folder(congvan: Program, desk: Desk) -> Path:
    """Twelve files with every verdict: 1 to 3 valid, then two altered, and so on as in OF_EACH."""
    place = desk.directory / "Văn bản đến"
    place.mkdir()
    sign = ("sign", desk.document, *desk.signing, "--level")
    long_term, short_term = desk.directory / "lt.pdf", desk.directory / "t.pdf"
    assert congvan(*sign, "B-LT", "--out", long_term).code == 0
    assert congvan(*sign, "B-T", "--out", short_term).code == 0
    content, plain = long_term.read_bytes(), one_page("Unsigned")
    changed = content.replace(b"/CreationDate(D:2", b"/CreationDate(D:1", 1)
    assert changed != content
    # Nothing is fetched below, so that what lacks its evidence stays undetermined.
    other = short_term.read_bytes()
    kinds = [content] * 3 + [changed] * 2 + [other] * 2 + [plain] * 3 + [b"no PDF", b"%PDF-1.7 x"]
    for number, each in enumerate(kinds, start=1):
        (place / f"văn bản {number}.pdf").write_bytes(each)
    return place


def test_a_folder_is_told_in_order_line_by_line_and_the_worst_decides(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    told = congvan("verify", folder, *desk.trusting, "--no-fetch", "--json")
    assert told.code == 3, told.err
    *files, summary = told.lines
    assert [Path(each["file"]).stem for each in files] == [f"văn bản {n}" for n in range(1, 13)]
    assert {each["schema_version"] for each in told.lines} == {1}
    assert summary["summary"] == {"verdicts": OF_EACH, "not_judged": 0, "interrupted": False}
    found = [each["verdict"] for each in files]
    assert found[:5] == ["VALID"] * 3 + ["INVALID"] * 2
    assert {verdict: found.count(verdict) for verdict in OF_EACH} == OF_EACH


def test_people_read_every_file_and_the_sums(congvan: Program, desk: Desk, folder: Path) -> None:
    told = congvan("verify", folder, *desk.trusting, "--no-fetch")
    names = [told.out.index(f"văn bản {number}.pdf") for number in range(1, 13)]
    assert names == sorted(names)
    assert "Đã kiểm tra 12 tệp: 3 hợp lệ, 2 không hợp lệ" in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("pattern", "code"),
    [("văn bản [123].pdf", 0), ("văn bản [45].pdf", 3), ("*bản [67].pdf", 5), ("* [189].pdf", 8)],
)
def test_a_pattern_ends_with_the_worst_of_its_files(
    congvan: Program, desk: Desk, folder: Path, pattern: str, code: int
) -> None:
    told = congvan("verify", folder / pattern, *desk.trusting, "--no-fetch", "--json")
    assert told.code == code


def test_a_folder_of_one_file_is_told_in_lines_too(congvan: Program, desk: Desk) -> None:
    place = desk.directory / "một"
    place.mkdir()
    (place / "a.pdf").write_bytes(one_page())
    told = congvan("verify", place, *desk.trusting, "--json")
    assert told.code == 8
    assert [set(each) & {"file", "summary"} for each in told.lines] == [{"file"}, {"summary"}]


def test_subfolders_are_looked_into_only_on_request_and_no_file_twice(
    congvan: Program, desk: Desk
) -> None:
    place = desk.directory / "đến"
    (place / "tháng 11").mkdir(parents=True)
    for name in ("a.pdf", "tháng 11/b.pdf"):
        (place / name).write_bytes(one_page())
    given = ("verify", place / "a.pdf", place, *desk.trusting, "--json")
    assert list(congvan(*given).files) == ["a.pdf"]
    told = congvan(*given, "--recursive")
    assert [Path(each["file"]).name for each in told.lines[:-1]] == ["a.pdf", "b.pdf"]


def test_a_place_without_pdf_files_is_said_to_be_one(congvan: Program, desk: Desk) -> None:
    empty = desk.directory / "trống"
    empty.mkdir()
    for path in (empty, empty / "*.pdf"):
        refused = congvan("verify", path, *desk.trusting, "--json")
        assert (refused.code, refused.reason) == (2, "NOTHING_TO_VERIFY")


def test_what_can_not_be_read_keeps_no_other_file_from_being_judged(
    congvan: Program, desk: Desk
) -> None:
    place = desk.directory / "đến"
    place.mkdir()
    os.mkfifo(place / "1.pdf")
    (place / "2.pdf").symlink_to("nowhere.pdf")
    (place / "3.pdf").write_bytes(one_page())
    told = congvan("verify", place, *desk.trusting, "--json")
    assert told.code == 3
    reasons = [(each["verdict"], each["reason"]) for each in told.lines[:-1]]
    unreadable = ("UNREADABLE", "FILE_UNREADABLE")
    assert reasons == [unreadable, unreadable, ("UNSIGNED", "UNSIGNED")]
    shown = congvan("verify", place, *desk.trusting)
    assert "KHÔNG ĐỌC ĐƯỢC" in shown.out


def _command(place: Path, desk: Desk, *options: str) -> list[str]:
    words = (sys.executable, "-m", "exchange.cli.main", "verify", place, *desk.trusting, *options)
    return [str(word) for word in words]


@pytest.fixture
def large(desk: Desk) -> Path:
    """A folder that takes a while."""
    place = desk.directory / "nhiều"
    place.mkdir()
    for number in range(1, 1001):
        (place / f"{number}.pdf").write_bytes(one_page(f"Document {number}"))
    return place


def test_asked_to_end_it_tells_truly_how_far_it_came(desk: Desk, large: Path) -> None:
    command = _command(large, desk, "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 130
    *files, last = [json.loads(line) for line in (first + rest).splitlines()]
    sums = last["summary"]
    assert sums["interrupted"]
    assert sums["verdicts"] == {**dict.fromkeys(OF_EACH, 0), "UNSIGNED": len(files)}
    assert 0 < sums["not_judged"] == 1000 - len(files)


def test_at_a_terminal_the_way_is_shown_and_ctrl_c_leaves_sums(desk: Desk, large: Path) -> None:
    with at_terminal(_command(large, desk), os.environ) as terminal:
        terminal.wait_for("/3.pdf")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Đang kiểm tra" in terminal.shown
    assert "Đã dừng theo yêu cầu" in terminal.shown
    assert "0 không đọc được" in " ".join(terminal.shown.split())
    assert "Traceback" not in terminal.shown
