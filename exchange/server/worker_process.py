"""The entrance of a worker process, light enough for the supervisor to import."""

import importlib
from multiprocessing.connection import Connection as Pipe

from exchange.server.assignment import Assignment


def work(assignment: Assignment, ready: Pipe) -> None:
    """Run a worker to its end. `ready` gets one True when it serves, or one of our errors.

    The module that does the work loads seconds' worth of libraries, which only the worker needs.
    """
    importlib.import_module("exchange.server.worker").run_worker(assignment, ready)
