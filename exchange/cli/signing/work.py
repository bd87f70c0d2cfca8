"""The work on one document: digest it, look it up, sign it, and put the result in its place."""

import asyncio
import contextlib
import hashlib
import os
import stat
import traceback
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from exchange.cli.commands import is_ours
from exchange.cli.errors import FileChanged, FileUnreadable, OutputExists, OutputUnwritable
from exchange.cli.files import is_folder, is_taken, new_file
from exchange.cli.output import reason_and_detail
from exchange.cli.signing import journal as journals
from exchange.cli.signing.journal import Entry, Journal
from exchange.cli.signing.outcomes import ALREADY_SIGNED, SAME_DOCUMENT, Outcome, Result
from exchange.cli.signing.targets import Target
from signer.document import admit_source
from signer.source import CHUNK_BYTES, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is done to each document of a call.

    settings: all that shapes the result but the key, as JSON values. apply: gives what comes after
    the document, at this instant.
    """

    settings: Mapping[str, Any]
    certificate_sha256: str
    apply: Callable[[Source, datetime], Awaitable[bytes]]


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where documents are worked on: the act, the clock, the journals of the results' folders."""

    act: Act
    clock: Callable[[], datetime]
    journals: Mapping[Path, Journal]
    seen: dict[str, Path] = field(default_factory=dict)
    """Digests of the documents of this run, with the file that had each first."""

    async def sign_one(self, target: Target) -> Outcome:
        """Sign one file; answers an outcome whatever happens."""
        return await settled(target, self._sign)

    async def _sign(self, target: Target, outcome: Outcome) -> Outcome:
        with _opened(target.file) as source:
            digest = await asyncio.to_thread(_sha256, source)
            known = replace(outcome, input_sha256=digest)
            if (first := self.seen.setdefault(digest, target.file)) is not target.file:
                return replace(known, reason=SAME_DOCUMENT, detail=str(first))
            journal = self.journals.get(target.output.parent)
            if journal is not None:
                made = await asyncio.to_thread(self._made_before, journal, digest)
                if made is not None:
                    return replace(known, reason=ALREADY_SIGNED, output=str(made))
            require_place(target)
            at = self.clock()
            tail = await self.act.apply(source, at)
            write = _Writing(target=target, source=source, tail=tail, input_sha256=digest)
            made_sha256 = await _finished(self._put, write, at=at)
        return replace(known, outcome=Result.DONE, sha256=made_sha256)

    def _made_before(self, journal: Journal, input_sha256: str) -> Path | None:
        settings = journals.settings_digest(self.act.settings)
        return journal.result_of(input_sha256, settings_sha256=settings)

    def _put(self, writing: "_Writing", at: datetime) -> str:
        journal = self.journals.get(writing.target.output.parent)

        def note() -> None:
            if journal is not None:
                journal.record(self._entry(writing, at, journal=journal))

        with new_file(writing.target.output, before_naming=note) as sink:
            for piece in writing.pieces():
                sink.write(piece)
        return writing.output_sha256

    def _entry(self, writing: "_Writing", at: datetime, *, journal: Journal) -> Entry:
        return Entry(
            at=journals.instant(at),
            input=str(writing.target.file.absolute()),
            input_sha256=writing.input_sha256,
            settings_sha256=journals.settings_digest(self.act.settings),
            certificate_sha256=self.act.certificate_sha256,
            output=journals.output_name(journal.path, writing.target.output),
            output_sha256=writing.output_sha256,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a dry run does with each document: all that can be known without a key."""

    settings: Mapping[str, Any]
    place: Callable[[Source], Awaitable[str]]
    journal_of: Callable[[Path], Path | None]

    async def try_one(self, target: Target) -> Outcome:
        """Tell what signing would do with one file; nothing is written, nobody is asked."""
        return await settled(target, self._try)

    async def _try(self, target: Target, outcome: Outcome) -> Outcome:
        with _opened(target.file) as source:
            digest = await asyncio.to_thread(_sha256, source)
            known = replace(outcome, input_sha256=digest)
            path = self.journal_of(target.output.parent)
            settings = journals.settings_digest(self.settings)
            if path and (made := journals.look_up(path, digest, settings_sha256=settings)):
                return replace(known, reason=ALREADY_SIGNED, output=str(made))
            require_place(target)
            admit_source(source)
            return replace(known, outcome=Result.PLANNED, detail=await self.place(source))


async def settled(target: Target, work: Callable[[Target, Outcome], Awaitable[Outcome]]) -> Outcome:
    """Do the work on one target, unless it is passed over; answers an outcome whatever happens.

    The work is given the target's outcome so far, to say in it what it did.
    """
    outcome = target.untouched()
    if target.passed_over:
        return outcome
    try:
        return await work(target, outcome)
    except Exception as error:
        # A defect in one document must not take the others along; it is told as one.
        reason, detail = reason_and_detail(error) if is_ours(error) else _defect(error)
        return replace(outcome, outcome=Result.FAILED, reason=reason, detail=detail)


def require_place(target: Target) -> None:
    """Refuse a target whose result has no place to go, before a key is used for it.

    Raises OutputExists, OutputUnwritable.
    """
    if is_taken(target.output):
        raise OutputExists(str(target.output))
    if not is_folder(target.output.parent):
        raise OutputUnwritable(f"{target.output.parent}: no such folder")


@dataclass(slots=True, kw_only=True)
class _Writing:
    """A result on its way to the disk, digested as it goes there."""

    target: Target
    source: Source
    tail: bytes
    input_sha256: str
    output_sha256: str = ""

    def pieces(self) -> Iterator[bytes]:
        """Yield the result; raises FileChanged where the input is no longer what was signed."""
        hasher = hashlib.sha256()
        for at in range(0, self.source.size, CHUNK_BYTES):
            piece = self._read(at)
            hasher.update(piece)
            yield piece
        if hasher.hexdigest() != self.input_sha256:
            raise FileChanged(str(self.target.file))
        hasher.update(self.tail)
        yield self.tail
        self.output_sha256 = hasher.hexdigest()

    def _read(self, at: int) -> bytes:
        try:
            return self.source.read(at, at + CHUNK_BYTES)
        except OSError as error:
            # Told apart from what goes wrong on the side of the output.
            raise FileUnreadable(f"{self.target.file}: {error.strerror}") from error


async def _finished(
    put: Callable[[_Writing, datetime], str], writing: _Writing, *, at: datetime
) -> str:
    """Wait for the result to be in its place, also where the run is told to end meanwhile."""
    task = asyncio.ensure_future(asyncio.to_thread(put, writing, at))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Source]:
    try:
        # A pipe would be waited for, for ever.
        if not stat.S_ISREG(file.stat().st_mode):
            raise FileUnreadable(f"{file}: not a file")
        source = Source.of_file(file)
    except OSError as error:
        raise FileUnreadable(f"{file}: {error.strerror}") from error
    with source:
        yield source


def _sha256(source: Source) -> str:
    hasher = hashlib.sha256()
    try:
        source.feed(hasher, start=0, end=source.size)
    except OSError as error:
        raise FileUnreadable(error.strerror or "") from error
    return hasher.hexdigest()


def _defect(error: Exception) -> tuple[str, str]:
    if os.environ.get("CONGVAN_DEBUG") == "1":
        traceback.print_exception(error)
    return "INTERNAL_ERROR", f"{type(error).__name__} {uuid.uuid4().hex[:8]}"
