"""What all tests share: fixtures of the parts, and the independent judges from outside the lock."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import NoReturn

import pytest

# As `exchange` does for itself; some modules of the tests import grpc before it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

REQUIRE_JUDGES = "CONGVAN_REQUIRE_JUDGES"
JAVA_JUDGES = {"dss", "verapdf"}

pytest_plugins = [
    "tests.support.practice",
    "tests.support.postgres",
    "tests.support.objects",
    "tests.support.service",
    "tests.support.clients",
    "tests.support.tokens",
    "tests.support.java_judges",
]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs keep for their next run lies with the tests, and not at a developer's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@functools.cache
def may_mount() -> bool:
    """Try to mount a small file system: root in a container may not either."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="congvan-test-") as folder:
        mount = ["mount", "-ttmpfs", "-osize=1m", "tmpfs", folder]
        if subprocess.call(mount, stderr=subprocess.DEVNULL) != 0:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def missing(tool: str) -> str | None:
    """Say what a judge lacks on this machine, None where it can be asked."""
    if tool not in JAVA_JUDGES:
        return None if shutil.which(tool) else f"the judge {tool} is not installed"
    # Imported by itself, pytest would miss it as a plugin whose assertions it explains.
    from tests.support.java_judges import PROGRAM  # noqa: PLC0415

    if shutil.which("java") is None:
        return f"the judge {tool} needs java"
    if not PROGRAM.exists():
        return f"the judge {tool} is not built: mvn -q -f tests/judges/pom.xml package"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what can't be tried here: a judge is not installed, or this account can't mount.

    Where judges are required (CI), what is missing fails the test instead; only an ordinary user
    may be unable to mount there too, whom root's run stands beside.
    """
    if any(item.iter_markers("mounts")) and not may_mount():
        _skip("this account can't mount the small disk it fills", allowed=os.geteuid() != 0)
    for marker in item.iter_markers("judge"):
        for tool in marker.args:
            if message := missing(tool):
                _skip(message)


def _skip(message: str, *, allowed: bool = False) -> NoReturn:
    if os.environ.get(REQUIRE_JUDGES) == "1" and not allowed:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
