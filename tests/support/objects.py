"""Fixtures that give tests object stores: a directory, and a real S3 server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from storage.objects.directory import DirectoryStore


@pytest_asyncio.fixture
async def directory_store(tmp_path: Path) -> AsyncIterator[DirectoryStore]:
    """An empty store below `tmp_path / "objects-root"`, checked and ready."""
    store = DirectoryStore(tmp_path / "objects-root")
    await store.check()
    yield store
    await store.close()
