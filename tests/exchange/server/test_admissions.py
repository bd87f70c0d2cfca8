"""Who was let in is remembered for a moment, and never longer than the registry stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, Endpoint, OrganId
from exchange.server.admissions import MAX_AGE_SECONDS, Admissions

PRESENTED = ((b"urn:congvan:endpoint:H56.90",), (b"a certificate",))
ENDPOINT = Endpoint(
    code=OrganId("H56.90"),
    name="Sở Nội vụ",
    block=Block.STATE,
    level=AgencyLevel.PROVINCE,
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
)


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def workers(tmp_path: Path, clock: Seconds) -> tuple[Admissions, Admissions]:
    """Two workers of one machine."""
    return Admissions(tmp_path / "state", clock), Admissions(tmp_path / "state", clock)


def test_a_caller_is_looked_up_once_a_second(
    workers: tuple[Admissions, Admissions], clock: Seconds
) -> None:
    one, other = workers
    assert one.find(PRESENTED) is None
    one.remember(PRESENTED, ENDPOINT, state=one.state)
    clock.now += MAX_AGE_SECONDS
    assert one.find(PRESENTED) == ENDPOINT
    assert other.find(PRESENTED) is None
    clock.now += 0.001
    assert one.find(PRESENTED) is None


@pytest.mark.parametrize("part", [0, 1], ids=["another name", "another certificate"])
def test_whoever_presents_something_else_is_not_known(
    workers: tuple[Admissions, Admissions], part: int
) -> None:
    one, _ = workers
    one.remember(PRESENTED, ENDPOINT, state=one.state)
    presented = list(PRESENTED)
    presented[part] = (b"other",)
    assert one.find((presented[0], presented[1])) is None


def test_a_change_that_another_worker_made_ends_all_admissions_at_once(
    workers: tuple[Admissions, Admissions],
) -> None:
    one, other = workers
    one.remember(PRESENTED, ENDPOINT, state=one.state)
    other.end_all()
    assert one.find(PRESENTED) is None


def test_what_was_read_before_a_change_is_not_believed_after_it(
    workers: tuple[Admissions, Admissions],
) -> None:
    one, other = workers
    state = one.state
    other.end_all()  # between the look at the registry and its being remembered
    one.remember(PRESENTED, ENDPOINT, state=state)
    assert one.find(PRESENTED) is None
