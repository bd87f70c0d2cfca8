"""Number and date as NĐ 30/2020 writes them, and the names of the fields that take them (pure)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Self

from signer.errors import NumberInvalid
from signer.pages.text_lines import folded

NUMBER_FIELD: Final = "DocNumber"
"""số, ký hiệu văn bản (box 3 of NĐ 30/2020 Appendix I)."""
DATE_FIELD: Final = "DocDate"
"""địa danh và thời gian ban hành (box 4), where the page prints nothing of it."""
DAY_FIELD: Final = "DocDay"
MONTH_FIELD: Final = "DocMonth"
YEAR_FIELD: Final = "DocYear"
"""The blanks of "ngày … tháng … năm …", where the page prints the words between them."""
TEXT_FIELDS: Final = (NUMBER_FIELD, DATE_FIELD, DAY_FIELD, MONTH_FIELD, YEAR_FIELD)
"""The fields that the clerk fills in after the leader signed, and no others."""
LEADER_FIELD: Final = "LeaderSignature"
"""chữ ký của người có thẩm quyền (box 7c)."""
SEAL_FIELD: Final = "SealSignature"
"""dấu, chữ ký số của cơ quan, tổ chức (box 8)."""

MAX_VALUE_CHARACTERS: Final = 100
_SYMBOL: Final = r"[^\W\d_][^\W_]*(?:-[^\W\d_][^\W_]*)*"
_NUMBER: Final = re.compile(
    rf"(?:Số:? ?)?(?P<number>[0-9]{{1,6}})"
    rf"(?P<symbol>(?:/[0-9]{{4}})?/{_SYMBOL}|-{_SYMBOL}/{_SYMBOL})?"
)
"""09/QĐ-UBND, 09/2026/QĐ-UBND, and the Party's 118-TB/VPTU."""
_PLACE: Final = r"[^\W\d_](?:[^\W\d_]|[ .'-]){0,40}"
_DATE: Final = re.compile(
    rf"(?P<place>{_PLACE}, )?"
    r"ngày (?P<day>[0-9]{1,2}) tháng (?P<month>[0-9]{1,2}) năm (?P<year>[0-9]{4})"
)
_SHORT_DATE: Final = re.compile(
    rf"(?P<place>{_PLACE}, )?"
    r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})"
)
_PARTS: Final = {
    DAY_FIELD: re.compile("0[1-9]|[12][0-9]|3[01]"),
    MONTH_FIELD: re.compile("0[12]|[3-9]|1[0-2]"),
    YEAR_FIELD: re.compile("19[4-9][0-9]|2[0-9]{3}"),
}
_FIRST_YEAR: Final = 1945
_LAST_YEAR: Final = 2999


class NumberForm(StrEnum):
    """How much of the number's line the field shows; the rest is printed on the page."""

    LINE = "LINE"
    """Số: 09/QĐ-UBND"""
    NUMBER = "NUMBER"
    """09/QĐ-UBND, behind a printed "Số:"."""
    DIGITS = "DIGITS"
    """09, between a printed "Số:" and a printed "/QĐ-UBND"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentNumber:
    """Số, ký hiệu: the number and the symbol behind it, as "/QĐ-UBND"; "" where not given."""

    digits: str
    symbol: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a number, with or without "Số:" and symbol; it gets the zero that the law wants.

        NĐ 30/2020 Appendix I, II.3.b: a zero before numbers below 10; the Party's have the symbol
        behind a hyphen and no zero. Raises NumberInvalid.
        """
        plain = _plain(text)
        match = _NUMBER.fullmatch(plain)
        if match is None or not int(match["number"]):
            raise NumberInvalid(f"number {plain[:40]!r}")
        symbol = match["symbol"] or ""
        number = int(match["number"])
        return cls(digits=str(number) if symbol[:1] == "-" else f"{number:02d}", symbol=symbol)

    def require_symbol(self, printed: str) -> None:
        """Refuse a symbol that is not the one the page prints. Raises NumberInvalid."""
        if printed and self.symbol and folded(printed) != folded(self.symbol):
            raise NumberInvalid(f"the page prints {printed[:40]}, not {self.symbol[:40]}")

    def shown(self, form: NumberForm) -> str:
        """Return what the field shows. Raises NumberInvalid where the symbol is needed."""
        if form is NumberForm.DIGITS:
            return self.digits
        if not self.symbol:
            raise NumberInvalid("the symbol is missing, write 09/QĐ-UBND")
        return f"{'Số: ' if form is NumberForm.LINE else ''}{self.digits}{self.symbol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueDate:
    """Địa danh và thời gian ban hành: where and when a document was issued; "" for no place."""

    on: date
    place: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read "Thanh Hóa, ngày 5 tháng 2 năm 2026", with or without the place, or "5/2/2026".

        Raises NumberInvalid.
        """
        plain = _plain(text)
        match = _DATE.fullmatch(plain) or _SHORT_DATE.fullmatch(plain)
        if match is None:
            raise NumberInvalid(f"date {plain[:60]!r}")
        try:
            on = date(int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            raise NumberInvalid(f"there is no such day: {plain[:60]!r}") from None
        if not _FIRST_YEAR <= on.year <= _LAST_YEAR:
            raise NumberInvalid(f"the year {on.year}")
        return cls(on=on, place=(match["place"] or "").removesuffix(", ").strip())

    @property
    def parts(self) -> dict[str, str]:
        """Day, month and year with zeros before days below 10 and months 1 and 2 (II.4.b)."""
        month = f"{self.on.month:02d}" if self.on.month < 3 else str(self.on.month)
        return {DAY_FIELD: f"{self.on.day:02d}", MONTH_FIELD: month, YEAR_FIELD: str(self.on.year)}

    @property
    def line(self) -> str:
        """The whole line, as box 4 shows it."""
        day, month, year = self.parts.values()
        line = f"ngày {day} tháng {month} năm {year}"
        return f"{self.place}, {line}" if self.place else line


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValues:
    """What the clerk fills in; None leaves the fields alone that it is for."""

    number: DocumentNumber | None = None
    date: IssueDate | None = None

    @classmethod
    def read(cls, *, number: str | None = None, date: str | None = None) -> Self:
        """Read both as people write them. Raises NumberInvalid."""
        return cls(
            number=DocumentNumber.read(number) if number is not None else None,
            date=IssueDate.read(date) if date is not None else None,
        )

    def text(self, field_name: str, form: NumberForm) -> str | None:
        """Return what the field of that name shows, None where no value is given for it."""
        if field_name == NUMBER_FIELD:
            return self.number.shown(form) if self.number is not None else None
        if self.date is None:
            return None
        return self.date.line if field_name == DATE_FIELD else self.date.parts.get(field_name)


def is_lawful_value(field_name: str, value: str, *, form: NumberForm) -> bool:
    """Whether the field of that name holds what we would have written into it."""
    try:
        if field_name == NUMBER_FIELD:
            return DocumentNumber.read(value).shown(form) == value
        if field_name == DATE_FIELD:
            return IssueDate.read(value).line == value
    except NumberInvalid:
        return False
    return field_name in _PARTS and _PARTS[field_name].fullmatch(value) is not None


def _plain(text: str) -> str:
    """Bring text to Unicode NFC with single spaces; nothing invisible and nothing endless."""
    composed = unicodedata.normalize("NFC", text)
    if len(composed) > MAX_VALUE_CHARACTERS:
        raise NumberInvalid(f"more than {MAX_VALUE_CHARACTERS} characters")
    if any(unicodedata.category(each)[0] == "C" for each in composed):
        raise NumberInvalid("it has characters that nobody sees")
    return " ".join(composed.split())
