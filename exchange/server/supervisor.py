"""The supervisor: prepares the data, starts one worker a core, and keeps them running."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.identity import endpoint_code, fingerprint
from certs.parsing import DAMAGE
from exchange import registry
from exchange.agency import Endpoint, parse_organ_id
from exchange.errors import PortInUse, SettingInvalid, WorkerNotStarted
from exchange.server.assignment import DRAIN_SECONDS, Assignment
from exchange.server.logs import configure_logs
from exchange.server.settings import BootstrapSection, Settings, read_setting_file
from exchange.server.worker_process import work
from storage.database import Connection, Database
from storage.embedded import EmbeddedPostgres
from storage.errors import DataVersionUnsupported
from storage.objects import open_object_store

DATA_VERSION = "1"
ADDRESS_FILE = "address"
START_SECONDS = 60
RESTART_PAUSE_SECONDS = 1.0
_log = structlog.get_logger("congvan.supervisor")


@dataclass(slots=True)
class _Worker:
    process: BaseProcess


def run(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> int:
    """Run the service until SIGTERM or SIGINT; `on_ready` gets the address once it serves.

    Raises:
        ConfigurationInvalid, StorageError, KeyUnusable, WorkerNotStarted, …: why it can't start;
            nothing is left running then.

    """
    configure_logs()
    asyncio.run(_run(settings, on_ready or (lambda address: None)))
    return 0


async def _run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    data_dir = settings.service.data_dir
    async with contextlib.AsyncExitStack() as stack:
        port = stack.enter_context(_reserved_port(settings.service.host, settings.service.port))
        _prepare_directory(settings)
        dsn = await stack.enter_async_context(_database(settings))
        await _prepare_data(settings, dsn)
        assignment = Assignment(settings=settings, dsn=dsn, port=port)
        workers = await _start_workers(assignment)
        stack.push_async_callback(_stop_workers, workers)
        address = f"{settings.service.host}:{port}"
        _write_address(data_dir, address)
        stack.callback((data_dir / ADDRESS_FILE).unlink, missing_ok=True)
        _log.info("serving", address=address, workers=len(workers))
        on_ready(address)
        await _keep_running(assignment, workers, stopping=stopping)


@contextlib.contextmanager
def _reserved_port(host: str, port: int) -> Iterator[int]:
    """Hold the port for the workers; raises PortInUse where somebody else has it.

    The workers share the port by SO_REUSEPORT, under which a second service would start without a
    word. So it is taken once without sharing, and then held, not listening, until the end.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            port = probe.getsockname()[1]
        holder = socket.socket(family, socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
    except OSError as error:
        raise PortInUse(f"{host}:{port}: {error.strerror}") from error
    with holder:
        yield port


def _prepare_directory(settings: Settings) -> None:
    """Make the data directory, or check that it is one of this version.

    Raises:
        DataVersionUnsupported: made by another version of the service.
        SettingInvalid: it can't be made or written.

    """
    data_dir = settings.service.data_dir
    try:
        # Traversable, so that an unprivileged PostgreSQL reaches its own folder in it.
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        version = data_dir / "version"
        if not version.exists():
            version.write_text(DATA_VERSION + "\n")
        found = version.read_text().strip()
        if found != DATA_VERSION:
            raise DataVersionUnsupported(f"data of version {found[:20]}, this is {DATA_VERSION}")
        settings.spool.mkdir(mode=0o700, exist_ok=True)
        _make_evidence_key(settings.evidence_key)
    except OSError as error:
        raise SettingInvalid(f"service.data_dir: {data_dir}: {error.strerror}") from error


def _make_evidence_key(path: Path) -> None:
    if path.exists():
        return
    content = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


@contextlib.asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    if settings.database.dsn:
        yield settings.database.dsn
        return
    async with EmbeddedPostgres(settings.service.data_dir / "postgresql") as own:
        yield own.dsn


async def _prepare_data(settings: Settings, dsn: str) -> None:
    """Bring the schema up, prove the object store, register who must be there from the start."""
    objects = open_object_store(settings.object_store_url)
    try:
        await objects.check()
    finally:
        await objects.close()
    async with await Database.open(dsn) as database:
        await database.migrate()
        async with database.transaction() as connection:
            for section in settings.bootstrap:
                await _bootstrap(connection, section)


async def _bootstrap(connection: Connection, section: BootstrapSection) -> None:
    content = read_setting_file(section.certificate, what=f"bootstrap {section.code}: certificate")
    try:
        certificate = x509.load_pem_x509_certificate(content)
    except DAMAGE:
        raise SettingInvalid(f"bootstrap {section.code}: certificate is not PEM") from None
    code = parse_organ_id(section.code)
    if endpoint_code(certificate) != code:
        raise SettingInvalid(f"bootstrap {section.code}: the certificate names another endpoint")
    if await registry.find_endpoint(connection, code) is not None:
        return
    now = datetime.now(UTC)
    await registry.add_endpoint(
        connection,
        Endpoint(
            code=code,
            name=section.name,
            block=section.block,
            level=section.level,
            roles=frozenset(section.roles),
            valid_from=now,
        ),
    )
    await registry.bind_certificate(connection, code, fingerprint=fingerprint(certificate), at=now)


async def _start_workers(assignment: Assignment) -> list[_Worker]:
    starting = [_start_worker(assignment) for _ in range(assignment.settings.service.workers)]
    started = await asyncio.gather(*starting, return_exceptions=True)
    workers = [each for each in started if isinstance(each, _Worker)]
    failures = [each for each in started if isinstance(each, BaseException)]
    if failures:
        await _stop_workers(workers)
        raise failures[0]
    return workers


async def _start_worker(assignment: Assignment) -> _Worker:
    # glibc gives every thread a heap of its own, and learns from the first large piece it frees to
    # keep such pieces there: the chunks of large documents would stay. It reads these when a
    # process starts; an operator's own settings win.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(128 << 10))
    # Spawned, never forked: gRPC's threads don't survive a fork.
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe(duplex=False)
    process = spawning.Process(target=work, args=(assignment, theirs), name="congvan-worker")
    process.start()
    theirs.close()
    worker = _Worker(process)
    with ours:
        word = await asyncio.to_thread(_first_word, ours)
    if word is True:
        return worker
    await _stop_workers([worker])
    if isinstance(word, Exception):
        raise word
    raise WorkerNotStarted(f"{word}, exit code {process.exitcode}")


def _first_word(pipe: Pipe) -> object:
    try:
        return pipe.recv() if pipe.poll(START_SECONDS) else f"no word in {START_SECONDS} s"
    except EOFError:
        return "it ended without a word"


async def _keep_running(
    assignment: Assignment, workers: list[_Worker], *, stopping: asyncio.Event
) -> None:
    """Replace workers that die, with a pause between tries, until told to stop."""
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), RESTART_PAUSE_SECONDS)
        for place, worker in enumerate(workers):
            if not stopping.is_set() and not worker.process.is_alive():
                _log.error("worker died", exit_code=worker.process.exitcode)
                try:
                    workers[place] = await _start_worker(assignment)
                except Exception as error:  # whatever it is may be gone at the next try
                    _log.error("no worker in its place", reason=str(error))


async def _stop_workers(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        await asyncio.to_thread(worker.process.join, DRAIN_SECONDS + 5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _write_address(data_dir: Path, address: str) -> None:
    temporary = data_dir / (ADDRESS_FILE + ".new")
    temporary.write_text(address + "\n")
    temporary.rename(data_dir / ADDRESS_FILE)
