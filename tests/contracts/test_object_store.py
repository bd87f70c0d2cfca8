"""What every object store promises, held on every driver with real bytes and real servers."""

import asyncio
import hashlib
import random
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.errors import DigestMismatch, ObjectCorrupt, ObjectMissing
from storage.ports import Content, Digest, ObjectStore, PutOutcome, digest_of
from tests.support.objects import Backstage

MIB = 1 << 20
SIZES = [0, 1, 7, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]


@pytest.fixture(params=["directory", "s3"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(driver: str, request: pytest.FixtureRequest) -> ObjectStore:
    store: ObjectStore = request.getfixturevalue(f"{driver}_store")
    return store


@pytest.fixture
def backstage(driver: str, request: pytest.FixtureRequest) -> Backstage:
    backstage: Backstage = request.getfixturevalue(f"{driver}_backstage")
    return backstage


async def chunks(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def as_bytes(content: bytes, folder: Path) -> Content:
    return content


def as_path(content: bytes, folder: Path) -> Content:
    path = folder / "source"
    path.write_bytes(content)
    return path


def as_stream(content: bytes, folder: Path) -> Content:
    return chunks(content)


each_form = pytest.mark.parametrize("form", [as_bytes, as_path, as_stream])
Form = Callable[[bytes, Path], Content]


async def everything_in(store: ObjectStore) -> list[Digest]:
    return [stored.digest async for stored in store.list()]


@each_form
@pytest.mark.parametrize("size", SIZES)
async def test_what_was_put_is_read_back(
    store: ObjectStore, form: Form, size: int, tmp_path: Path
) -> None:
    content = random.Random(size).randbytes(size)
    digest = digest_of(content)
    assert await store.put_new(digest, form(content, tmp_path)) is PutOutcome.STORED
    assert await store.read(digest) == content
    stored = await store.stat(digest)
    assert stored is not None
    assert stored.size_bytes == size


@each_form
async def test_putting_it_again_finds_it_already_there(
    store: ObjectStore, form: Form, tmp_path: Path
) -> None:
    digest = digest_of(b"twice")
    outcomes = [await store.put_new(digest, form(b"twice", tmp_path)) for _ in range(3)]
    assert outcomes == [PutOutcome.STORED, PutOutcome.ALREADY_THERE, PutOutcome.ALREADY_THERE]


@each_form
@pytest.mark.parametrize("wrong", [b"", b"other", b"right but longer"])
async def test_content_with_another_digest_is_refused_and_leaves_nothing(
    store: ObjectStore, form: Form, wrong: bytes, tmp_path: Path
) -> None:
    digest = digest_of(b"right")
    with pytest.raises(DigestMismatch):
        await store.put_new(digest, form(wrong, tmp_path))
    assert await store.stat(digest) is None
    assert await everything_in(store) == []
    assert await store.put_new(digest, form(b"right", tmp_path)) is PutOutcome.STORED


@each_form
async def test_other_content_under_a_kept_digest_is_refused_and_changes_nothing(
    store: ObjectStore, form: Form, tmp_path: Path
) -> None:
    digest = digest_of(b"kept")
    await store.put_new(digest, b"kept")
    with pytest.raises(DigestMismatch):
        await store.put_new(digest, form(b"lies", tmp_path))
    assert await store.read(digest) == b"kept"


async def test_what_is_not_there_is_missing(store: ObjectStore) -> None:
    digest = digest_of(b"never put")
    assert await store.stat(digest) is None
    with pytest.raises(ObjectMissing):
        await store.read(digest)
    with pytest.raises(ObjectMissing):
        await anext(aiter(store.stream(digest)))
    with pytest.raises(ObjectMissing):
        await anext(aiter(store.stream(digest, offset=3)))


@pytest.mark.parametrize("chunk_bytes", [1, 4, 5, 10, 11, 100])
async def test_a_stream_has_full_chunks_and_a_shorter_last_one(
    store: ObjectStore, chunk_bytes: int
) -> None:
    content = b"0123456789"
    digest = digest_of(content)
    await store.put_new(digest, content)
    got = [chunk async for chunk in store.stream(digest, chunk_bytes=chunk_bytes)]
    assert b"".join(got) == content
    assert all(len(chunk) == chunk_bytes for chunk in got[:-1])
    assert 1 <= len(got[-1]) <= chunk_bytes


@pytest.mark.parametrize("offset", [0, 1, 5, 9, 10, 11, 1000])
async def test_a_stream_starts_at_any_byte(store: ObjectStore, offset: int) -> None:
    content = b"0123456789"
    digest = digest_of(content)
    await store.put_new(digest, content)
    got = [chunk async for chunk in store.stream(digest, offset=offset, chunk_bytes=4)]
    assert b"".join(got) == content[offset:]


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    digest = digest_of(b"")
    assert await store.put_new(digest, b"") is PutOutcome.STORED
    assert await store.read(digest) == b""
    assert [chunk async for chunk in store.stream(digest)] == []


async def test_a_stream_may_be_left_early_and_the_object_read_again(store: ObjectStore) -> None:
    content = b"x" * 3 * MIB
    digest = digest_of(content)
    await store.put_new(digest, content)
    for _ in range(20):  # more often than there are connections
        stream = aiter(store.stream(digest, chunk_bytes=1000))
        assert await anext(stream) == b"x" * 1000
        await stream.aclose()  # type: ignore[attr-defined]
    assert await store.read(digest) == content


async def test_a_listing_names_every_object_in_order_of_digest(store: ObjectStore) -> None:
    contents = [b"object %d" % number for number in range(40)]
    await asyncio.gather(*(store.put_new(digest_of(each), each) for each in contents))
    listed = [stored async for stored in store.list()]
    assert [stored.digest for stored in listed] == sorted(digest_of(each) for each in contents)
    assert {stored.digest: stored.size_bytes for stored in listed} == {
        digest_of(each): len(each) for each in contents
    }


@pytest.mark.parametrize("position", [0, 1_500_000, -1])
async def test_one_flipped_bit_is_found_before_the_last_byte_is_delivered(
    store: ObjectStore, backstage: Backstage, position: int
) -> None:
    content = bytearray(b"y" * 3_000_000)
    digest = digest_of(bytes(content))
    await store.put_new(digest, bytes(content))
    content[position] ^= 1
    backstage.replace(digest, bytes(content))
    with pytest.raises(ObjectCorrupt):
        await store.read(digest)
    delivered = 0

    async def deliver() -> None:
        nonlocal delivered
        async for chunk in store.stream(digest, chunk_bytes=100_000):
            delivered += len(chunk)

    with pytest.raises(ObjectCorrupt):
        await deliver()
    assert delivered < len(content)


@pytest.mark.parametrize("damaged", [b"", b"rotte", b"rotten!"])
async def test_damage_is_not_vouched_for_by_putting_the_content_again(
    store: ObjectStore, backstage: Backstage, damaged: bytes
) -> None:
    digest = digest_of(b"rotten")
    await store.put_new(digest, b"rotten")
    backstage.replace(digest, damaged)
    with pytest.raises(ObjectCorrupt):
        await store.put_new(digest, b"rotten")
    with pytest.raises(ObjectCorrupt):
        await store.read(digest)


async def test_a_source_that_breaks_off_leaves_nothing(store: ObjectStore) -> None:
    content = b"z" * MIB

    async def broken() -> AsyncIterator[bytes]:
        yield content[:500_000]
        raise ConnectionResetError("the sender is gone")

    with pytest.raises(ConnectionResetError):
        await store.put_new(digest_of(content), broken())
    assert await everything_in(store) == []


async def test_a_source_that_ends_early_leaves_nothing(store: ObjectStore) -> None:
    content = b"z" * MIB
    with pytest.raises(DigestMismatch):
        await store.put_new(digest_of(content), chunks(content[:-1]))
    assert await everything_in(store) == []


async def test_a_cancelled_put_leaves_nothing_and_the_store_works_on(store: ObjectStore) -> None:
    content = b"w" * MIB
    reached = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield content[:500_000]
        reached.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put_new(digest_of(content), stuck()))
    await reached.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await everything_in(store) == []
    assert await store.put_new(digest_of(content), chunks(content)) is PutOutcome.STORED


async def test_puts_cancelled_at_any_moment_leave_nothing_or_the_whole(
    store: ObjectStore,
) -> None:
    randomness = random.Random(20261123)
    for number in range(25):
        content = b"%d" % number * 50_000
        putting = asyncio.create_task(store.put_new(digest_of(content), chunks(content, 10_000)))
        await asyncio.sleep(randomness.random() * 0.02)
        putting.cancel()
        await asyncio.wait({putting})
    async for stored in store.list():
        await store.read(stored.digest)


async def test_of_twenty_threads_with_one_content_exactly_one_stores_it(
    store: ObjectStore, backstage: Backstage
) -> None:
    content = b"the same" * 10_000
    start = threading.Barrier(20)

    def put(number: int) -> PutOutcome:
        async def with_a_store_of_its_own() -> PutOutcome:
            own = backstage.open_again()
            start.wait()
            try:
                form = content if number % 2 else chunks(content)
                return await own.put_new(digest_of(content), form)
            finally:
                await own.close()

        return asyncio.run(with_a_store_of_its_own())

    with ThreadPoolExecutor(20) as threads:
        outcomes = await asyncio.gather(
            *(asyncio.wrap_future(threads.submit(put, number)) for number in range(20))
        )
    assert sorted(outcomes) == [PutOutcome.ALREADY_THERE] * 19 + [PutOutcome.STORED]
    assert await store.read(digest_of(content)) == content
    assert await everything_in(store) == [digest_of(content)]


async def test_readers_and_writers_in_any_order_never_see_a_part(store: ObjectStore) -> None:
    randomness = random.Random(42)
    contents = {digest_of(c): c for c in (randomness.randbytes(n * 40_000) for n in range(1, 11))}
    finished: set[Digest] = set()
    outcomes: list[PutOutcome] = []

    async def put(digest: Digest) -> None:
        outcomes.append(await store.put_new(digest, chunks(contents[digest])))
        finished.add(digest)

    async def read(digest: Digest) -> None:
        must_be_there = digest in finished
        try:
            assert await store.read(digest) == contents[digest]
        except ObjectMissing:
            assert not must_be_there

    async def stat(digest: Digest) -> None:
        must_be_there = digest in finished
        stored = await store.stat(digest)
        assert stored is not None or not must_be_there
        assert stored is None or stored.size_bytes == len(contents[digest])

    actions: list[Callable[[Digest], Awaitable[None]]] = [put, read, stat]

    async def worker() -> None:
        for _ in range(25):
            await randomness.choice(actions)(randomness.choice(list(contents)))

    await asyncio.gather(*(worker() for _ in range(8)))
    assert outcomes.count(PutOutcome.STORED) == len(finished)
    assert await everything_in(store) == sorted(finished)


async def test_a_large_object_passes_through_a_small_memory(store: ObjectStore) -> None:
    size, piece = 48 * MIB, b"m" * MIB

    async def large() -> AsyncIterator[bytes]:
        for _ in range(size // MIB):
            yield piece

    sha256 = hashlib.sha256()
    for _ in range(size // MIB):
        sha256.update(piece)
    digest = Digest(sha256.hexdigest())
    tracemalloc.start()
    try:
        await store.put_new(digest, large())
        received = 0
        async for chunk in store.stream(digest):
            received += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received == size
    assert peak < 12 * MIB


async def test_the_check_may_be_repeated_and_hides_nothing(
    store: ObjectStore, backstage: Backstage
) -> None:
    await store.put_new(digest_of(b"kept"), b"kept")
    await store.check()
    again = backstage.open_again()
    await again.check()
    assert await everything_in(again) == [digest_of(b"kept")]
    await again.close()


@pytest.mark.parametrize(("offset", "chunk_bytes"), [(-1, 10), (0, 0), (0, -5)])
async def test_a_stream_of_nonsense_is_a_programming_error(
    store: ObjectStore, offset: int, chunk_bytes: int
) -> None:
    with pytest.raises(ValueError, match="offset must not be negative"):
        await anext(aiter(store.stream(digest_of(b""), offset=offset, chunk_bytes=chunk_bytes)))
