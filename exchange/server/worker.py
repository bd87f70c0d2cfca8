"""One worker process: a grpc.aio server on the shared port, until it is told to drain."""

import asyncio
import contextlib
import multiprocessing
import signal
from multiprocessing.connection import Connection as Pipe

import structlog
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from exchange.errors import WorkerNotStarted
from exchange.server.app import SERVICE_NAMES, build_server, open_services
from exchange.server.assignment import DRAIN_SECONDS, Assignment
from exchange.server.background import background
from exchange.server.logs import configure_logs
from exchange.server.status import code_of
from exchange.services import Services

HEALTH_SECONDS = 2.0
_log = structlog.get_logger("congvan.worker")


def run_worker(assignment: Assignment, ready: Pipe) -> None:
    """Run a worker to its end. `ready` gets one True when it serves, or one of our errors."""
    configure_logs()
    try:
        asyncio.run(_serve(assignment, ready))
    except Exception as error:
        with contextlib.suppress(OSError):
            ready.send(_told(error))
        raise SystemExit(1) from None


def _told(error: Exception) -> Exception:
    """What the operator is told: one of our errors as it is, with its own reason and detail."""
    if code_of(error) is not None:
        _log.error("worker failed", reason=str(error))
        return error
    _log.error("worker failed inside", exc_info=error)
    return WorkerNotStarted(f"{type(error).__name__}: the log says where")


async def _serve(assignment: Assignment, ready: Pipe) -> None:
    stopping = _stop_event()
    settings = assignment.settings
    async with open_services(settings, assignment.dsn) as services, background(services):
        server, healths = build_server(services, settings, port=assignment.port)
        await server.start()
        watch = asyncio.create_task(_watch_health(services, healths))
        ready.send(True)
        await stopping.wait()
        # New calls go to the other workers; those under way end in their own time.
        watch.cancel()
        await healths.enter_graceful_shutdown()
        await server.stop(DRAIN_SECONDS)


def _stop_event() -> asyncio.Event:
    """Set by SIGTERM, SIGINT, and by the end of the supervisor however it came."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop.add_reader(parent.sentinel, _on_orphaned, parent.sentinel, stopping)
    return stopping


def _on_orphaned(sentinel: int, stopping: asyncio.Event) -> None:
    # It stays readable from then on, and would be looked at without a pause while the rest drains.
    asyncio.get_running_loop().remove_reader(sentinel)
    stopping.set()


async def _watch_health(services: Services, healths: health.aio.HealthServicer) -> None:
    """Say SERVING only while rows can be written: what can't commit must not be asked."""
    status: int | None = None
    while True:
        serving = await services.database.ready()
        now = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        if now != status:
            status = now
            for name in ("", *SERVICE_NAMES):
                await healths.set(name, status)
        await asyncio.sleep(HEALTH_SECONDS)
