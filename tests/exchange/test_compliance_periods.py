"""Periods of reporting, in the calendar of Vietnam."""

import datetime as dt

import pytest

from exchange.compliance.periods import Period, PeriodKind
from exchange.errors import ArgumentInvalid


def day(month: int, number: int) -> dt.date:
    return dt.date(2026, month, number)


@pytest.mark.parametrize(
    ("period", "first", "last", "kind", "label"),
    [
        (Period.month(2026, 2), day(2, 1), day(2, 28), PeriodKind.MONTH, "tháng 2/2026"),
        (Period.quarter(2026, 1), day(1, 1), day(3, 31), PeriodKind.QUARTER, "quý I/2026"),
        (Period.quarter(2026, 4), day(10, 1), day(12, 31), PeriodKind.QUARTER, "quý IV/2026"),
        (Period.half(2026, 1), day(1, 1), day(6, 30), PeriodKind.HALF, "6 tháng đầu năm 2026"),
        (Period.half(2026, 2), day(7, 1), day(12, 31), PeriodKind.HALF, "6 tháng cuối năm 2026"),
        (Period.year(2026), day(1, 1), day(12, 31), PeriodKind.YEAR, "năm 2026"),
        (
            Period(first_day=day(1, 5), last_day=day(2, 3)),
            day(1, 5),
            day(2, 3),
            PeriodKind.CUSTOM,
            "từ 05/01/2026 đến 03/02/2026",
        ),
    ],
)
def test_a_period_has_its_days_kind_and_name(
    period: Period, first: dt.date, last: dt.date, kind: PeriodKind, label: str
) -> None:
    assert (period.first_day, period.last_day) == (first, last)
    assert (period.kind, period.label_vi) == (kind, label)
    assert first in period
    assert last in period
    assert first - dt.timedelta(days=1) not in period


def test_a_leap_year_has_its_day() -> None:
    assert Period.month(2028, 2).last_day == dt.date(2028, 2, 29)


def test_an_instant_belongs_to_the_day_that_it_has_in_vietnam() -> None:
    at = dt.datetime(2026, 12, 31, 17, 0, tzinfo=dt.UTC)
    assert Period.around(at, PeriodKind.MONTH) == Period.month(2027, 1)
    before = at - dt.timedelta(seconds=1)
    assert Period.around(before, PeriodKind.QUARTER) == Period.quarter(2026, 4)
    assert Period.around(before, PeriodKind.HALF) == Period.half(2026, 2)
    assert Period.around(before, PeriodKind.YEAR) == Period.year(2026)
    assert Period.around(before, PeriodKind.CUSTOM).first_day == dt.date(2026, 12, 31)


def test_a_period_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ArgumentInvalid):
        Period(first_day=day(2, 1), last_day=day(1, 1))
    for make, number in ((Period.month, 13), (Period.quarter, 0), (Period.half, 3)):
        with pytest.raises(ArgumentInvalid):
            make(2026, number)
    with pytest.raises(ArgumentInvalid):
        Period.year(0)
