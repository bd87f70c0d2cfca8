"""The entrance of a worker process, light enough for the supervisor to import."""

import importlib
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from exchange.server.settings import Settings

DRAIN_SECONDS = 30
"""How long calls under way may take to end after the worker was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What the supervisor tells its workers: the settings, the database's address, the port."""

    settings: Settings
    dsn: str = field(repr=False)
    port: int


def work(assignment: Assignment, ready: Pipe) -> None:
    """Run a worker to its end. `ready` gets one True when it serves, or the reason why not.

    The module that does the work loads seconds' worth of libraries, which only the worker needs.
    """
    importlib.import_module("exchange.server.worker").run_worker(assignment, ready)
