"""Single S3 requests through the `minio` client, blocking: bounded, repeated, in our own errors."""

import mmap
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Self, TypeVar, cast
from xml.etree import ElementTree

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from storage.errors import StorageError, StorageFull, StorageUnavailable, StorageUrlInvalid

Body = bytes | mmap.mmap
T = TypeVar("T")

_HTTP_PRECONDITION_FAILED = 412
_HTTP_SERVER_ERROR = 500
_HTTP_INSUFFICIENT_STORAGE = 507
_FULL_CODES = frozenset({"InsufficientCapacity", "QuotaExceeded", "XMinioStorageFull"})
_PASSING_CODES = frozenset({"ConditionalRequestConflict", "RequestTimeout", "SlowDown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Credentials:
    """Who we are for the S3 server. Shown nowhere: not in addresses, reprs, errors or logs."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False, default=None)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (optional)."""
        try:
            return cls(
                access_key=environment["AWS_ACCESS_KEY_ID"],
                secret_key=environment["AWS_SECRET_ACCESS_KEY"],
                session_token=environment.get("AWS_SESSION_TOKEN"),
            )
        except KeyError as error:
            raise StorageUrlInvalid(f"S3 needs {error.args[0]} in the environment") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Limits:
    """How long and how often we try. The client's own defaults would wait for half an hour."""

    connect_seconds: float = 5
    silence_seconds: float = 20
    """The longest pause of a server in the middle of a request."""
    attempts: int = 3
    pause_seconds: float = 0.2
    """Before the second attempt; doubled before each further one."""
    call_seconds: float = 60
    """For a whole call with all attempts, and on top of it the time to move the content:"""
    slowest_bytes_per_second: int = 256 * 1024
    connections: int = 16

    def deadline_seconds(self, size_bytes: int) -> float:
        """How long a call that moves so many bytes may take in all."""
        return self.call_seconds + size_bytes / self.slowest_bytes_per_second


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where requests go: one bucket of one server."""

    endpoint: str
    name: str
    secure: bool
    region: str = "us-east-1"


class S3Requests:
    """The requests that a store needs. All of them are harmless to repeat, and are repeated."""

    def __init__(self, bucket: Bucket, credentials: S3Credentials, *, limits: S3Limits) -> None:
        self._bucket = bucket.name
        self._limits = limits
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=limits.connect_seconds, read=limits.silence_seconds),
            retries=False,  # ours know what is harmless, and end in time
            maxsize=limits.connections,
            ssl_context=ssl.create_default_context() if bucket.secure else None,
        )
        self._client = Minio(
            bucket.endpoint,
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            session_token=credentials.session_token,
            secure=bucket.secure,
            region=bucket.region,  # saves asking for it
            http_client=self._pool,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def bucket_exists(self) -> bool:
        """Whether the bucket is there for us."""
        return self._repeat(lambda: self._client.bucket_exists(self._bucket))

    def put_new(self, key: str, body: Body, *, headers: Mapping[str, str]) -> bool:
        """Write unless something lies there: True when written, False when something does.

        False also after an answer that was lost on its way: then it may be ours that lies there.
        """

        def put() -> bool:
            if isinstance(body, mmap.mmap):
                body.seek(0)
            try:
                # The public put_object() takes no headers, hence no condition. A test pins this
                # call; the lock file pins its version.
                self._client._put_object(
                    self._bucket,
                    key,
                    cast(bytes, body),  # whatever has a length, a read() and a buffer will do
                    {**headers, "If-None-Match": "*"},
                )
            except S3Error as error:
                if error.response.status == _HTTP_PRECONDITION_FAILED:
                    return False
                raise
            return True

        return self._repeat(put)

    def head(self, key: str) -> tuple[int, Mapping[str, str]] | None:
        """Size and headers of an object, or None where there is none."""

        def head() -> tuple[int, Mapping[str, str]] | None:
            try:
                found = self._client.stat_object(self._bucket, key)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise
            return found.size or 0, cast(Mapping[str, str], found.metadata)

        return self._repeat(head)

    def get(self, key: str, *, offset: int) -> BaseHTTPResponse | None:
        """The answer with an object's bytes from `offset` on; None where there is no object."""

        def get() -> BaseHTTPResponse | None:
            try:
                return self._client.get_object(self._bucket, key, offset=offset)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise

        return self._repeat(get)

    def list_after(self, prefix: str, last: str | None, *, count: int) -> list[tuple[str, int]]:
        """The next keys below a prefix, in order, with their sizes."""

        def list_some() -> list[tuple[str, int]]:
            found = self._client.list_objects(
                self._bucket, prefix=prefix, recursive=True, start_after=last
            )
            return [(str(each.object_name), each.size or 0) for each in islice(found, count)]

        return self._repeat(list_some)

    def _repeat(self, request: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._limits.call_seconds
        pause = self._limits.pause_seconds
        for attempt in count(1):
            try:
                return request()
            except CLIENT_ERRORS as error:
                last_one = attempt == self._limits.attempts or time.monotonic() + pause > deadline
                if last_one or not _is_passing(error):
                    raise translated(error) from error
            # Not time.sleep(): it fails where tests move the clock of a process.
            threading.Event().wait(pause)
            pause *= 2
        raise AssertionError("count() does not end")


# What the client raises: its own errors, those of the connection, and those of its parsers when
# the answer is no S3 at all.
CLIENT_ERRORS = (MinioException, HTTPError, ElementTree.ParseError, ValueError, KeyError)


def translated(error: Exception) -> StorageError:
    """An error of the client as one of ours. Its text may quote a request, so it is left out."""
    if isinstance(error, S3Error):
        if error.code in _FULL_CODES or error.response.status == _HTTP_INSUFFICIENT_STORAGE:
            return StorageFull(str(error.code))
        return StorageUnavailable(f"the S3 server answered {error.code}")
    if (status := _status_of(error)) is not None:
        failure = StorageFull if status == _HTTP_INSUFFICIENT_STORAGE else StorageUnavailable
        return failure(f"the S3 server answered {status}")
    return StorageUnavailable(f"no usable answer from the S3 server: {type(error).__name__}")


def _is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, S3Error) and error.code in _PASSING_CODES:
        return True
    status = _status_of(error)
    if status is None:
        return isinstance(error, HTTPError)
    return status >= _HTTP_SERVER_ERROR and status != _HTTP_INSUFFICIENT_STORAGE


def _status_of(error: Exception) -> int | None:
    if isinstance(error, S3Error):
        return error.response.status
    if isinstance(error, ServerError):
        return error.status_code
    if isinstance(error, InvalidResponseError):
        return error._code
    return None
