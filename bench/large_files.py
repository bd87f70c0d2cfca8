"""Sign a file of 50 MB where it lies: the time against plain pyHanko, and the memory it takes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness import Contest, Effort, Entry, Gauge, Sense, WrongResult
from bench.material import PASSPHRASE, Material, document_of_size, material
from bench.plainly import require_valid, sign_plainly
from bench.signing import PKCS1, in_loop, request_for
from certs.keys.file import FileKey, load_pkcs12
from signer.creation.signing import sign_tail
from signer.source import Source

LARGE_BYTES = 50_000_000
_CHILD_SECONDS = 120


async def sign_in_place(path: Path, key: FileKey) -> int:
    """Append a signature to a file; return how long the file was before."""
    with Source.of_file(path) as source:
        before = source.size
        tail = await sign_tail(source, key=key, request=request_for(PKCS1))
    with path.open("ab") as file:
        file.write(tail)
    return before


def _truncate(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


@contextmanager
def _large_file() -> Iterator[tuple[Material, Path, bytes]]:
    with material() as made, tempfile.TemporaryDirectory(prefix="congvan-bench-") as place:
        path = Path(place) / "large.pdf"
        document = document_of_size(LARGE_BYTES)
        path.write_bytes(document)
        yield made, path, document


@contextmanager
def _time() -> Iterator[Contest]:
    """Ours goes from file to file, pyHanko's from memory to memory, as its documentation does."""
    with _large_file() as (made, path, document), asyncio.Runner() as runner:

        async def once() -> bytes:
            before = await sign_in_place(path, made.key)
            with path.open("rb") as file:
                file.seek(before)
                tail = file.read()
            _truncate(path, before)
            return tail

        def plainly(times: int) -> bytes:
            signed = b""
            for _ in range(times):
                signed = sign_plainly(document, made.plain_signer)
            return signed

        def check(one: object, other: object) -> None:
            whole = document + one if isinstance(one, bytes) else None
            require_valid(whole, made, document=document)
            require_valid(other, made, document=document)

        yield Contest(ours=in_loop(runner, once), theirs=plainly, check=check)


@contextmanager
def _memory() -> Iterator[Gauge]:
    """How much more memory a process takes while it signs, in parts of the file's size."""
    with _large_file() as (made, path, document):

        def measure(_: Effort) -> float:
            command = [sys.executable, "-m", "bench.large_files", str(path), str(made.pkcs12)]
            done = subprocess.run(  # noqa: S603 - this very module
                command, capture_output=True, text=True, timeout=_CHILD_SECONDS, check=False
            )
            if done.returncode:
                raise WrongResult(done.stderr[-500:])
            require_valid(path.read_bytes(), made, document=document)
            return int(done.stdout) / len(document)

        yield Gauge(measure=measure)


def _resident_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def main(path: Path, pkcs12: Path) -> int:
    """Sign a file where it lies, and print how many bytes of memory that took at its peak."""
    key = load_pkcs12(pkcs12.read_bytes(), PASSPHRASE)
    small = path.with_name("small.pdf")
    small.write_bytes(document_of_size(50_000))
    asyncio.run(sign_in_place(small, key))  # what is loaded once is no matter of the file's size
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident_bytes("VmRSS")
    asyncio.run(sign_in_place(path, key))
    print(max(0, _resident_bytes("VmHWM") - before))
    return 0


ENTRIES = (
    Entry(name="sign-50m", goal=4, against="plain pyHanko, 50 MB", prepare=_time),
    Entry(
        name="sign-50m-memory",
        goal=0.25,
        against="the file's size",
        prepare=_memory,
        sense=Sense.AT_MOST,
    ),
)

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
