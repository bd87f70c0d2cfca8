"""Time-stamping authorities that take minutes: evidence that ended meanwhile is gathered anew."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.paths.checking import PathChecker
from certs.practice.answers import ANSWER_LIFE
from certs.practice.authority import PracticeAuthority
from certs.practice.server import serve_practice_authority
from certs.timestamping import HttpTimestamper
from signer.augmentation.extending import extend
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.source import Source
from signer.validation.assessing import assess
from signer.verdicts import SignatureLevel, Verdict
from tests.support import pdfs
from tests.support.practice import file_key

MINUTES = timedelta(seconds=131)
"""As long as authorities were seen to take."""


@dataclass
class Day:
    """A clock that the test sets."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 8, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Dawdling:
    """A time-stamper in front of a real one; its answers with these numbers take minutes."""

    real: HttpTimestamper
    day: Day
    slow: set[int] = field(default_factory=set)
    asked: int = 0

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        self.asked += 1
        if self.asked in self.slow:
            self.day.now += MINUTES
        return await self.real.stamp(imprint, digest_algorithm)


@dataclass
class Town:
    """An authority that answers over HTTP, and who asks it, by one clock."""

    day: Day
    authority: PracticeAuthority
    checker: PathChecker
    timestamper: Dawdling


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    day = Day()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    authority = PracticeAuthority.create(
        tmp_path / "authority", base_url=f"http://127.0.0.1:{port}", clock=day, key="p256"
    )
    policy = FetchPolicy(allowed=frozenset({("127.0.0.1", port)}))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(
            serve_practice_authority(authority, listener=listener)
        )
        fetcher = await stack.enter_async_context(EvidenceFetcher(policy, clock=day))
        checker = PathChecker(store=authority.trust, fetcher=fetcher, clock=day)
        real = HttpTimestamper(
            f"{url}/tsa", fetcher=fetcher, store=authority.trust, clock=day, checker=checker
        )
        yield Town(day, authority, checker, Dawdling(real, day))


async def signed(town: Town, level: Level) -> bytes:
    person = town.authority.issue_person("Lê Thị Bình", organisation="UBND", key="p256")
    return await sign(
        pdfs.one_page(),
        key=file_key(person),
        request=SigningRequest(level=level, signed_at=town.day.now),
        timestamper=town.timestamper,
        checker=town.checker,
    )


def require_archived(document: bytes, town: Town) -> None:
    """It is valid at B-LTA by what it carries, and by what is known of the last authority."""
    report = assess(document, store=town.authority.trust, at=town.day.now)
    assert report.verdict is Verdict.VALID, (report.reason, report.detail)
    assert report.signatures[0].level is SignatureLevel.B_LTA


async def test_evidence_that_ends_while_the_archive_time_stamp_is_waited_for_is_renewed(
    town: Town,
) -> None:
    await signed(town, Level.B_LTA)
    # What was fetched for the first one is good for half a minute more.
    town.day.now += ANSWER_LIFE - timedelta(seconds=30)
    town.timestamper.asked, town.timestamper.slow = 0, {2}
    document = await signed(town, Level.B_LTA)
    assert town.timestamper.asked == 3
    require_archived(document, town)


async def test_extending_renews_evidence_that_ends_meanwhile(town: Town) -> None:
    document = await signed(town, Level.B_T)
    town.day.now += ANSWER_LIFE - timedelta(seconds=30)
    town.timestamper.asked, town.timestamper.slow = 0, {1}
    tail = await extend(
        Source.of_bytes(document),
        level=Level.B_LTA,
        timestamper=town.timestamper,
        checker=town.checker,
        at=town.day.now,
    )
    assert town.timestamper.asked == 2
    require_archived(document + tail, town)


async def test_an_authority_that_is_merely_slow_costs_no_second_time_stamp(town: Town) -> None:
    town.timestamper.slow = {1, 2}
    document = await signed(town, Level.B_LTA)
    assert town.timestamper.asked == 2
    require_archived(document, town)
