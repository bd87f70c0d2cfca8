"""The journal vouches only for what is on the disk as it was made, wherever it was cut off."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from exchange.cli.errors import JournalInUse, JournalUnusable
from exchange.cli.signing import journal as journals
from exchange.cli.signing.journal import Entry, Journal, look_up

INPUT, SETTINGS = "11" * 32, "22" * 32
CONTENT = b"%PDF signed"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / journals.NAME


def entry(output: Path, *, input_sha256: str = INPUT, content: bytes = CONTENT) -> Entry:
    return Entry(
        at="2026-11-23T02:00:00+00:00",
        input="/văn bản/a.pdf",
        input_sha256=input_sha256,
        settings_sha256=SETTINGS,
        certificate_sha256="33" * 32,
        output=output.name,
        output_sha256=hashlib.sha256(content).hexdigest(),
    )


def signed(path: Path, name: str = "a_daky.pdf") -> Path:
    output = path.parent / name
    output.write_bytes(CONTENT)
    return output


def result(path: Path, *, input_sha256: str = INPUT, settings: str = SETTINGS) -> Path | None:
    with Journal(path) as journal:
        found = journal.result_of(input_sha256, settings_sha256=settings)
    assert found == look_up(path, input_sha256, settings_sha256=settings)
    return found


def test_what_was_recorded_is_found_again(path: Path) -> None:
    output = signed(path)
    with Journal(path) as journal:
        journal.record(entry(output))
        assert journal.result_of(INPUT, settings_sha256=SETTINGS) == output
    assert result(path) == output
    assert result(path, settings="44" * 32) is None
    assert result(path, input_sha256="55" * 32) is None


@pytest.mark.parametrize("damage", ["altered", "deleted"])
def test_it_does_not_vouch_for_a_result_that_is_not_as_made(path: Path, damage: str) -> None:
    output = signed(path)
    with Journal(path) as journal:
        journal.record(entry(output))
    if damage == "altered":
        output.write_bytes(CONTENT + b" and more")
    else:
        output.unlink()
    assert result(path) is None


def test_cut_at_any_byte_it_loses_at_most_the_last_line_and_takes_new_ones(path: Path) -> None:
    first, second = signed(path, "1.pdf"), signed(path, "2.pdf")
    with Journal(path) as journal:
        journal.record(entry(first))
        journal.record(entry(second, input_sha256="66" * 32))
    whole = path.read_bytes()
    start_of_last = whole.index(b"\n") + 1
    for end in range(start_of_last, len(whole)):
        path.write_bytes(whole[:end])
        with Journal(path) as journal:
            assert journal.result_of(INPUT, settings_sha256=SETTINGS) == first
            journal.record(entry(second, input_sha256="77" * 32))
        assert result(path) == first
        assert result(path, input_sha256="77" * 32) == second


@pytest.mark.parametrize(
    "line",
    [b"\x00\xff", b"[]", b'{"v": 1}', b'{"v": 2, "at": ""}', b"[" * 5000, b'{"v": 1, "at": {}}'],
)
def test_lines_that_say_nothing_are_passed_over(path: Path, line: bytes) -> None:
    output = signed(path)
    with Journal(path) as journal:
        journal.record(entry(output))
    path.write_bytes(line + b"\n" + path.read_bytes() + line)
    assert result(path) == output


def test_a_second_run_into_the_same_folder_is_refused_until_the_first_ends(path: Path) -> None:
    with Journal(path), pytest.raises(JournalInUse):
        Journal(path)
    Journal(path).close()


def test_an_empty_journal_is_taken_away(path: Path) -> None:
    Journal(path).close()
    assert not path.exists()


def test_a_journal_elsewhere_names_results_by_their_whole_path(path: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "a.pdf"
    assert journals.output_name(path, output) == "out/a.pdf"
    assert journals.output_name(tmp_path / "logs" / "j", output) == str(output)


@pytest.mark.parametrize("what", ["folder", "link", "huge"])
def test_what_can_not_be_a_journal_is_refused(path: Path, what: str) -> None:
    if what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(path.with_name("elsewhere"))
    else:
        with path.open("wb") as sink:
            os.truncate(sink.fileno(), journals.MAX_BYTES + 1)
    with pytest.raises(JournalUnusable):
        Journal(path)


def test_lines_of_several_threads_do_not_mix(path: Path) -> None:
    outputs = [signed(path, f"{number}.pdf") for number in range(20)]
    with Journal(path) as journal:

        def note(number: int) -> None:
            journal.record(entry(outputs[number], input_sha256=f"{number:064x}"))

        threads = [threading.Thread(target=note, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(20):
        assert result(path, input_sha256=f"{number:064x}") == outputs[number]


def test_settings_count_as_a_whole_and_in_any_order() -> None:
    one = journals.settings_digest({"level": "B-T", "box": None})
    assert one == journals.settings_digest({"box": None, "level": "B-T"})
    assert one != journals.settings_digest({"level": "B-B", "box": None})
