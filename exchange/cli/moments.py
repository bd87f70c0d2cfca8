"""Instants and days as people in Vietnam read and write them; inside everything is UTC. Pure."""

import calendar
from datetime import UTC, date, datetime, time
from typing import Final

from exchange.cli.errors import UsageInvalid
from exchange.vietnam_time import VIETNAM_TIME

_EARLIEST_YEAR: Final = 2000


def local_time(at: datetime) -> str:
    """Write an aware instant as `23/11/2026 18:51:07` in Vietnam."""
    return at.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S")


def local_date(on: date) -> str:
    """Write a day as `23/11/2026`."""
    return on.strftime("%d/%m/%Y")


def today() -> date:
    """The present day in Vietnam."""
    return datetime.now(UTC).astimezone(VIETNAM_TIME).date()


def parse_day(text: str) -> date:
    """Read `2026-11-23` or `23/11/2026`; raises UsageInvalid."""
    on = _day_or_none(text)
    if on is None:
        raise UsageInvalid(f"{text}: a day is written 2026-11-23 or 23/11/2026")
    return on


def parse_instant(text: str, *, now: datetime) -> datetime:
    """Read `2026-11-23T10:00+07:00`, or a day, which means its end in Vietnam; today means now.

    Gives UTC. Raises UsageInvalid, also for what is not over yet and for years before 2000.
    """
    on = _day_or_none(text)
    try:
        at = _end_of(on, now=now) if on is not None else datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise UsageInvalid(f"{text}: a time needs its zone, such as {text}+07:00")
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageInvalid(f"{text}: written like 2026-11-23T10:00+07:00, or 2026-11-23") from None
    if at > now:
        raise UsageInvalid(f"{text}: lies in the future")
    if at.year < _EARLIEST_YEAR:
        raise UsageInvalid(f"{text}: before the year {_EARLIEST_YEAR}")
    return at


def month(text: str) -> tuple[date, date]:
    """Give first and last day of `2026-11`; raises UsageInvalid."""
    year, number = _numbers(text, "2026-11", highest=12)
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def quarter(text: str) -> tuple[date, date]:
    """Give first and last day of `2026-Q4`; raises UsageInvalid."""
    year, number = _numbers(text.upper().replace("Q", ""), "2026-Q4", highest=4)
    last = 3 * number
    return date(year, last - 2, 1), date(year, last, calendar.monthrange(year, last)[1])


def year(text: str) -> tuple[date, date]:
    """Give first and last day of `2026`; raises UsageInvalid."""
    number, _ = _numbers(f"{text}-1", "2026", highest=1)
    return date(number, 1, 1), date(number, 12, 31)


def _day_or_none(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=VIETNAM_TIME).date()
        except ValueError:
            continue
    return None


def _end_of(on: date, *, now: datetime) -> datetime:
    """The last moment of a day in Vietnam, or now where the day is not over."""
    if on == now.astimezone(VIETNAM_TIME).date():
        return now
    return datetime.combine(on, time.max, tzinfo=VIETNAM_TIME)


def _numbers(text: str, example: str, *, highest: int) -> tuple[int, int]:
    first, _, second = text.partition("-")
    numbers = [int(part) for part in (first, second) if part.isdecimal()]
    if (
        len(numbers) != 2
        or not _EARLIEST_YEAR <= numbers[0] <= 2999
        or not 1 <= numbers[1] <= highest
    ):
        raise UsageInvalid(f"{text}: written like {example}")
    return numbers[0], numbers[1]
