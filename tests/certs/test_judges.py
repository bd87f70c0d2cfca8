"""A missing judge is named: skipped on a user's machine, a failure where judges are required."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import REQUIRE_JUDGES, may_mount, pytest_runtest_setup

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


def test_root_that_can_not_mount_fails_where_judges_are_required_and_others_skip(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "mount"
    refusing.write_text("#!/bin/sh\nexit 32\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv(REQUIRE_JUDGES, "1")
    request.node.add_marker(pytest.mark.mounts)
    refused = pytest.fail.Exception if os.geteuid() == 0 else pytest.skip.Exception
    may_mount.cache_clear()
    try:
        with pytest.raises(refused, match="can't mount"):
            pytest_runtest_setup(request.node)
    finally:
        may_mount.cache_clear()
