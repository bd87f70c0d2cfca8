"""Dates, times and numbers of edXML: read from many spellings, written in one. Pure."""

import datetime as dt
import re

from exchange.vietnam_time import VIETNAM_TIME

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

_HALF_A_DAY = 12
_DATE_CHARACTERS = 64
_TIME = (
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[AaPp][Mm]|SA|CH)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_SPELLINGS = (
    re.compile(r"(?P<year>\d{4})[/.\-](?P<month>\d{1,2})[/.\-](?P<day>\d{1,2})" + _TIME),
    re.compile(r"(?P<day>\d{1,2})[/.\-](?P<month>\d{1,2})[/.\-](?P<year>\d{4})" + _TIME),
)


def read_date(text: str) -> dt.date | None:
    """Read the calendar date of `text` in Vietnam, dropping a time of day.

    None stands for no known spelling, or no day of the calendar (2014/02/30).
    """
    found = _match_date(text)
    if found and found["zone"]:
        # A date that some serializer took for an instant: midnight in Vietnam is the day before
        # in UTC.
        at = read_instant(text)
        return None if at is None else at.astimezone(VIETNAM_TIME).date()
    return _calendar_date(found) if found else None


def read_instant(text: str) -> dt.datetime | None:
    """Read an instant in whole seconds of UTC; local time of Vietnam unless `text` names an offset.

    None stands for no known spelling, or no instant of the calendar.
    """
    found = _match_date(text)
    day = _calendar_date(found) if found else None
    if not found or not day:
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= _HALF_A_DAY:
            return None
        # SA and CH: sáng and chiều, what Windows calls the halves of a day in Vietnamese.
        afternoon = found["half"].upper() in ("PM", "CH")
        hour = hour % _HALF_A_DAY + (_HALF_A_DAY if afternoon else 0)
    try:
        local = dt.datetime(
            day.year, day.month, day.day, hour, minute, second, tzinfo=_offset(found["zone"])
        )
        # Also what can't be told in the time of Vietnam is no instant of the calendar here.
        local.astimezone(VIETNAM_TIME)
        return local.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def read_number(text: str, *, largest: int) -> int | None:
    """Read a whole number from 0 to `largest`; None stands for anything else."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return int(text) if int(text) <= largest else None


def write_date(date: dt.date | None) -> str:
    """Write `yyyy/MM/dd`; "" for no date."""
    return "" if date is None else f"{date.year:04}/{date.month:02}/{date.day:02}"


def write_instant(at: dt.datetime | None) -> str:
    """Write `yyyy/MM/dd HH:mm:ss` in the local time of Vietnam, without a zone; "" for None."""
    if at is None:
        return ""
    local = at.astimezone(VIETNAM_TIME)
    return f"{write_date(local)} {local:%H:%M:%S}"


def _match_date(text: str) -> re.Match[str] | None:
    if len(text) > _DATE_CHARACTERS:
        return None
    matches = (spelling.fullmatch(text) for spelling in _SPELLINGS)
    return next(filter(None, matches), None)


def _calendar_date(found: re.Match[str]) -> dt.date | None:
    try:
        return dt.date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _offset(zone: str | None) -> dt.timezone:
    if zone is None:
        return VIETNAM_TIME
    if zone == "Z":
        return dt.UTC
    size = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return dt.timezone(-size if zone[0] == "-" else size)
