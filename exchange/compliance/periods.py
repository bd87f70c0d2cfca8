"""Periods of reporting: month, quarter, half, year or any span of days in Vietnam. Pure."""

import calendar
import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from exchange.errors import ArgumentInvalid
from exchange.vietnam_time import VIETNAM_TIME


class PeriodKind(StrEnum):
    """What a period is called (kỳ báo cáo)."""

    MONTH = "MONTH"
    QUARTER = "QUARTER"
    HALF = "HALF"
    YEAR = "YEAR"
    CUSTOM = "CUSTOM"


_MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.HALF: 6, PeriodKind.YEAR: 12}
_QUARTERS = ("I", "II", "III", "IV")
_HALVES = ("6 tháng đầu năm", "6 tháng cuối năm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `first_day` to `last_day`, both included, by the calendar in Asia/Ho_Chi_Minh."""

    first_day: dt.date
    last_day: dt.date

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins."""
        if self.last_day < self.first_day:
            raise ArgumentInvalid("ends before it begins", field="period")

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        """Give a calendar month, 1 to 12."""
        return cls._span(PeriodKind.MONTH, year, number=month)

    @classmethod
    def quarter(cls, year: int, quarter: int) -> "Period":
        """Give a quarter, 1 to 4."""
        return cls._span(PeriodKind.QUARTER, year, number=quarter)

    @classmethod
    def half(cls, year: int, half: int) -> "Period":
        """Give half a year, 1 or 2."""
        return cls._span(PeriodKind.HALF, year, number=half)

    @classmethod
    def year(cls, year: int) -> "Period":
        """Give a calendar year."""
        return cls._span(PeriodKind.YEAR, year, number=1)

    @classmethod
    def around(cls, at: dt.datetime, kind: PeriodKind) -> "Period":
        """Give the month, quarter, half or year in which an instant lies in Vietnam."""
        today = at.astimezone(VIETNAM_TIME).date()
        if kind is PeriodKind.CUSTOM:
            return cls(first_day=today, last_day=today)
        return cls._span(kind, today.year, number=(today.month - 1) // _MONTHS[kind] + 1)

    @classmethod
    def _span(cls, kind: PeriodKind, year: int, *, number: int) -> "Period":
        months = _MONTHS[kind]
        if not 1 <= number <= 12 // months or not dt.MINYEAR <= year <= dt.MAXYEAR:
            raise ArgumentInvalid(f"there is no such {kind.lower()}", field="period")
        last_month = number * months
        last_day = calendar.monthrange(year, last_month)[1]
        return cls(
            first_day=dt.date(year, last_month - months + 1, 1),
            last_day=dt.date(year, last_month, last_day),
        )

    def __contains__(self, day: dt.date) -> bool:
        """Tell whether a day lies in the period."""
        return self.first_day <= day <= self.last_day

    @property
    def kind(self) -> PeriodKind:
        """Give the name of a span that begins and ends like one of the calendar's."""
        return next((kind for kind in _MONTHS if self._is(kind)), PeriodKind.CUSTOM)

    @property
    def label_vi(self) -> str:
        """Name the period in Vietnamese, as a report's heading does."""
        year, month = self.first_day.year, self.first_day.month
        match self.kind:
            case PeriodKind.MONTH:
                return f"tháng {month}/{year}"
            case PeriodKind.QUARTER:
                return f"quý {_QUARTERS[month // 3]}/{year}"
            case PeriodKind.HALF:
                return f"{_HALVES[month // 6]} {year}"
            case PeriodKind.YEAR:
                return f"năm {year}"
        return f"từ {self.first_day:%d/%m/%Y} đến {self.last_day:%d/%m/%Y}"

    def _is(self, kind: PeriodKind) -> bool:
        months = _MONTHS[kind]
        number = (self.first_day.month - 1) // months + 1
        return self == Period._span(kind, self.first_day.year, number=number)
