"""A checker for the part of JSON Schema 2020-12 that our own schemas use; it refuses any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_TOLD = {"$schema", "$id", "$defs", "title", "description"}


def complaints(value: object, schema: Mapping[str, Any]) -> list[str]:
    """What in the value does not fit the schema, and which keys the schema does not know."""
    return list(_complaints(value, schema, root=schema, place="$"))


def _complaints(
    value: object, schema: Mapping[str, Any], *, root: Mapping[str, Any], place: str
) -> Iterator[str]:
    for keyword, wanted in schema.items():
        match keyword:
            case "$ref":
                target = root["$defs"][wanted.removeprefix("#/$defs/")]
                yield from _complaints(value, target, root=root, place=place)
            case "anyOf":
                found = [list(_complaints(value, each, root=root, place=place)) for each in wanted]
                if all(found):
                    yield min(found, key=len)[0]
            case "if":
                if not list(_complaints(value, wanted, root=root, place=place)):
                    yield from _complaints(value, schema["then"], root=root, place=place)
            case "properties":
                yield from _of_properties(value, wanted, root=root, place=place)
            case "items":
                for at, item in enumerate(value if isinstance(value, list) else ()):
                    yield from _complaints(item, wanted, root=root, place=f"{place}[{at}]")
            case _ if keyword not in _TOLD | {"then"}:
                if not _fits(value, keyword, wanted):
                    yield f"{place}: {keyword} {wanted!r} is not met by {value!r}"


def _of_properties(
    value: object, properties: Mapping[str, Any], *, root: Mapping[str, Any], place: str
) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        if name in properties:
            yield from _complaints(each, properties[name], root=root, place=f"{place}.{name}")
        else:
            yield f"{place}.{name}: the schema does not name it"


def _fits(value: object, keyword: str, wanted: Any) -> bool:  # noqa: ANN401 - JSON's values
    match keyword:
        case "type":
            right = isinstance(value, _TYPES[wanted])
            return right and (wanted != "integer" or not isinstance(value, bool))
        case "const":
            return bool(value == wanted)
        case "enum":
            return value in wanted
        case "required":
            return not isinstance(value, dict) or set(wanted) <= value.keys()
        case "minimum":
            return not isinstance(value, int) or value >= wanted
        case "pattern":
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case "format" if wanted == "date-time":
            return not isinstance(value, str) or _is_instant(value)
        case _:
            raise ValueError(f"{keyword} is not understood")


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return False
