"""Number and date are written as NĐ 30/2020 Appendix I wants them, or not at all."""

from __future__ import annotations

import pytest

from signer.errors import NumberInvalid
from signer.office.number_and_date import (
    DATE_FIELD,
    DAY_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    YEAR_FIELD,
    DocumentNumber,
    FieldValues,
    IssueDate,
    NumberForm,
    is_lawful_value,
)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("9/QĐ-UBND", "Số: 09/QĐ-UBND"),
        ("09/QĐ-UBND", "Số: 09/QĐ-UBND"),
        ("Số: 009/QĐ-UBND", "Số: 09/QĐ-UBND"),
        ("Số 12/TTr-UBND", "Số: 12/TTr-UBND"),
        ("  3905/QĐ-UBND ", "Số: 3905/QĐ-UBND"),
        ("9/2026/NQ-HĐND", "Số: 09/2026/NQ-HĐND"),
        ("1286/SKHCN-CĐS", "Số: 1286/SKHCN-CĐS"),
        ("15/UBND", "Số: 15/UBND"),
        ("118-TB/VPTU", "Số: 118-TB/VPTU"),
        ("9-QĐ/TU", "Số: 9-QĐ/TU"),
        ("9/QĐ-UBND".replace("Đ", "Đ"), "Số: 09/QĐ-UBND"),
    ],
)
def test_a_number_below_ten_gets_its_zero(typed: str, line: str) -> None:
    number = DocumentNumber.read(typed)
    assert number.shown(NumberForm.LINE) == line
    assert number.shown(NumberForm.NUMBER) == line.removeprefix("Số: ")
    assert line.startswith(f"Số: {number.shown(NumberForm.DIGITS)}")


@pytest.mark.parametrize(
    "typed",
    [
        *("", "0/QĐ-UBND", "QĐ-UBND", "9/", "9/QĐ UBND", "-9/QĐ", "9/QĐ-UBND/", "9/QĐ--UBND"),
        *("9/<b>", "9/QĐ\u202eDNBU", "9/QĐ-UBND" + "A" * 100, "1234567/QĐ", "٩/QĐ-UBND"),
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(NumberInvalid):
        DocumentNumber.read(typed)


def test_a_number_without_its_symbol_serves_only_where_that_is_printed() -> None:
    number = DocumentNumber.read("9")
    assert number.shown(NumberForm.DIGITS) == "09"
    for form in (NumberForm.LINE, NumberForm.NUMBER):
        with pytest.raises(NumberInvalid, match="symbol"):
            number.shown(form)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("Thanh Hóa, ngày 5 tháng 2 năm 2026", "Thanh Hóa, ngày 05 tháng 02 năm 2026"),
        ("Thanh Hóa, ngày 05 tháng 03 năm 2026", "Thanh Hóa, ngày 05 tháng 3 năm 2026"),
        ("Hạc Thành, ngày 10 tháng 11 năm 2026", "Hạc Thành, ngày 10 tháng 11 năm 2026"),
        ("ngày 31 tháng 12 năm 2026", "ngày 31 tháng 12 năm 2026"),
        ("5/1/2026", "ngày 05 tháng 01 năm 2026"),
        ("Bỉm Sơn, 29/2/2028", "Bỉm Sơn, ngày 29 tháng 02 năm 2028"),
    ],
)
def test_days_below_ten_and_the_first_two_months_get_their_zero(typed: str, line: str) -> None:
    assert IssueDate.read(typed).line == line


@pytest.mark.parametrize(
    "typed",
    [
        *("", "29/2/2026", "ngày 31 tháng 4 năm 2026", "32/1/2026", "1/13/2026", "1/1/1900"),
        *("2026-02-05", "Thanh Hóa ngày 5 tháng 2 năm 2026", "(x), ngày 5 tháng 2 năm 2026"),
    ],
)
def test_what_is_no_date_is_refused(typed: str) -> None:
    with pytest.raises(NumberInvalid):
        IssueDate.read(typed)


def test_each_field_gets_its_part() -> None:
    values = FieldValues.read(number="9/QĐ-UBND", date="Thanh Hóa, 5/2/2026")
    names = (NUMBER_FIELD, DATE_FIELD, DAY_FIELD, MONTH_FIELD, YEAR_FIELD)
    told = [values.text(name, NumberForm.LINE) for name in names]
    line = "Thanh Hóa, ngày 05 tháng 02 năm 2026"
    assert told == ["Số: 09/QĐ-UBND", line, "05", "02", "2026"]
    for name, text in zip(names, told, strict=True):
        assert text is not None
        assert is_lawful_value(name, text, form=NumberForm.LINE)
        assert not is_lawful_value(name, f"{text} ", form=NumberForm.LINE)
        assert FieldValues().text(name, NumberForm.LINE) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (NUMBER_FIELD, "09/QĐ-UBND"),
        (DAY_FIELD, "5"),
        (DAY_FIELD, "32"),
        (MONTH_FIELD, "03"),
        (MONTH_FIELD, "13"),
        (YEAR_FIELD, "26"),
        ("Signature1", "05"),
    ],
)
def test_a_value_that_another_hand_wrote_is_told_from_ours(name: str, text: str) -> None:
    assert not is_lawful_value(name, text, form=NumberForm.LINE)
