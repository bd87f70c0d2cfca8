"""Between plain Python values and the PDF objects that the engine reads and writes (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pyhanko.pdf_utils import generic


class Rooted(Protocol):
    """A document, as far as its catalog tells what it is."""

    @property
    def root(self) -> generic.DictionaryObject:
        """The catalog."""
        ...


class Canvas(Rooted, Protocol):
    """What takes the objects of a drawing: the engine's writers do."""

    def add_object(self, obj: generic.PdfObject, /) -> generic.IndirectObject:
        """Add an object to the document, and return the reference to it."""
        ...


def dictionary(entries: Mapping[str, object]) -> generic.DictionaryObject:
    """Return a dictionary; keys with their slash. Values: see `pdf_object`."""
    return generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {generic.NameObject(key): pdf_object(value) for key, value in entries.items()}
    )


def array(values: Sequence[object]) -> generic.ArrayObject:
    """Return an array. Values: see `pdf_object`."""
    return generic.ArrayObject([pdf_object(value) for value in values])


def compressed_stream(data: bytes, entries: Mapping[str, object]) -> generic.StreamObject:
    """Return a stream of data that is compressed (zlib) already, with further entries."""
    return generic.StreamObject(
        dictionary({**entries, "/Filter": "/FlateDecode"}), encoded_data=data
    )


def pdf_object(value: object) -> generic.PdfObject:
    """Return the PDF object for a value.

    Text that begins with a slash is a name, other text is refused, for a string could be of
    several kinds; numbers, sequences and mappings become what they are; PDF objects stay.
    """
    if isinstance(value, generic.PdfObject):
        return value
    if isinstance(value, bool):  # before the numbers, of which Python's truth values are two
        return generic.BooleanObject(value)  # type: ignore[no-untyped-call]
    if isinstance(value, int):
        return generic.NumberObject(value)  # type: ignore[no-untyped-call]
    if isinstance(value, float):
        return generic.FloatObject(value)  # type: ignore[no-untyped-call]
    if isinstance(value, str) and value.startswith("/"):
        return generic.NameObject(value)
    if isinstance(value, Mapping):
        return dictionary(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return array(value)
    raise TypeError(f"no PDF object for {value!r}")


def look_up(container: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """Return the value of a key, None where there is none or where it is null.

    References are followed, which the engine's own get() does not do.
    """
    if key not in container:
        return None
    value: generic.PdfObject = container[key]
    return None if isinstance(value, generic.NullObject) else value
