"""The bounds that every request meets before anybody reads it: texts, lists, characters. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from exchange.errors import ArgumentInvalid

MAX_TEXT_CHARACTERS: Final = 10_000
"""Characters of one text; the longest field of an envelope has 500."""
MAX_ITEMS: Final = 1_000
"""Entries of one list in a request; the longest that has a use is that of the recipients."""

# Neither the database nor XML can hold them (XML 1.0 production 2); tabs and new lines they can.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def check_bounds(request: Message) -> None:
    """Refuse a request whose lists or texts nobody could keep; bytes have limits of their own.

    Raises:
        ArgumentInvalid: names the field.

    """
    for field, value in request.ListFields():
        entries = list(_entries(value, field=field))
        if len(entries) > MAX_ITEMS:
            raise ArgumentInvalid(f"at most {MAX_ITEMS} entries", field=field.name)
        for entry in entries:
            if isinstance(entry, Message):
                check_bounds(entry)
            elif isinstance(entry, str):
                _check_text(entry, field=field.name)


def _entries(value: Any, *, field: FieldDescriptor) -> Iterable[Any]:  # noqa: ANN401 - any field
    return value if field.is_repeated else (value,)


def _check_text(text: str, *, field: str) -> None:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ArgumentInvalid(f"at most {MAX_TEXT_CHARACTERS} characters", field=field)
    if _UNSTORABLE.search(text):
        raise ArgumentInvalid("it has control characters", field=field)
