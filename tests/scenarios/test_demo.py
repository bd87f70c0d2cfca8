"""The demo does the whole job, says the truth about it, and satisfies judges from outside."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from exchange.cli.main import main
from tests.docs.readme_blocks import blocks
from tests.support.judges import mutool, openssl_cades, pdfsig
from tests.support.postgres import reachable_directory

PROGRAM = (sys.executable, "-m", "exchange.cli.main")
ROOT = Path(__file__).parents[2]
CADES_GOOD = "CAdES Verification successful"
pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Demo:
    """A finished demo whose servers keep running."""

    directory: Path
    summary: dict[str, Any]

    @property
    def root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(
            (self.directory / "service" / "root.crt").read_bytes()
        )

    def signed(self) -> list[Path]:
        """The documents that were signed and not altered."""
        return [
            path
            for path in sorted((self.directory / "sent").glob("*.signed.pdf"))
            if not path.name.startswith("07-")
        ]


def _shell(*arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
        env={**os.environ, "CONGVAN_DEBUG": "1", "COLUMNS": "80"},
    )


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with reachable_directory("congvan-test-demo-") as parent:
        directory = parent / "demo"
        ran = _shell("demo", "--keep", "--json", "--dir", str(directory))
        assert ran.returncode == 0, ran.stderr + ran.stdout
        summary = json.loads(ran.stdout)
        try:
            yield Demo(directory, summary)
        finally:
            _stop(summary["pids"])


def _stop(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_rate_is_below_100_percent_and_says_why(demo: Demo) -> None:
    rate = demo.summary["rate"]
    assert (rate["total"]["numerator"], rate["total"]["denominator"]) == (6, 8)
    assert rate["total"]["rate"] == "75,00 %"
    assert set(rate["blocks"]) == {"PARTY", "STATE", "FRONT", "BUSINESS"}
    reasons = {each["reason"] for each in demo.summary["exceptions"]}
    assert reasons == {"UNSIGNED", "DOCUMENT_ALTERED"}


def test_every_recipient_holds_what_was_sent(demo: Demo) -> None:
    for document in demo.summary["documents"]:
        for recipient in document["recipients"]:
            name = document["code"].replace("/", "-", 1).replace("/", "-")
            [folder] = (demo.directory / "received" / recipient).glob(f"{name}_*")
            verdicts = json.loads((folder / "kiem-tra-chu-ky.json").read_text())["files"]
            assert {each["verdict"] for each in verdicts} == {document["verdict"]}
            assert (folder / "van-ban.edxml").read_bytes().startswith(b"<?xml")


def test_the_archive_is_whole(demo: Demo) -> None:
    archive = demo.summary["archive"]
    assert archive["checked"] == archive["intact"] > 0
    assert archive["missing"] == archive["corrupt"] == 0
    assert archive["records"] > 100


def test_what_readme_shows_of_a_day_with_a_service_works_as_written(
    demo: Demo, tmp_path: Path
) -> None:
    [block] = [each for each in blocks(ROOT / "README.md") if each.service]
    profiles = demo.directory / "profiles"
    shutil.copy(demo.directory / "sent" / "01-quyet-dinh.signed.pdf", tmp_path / "issued.pdf")
    ran = subprocess.run(
        ["sh", "-eu", "-c", block.text.replace("auditor.toml", str(profiles / "H56.88.toml"))],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env={
            **os.environ,
            "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
            "CONGVAN_PROFILE": str(profiles / "H56.toml"),
        },
    )
    assert ran.returncode == block.exits_with, ran.stdout + ran.stderr


def test_the_next_commands_work(demo: Demo) -> None:
    codes = {}
    for line in demo.summary["next"]:
        words = shlex.split(line)
        arguments = words[words.index("congvan") + 1 :]
        # In this process, as a user has it but without loading the program seven times.
        codes[f"{arguments[0]} {Path(arguments[-1]).name}"] = main(arguments)
    assert codes.pop("verify 07-cong-van.signed.pdf") == 3
    assert set(codes.values()) == {0}, codes


@pytest.mark.judge("pdfsig", "certutil")
def test_poppler_finds_every_signature_valid_and_trusted(demo: Demo, tmp_path: Path) -> None:
    for path in demo.signed():
        answers = pdfsig(path.read_bytes(), demo.root, tmp_path)
        assert len(answers) == (1 if "phu-luc" in path.name else 2)
        assert all(answer.good for answer in answers), (path.name, answers)


@pytest.mark.judge("mutool", "openssl")
def test_mupdf_and_openssl_find_every_signature_intact(demo: Demo, tmp_path: Path) -> None:
    for path in demo.signed():
        content = path.read_bytes()
        assert not any("broken" in line.casefold() for line in mutool(content, tmp_path))
        answers = openssl_cades(content, demo.root, tmp_path)
        assert answers == [CADES_GOOD] * len(answers), path.name
        assert answers


@pytest.mark.judge("openssl")
def test_openssl_refuses_the_altered_document(demo: Demo, tmp_path: Path) -> None:
    [altered] = (demo.directory / "sent").glob("07-*.signed.pdf")
    assert CADES_GOOD not in openssl_cades(altered.read_bytes(), demo.root, tmp_path)


def test_when_nothing_runs_any_more_the_files_left_can_still_be_checked(demo: Demo) -> None:
    _stop(demo.summary["pids"])
    assert not any(_runs(pid) for pid in demo.summary["pids"])
    profile = str(demo.directory / "profiles" / "H56.toml")
    first = str(demo.signed()[0])
    assert _shell("verify", "--profile", profile, first).returncode == 0
    assert _shell("inbox", "--profile", profile, "--json").returncode == 9


def test_a_used_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    refused = _shell("demo", "--dir", str(tmp_path), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["reason"] == "DEMO_FAILED"
    assert (tmp_path / "mine").read_text() == "kept"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_nothing_running(number: signal.Signals) -> None:
    with reachable_directory("congvan-test-demo-") as parent:
        directory = parent / "demo"
        process = subprocess.Popen(
            [*PROGRAM, "demo", "--dir", str(directory), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        log = directory / "logs" / "service.log"
        deadline = time.monotonic() + 60
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        told, _ = process.communicate(timeout=90)
        assert process.returncode == 130
        assert json.loads(told)["error"]["reason"] == "INTERRUPTED"
        assert _processes_of(directory) == []


def _processes_of(directory: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(directory) in command:
                    found.append(command)
    return found
