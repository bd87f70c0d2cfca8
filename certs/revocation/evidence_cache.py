"""Fetched answers shared by processes and by successive commands: a bounded directory of files.

Whoever can write into the directory can put anything there, so nothing in it is believed: an
answer is judged again as if it had just been fetched (`accepted_evidence`), and a note that an
address was silent only saves asking it for a moment. What is damaged is removed. A file appears
whole or not at all, and goes when it is too old or when there is no room, the oldest first.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from certs.errors import FetchFailed
from certs.fetching.fetched import accepted_evidence, next_update, question
from certs.revocation.evidence import EvidenceRequest, RevocationEvidence

_MAX_HEAD_BYTES: Final = 4096
_WRITING: Final = ".writing-"
_ABANDONED_SECONDS: Final = 3600.0
_TURNS: Final = 1024
"""Lock files; two questions that share one wait for each other without need, and no harm done."""
_UNUSABLE: Final = (ValueError, TypeError, OSError, RecursionError)
"""What reading a file raises that nobody of ours wrote, or that was damaged."""
_FIRST_WAIT_SECONDS: Final = 0.005
_LONGEST_WAIT_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLimits:
    """How much the directory may hold, and how long."""

    max_files: int = 4096
    max_bytes: int = 256 * 1024 * 1024
    file_bytes: int = 20 * 1024 * 1024 + _MAX_HEAD_BYTES
    answer_seconds: float = 12 * 3600.0
    """An answer is kept until its nextUpdate, but no longer than this."""
    silent_seconds: float = 60.0
    """How long an address that gave no answer at all is not asked again."""


class SharedAnswers:
    """The directory. Each file is named by the digest of what was asked, and names its own
    content's; it is made when something is put there. A disk that is full or read-only costs
    requests, never an answer.
    """

    def __init__(self, directory: Path, limits: CacheLimits | None = None) -> None:
        self._directory = directory
        self._limits = limits or CacheLimits()

    def get(
        self, request: EvidenceRequest, *, now: datetime
    ) -> tuple[RevocationEvidence, datetime] | None:
        """The answer to the request, if it still counts as if it had just come, and until when."""
        path = self._file("answer", *question(request))
        try:
            found = self._read(path, now=now, seconds=self._limits.answer_seconds)
            return (
                None if found is None else (accepted_evidence(request, found[0], now=now), found[1])
            )
        except (*_UNUSABLE, FetchFailed):
            _remove(path)
            return None

    def put(self, request: EvidenceRequest, evidence: RevocationEvidence, *, now: datetime) -> None:
        """Keep an accepted answer for the others; one without nextUpdate is not kept."""
        bodies = (*evidence.ocsp_responses, *evidence.crls)
        until = next_update(evidence)
        if until is None or len(bodies) != 1:
            return
        until = min(until, now + timedelta(seconds=self._limits.answer_seconds))
        self._write(self._file("answer", *question(request)), bodies[0], until=until)

    def is_silent(self, url: str, *, now: datetime) -> bool:
        """Whether the address gave no answer a moment ago."""
        path = self._file("silent", url.encode())
        try:
            return self._read(path, now=now, seconds=self._limits.silent_seconds) is not None
        except _UNUSABLE:
            _remove(path)
            return False

    def note_silence(self, url: str, *, now: datetime) -> None:
        """Let nobody ask the address for a while."""
        until = now + timedelta(seconds=self._limits.silent_seconds)
        self._write(self._file("silent", url.encode()), b"", until=until)

    @asynccontextmanager
    async def turn(self, request: EvidenceRequest, *, patience: float) -> AsyncIterator[None]:
        """One at a time for a question, over all processes; a process gives it up by ending.

        patience: seconds after which a turn is taken anyway. A process that was stopped in its turn
        costs the others this time and a request of their own, never an answer.
        """
        name = int(self._file("answer", *question(request)).name[:8], 16) % _TURNS
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(
                self._directory / f"turn-{name:03x}",
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                0o600,
            )
        except OSError:
            yield  # without a place to take turns in, each asks for itself
            return
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await _locked(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _file(self, kind: str, *parts: bytes) -> Path:
        digest = hashlib.sha256(kind.encode())
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return self._directory / digest.hexdigest()

    def _read(self, path: Path, *, now: datetime, seconds: float) -> tuple[bytes, datetime] | None:
        """The content and its end, None where there is none. Raises ValueError for what must go."""
        try:
            # Nothing that leads elsewhere, and nothing that keeps its reader waiting.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as source:
            content = source.read(self._limits.file_bytes + 1)
        if len(content) > self._limits.file_bytes:
            raise ValueError("it is too large")
        head, end, body = content.partition(b"\n")
        said = json.loads(head) if end and len(head) <= _MAX_HEAD_BYTES else None
        if not isinstance(said, dict) or said.get("sha256") != hashlib.sha256(body).hexdigest():
            raise ValueError("it is damaged")
        until = datetime.fromisoformat(str(said.get("until")))
        if not now < until <= now + timedelta(seconds=seconds):
            raise ValueError("its time is over")
        return body, until

    def _write(self, path: Path, body: bytes, *, until: datetime) -> None:
        digest = hashlib.sha256(body).hexdigest()
        head = json.dumps({"sha256": digest, "until": until.isoformat()}).encode()
        content = head + b"\n" + body
        if len(content) > self._limits.file_bytes:
            return
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes it 0600, under a name that nobody else has.
            descriptor, name = tempfile.mkstemp(prefix=_WRITING, dir=self._directory)
            try:
                with open(descriptor, "wb") as target:
                    target.write(content)
                os.replace(name, path)
            except OSError:
                os.unlink(name)
                raise
            self._make_room()

    def _make_room(self) -> None:
        """Forget the oldest until both limits hold, and what a killed process left half written."""
        kept: list[tuple[float, int, str]] = []
        before = time.time() - _ABANDONED_SECONDS
        with os.scandir(self._directory) as entries:
            for entry in entries:
                if entry.name.startswith("turn-"):
                    continue
                with suppress(FileNotFoundError):  # another process made room too
                    stat = entry.stat(follow_symlinks=False)
                    if not entry.name.startswith(_WRITING):
                        kept.append((stat.st_mtime, stat.st_size, entry.path))
                    elif stat.st_mtime < before:
                        os.unlink(entry.path)
        kept.sort()
        size, number = sum(each[1] for each in kept), len(kept)
        for _, bytes_, path in kept:
            if number <= self._limits.max_files and size <= self._limits.max_bytes:
                break
            with suppress(FileNotFoundError):
                os.unlink(path)
            size, number = size - bytes_, number - 1


def _remove(path: Path) -> None:
    with suppress(OSError):  # another process removed it too, or it is not ours
        path.unlink()


async def _locked(descriptor: int) -> None:
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        else:
            return
