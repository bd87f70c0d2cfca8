"""What all tests share: fixtures of the parts, and the independent judges from outside the lock."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRE_JUDGES = "CONGVAN_REQUIRE_JUDGES"

pytest_plugins = [
    "tests.support.practice",
    "tests.support.postgres",
    "tests.support.objects",
    "tests.support.service",
    "tests.support.clients",
]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose judge is not installed, or fail it where judges are required."""
    for marker in item.iter_markers("judge"):
        for tool in marker.args:
            if shutil.which(tool) is None:
                message = f"the judge {tool} is not installed"
                if os.environ.get(REQUIRE_JUDGES) == "1":
                    pytest.fail(message, pytrace=False)
                pytest.skip(message)
