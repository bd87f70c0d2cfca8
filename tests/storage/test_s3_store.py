"""What can go wrong between us and an S3 server, with a real server behind a faulty line."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import minio
import pytest
import pytest_asyncio
import urllib3

from storage.errors import (
    ObjectCorrupt,
    StorageUnavailable,
    StorageUnsuitable,
    StorageUrlInvalid,
)
from storage.objects import open_object_store
from storage.objects.s3 import S3Store
from storage.objects.s3_requests import Bucket, S3Credentials, S3Limits
from storage.ports import Digest, ObjectStore, PutOutcome, digest_of, object_key
from tests.storage.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.support.objects import S3Server

IMPATIENT = S3Limits(
    connect_seconds=0.3,
    silence_seconds=0.3,
    attempts=2,
    pause_seconds=0.05,
    call_seconds=1.5,
    slowest_bytes_per_second=10_000_000,
)


@pytest_asyncio.fixture
async def proxy(s3_server: S3Server) -> AsyncIterator[FaultyProxy]:
    async with faulty_proxy(s3_server.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def distant_store(
    proxy: FaultyProxy, s3_server: S3Server, s3_bucket: str
) -> AsyncIterator[S3Store]:
    """The bucket of `s3_store`, reached through the faulty proxy by an impatient client."""
    bucket = Bucket(endpoint=f"127.0.0.1:{proxy.port}", name=s3_bucket, secure=False)
    store = S3Store(bucket, s3_server.credentials, limits=IMPATIENT)
    yield store
    await store.close()


async def everything_in(store: ObjectStore) -> list[Digest]:
    return [stored.digest async for stored in store.list()]


async def test_an_answer_lost_after_the_write_does_not_lose_the_object(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = b"stored, but nobody heard" * 1000
    proxy.once(Fault.LOSE_ANSWER)
    outcome = await distant_store.put_new(digest_of(content), content)
    assert outcome is PutOutcome.ALREADY_THERE
    assert proxy.connections >= 2
    assert await s3_store.read(digest_of(content)) == content


async def test_every_answer_lost_is_an_error_and_the_repeat_finds_the_object(
    distant_store: S3Store, proxy: FaultyProxy
) -> None:
    content = b"written twice, kept once"
    proxy.always(Fault.LOSE_ANSWER)
    with pytest.raises(StorageUnavailable):
        await distant_store.put_new(digest_of(content), content)
    proxy.always(Fault.NONE)
    outcome = await distant_store.put_new(digest_of(content), content)
    assert outcome is PutOutcome.ALREADY_THERE


async def test_an_upload_cut_in_the_middle_leaves_nothing(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = os.urandom(2_000_000)
    proxy.always(Fault.CUT_REQUEST)
    with pytest.raises(StorageUnavailable):
        await distant_store.put_new(digest_of(content), content)
    assert await everything_in(s3_store) == []
    proxy.always(Fault.NONE)
    assert await distant_store.put_new(digest_of(content), content) is PutOutcome.STORED


@pytest.mark.parametrize(
    "fault", [Fault.SILENCE, Fault.CUT_AT_ONCE, Fault.UNAVAILABLE, Fault.NONSENSE]
)
async def test_a_server_that_does_not_serve_is_unavailable_within_the_deadline(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy, fault: Fault
) -> None:
    await s3_store.put_new(digest_of(b"there"), b"there")
    proxy.always(fault)
    calls: list[Coroutine[object, object, object]] = [
        distant_store.read(digest_of(b"there")),
        everything_in(distant_store),
        distant_store.check(),
    ]
    if fault is not Fault.NONSENSE:  # an empty 200 says that the object is there, or was written
        calls += [
            distant_store.put_new(digest_of(b"new"), b"new"),
            distant_store.stat(digest_of(b"there")),
        ]
    for call in calls:
        before = time.monotonic()
        with pytest.raises((StorageUnavailable, StorageUnsuitable, ObjectCorrupt)):
            await call
        assert time.monotonic() - before < IMPATIENT.call_seconds + 1


async def test_a_frozen_server_is_unavailable_within_the_deadline(
    s3_server: S3Server, s3_store: S3Store, s3_bucket: str
) -> None:
    bucket = Bucket(endpoint=s3_server.endpoint, name=s3_bucket, secure=False)
    store = S3Store(bucket, s3_server.credentials, limits=IMPATIENT)
    await store.put_new(digest_of(b"there"), b"there")
    os.killpg(s3_server.process, signal.SIGSTOP)
    try:
        await asyncio.to_thread(wait_until_stopped, s3_server.process)
        for call in (
            lambda: store.read(digest_of(b"there")),
            lambda: store.put_new(digest_of(b"x"), b"x"),
        ):
            before = time.monotonic()
            with pytest.raises(StorageUnavailable):
                await call()
            assert time.monotonic() - before < IMPATIENT.call_seconds + 1
    finally:
        os.killpg(s3_server.process, signal.SIGCONT)
    assert await store.read(digest_of(b"there")) == b"there"
    await store.close()


def wait_until_stopped(process: int) -> None:
    """A signal stops the threads of a process one after the other."""

    def states() -> set[str]:
        threads = Path(f"/proc/{process}/task").glob("*/stat")
        return {path.read_text().rpartition(")")[2].split()[0] for path in threads}

    while states() != {"T"}:
        time.sleep(0.01)


async def test_a_server_that_drips_meets_the_deadline_of_its_slowest_allowed_rate(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = b"d" * 100_000
    await s3_store.put_new(digest_of(content), content)
    proxy.always(Fault.DRIP)
    before = time.monotonic()
    with pytest.raises(StorageUnavailable):
        await distant_store.read(digest_of(content))
    assert time.monotonic() - before < 2 * IMPATIENT.call_seconds + 1


async def test_a_download_goes_on_where_the_line_broke(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = os.urandom(1_000_000)
    await s3_store.put_new(digest_of(content), content)
    proxy.once(Fault.CUT_ANSWER)
    assert await distant_store.read(digest_of(content)) == content
    assert proxy.connections == 2


async def test_a_download_that_breaks_each_time_is_unavailable(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = os.urandom(1_000_000)
    await s3_store.put_new(digest_of(content), content)
    proxy.always(Fault.CUT_ANSWER)
    with pytest.raises(StorageUnavailable):
        await distant_store.read(digest_of(content))


async def test_a_bit_flipped_on_the_way_is_found(
    distant_store: S3Store, s3_store: ObjectStore, proxy: FaultyProxy
) -> None:
    content = b"f" * 50_000
    await s3_store.put_new(digest_of(content), content)
    proxy.always(Fault.FLIP_BIT)
    with pytest.raises(ObjectCorrupt):
        await distant_store.read(digest_of(content))


async def test_a_listing_goes_over_more_than_one_page(
    s3_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.objects.s3._LIST_BATCH", 7)
    contents = [b"%d" % number for number in range(30)]
    await asyncio.gather(*(s3_store.put_new(digest_of(each), each) for each in contents))
    assert await everything_in(s3_store) == sorted(map(digest_of, contents))


async def test_foreign_objects_in_the_bucket_are_not_ours(
    s3_store: ObjectStore, s3_server: S3Server, s3_bucket: str
) -> None:
    digest = digest_of(b"x")
    for key in ("objects/readme.txt", f"objects/zz/zz/{digest}", digest, f"objects/{digest}"):
        s3_server.client._put_object(s3_bucket, key, b"foreign")
    assert await everything_in(s3_store) == []


async def test_the_digest_stands_in_the_user_metadata(
    s3_store: ObjectStore, s3_server: S3Server, s3_bucket: str
) -> None:
    digest = digest_of(b"described")
    await s3_store.put_new(digest, b"described")
    found = s3_server.client.stat_object(s3_bucket, object_key(digest))
    assert found.metadata is not None
    assert found.metadata["x-amz-meta-sha256"] == digest


async def test_the_client_still_passes_our_condition_on(
    s3_server: S3Server, s3_bucket: str
) -> None:
    """We call a private method of the client: whoever updates it learns here if it has moved."""
    assert minio.__version__.startswith("7.2.")
    s3_server.client._put_object(s3_bucket, "key", b"first", {"If-None-Match": "*"})
    with pytest.raises(minio.error.S3Error) as refused:
        s3_server.client._put_object(s3_bucket, "key", b"second", {"If-None-Match": "*"})
    assert refused.value.response.status == 412
    response = s3_server.client.get_object(s3_bucket, "key")
    assert response.data == b"first"
    response.release_conn()


async def test_a_server_that_overwrites_is_refused_at_start(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(endpoint=s3_server.endpoint, name=s3_bucket, secure=False)
    store = S3Store(bucket, s3_server.credentials)
    real_put = minio.Minio._put_object

    def put_without_the_condition(client, bucket, key, data, headers=None, query_params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        headers = {k: v for k, v in (headers or {}).items() if k != "If-None-Match"}
        return real_put(client, bucket, key, data, headers, query_params)

    # What rclone and older gateways do with the header: they ignore it.
    monkeypatch.setattr(minio.Minio, "_put_object", put_without_the_condition)
    with pytest.raises(StorageUnsuitable, match="overwrites"):
        await store.check()
    await store.close()


async def test_a_bucket_that_does_not_exist_is_refused_at_start(s3_server: S3Server) -> None:
    store = open_object_store(s3_server.url_of("no-such-bucket"), credentials=s3_server.credentials)
    with pytest.raises(StorageUnsuitable, match="does not exist"):
        await store.check()
    with pytest.raises(StorageUnavailable):
        await store.put_new(digest_of(b"x"), b"x")
    await store.close()


async def test_wrong_credentials_are_refused_and_shown_nowhere(
    s3_server: S3Server, s3_bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = S3Credentials(
        access_key=s3_server.credentials.access_key, secret_key="very-secret-word"
    )
    with caplog.at_level(logging.DEBUG):
        store = open_object_store(s3_server.url_of(s3_bucket), credentials=secret)
        with pytest.raises(StorageUnavailable) as refused:
            await store.put_new(digest_of(b"x"), b"x")
    shown = f"{store!r} {secret!r} {refused.value!r} {refused.value} {refused.value.__cause__}"
    for word in (secret.secret_key, secret.access_key):
        assert word not in shown
    assert secret.secret_key not in caplog.text
    await store.close()


async def test_a_closed_store_refuses(s3_server: S3Server, s3_bucket: str) -> None:
    store = open_object_store(s3_server.url_of(s3_bucket), credentials=s3_server.credentials)
    await store.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await store.stat(digest_of(b"x"))


def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(StorageUrlInvalid, match="AWS_ACCESS_KEY_ID"):
        open_object_store("s3://127.0.0.1:1/bucket")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "who")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    assert repr(open_object_store("s3://127.0.0.1:1/bucket")) == "S3Store(127.0.0.1:1/bucket)"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relative/path",
        "/absolute/path",
        "file:relative",
        "file://host/path",
        "file:///path?x=1",
        "http://127.0.0.1/bucket",
        "s3://127.0.0.1:9000",
        "s3://127.0.0.1:9000/",
        "s3://127.0.0.1:9000/a/b",
        "s3://127.0.0.1:9000/Bucket",
        "s3://127.0.0.1:nine/bucket",
        "s3://who:very-secret-word@127.0.0.1:9000/bucket",
        "s3://127.0.0.1:9000/bucket?secret=very-secret-word",
        "s3+http:///bucket",
        "file://who:very-secret-word@/path",
    ],
)
def test_an_address_that_names_no_store_is_refused_without_being_repeated(url: str) -> None:
    credentials = S3Credentials(access_key="who", secret_key="word")
    with pytest.raises(StorageUrlInvalid) as refused:
        open_object_store(url, credentials=credentials)
    assert "very-secret-word" not in f"{refused.value} {refused.value.__cause__}"


def test_the_client_never_retries_on_its_own() -> None:
    store = S3Store(
        Bucket(endpoint="127.0.0.1:1", name="bucket", secure=True),
        S3Credentials(access_key="who", secret_key="word"),
    )
    settings = store._requests._pool.connection_pool_kw
    assert settings["retries"].total is False
    timeout = settings["timeout"]
    assert isinstance(timeout, urllib3.Timeout)
    assert (timeout.connect_timeout, timeout.read_timeout) == (5, 20)
