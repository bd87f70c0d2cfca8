"""Data of an own PostgreSQL that tests start again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.leftovers import processes_in
from tests.support.own_postgres import start_and_stop
from tests.support.postgres import quick_folder, reachable_directory


@pytest.fixture(scope="session")
def initialised() -> Iterator[Path]:
    """A directory with data, made once; making them takes longer than any test."""
    with reachable_directory("congvan-test-", within=quick_folder()) as directory:
        asyncio.run(start_and_stop(directory / "postgres"))
        yield directory / "postgres"


@pytest.fixture
def directory(initialised: Path) -> Iterator[Path]:
    """Data of an earlier start. Each test leaves them fit for the next one, or fails here."""
    yield initialised
    assert not processes_in(initialised / "data")
    assert not list(initialised.glob("socket"))


@pytest.fixture
def deep_directory(directory: Path) -> Iterator[Path]:
    """The same below so many folders that the kernel takes no socket there."""
    deep = directory.parent.joinpath(*["a-folder-with-a-long-name"] * 5, "postgres")
    deep.parent.mkdir(parents=True, exist_ok=True)
    directory.rename(deep)
    yield deep
    deep.rename(directory)
