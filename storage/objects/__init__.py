"""Drivers of the object store, chosen by one address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from storage.errors import StorageUrlInvalid
from storage.objects.directory import DirectoryStore
from storage.ports import ObjectStore

if TYPE_CHECKING:
    from storage.objects.s3_requests import S3Credentials

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_EXPECTED = "expected file:///absolute/directory or s3://host:port/bucket or s3+http://…"


def open_object_store(url: str, *, credentials: S3Credentials | None = None) -> ObjectStore:
    """The store that `url` names; nothing is contacted yet, `check()` does that.

    * `file:///absolute/directory`
    * `s3://host[:port]/bucket[?region=…]` over TLS, `s3+http://…` without. Credentials are given
      here or read from the environment (`S3Credentials.from_environment`), never in the address.

    Raises `StorageUrlInvalid`, whose message does not repeat the address: it may hold a password
    by mistake.
    """
    try:
        parts = urlsplit(url)
        port, query = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise StorageUrlInvalid(_EXPECTED) from None
    if parts.username is not None or parts.password is not None:
        raise StorageUrlInvalid("credentials don't belong in an address")
    path = unquote(parts.path)
    if parts.scheme == "file" and not (parts.netloc or query or parts.fragment):
        if Path(path).is_absolute():
            return DirectoryStore(Path(path))
    elif parts.scheme in {"s3", "s3+http"} and parts.hostname and not parts.fragment:
        name = path.strip("/")
        # Loaded here: a service on a directory should not pay for a client that it never uses.
        from storage.objects.s3 import S3Store  # noqa: PLC0415
        from storage.objects.s3_requests import Bucket, S3Credentials  # noqa: PLC0415

        if _BUCKET_NAME.fullmatch(name) and query.keys() <= {"region"}:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            bucket = Bucket(
                endpoint=host if port is None else f"{host}:{port}",
                name=name,
                secure=parts.scheme == "s3",
                region=query.get("region", "us-east-1"),
            )
            return S3Store(bucket, credentials or S3Credentials.from_environment())
    raise StorageUrlInvalid(_EXPECTED)
