"""Answers shared by processes: asked for once, judged again by each, and bounded."""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import FetchUnavailable
from certs.fetching.fetcher import EvidenceFetcher, Sources
from certs.fetching.policy import FetchLimits, FetchPolicy
from certs.revocation.evidence import EvidenceKind, EvidenceRequest, RevocationEvidence
from certs.revocation.evidence_cache import CacheLimits, SharedAnswers
from tests.certs import hostile_http as hostile
from tests.certs.forging import NOW, FrozenClock, Pair, Saying, root
from tests.support.asking import gather_each

ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAVES = [ISSUER.issue(f"Leaf {number}") for number in range(4)]
LEAF = LEAVES[0]
RESPONDER = ISSUER.responder()
GOOD = Saying().answer(LEAF, RESPONDER)
QUICK = FetchLimits(total_seconds=0.4, gather_seconds=0.6)
MINUTE = timedelta(minutes=1)


def asking(url: str, pair: Pair = LEAF, kind: EvidenceKind = EvidenceKind.OCSP) -> EvidenceRequest:
    assert pair.above is not None
    return EvidenceRequest(
        kind=kind,
        url=url,
        certificate=pair.certificate.public_bytes(Encoding.DER),
        issuer=pair.above.certificate.public_bytes(Encoding.DER),
        serial=pair.certificate.serial_number,
    )


REQUEST = asking("http://ocsp.example/")


@dataclass
class Office:
    """One server, one directory, and as many fetchers as there are processes."""

    server: hostile.Server
    directory: Path
    clock: FrozenClock

    @asynccontextmanager
    async def process(self) -> AsyncIterator[EvidenceFetcher]:
        policy = FetchPolicy(allowed=frozenset({("127.0.0.1", self.server.port)}), limits=QUICK)
        sources = Sources(shared=SharedAnswers(self.directory))
        async with EvidenceFetcher(policy, sources=sources, clock=self.clock) as fetcher:
            yield fetcher

    async def gather(self, request: EvidenceRequest) -> RevocationEvidence:
        async with self.process() as fetcher:
            return await fetcher.gather([request])


@asynccontextmanager
async def office(behave: hostile.Behaviour, directory: Path) -> AsyncIterator[Office]:
    async with hostile.serving(behave) as server:
        yield Office(server, directory, FrozenClock())


def answers_in(directory: Path) -> list[Path]:
    return [each for each in directory.iterdir() if not each.name.startswith("turn-")]


async def slowly(_: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.2)
    await hostile.answering(ISSUER.crl())(b"", writer)


async def test_many_documents_in_many_processes_cost_one_request(tmp_path: Path) -> None:
    async with hostile.serving(slowly) as server:
        requests = [asking(server.url, each, EvidenceKind.CRL) for each in LEAVES]
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as processes:
            found = await asyncio.gather(
                *(
                    loop.run_in_executor(
                        processes,
                        partial(
                            gather_each,
                            *(server.port, tmp_path),
                            requests=requests,
                            at=NOW,
                            seconds=10,
                        ),
                    )
                    for _ in range(3)
                )
            )
        assert len(server.requests) == 1
    assert {len(each.crls) for process in found for each in process} == {1}


async def test_the_next_command_finds_what_the_last_one_fetched(tmp_path: Path) -> None:
    async with office(hostile.answering(GOOD), tmp_path / "cache") as here:
        request = asking(here.server.url)
        for _ in range(3):
            assert (await here.gather(request)).ocsp_responses == (GOOD,)
        assert len(here.server.requests) == 1
    modes = [each.stat().st_mode & 0o777 for each in (tmp_path / "cache").iterdir()]
    assert set(modes) == {0o600}
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


async def test_an_answer_is_asked_for_again_after_its_next_update(tmp_path: Path) -> None:
    async with office(hostile.answering(GOOD), tmp_path) as here:
        request = asking(here.server.url)
        await here.gather(request)
        here.clock.now += timedelta(minutes=59)
        assert await here.gather(request)
        assert len(here.server.requests) == 1
        here.clock.now += timedelta(hours=2)
        assert not await here.gather(request)
        assert len(here.server.requests) == 2


async def test_an_answer_lives_no_longer_by_being_shared(tmp_path: Path) -> None:
    crl = ISSUER.crl()  # good for a day
    async with office(hostile.answering(crl), tmp_path) as here:
        request = asking(here.server.url, kind=EvidenceKind.CRL)
        await here.gather(request)
        here.clock.now += timedelta(hours=11)
        async with here.process() as later:
            assert await later.gather([request])
            assert len(here.server.requests) == 1
            here.clock.now += timedelta(hours=2)
            assert await later.gather([request])
            assert len(here.server.requests) == 2


def planted(directory: Path, body: bytes, until: datetime = NOW + MINUTE) -> SharedAnswers:
    """The cache with the file of the question's answer as somebody else would write it."""
    shared = SharedAnswers(directory)
    shared.put(REQUEST, RevocationEvidence(ocsp_responses=(GOOD,)), now=NOW)
    [file] = answers_in(directory)
    head = {"sha256": hashlib.sha256(body).hexdigest(), "until": until.isoformat()}
    file.write_bytes(json.dumps(head).encode() + b"\n" + body)
    return shared


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(Saying(at=NOW - timedelta(days=9)).answer(LEAF, RESPONDER), id="stale"),
        pytest.param(
            Saying().answer(LEAF, ISSUER.responding_with(root("S").issue("R"))), id="forged"
        ),
        pytest.param(Saying().answer(LEAVES[1], RESPONDER), id="about another"),
        pytest.param(Saying(known=False).answer(LEAF, RESPONDER), id="unknown"),
        pytest.param(b"junk", id="junk"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_planted_answer_does_not_count_and_is_removed(tmp_path: Path, body: bytes) -> None:
    shared = planted(tmp_path, body)
    assert shared.get(REQUEST, now=NOW) is None
    assert answers_in(tmp_path) == []


def test_a_good_answer_that_is_planted_lives_no_longer_than_it_may(tmp_path: Path) -> None:
    assert planted(tmp_path, GOOD).get(REQUEST, now=NOW) is not None
    for until in (NOW - MINUTE, NOW + timedelta(days=2), datetime(9999, 1, 1, tzinfo=UTC)):
        assert planted(tmp_path, GOOD, until).get(REQUEST, now=NOW) is None
        assert answers_in(tmp_path) == []


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)


def _deep(file: Path) -> None:
    file.write_bytes(b"[" * 4000 + b"\n")


def _linked(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


DAMAGE: list[Callable[[Path], object]] = [
    _cut,
    _flip,
    _deep,
    _linked,
    _pipe,
    lambda file: file.write_bytes(b""),
    lambda file: file.write_bytes(b"\xff" * 100),
    lambda file: file.write_bytes(b"{}\n"),
    lambda file: file.write_bytes(b'{"sha256": 1, "until": 2}\n'),
    lambda file: os.truncate(file, 100 * 1024 * 1024),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_ignored_and_removed(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    directory = tmp_path / "cache"
    shared = SharedAnswers(directory)
    shared.put(REQUEST, RevocationEvidence(ocsp_responses=(GOOD,)), now=NOW)
    assert shared.get(REQUEST, now=NOW) is not None
    damage(answers_in(directory)[0])
    assert shared.get(REQUEST, now=NOW) is None
    assert answers_in(directory) == []
    assert shared.get(REQUEST, now=NOW) is None


def test_the_oldest_go_when_there_is_no_room(tmp_path: Path) -> None:
    room = 2 * (len(GOOD) + 200)
    for limits in (CacheLimits(max_files=2), CacheLimits(max_bytes=room)):
        shared = SharedAnswers(tmp_path, limits)
        for age, leaf in enumerate(LEAVES):
            answer = RevocationEvidence(ocsp_responses=(Saying().answer(leaf, RESPONDER),))
            before = set(answers_in(tmp_path))
            shared.put(asking("", leaf), answer, now=NOW)
            for file in set(answers_in(tmp_path)) - before:
                os.utime(file, (age + 1, age + 1))
        left = [shared.get(asking("", leaf), now=NOW) is not None for leaf in LEAVES]
        assert left == [False, False, True, True]


def test_what_a_killed_process_left_half_written_goes_in_time(tmp_path: Path) -> None:
    shared = SharedAnswers(tmp_path)
    old, young = tmp_path / ".writing-old", tmp_path / ".writing-young"
    for file in (old, young):
        file.touch()
    os.utime(old, (1, 1))
    shared.put(REQUEST, RevocationEvidence(ocsp_responses=(GOOD,)), now=NOW)
    assert not old.exists()
    assert young.exists()


async def test_without_a_usable_directory_everything_works_as_without_a_cache(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    async with office(hostile.answering(GOOD), tmp_path / "file" / "cache") as here:
        for asked in (1, 2):
            assert await here.gather(asking(here.server.url))
            assert len(here.server.requests) == asked


async def test_a_dead_responder_costs_one_timeout_a_minute_and_not_one_a_document(
    tmp_path: Path,
) -> None:
    async with office(hostile.hanging, tmp_path) as here:
        for leaf in LEAVES:
            assert await here.gather(asking(here.server.url, leaf)) == RevocationEvidence()
        assert len(here.server.requests) == 1
        async with here.process() as fetcher:
            await fetcher.gather([asking(here.server.url)])
            [failure] = fetcher.failures
            assert isinstance(failure.error, FetchUnavailable)
            assert "a moment ago" in failure.error.detail
        here.clock.now += 2 * MINUTE
        assert not await here.gather(asking(here.server.url))
        assert len(here.server.requests) == 2


async def test_within_one_process_a_dead_responder_is_remembered_without_a_directory() -> None:
    clock = FrozenClock()
    async with hostile.serving(hostile.hanging) as server:
        policy = FetchPolicy(allowed=frozenset({("127.0.0.1", server.port)}), limits=QUICK)
        async with EvidenceFetcher(policy, clock=clock) as fetcher:
            for leaf in LEAVES:
                await fetcher.gather([asking(server.url, leaf)])
            assert len(server.requests) == 1
            clock.now += 2 * MINUTE
            await fetcher.gather([asking(server.url)])
            assert len(server.requests) == 2


async def test_silence_of_one_address_does_not_silence_another(tmp_path: Path) -> None:
    async with (
        hostile.serving(hostile.hanging) as dead,
        office(hostile.answering(GOOD), tmp_path) as here,
    ):
        policy = FetchPolicy(
            allowed=frozenset({("127.0.0.1", dead.port), ("127.0.0.1", here.server.port)}),
            limits=FetchLimits(total_seconds=0.2, gather_seconds=5),
        )
        shared = Sources(shared=SharedAnswers(tmp_path))
        async with EvidenceFetcher(policy, sources=shared, clock=here.clock) as fetcher:
            both = [asking(dead.url), asking(here.server.url)]
            assert (await fetcher.gather(both)).ocsp_responses == (GOOD,)


async def test_a_refusal_by_status_is_no_silence(tmp_path: Path) -> None:
    async with office(hostile.answering(b"", "503 Busy"), tmp_path) as here:
        for asked in (1, 2):
            assert not await here.gather(asking(here.server.url))
            assert len(here.server.requests) == asked


def test_a_planted_silence_lasts_no_longer_than_a_real_one(tmp_path: Path) -> None:
    shared = SharedAnswers(tmp_path)
    shared.note_silence("http://ocsp.example/", now=NOW)
    assert shared.is_silent("http://ocsp.example/", now=NOW)
    [file] = answers_in(tmp_path)
    head = {"sha256": hashlib.sha256(b"").hexdigest(), "until": (NOW + 60 * MINUTE).isoformat()}
    file.write_bytes(json.dumps(head).encode() + b"\n")
    assert not shared.is_silent("http://ocsp.example/", now=NOW)
    assert answers_in(tmp_path) == []


def test_a_silence_is_no_answer_and_an_answer_no_silence(tmp_path: Path) -> None:
    shared = SharedAnswers(tmp_path)
    shared.note_silence(REQUEST.url, now=NOW)
    assert shared.get(REQUEST, now=NOW) is None
    shared.put(REQUEST, RevocationEvidence(ocsp_responses=(GOOD,)), now=NOW)
    assert not shared.is_silent("http://other.example/", now=NOW)


async def test_a_process_that_dies_in_its_turn_gives_it_up(tmp_path: Path) -> None:
    shared = SharedAnswers(tmp_path)
    async with shared.turn(REQUEST, patience=60):
        [name] = os.listdir(tmp_path)
    program = (
        "import fcntl, sys, time; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('mine', flush=True); time.sleep(60)"
    )
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", program, str(tmp_path / name)), stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"mine\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), shared.turn(REQUEST, patience=60):
                pass
        async with asyncio.timeout(5), shared.turn(REQUEST, patience=0.1):
            pass  # one that never ends is not waited for without end
    finally:
        holder.kill()
        await holder.wait()
    async with asyncio.timeout(5), shared.turn(REQUEST, patience=60):
        pass
