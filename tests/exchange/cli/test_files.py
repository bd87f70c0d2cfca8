"""Results are there whole or not at all, never over another file, with nothing left beside them."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from exchange.cli import files
from exchange.cli.errors import OutputExists, OutputUnwritable
from exchange.cli.files import new_file, write_new


@pytest.fixture(params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing: what file systems without nameless files get is tried everywhere."""
    if request.param == "named":
        monkeypatch.setattr(files, "_nameless", lambda folder: None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_result_has_the_mode_of_any_new_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_new(tmp_path / "Quyết định.pdf", b"whole")
    (tmp_path / "other").touch()
    assert (tmp_path / "Quyết định.pdf").read_bytes() == b"whole"
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_what_has_the_name_stays_what_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "taken"
    if kind == "file":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(OutputExists):
        write_new(path, b"theirs")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]
    assert kind != "file" or path.read_bytes() == b"mine"
    assert kind != "dangling link" or not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("way")
def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "half") as sink:
        sink.write(b"half of it")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("way")
def test_what_must_come_before_the_name_comes_before_it(tmp_path: Path) -> None:
    path, seen = tmp_path / "late", []
    with new_file(path, before_naming=lambda: seen.append(path.exists())) as sink:
        sink.write(b"x")
    assert seen == [False]


@pytest.mark.usefixtures("way")
def test_of_twenty_threads_one_gets_the_name(tmp_path: Path) -> None:
    refused = []

    def write(number: int) -> None:
        try:
            write_new(tmp_path / "one", bytes([number]) * 1000)
        except OutputExists:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 19
    assert len(set((tmp_path / "one").read_bytes())) == 1


def test_a_file_that_grows_too_large_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files stands for a full disk, which not every account can make.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputUnwritable):
            write_new(tmp_path / "large", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from exchange.cli.files import new_file\n"
        "with new_file(pathlib.Path(sys.argv[1])) as sink:\n"
        "    sink.write(bytes(100_000)); sink.flush(); print('writing', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "half")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_not_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match="No such file"):
        write_new(tmp_path / "nowhere" / "x", b"")
    with pytest.raises(OutputUnwritable):
        write_new(Path("/proc/x"), b"")
