"""Puts one object into a directory store and exits: the victim of the tests that kill it."""

import asyncio
import resource
import sys
from pathlib import Path

from storage.objects.directory import DirectoryStore
from storage.ports import digest_of

CONTENT = b"to be kept whole or not at all\n" * 5000


async def put(root: Path) -> None:
    store = DirectoryStore(root)
    print(await store.put_new(digest_of(CONTENT), CONTENT))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    asyncio.run(put(Path(sys.argv[1])))
