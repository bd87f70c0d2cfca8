"""SeaweedFS as the demo's S3 object store: one `weed mini` on loopback, with keys of its own."""

import asyncio
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from exchange.cli.errors import DemoFailed
from exchange.demo.processes import Children, until

BUCKET = "congvan"
START_SECONDS = 60.0
_PORTS = 5
# SeaweedFS opens a gRPC twin of each HTTP port, this much above it.
_TWIN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectServer:
    """Where it listens and who may use it."""

    port: int
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address for the service's configuration."""
        return f"s3+http://127.0.0.1:{self.port}/{BUCKET}"

    @property
    def environment(self) -> Mapping[str, str]:
        """How the service is told the credentials: by its environment only."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }


async def start_object_server(children: Children, directory: Path) -> ObjectServer:
    """Start it and make the bucket. Raises DemoFailed where `weed` is missing or doesn't serve."""
    program = Path(sys.executable).with_name("weed")
    if not _is_file(program):
        raise DemoFailed(f"{program} is not there: --s3 needs the development environment")
    server = ObjectServer(
        port=_free_block(), access_key=secrets.token_hex(10), secret_key=secrets.token_hex(20)
    )
    _make(directory / "data")
    child = children.start(
        "objects",
        [str(program), *_arguments(directory, server.port)],
        environment={
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "WEED_S3_SSE_KEK": secrets.token_hex(32),
            **server.environment,
        },
    )
    client = Minio(
        f"127.0.0.1:{server.port}",
        access_key=server.access_key,
        secret_key=server.secret_key,
        secure=False,
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=5, retries=False),
    )

    async def ready() -> bool:
        return await asyncio.to_thread(_bucket_is_made, client)

    await until(ready, child, seconds=START_SECONDS)
    return server


def _bucket_is_made(client: Minio) -> bool:
    try:
        client.make_bucket(BUCKET)
    except (MinioException, urllib3.exceptions.HTTPError):
        return False
    return True


def _arguments(directory: Path, port: int) -> list[str]:
    options: Mapping[str, object] = {
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
    return ["mini", *(f"-{name}={value}" for name, value in options.items())]


def _free_block() -> int:
    for _ in range(200):
        first = 20_000 + secrets.randbelow(2_700)
        ports = range(first, first + _PORTS)
        if all(_is_free(port) and _is_free(port + _TWIN) for port in ports):
            return first
    raise DemoFailed("no free ports for the object store")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _is_file(path: Path) -> bool:
    return path.is_file()


def _make(directory: Path) -> None:
    directory.mkdir(parents=True)
