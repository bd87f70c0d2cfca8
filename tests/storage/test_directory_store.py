"""What is particular to objects as files: layout, links, full disks, kills at every step."""

import asyncio
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from storage.errors import (
    DataDirectoryUnsafe,
    ObjectCorrupt,
    ObjectMissing,
    StorageFull,
    StorageUnavailable,
)
from storage.objects.directory import DirectoryStore
from storage.ports import Digest, ObjectStore, PutOutcome, digest_of, object_key
from tests.storage import put_one_object
from tests.storage.put_one_object import CONTENT

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects-root"


def put_in_another_process(
    root: Path, *, under: tuple[str, ...] = (), limit: int | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*under, sys.executable, "-S", put_one_object.__file__, str(root)]
    command += [] if limit is None else [str(limit)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


async def everything_in(store: ObjectStore) -> list[Digest]:
    return [stored.digest async for stored in store.list()]


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


async def test_an_object_lies_where_its_digest_says_and_nobody_may_write_it(
    directory_store: DirectoryStore, root: Path
) -> None:
    digest = digest_of(b"content")
    await directory_store.put_new(digest, b"content")
    path = root / "objects" / digest[:2] / digest[2:4] / digest
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o7777 == 0o440
    assert path.stat().st_nlink == 1
    assert files_below(root) == [str(path.relative_to(root))]


async def test_nobody_else_may_look_into_the_tree(
    directory_store: DirectoryStore, root: Path
) -> None:
    await directory_store.put_new(digest_of(b"x"), b"x")
    assert {os.stat(folder).st_mode & 0o007 for folder, _, _ in os.walk(root)} == {0}


async def test_a_link_in_the_place_of_an_object_is_not_followed(
    directory_store: DirectoryStore, root: Path, tmp_path: Path
) -> None:
    digest = digest_of(b"secret")
    await directory_store.put_new(digest, b"secret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"secret")
    path = root / object_key(digest)
    path.unlink()
    path.symlink_to(elsewhere)
    with pytest.raises((ObjectCorrupt, DataDirectoryUnsafe)):
        await directory_store.read(digest)
    with pytest.raises(ObjectCorrupt):
        await directory_store.stat(digest)
    with pytest.raises((ObjectCorrupt, DataDirectoryUnsafe)):
        await directory_store.put_new(digest, b"secret")
    assert await everything_in(directory_store) == [digest]
    assert elsewhere.read_bytes() == b"secret"


@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_a_link_in_the_place_of_a_folder_is_not_followed(
    directory_store: DirectoryStore, root: Path, tmp_path: Path, depth: int
) -> None:
    digest = digest_of(b"content")
    await directory_store.put_new(digest, b"content")
    folder = root.joinpath(*object_key(digest).split("/")[:depth])
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    for call in (
        lambda: directory_store.read(digest),
        lambda: directory_store.stat(digest),
        lambda: directory_store.put_new(digest, b"content"),
        lambda: everything_in(directory_store),
    ):
        with pytest.raises(DataDirectoryUnsafe):
            await call()


async def test_a_pipe_in_the_place_of_an_object_does_not_hang_us(
    directory_store: DirectoryStore, root: Path
) -> None:
    digest = digest_of(b"content")
    await directory_store.put_new(digest, b"content")
    (root / object_key(digest)).unlink()
    os.mkfifo(root / object_key(digest))
    with pytest.raises(ObjectCorrupt):
        await asyncio.wait_for(directory_store.read(digest), 5)


async def test_a_disk_that_is_not_mounted_is_not_an_empty_store(
    directory_store: DirectoryStore, root: Path
) -> None:
    digest = digest_of(b"content")
    await directory_store.put_new(digest, b"content")
    os.rename(root, root.with_name("unmounted"))
    for call in (
        lambda: directory_store.read(digest),
        lambda: directory_store.stat(digest),
        lambda: directory_store.put_new(digest, b"content"),
        lambda: everything_in(directory_store),
    ):
        with pytest.raises(StorageUnavailable):
            await call()
    os.mkdir(root)
    with pytest.raises(StorageUnavailable, match="is its disk mounted"):
        await directory_store.stat(digest)


async def test_strangers_in_the_tree_are_not_objects(
    directory_store: DirectoryStore, root: Path
) -> None:
    await directory_store.put_new(digest_of(b"x"), b"x")
    (root / "objects" / "lost+found").mkdir()
    (root / "objects" / "ZZ").mkdir()
    (root / object_key(digest_of(b"x"))).with_name("README").write_text("hello")
    assert await everything_in(directory_store) == [digest_of(b"x")]


async def test_what_a_killed_process_left_is_swept_when_it_is_old(
    directory_store: DirectoryStore, root: Path
) -> None:
    old, new = root / "incoming" / "1-old", root / "incoming" / "2-new"
    for path in (old, new):
        path.write_bytes(b"half")
    yesterday = time.time() - 90_000
    os.utime(old, (yesterday, yesterday))
    await directory_store.check()
    assert (old.exists(), new.exists()) == (False, True)


async def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises((DataDirectoryUnsafe, StorageUnavailable)):
        await DirectoryStore(tmp_path / "file").check()


def put_it(root: Path) -> str:
    async def put() -> str:
        return await DirectoryStore(root).put_new(digest_of(CONTENT), CONTENT)

    return asyncio.run(put())


async def test_of_many_processes_with_one_content_exactly_one_stores_it(
    directory_store: DirectoryStore, root: Path
) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        outcomes = list(processes.map(put_it, [root] * 20))
    assert sorted(outcomes) == [PutOutcome.ALREADY_THERE] * 19 + [PutOutcome.STORED]
    assert files_below(root) == [object_key(digest_of(CONTENT))]


async def test_a_file_that_may_not_grow_means_full_and_leaves_nothing(
    directory_store: DirectoryStore, root: Path
) -> None:
    done = put_in_another_process(root, limit=4096)
    assert done.returncode != 0
    assert StorageFull.__name__ in done.stderr
    assert files_below(root) == []


STEPS = "fchmod,fsync,linkat,mkdirat,unlinkat"
STRACE = ("strace", "-f", f"-etrace={STEPS}")


def traced_steps(root: Path, trace: Path) -> list[str]:
    """The calls of one undisturbed put that touch files' names and durability, in order."""
    done = put_in_another_process(root, under=(*STRACE, "-y", f"-o{trace}"))
    assert done.stdout == "STORED\n", done.stderr
    found = re.findall(r"^\d+ +(\w+)\((.*)$", trace.read_text(), re.MULTILINE)
    return [f"{name}({arguments}" for name, arguments in found if str(root) in arguments]


def numbered(steps: list[str]) -> list[tuple[str, int]]:
    names = [step.partition("(")[0] for step in steps]
    return [(name, names[: place + 1].count(name)) for place, name in enumerate(names)]


@pytest.mark.judge("strace")
async def test_content_is_synced_before_its_name_and_its_name_before_the_answer(
    directory_store: DirectoryStore, root: Path, tmp_path: Path
) -> None:
    steps = traced_steps(root, tmp_path / "trace")
    incoming, folder = f"{root}/incoming/", f"{root}/objects/"
    order = [
        next(i for i, s in enumerate(steps) if s.startswith("fsync") and incoming in s),
        next(i for i, s in enumerate(steps) if s.startswith("linkat")),
        max(i for i, s in enumerate(steps) if s.startswith("fsync") and folder in s),
    ]
    assert order == sorted(order)
    leaf = str((root / object_key(digest_of(CONTENT))).parent)
    assert f"<{leaf}>" in steps[order[2]]


@pytest.mark.judge("strace")
async def test_a_put_killed_at_any_step_leaves_nothing_or_the_whole(
    directory_store: DirectoryStore, root: Path, tmp_path: Path
) -> None:
    steps = numbered(traced_steps(root, tmp_path / "trace"))
    assert {"fsync", "linkat", "mkdirat", "unlinkat"} <= {name for name, _ in steps}
    for name, which in steps:
        fresh = DirectoryStore(tmp_path / f"killed-at-{name}-{which}")
        await fresh.check()
        # Counted for the whole process: what the interpreter does by itself is none of these.
        inject = f"-einject={name}:signal=SIGKILL:when={which}"
        killed = put_in_another_process(fresh._tree.root, under=(*STRACE, inject, "-o/dev/null"))
        assert killed.returncode != 0, f"not killed at {name} {which}"
        for found in await everything_in(fresh):
            assert await fresh.read(found) == CONTENT
        await fresh.put_new(digest_of(CONTENT), CONTENT)
        assert await fresh.read(digest_of(CONTENT)) == CONTENT


@pytest.mark.judge("strace")
@pytest.mark.parametrize(
    ("call", "error", "expected"),
    [
        ("fsync", "ENOSPC", StorageFull),
        ("linkat", "ENOSPC", StorageFull),
        ("linkat", "EDQUOT", StorageFull),
        ("mkdirat", "ENOSPC", StorageFull),
        ("fsync", "EIO", StorageUnavailable),
        ("linkat", "EROFS", StorageUnavailable),
    ],
)
async def test_a_step_that_fails_is_told_and_leaves_nothing(
    directory_store: DirectoryStore, root: Path, call: str, error: str, expected: type[Exception]
) -> None:
    under = (*STRACE, f"-einject={call}:error={error}", "-o/dev/null")
    done = put_in_another_process(root, under=under)
    assert done.returncode != 0
    assert expected.__name__ in done.stderr
    assert files_below(root) == []
    with pytest.raises(ObjectMissing):
        await directory_store.read(digest_of(CONTENT))
