"""The benchmark's command: what it measures, prints and answers, on toy entries and quickly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.__main__ import main
from bench.harness import (
    QUICK,
    Contest,
    Entry,
    Gauge,
    NotInstalled,
    Repeat,
    Sense,
    WrongResult,
    run,
)
from bench.registry import ENTRIES


def pause(seconds: float, log: list[str] | None = None, name: str = "") -> Repeat:
    """Something that takes a known time and gives the time it took as its result."""

    def repeat(times: int) -> float:
        for _ in range(times):
            if log is not None:
                log.append(name)
            time.sleep(seconds)
        return seconds

    return repeat


def accept(ours: object, theirs: object) -> None:
    """Hold any result right."""


def refuse(ours: object, theirs: object) -> None:
    raise WrongResult("two is not three")


def toy(
    *,
    goal: float = 2,
    sense: Sense = Sense.AT_LEAST,
    check: Callable[[object, object], None] = accept,
    log: list[str] | None = None,
) -> Entry:
    """An entry whose other way takes about five times as long as ours."""

    @contextmanager
    def prepare() -> Iterator[Contest]:
        yield Contest(
            ours=pause(0.004, log, "ours"), theirs=pause(0.02, log, "theirs"), check=check
        )

    return Entry(name="toy", goal=goal, against="sleeping longer", prepare=prepare, sense=sense)


def test_the_value_is_the_ratio_of_the_times() -> None:
    assert 2 < run(toy(), QUICK).value < 8


def test_where_a_value_must_be_low_it_says_how_much_longer_ours_takes() -> None:
    assert 0.1 < run(toy(goal=1, sense=Sense.AT_MOST), QUICK).value < 0.6


def test_a_gauge_measures_by_itself() -> None:
    @contextmanager
    def prepare() -> Iterator[Gauge]:
        yield Gauge(measure=lambda effort: float(effort.rounds))

    entry = Entry(name="toy", goal=9, against="nothing", prepare=prepare, unit="")
    assert run(entry, QUICK).value == QUICK.rounds


def test_what_is_not_installed_is_said_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    @contextmanager
    def prepare() -> Iterator[Contest]:
        for missing in ("a program",):
            raise NotInstalled(missing)
        yield Contest(ours=pause(0), theirs=pause(0), check=accept)

    missing = Entry(name="other", goal=9, against="nothing", prepare=prepare)
    assert main(["--json", "--quick"], [missing, toy()]) == 0
    shown = capsys.readouterr()
    assert [each["name"] for each in json.loads(shown.out)] == ["toy"]
    assert "other: not installed: a program" in shown.err


def test_rounds_alternate_and_change_their_order() -> None:
    log: list[str] = []
    run(toy(log=log), QUICK)
    turns = [name for index, name in enumerate(log) if index == 0 or log[index - 1] != name]
    # Check, calibration, then AB BA AB, where neighbours of one kind melt together, then check.
    assert turns == ["ours", "theirs"] * 2 + ["ours", "theirs", "ours", "theirs", "ours", "theirs"]


def test_json_is_a_list_of_outcomes_with_six_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--quick"], [toy()]) == 0
    [outcome] = json.loads(capsys.readouterr().out)
    assert isinstance(outcome.pop("value"), float)
    assert outcome == {
        "name": "toy",
        "goal": 2,
        "sense": ">=",
        "unit": "x",
        "against": "sleeping longer",
    }


def test_a_table_for_people_says_which_goals_are_reached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--quick"], [toy()]) == 0
    assert "reached" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("goal", "sense"), [(50, Sense.AT_LEAST), (0.01, Sense.AT_MOST)], ids=["too low", "too high"]
)
def test_a_missed_goal_gives_exit_code_1(
    goal: float, sense: Sense, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick"], [toy(goal=goal, sense=sense)]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_a_wrong_result_aborts_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log: list[str] = []
    assert main(["--json", "--quick"], [toy(check=refuse, log=log)]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "two is not three" in shown.err
    assert log == ["ours", "theirs"]


def test_an_unknown_name_is_a_usage_error_that_lists_the_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nothing"], [toy()])
    assert stopped.value.code == 2
    assert "toy" in capsys.readouterr().err


def test_names_choose_one_entry(capsys: pytest.CaptureFixture[str]) -> None:
    other = Entry(name="other", goal=1, against="", prepare=toy().prepare)
    assert main(["other", "--json", "--quick"], [toy(), other]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["other"]


def test_the_first_word_of_a_name_chooses_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        Entry(name=name, goal=1, against="", prepare=toy().prepare)
        for name in ("sign-a", "sign-b", "signs")
    ]
    assert main(["sign", "--json", "--quick"], entries) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["sign-a", "sign-b"]


@pytest.mark.parametrize(
    "entry",
    [each for each in ENTRIES if each.name in ("sign-table", "sign-table-tuned", "verify-foreign")],
    ids=lambda entry: entry.name,
)
def test_both_ways_of_a_contest_give_right_results(entry: Entry) -> None:
    with entry.prepare() as contest:
        assert isinstance(contest, Contest)
        contest.check(contest.ours(1), contest.theirs(1))
        with pytest.raises(WrongResult):
            contest.check(None, contest.theirs(1))
        with pytest.raises(WrongResult):
            contest.check(contest.ours(1), None)


def test_the_table_of_all_entries_fits_a_terminal() -> None:
    for entry in ENTRIES:
        assert len(entry.name) <= 21
        assert len(entry.against) <= 31
