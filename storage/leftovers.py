"""Finding and ending a PostgreSQL that outlived a killed service."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.02
_KILLED_WITHIN_SECONDS = 10.0


def stop_leftovers(data: Path, timeout_seconds: float) -> None:
    """End every PostgreSQL process that works in `data`: politely first, then by force.

    The caller holds the directory's lock, so that they can only be left over. They are known by
    their working directory: a number in postmaster.pid may have been given to someone else by now,
    and backends that lost their postmaster are in no file at all.
    """
    if not processes_in(data):
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        postmaster = int((data / "postmaster.pid").read_text("ascii").splitlines()[0])
        if postmaster in processes_in(data):
            os.kill(postmaster, signal.SIGINT)  # fast shutdown: nobody waits for clients
            wait_until(lambda: not processes_in(data), timeout_seconds)
    for process in processes_in(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    wait_until(lambda: not processes_in(data), _KILLED_WITHIN_SECONDS)


def forget_reused_process_id(data: Path) -> None:
    """Remove postmaster.pid where its number now belongs to a stranger.

    After a restart of the machine PostgreSQL would take the stranger for itself and not start.
    """
    path = data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        process = int(path.read_text("ascii").splitlines()[0])
        if Path(f"/proc/{process}").exists() and process not in processes_in(data):
            path.unlink()


def processes_in(data: Path) -> frozenset[int]:
    """The PostgreSQL processes whose working directory is `data`, by number; no zombies."""
    target = data.resolve()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            if (
                os.readlink(entry / "cwd") == str(target)
                and Path(os.readlink(entry / "exe")).name.removesuffix(" (deleted)") == "postgres"
            ):
                found.add(int(entry.name))
    return frozenset(found)


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll until the condition holds; False when the time is up."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
