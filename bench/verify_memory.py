"""Verify a file of 100 MB in the sandbox: how much memory the judging process takes for it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.harness import Effort, Entry, Gauge, Sense
from bench.material import Material, document_of_size, evidence, material, now
from bench.verify import require_ours
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.verdicts import SignatureLevel

LARGE_BYTES: Final = 99_000_000
"""Nearly the largest that the service takes."""
SIGNATURES: Final = 2
"""With a second one the full way is taken, and what it changed is judged."""


async def _signed(document: bytes, made: Material) -> bytes:
    for _ in range(SIGNATURES):
        request = SigningRequest(level=Level.B_B, signed_at=now())
        document = await sign(document, key=made.key, request=request)
    return document


def _kilobytes(process: int, name: str) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


def _start_over(process: int) -> int:
    """Let the process's peak begin anew; return what it holds now."""
    Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")
    return _kilobytes(process, "VmRSS")


async def _peak(made: Material, small: Path, *, large: Path) -> float:
    """Return the judging process's peak above what it held before, in kilobytes."""

    async def judge(file: Path) -> Report:
        return await sandbox.assess(file, store=made.trust, evidence=evidence(made), at=now())

    async with Sandbox(workers=1) as sandbox:
        # What is loaded once is no matter of the file's size.
        require_ours(await judge(small), SignatureLevel.B_B, signatures=SIGNATURES)
        [process] = sandbox.process_ids
        before = _start_over(process)
        require_ours(await judge(large), SignatureLevel.B_B, signatures=SIGNATURES)
        return _kilobytes(process, "VmHWM") - before


@contextmanager
def _prepare() -> Iterator[Gauge]:
    with material() as made, tempfile.TemporaryDirectory(prefix="congvan-bench-") as place:
        small, large = Path(place) / "small.pdf", Path(place) / "large.pdf"
        for file, size in ((small, 50_000), (large, LARGE_BYTES)):
            file.write_bytes(asyncio.run(_signed(document_of_size(size), made)))

        def measure(_: Effort) -> float:
            return asyncio.run(_peak(made, small, large=large)) * 1024 / large.stat().st_size

        yield Gauge(measure=measure)


ENTRY = Entry(
    name="verify-100m-memory",
    goal=1.3,
    against="the file's size",
    prepare=_prepare,
    sense=Sense.AT_MOST,
)
