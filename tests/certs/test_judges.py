"""A missing judge is named: skipped on a user's machine, a failure where judges are required."""

from __future__ import annotations

import pytest

from tests.conftest import REQUIRE_JUDGES, pytest_runtest_setup

MISSING = "no-such-judge-anywhere"


def test_a_missing_judge_skips_the_test_and_is_named(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(REQUIRE_JUDGES, raising=False)
    request.node.add_marker(pytest.mark.judge(MISSING))
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        pytest_runtest_setup(request.node)


def test_a_missing_judge_fails_the_test_where_judges_are_required(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REQUIRE_JUDGES, "1")
    request.node.add_marker(pytest.mark.judge(MISSING))
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        pytest_runtest_setup(request.node)


def test_a_judge_that_is_there_lets_the_test_run(request: pytest.FixtureRequest) -> None:
    request.node.add_marker(pytest.mark.judge("sh"))
    pytest_runtest_setup(request.node)
