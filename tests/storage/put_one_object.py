"""Puts one object into a directory store and exits: the victim of the tests that kill it."""

import asyncio
import resource
import sys
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    # Only the driver, without the S3 client that its package imports: every call of the operating
    # system is traced here, and an import makes thousands.
    sys.modules["storage.objects"] = package = ModuleType("storage.objects")
    package.__path__ = [str(Path(__file__).parents[2] / "storage" / "objects")]

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
