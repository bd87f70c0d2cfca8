"""The program as a shell sees it: help, usage errors, exit codes, never a traceback."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.cli.commands import run_handler
from exchange.cli.exits import ExitCode
from exchange.cli.main import COMMANDS, main
from exchange.cli.output import Output
from tests.exchange.cli.running import Program

HELP_SECONDS = 0.5


def _shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exchange.cli.main", *arguments],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80", **environment},
        timeout=60,
    )


def test_help_lists_every_command_within_80_columns_and_without_loading_them() -> None:
    told = _shell("--help", NO_COLOR="1")
    assert told.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", told.stdout)
    assert "\x1b" not in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "exchange.cli.main", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )
    for heavy in ("pyhanko", "grpc", "aiohttp", "cryptography", "pydantic"):
        assert not re.search(rf"\| +{heavy}\b", loaded.stderr), heavy


def test_help_comes_at_once() -> None:
    # Time of the processor: what other tests do at the same time must not count.
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _shell("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < HELP_SECONDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_in_both_languages(congvan: Program, name: str) -> None:
    told = congvan(name, "--help")
    assert told.code == 0
    assert "·" in told.out


def _helps(capsys: pytest.CaptureFixture[str], *command: str) -> Iterator[str]:
    """The help of a command, then of the commands below it."""
    assert main([*command, "--help"]) == 0
    told = capsys.readouterr().out
    yield told
    _, _, below = told.partition("─ Commands ─")
    for name in re.findall(r"^│ ([a-z]+) ", below, re.MULTILINE):
        yield from _helps(capsys, *command, name)


def test_help_fits_and_shows_nothing_of_the_inside(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    helps = list(_helps(capsys))
    assert len(helps) > 2 * len(COMMANDS)
    for told in helps:
        assert max(map(len, told.splitlines())) <= 80
        # A default that stands for "not given", Python's types, and brackets taken for markup.
        odd = re.search(r"\b(None|False)\b|default: (0|0\.0|\]|\[)|list\[|<str>|\[\]", told)
        assert odd is None, told
        # What is said twice: once in words, once by the program.
        assert not re.search(r"by default\.?\W*\[default", told), told


@pytest.mark.parametrize("arguments", [("frob",), ("sign",), ("verify", "--frob", "x"), ("certs",)])
def test_a_usage_error_is_exit_code_2_without_a_traceback(
    congvan: Program, arguments: tuple[str, ...]
) -> None:
    told = congvan(*arguments)
    assert told.code == 2
    assert "Traceback" not in told.err


def test_a_usage_error_is_json_where_json_was_asked_for(congvan: Program) -> None:
    told = congvan("sign", "--json")
    assert told.code == 2
    assert told.reason == "USAGE_INVALID"
    assert set(told.document["error"]) == {"reason", "message_vi", "message_en", "detail"}


def test_a_defect_gives_a_reference_and_a_traceback_only_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> ExitCode:
        raise ZeroDivisionError("secret of the inside")

    assert run_handler(broken, Output(as_json=True)) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)["error"]
    assert told["reason"] == "INTERNAL_ERROR"
    assert re.fullmatch(r"ZeroDivisionError [0-9a-f]{8}", told["detail"])
    assert "secret" not in out + err
    monkeypatch.setenv("CONGVAN_DEBUG", "1")
    run_handler(broken, Output(as_json=False))
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_is_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> ExitCode:
        raise KeyboardInterrupt

    assert run_handler(interrupted, Output(as_json=True)) == 130
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "INTERRUPTED"


def test_a_command_that_is_told_to_end_clears_away_what_it_began(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "exchange.cli.main", "doctor", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("congvan-doctor-*/pki")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.terminate()
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(told)["error"]["reason"] == "INTERRUPTED"
    assert not list(tmp_path.glob("congvan-doctor-*"))


def test_a_reader_that_leaves_early_is_no_failure_to_shout_about(tmp_path: Path) -> None:
    line = f"{sys.executable} -m exchange.cli.main --help | head -1"
    told = subprocess.run(
        ["sh", "-c", line], check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert told.stderr == ""


def test_shells_get_their_completion() -> None:
    told = _shell("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_CONGVAN_COMPLETE" in told.stdout
    names = _shell(
        _CONGVAN_COMPLETE="complete_bash", COMP_WORDS="congvan ver", COMP_CWORD="1"
    ).stdout.split()
    assert names == ["verify"]


def test_the_version_is_that_of_the_package() -> None:
    assert re.fullmatch(r"congvan \d+\.\d+\.\d+\n", _shell("--version").stdout)
