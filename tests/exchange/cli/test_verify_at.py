"""Verifying as of an instant: which ones may be asked for, and what counted then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exchange.cli.errors import UsageInvalid
from exchange.cli.moments import parse_instant
from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T10:00+07:00", datetime(2026, 11, 23, 3, tzinfo=UTC)),
        ("2026-11-23T10:00:30Z", datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, 16, 59, 59, 999999, tzinfo=UTC)),
        ("22/11/2026", datetime(2026, 11, 22, 16, 59, 59, 999999, tzinfo=UTC)),
        ("2026-11-24", NOW),
    ],
)
def test_an_instant_has_its_zone_and_a_day_means_its_end(text: str, at: datetime) -> None:
    assert parse_instant(text, now=NOW) == at


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-23T10:00", "needs its zone"),
        ("2026-11-24T10:00:01+07:00", "future"),
        ("2026-11-25", "future"),
        ("1999-12-31", "before the year 2000"),
        ("0001-01-01T00:00+07:00", "written like"),
        ("31/02/2026", "written like"),
        ("hôm qua", "written like"),
        ("9" * 5000, "written like"),
    ],
)
def test_what_is_no_instant_or_not_over_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageInvalid, match=why):
        parse_instant(text, now=NOW)


def test_a_wrong_instant_is_a_usage_error(congvan: Program, desk: Desk) -> None:
    refused = congvan("verify", desk.document, *desk.trusting, "--at", "2999-01-01", "--json")
    assert (refused.code, refused.reason) == (2, "USAGE_INVALID")


def test_at_present_it_is_judged_as_without_and_earlier_the_stamp_did_not_exist(
    congvan: Program, desk: Desk
) -> None:
    assert congvan("sign", desk.document, *desk.signing).code == 0
    verify = ("verify", desk.directory / "cong-van_daky.pdf", *desk.trusting, "--at")
    at = f"{datetime.now(UTC).isoformat()}"
    told = congvan(*verify, at, "--json")
    assert (told.code, told.document["verdict"]) == (0, "VALID")
    assert datetime.fromisoformat(told.document["judged_at"]) == datetime.fromisoformat(at)
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    told = congvan(*verify, earlier, "--json")
    assert (told.code, told.document["verdict"]) == (5, "INDETERMINATE")
    assert "Xét như vào lúc" in congvan(*verify, earlier).out
