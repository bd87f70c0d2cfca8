"""Small values on the wire: instants, dates, names, pages, enumerations. Pure."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from congvan.v1 import common_pb2, envelope_pb2
from exchange.errors import ArgumentInvalid, PageTokenInvalid

_Word = TypeVar("_Word", bound=StrEnum)
_Place = TypeVar("_Place")
# What the generated code makes of an enumeration has one type at run time and another in its stubs.
WireEnum: TypeAlias = Any


def timestamp(at: datetime | None) -> Timestamp | None:
    """An aware instant as protobuf has it; None stays absent."""
    if at is None:
        return None
    made = Timestamp()
    made.FromDatetime(at.astimezone(UTC))
    return made


def instant(value: Timestamp) -> datetime:
    """A protobuf timestamp as aware UTC; raises ArgumentInvalid."""
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ArgumentInvalid("not an instant from year 1 to 9999", field="timestamp") from None


def calendar_date(on: date | None) -> envelope_pb2.CalendarDate | None:
    """A date as the contract has it; None stays absent."""
    if on is None:
        return None
    return envelope_pb2.CalendarDate(year=on.year, month=on.month, day=on.day)


def read_date(value: envelope_pb2.CalendarDate, field: str) -> date:
    """Read a date; raises ArgumentInvalid naming the field."""
    try:
        return date(value.year, value.month, value.day)
    except ValueError:
        raise ArgumentInvalid("not a date", field=field) from None


def resource_id(name: str, collection: str) -> str:
    """The last part of a resource name such as `messages/{id}`; raises ArgumentInvalid."""
    prefix, _, identifier = name.partition("/")
    if prefix != collection or not identifier:
        raise ArgumentInvalid(f"{collection}/… needed", field="name")
    return identifier


def resource_uuid(name: str, collection: str) -> UUID:
    """The same where the identifier is a UUID."""
    try:
        return UUID(resource_id(name, collection))
    except ValueError:
        raise ArgumentInvalid(f"{collection}/UUID needed", field="name") from None


def page_size(asked: int, *, most: int) -> int:
    """How many entries to give (AIP-158): 50 by default, never more than `most`."""
    if asked < 0:
        raise ArgumentInvalid("not negative", field="page_size")
    return min(asked or 50, most)


def write_page_token(*places: object) -> str:
    """Write where the next page begins as an opaque text."""
    return base64.urlsafe_b64encode(json.dumps([str(each) for each in places]).encode()).decode()


def read_page_token(
    token: str, read: Callable[[list[str]], _Place], *, parts: int
) -> _Place | None:
    """Read it again with `read`, which raises ValueError for what it never wrote.

    None stands for the first page. Raises PageTokenInvalid.
    """
    if not token:
        return None
    try:
        places = json.loads(base64.urlsafe_b64decode(token.encode()))
        if not isinstance(places, list) or len(places) != parts:
            raise PageTokenInvalid
        return read([str(each) for each in places])
    except (ValueError, RecursionError, ArgumentInvalid):
        raise PageTokenInvalid from None


END_OF_TIME: Final = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=(1 << 128) - 1))
"""The place before the first entry of a list that shows the newest first."""


def instant_and_id(parts: list[str]) -> tuple[datetime, UUID]:
    """The place in a list that shows the newest first; raises ValueError."""
    at = datetime.fromisoformat(parts[0])
    if at.tzinfo is None:
        raise ValueError("an instant has its time zone")
    return at, UUID(parts[1])


def natural(text: str) -> int:
    """A whole number that is not negative and that the database can hold; raises ValueError."""
    number = int(text)
    if not 0 <= number < 1 << 63:
        raise ValueError("out of range")
    return number


def to_wire(word: StrEnum, wire: WireEnum, *, name: str = "") -> int:
    """A domain word as the number of the wire's enumeration with the same name."""
    number: int = wire.Value(f"{_prefix(wire)}_{name or word.name}")
    return number


def from_wire(number: int, wire: WireEnum, *, words: type[_Word], field: str) -> _Word:
    """A number of the wire's enumeration as the domain's word; raises ArgumentInvalid."""
    known = wire.DESCRIPTOR.values_by_number.get(number)
    if known is None or number == 0:
        raise ArgumentInvalid("a known value is needed", field=field)
    return words[known.name.removeprefix(f"{_prefix(wire)}_")]


def blob(
    sha256: str, size_bytes: int, *, media_type: str = "", file_name: str = ""
) -> common_pb2.BlobRef:
    """A reference to stored content."""
    return common_pb2.BlobRef(
        sha256=sha256, size_bytes=size_bytes, media_type=media_type, file_name=file_name
    )


def _prefix(wire: WireEnum) -> str:
    unspecified: str = wire.DESCRIPTOR.values_by_number[0].name
    return unspecified.removesuffix("_UNSPECIFIED")
