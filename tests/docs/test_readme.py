"""README keeps its word: commands run as written, tables are those of the program."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sysconfig
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from exchange.cli.exits import ExitCode
from exchange.cli.main import COMMANDS
from tests.docs.readme_blocks import Block, blocks

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CLERKS = ROOT / "docs" / "clerks.md"
NOT_RUN_AT_MOST = 1  # the two commands that CI itself runs
DEADLINE_SECONDS = 120
PORT_OF_THE_PAGE = "19000"


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just cloned: an empty home, the program on the path."""
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "clone" / "tests" / "data")
    (tmp_path / "home").mkdir()
    search = [sysconfig.get_path("scripts"), "/usr/bin", "/bin"]
    return {
        "HOME": str(tmp_path / "home"),
        "PWD": str(tmp_path / "clone"),
        "PATH": os.pathsep.join(search),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PORT": free_port(),
    }


@pytest.mark.timeout(300)  # some twenty starts of the program, one after the other
@pytest.mark.parametrize("page", [README, CLERKS], ids=lambda page: page.name)
def test_every_command_block_runs_in_order_and_exits_as_it_says(
    reader: dict[str, str], page: Path
) -> None:
    for block in blocks(page):
        if block.run:
            run(block, reader, page=page.name)


def run(block: Block, environment: dict[str, str], *, page: str) -> None:
    process = subprocess.Popen(
        ["sh", "-eu", "-c", block.text.replace(PORT_OF_THE_PAGE, environment["PORT"])],
        cwd=environment["PWD"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):  # what a failed block left running
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == block.exits_with, f"{page}:{block.line}\n{block.text}\n{said}"


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_few_blocks_are_not_run() -> None:
    not_run = [block for block in blocks(README) if not block.run and not block.service]
    assert len(not_run) <= NOT_RUN_AT_MOST


@pytest.mark.parametrize("page", [README, CLERKS], ids=lambda page: page.name)
def test_commands_that_are_not_run_name_subcommands_and_options_that_exist(page: Path) -> None:
    for block in blocks(page):
        lines = block.text.replace("\\\n", " ").split("\n")
        for line in lines if not block.run else []:
            words = shlex.split(line, comments=True)
            if words[:1] == ["congvan"]:
                unknown = {word for word in words if word.startswith("--")} - options_of(words[1:])
                assert not unknown, f"{page.name}:{block.line}: {line}"


def options_of(words: list[str]) -> set[str]:
    """The options of the command that these words call."""
    command: Any = get_command(import_module(f"exchange.cli.{COMMANDS[words[0]].module}").app)
    for word in words[1:]:
        if hasattr(command, "commands"):
            command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}


def test_the_table_of_commands_is_the_programs_own() -> None:
    text = README.read_text(encoding="utf-8")
    assert re.findall(r"^\| `congvan (\w+)` \|", text, re.MULTILINE) == list(COMMANDS)


def test_the_table_of_exit_codes_is_the_programs_own() -> None:
    text = README.read_text(encoding="utf-8")
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert told == [code.value for code in ExitCode]


def test_the_first_screen_has_the_picture_the_two_commands_and_what_it_is_not() -> None:
    first_screen = "\n".join(README.read_text(encoding="utf-8").split("\n")[:50])
    for piece in ("./dev demo", "./dev test", "exchange/", "What it is not", "congvan"):
        assert piece in first_screen
