"""Somebody at a terminal: asked once, shown how far it is, and heard when he wants to stop."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.failing_tsa import failing_tsa
from tests.support.pdfs import one_page
from tests.support.practice import PASSPHRASE
from tests.support.terminal import Terminal, at_terminal

ASKS_PASSPHRASE = "Mật khẩu của leader.p12:"
SECRET = PASSPHRASE.decode()

Starting = Callable[..., AbstractContextManager[Terminal]]


@pytest.fixture
def folder(desk: Desk) -> Path:
    place = desk.directory / "đi"
    place.mkdir()
    for number in range(1, 4):
        (place / f"{number}.pdf").write_bytes(one_page(f"Document {number}"))
    return place


@pytest.fixture
def start(desk: Desk, folder: Path) -> Starting:
    """Start `congvan sign` on the folder at a terminal."""

    def started(*options: object, level: str = "B-B") -> AbstractContextManager[Terminal]:
        command = (sys.executable, "-m", "exchange.cli.main", "sign", folder, "--key", desk.key)
        words = (*command, *desk.trusting, "--level", level, *options)
        return at_terminal([str(word) for word in words], os.environ)

    return started


def results(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*_daky.pdf"))


def test_the_passphrase_is_asked_once_for_all_and_never_shown(
    start: Starting, folder: Path
) -> None:
    with start("--all") as terminal:
        terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
        assert terminal.end() == 0
    assert len(results(folder)) == 3
    assert SECRET not in terminal.shown
    assert terminal.shown.count(ASKS_PASSPHRASE) == 1


def test_of_several_files_one_must_say_whether_to_look_at_each(
    start: Starting, folder: Path
) -> None:
    with start() as terminal:
        terminal.answer("[x] xem từng tệp", "x\n")
        terminal.answer("1/3", "c\n")
        terminal.answer("2/3", "what?\n")
        terminal.answer("Ký tệp này?", "k\n")
        terminal.answer("3/3", "y\n")
        terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
        assert terminal.end() == 0
    assert results(folder) == ["1_daky.pdf", "3_daky.pdf"]
    assert "NOT_CHOSEN" in terminal.shown


@pytest.mark.parametrize(
    ("answers", "signed"),
    [(("t",), 3), (("k", "t"), 2), (("c", "d"), 1), (("a",), 3), (("q",), 0), (("n", "n", "n"), 0)],
)
def test_a_review_can_be_cut_short(
    start: Starting, folder: Path, answers: tuple[str, ...], signed: int
) -> None:
    with start("--review") as terminal:
        for position, answer in enumerate(answers, start=1):
            terminal.answer(f"{position}/3", f"{answer}\n")
        if signed:
            terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
        assert terminal.end() == 0
    assert len(results(folder)) == signed


@pytest.mark.parametrize("question", ["[x] xem từng tệp", "Ký tệp này?", ASKS_PASSPHRASE])
def test_ctrl_c_at_a_question_ends_it_at_once_with_nothing_done(
    start: Starting, folder: Path, question: str
) -> None:
    mode = {"Ký tệp này?": ("--review",), ASKS_PASSPHRASE: ("--all",)}.get(question, ())
    with start(*mode) as terminal:
        terminal.answer(question, "\x03")
        assert terminal.end() == 130
    assert results(folder) == []
    assert "INTERRUPTED" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_who_sees_no_more_answers_gets_nothing_signed(start: Starting, folder: Path) -> None:
    with start("--review") as terminal:
        terminal.answer("Ký tệp này?", "\x04")
        assert terminal.end() == 130
    assert results(folder) == []


def test_how_far_it_is_and_what_is_left_is_shown_unless_it_is_not_wanted(
    start: Starting, desk: Desk, folder: Path
) -> None:
    with failing_tsa(desk.practice.tsa_url, answers=9, before=lambda _: time.sleep(0.4)) as tsa:
        with start("--all", "--tsa", tsa.url, level="B-T") as terminal:
            terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
            assert terminal.end() == 0
        assert "Đang ký" in terminal.shown
        assert "/3" in terminal.shown
        for name in results(folder):
            (folder / name).unlink()
        with start("--all", "--no-progress", "--tsa", tsa.url, level="B-T") as terminal:
            terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
            assert terminal.end() == 0
        assert "Đang ký" not in terminal.shown


def test_ctrl_c_midway_tells_what_was_done(start: Starting, desk: Desk, folder: Path) -> None:
    with (
        failing_tsa(desk.practice.tsa_url, answers=1, hangs=True) as tsa,
        start("--all", "--tsa", tsa.url, level="B-T") as terminal,
    ):
        terminal.answer(ASKS_PASSPHRASE, SECRET + "\n")
        deadline = time.monotonic() + 60
        while not results(folder):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Xong 1, bỏ qua 2" in terminal.shown
    assert "không có tệp dở dang" in terminal.shown
    assert len(results(folder)) == 1


def test_without_a_terminal_a_review_is_refused_and_all_are_meant(
    congvan: Program, desk: Desk, folder: Path
) -> None:
    command = ("sign", folder, *desk.with_key, *desk.trusting, "--level", "B-B")
    refused = congvan(*command, "--review", "--json")
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")
    assert congvan(*command).code == 0
    assert len(results(folder)) == 3
