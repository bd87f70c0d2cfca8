"""What a running service holds while it works: files of its spool, and its worker's memory."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.support.service import RunningService


def spooled(service: RunningService) -> list[Path]:
    """The working copies that lie in the spool."""
    return list((service.directory / "data" / "spool" / "working").glob("*"))


def worker_of(service: RunningService) -> psutil.Process:
    """The service's only worker process."""
    children = psutil.Process(service.process.pid).children()
    (worker,) = [
        each
        for each in children
        if any("spawn_main" in part for part in each.cmdline())
        and not any("resource_tracker" in part for part in each.cmdline())
    ]
    return worker


class Peak:
    """How much memory a process takes at most beyond what it has now."""

    def __init__(self, process: psutil.Process) -> None:
        self._folder = Path(f"/proc/{process.pid}")
        # "5" lets the peak begin anew (proc(5), clear_refs).
        (self._folder / "clear_refs").write_text("5")
        self._before = self._kilobytes("VmRSS")

    @property
    def extra_bytes(self) -> int:
        return (self._kilobytes("VmHWM") - self._before) * 1024

    def _kilobytes(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
