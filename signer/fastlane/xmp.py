"""XMP packets of the fast lane: what the engine makes of one is learnt once for each shape (pure).

Which elements and attributes a packet has, and in which order, decides how pyHanko writes it; the
texts in them only pass through. So the engine is asked once with marks in place of the texts, and
its answer is kept, cut where the marks are. Packets with references, comments, declarations or
odd characters are not taken.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.metadata import model, xmp_xml

from signer.fastlane.tokens import NotPlain

if TYPE_CHECKING:
    from datetime import datetime

MAX_PACKET_BYTES: Final = 100_000
MAX_TEXTS: Final = 500
MAX_TAGS: Final = 2_000
"""Tags, attributes and namespaces: the engine's work grows with the square of them."""
_MAX_SHAPES: Final = 64

_PRIVATE: Final = "\ue000"
_MARK: Final = "\ue000{}\ue001"
_MARKED = re.compile("(?:http://)?\ue000(\\d+)\ue001")
# What stands in a shape for a text, or for one that is an address: of an element, of an attribute.
_ELEMENT_SLOTS: Final = "\ue002", "\ue003"
_ATTRIBUTE_SLOTS: Final = "\ue004", "\ue005"
_SLOT = re.compile("[\ue002-\ue005]")
_ODD = re.compile("[&\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\ue005\ufffe\uffff]")
_RDF_NAMESPACE: Final = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_CHARACTERS = "[^<>&\"'\n\r\t]"
# Nothing is tried twice: strangers choose the packet. And both begin with what is rare in one, not
# with white space, of which most packets carry two thousand bytes for later changes.
_ELEMENT_TEXT = re.compile(f">( *+[^<>&\"'\n\r\t ]{_CHARACTERS}*+)(?=</)")
_ATTRIBUTE_TEXT = re.compile(f'="({_CHARACTERS}++)(?=")')
_ATTRIBUTE_NAME = re.compile(r"(?!xmlns|xml:|rdf:(?!about$))[\w.-]++:[\w.-]++")
_LEARNT_DATE: Final = "1987-06-05T04:03:02+00:00"


def updated_packet(packet: bytes, *, modified_at: datetime) -> bytes:
    """Return an XMP packet with the change noted, as the engine writes it. Raises NotPlain."""
    if len(packet) > MAX_PACKET_BYTES:
        raise NotPlain("a large XMP packet")
    try:
        text = packet.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotPlain("XMP in another encoding") from error
    if (
        _ODD.search(text)
        or "<!" in text
        or text.count("<") + text.count("=") > MAX_TAGS
        or _LEARNT_DATE in text
        or text.count("22-rdf-syntax-ns#") != text.count(_RDF_NAMESPACE)
    ):
        raise NotPlain("an unusual XMP packet")
    shape, texts = _taken_apart(text)
    if len(texts) > MAX_TEXTS:
        raise NotPlain("many texts")
    return _filled(_answer(shape), texts, date=_date(modified_at))


def new_packet(modified_at: datetime) -> bytes:
    """Return the XMP packet of a document that had none."""
    return _filled(_new_answer(), [], date=_date(modified_at))


def _date(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()


def _taken_apart(text: str) -> tuple[str, list[str]]:
    """Return a packet's shape and the texts that it has, of elements and then of attributes.

    Such are the whole text of an element, not white space alone, and the value of an attribute
    that means nothing to RDF or XML themselves, but for rdf:about, which the engine empties.
    """
    pieces = _ELEMENT_TEXT.split(text)
    texts = pieces[1::2]
    pieces[1::2] = [f">{_ELEMENT_SLOTS[_is_address(each)]}" for each in texts]
    pieces = _ATTRIBUTE_TEXT.split("".join(pieces))
    for at in range(1, len(pieces), 2):
        before, value = pieces[at - 1], pieces[at]
        name_at = max(before.rfind(" "), before.rfind("\n")) + 1
        if name_at and _ATTRIBUTE_NAME.fullmatch(before, name_at):
            texts.append(value)
            value = _ATTRIBUTE_SLOTS[_is_address(value)]
        pieces[at] = f'="{value}'
    return "".join(pieces), texts


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


_Answer = tuple[str | int | None, ...]
"""What the engine wrote: pieces, the numbers of texts between them, and None for the date."""


def _filled(answer: _Answer, texts: list[str], *, date: str) -> bytes:
    return "".join(
        [
            part if isinstance(part, str) else date if part is None else texts[part]
            for part in answer
        ]
    ).encode()


@lru_cache(maxsize=_MAX_SHAPES)
def _answer(shape: str) -> _Answer:
    """Return what the engine makes of a packet of this shape."""
    elements = sum(shape.count(slot) for slot in _ELEMENT_SLOTS)
    of_element, of_attribute = count(), count(elements)

    def marked(found: re.Match[str]) -> str:
        slot = found[0]
        mark = _MARK.format(next(of_element if slot in _ELEMENT_SLOTS else of_attribute))
        is_address = slot in (_ELEMENT_SLOTS[True], _ATTRIBUTE_SLOTS[True])
        return f"http://{mark}" if is_address else mark

    packet = _SLOT.sub(marked, shape).encode()
    try:
        written = _written(xmp_xml.parse_xmp(BytesIO(packet)), _LEARNT_DATE)
    except Exception as error:  # the engine raises anything on strangers' XML
        raise NotPlain("XMP that the engine refuses") from error
    return _cut(written)


@cache
def _new_answer() -> _Answer:
    return _cut(_written([], _LEARNT_DATE))


def _cut(written: bytes) -> _Answer:
    """Cut what the engine wrote where the date and the marks are."""
    halves = written.decode().split(_LEARNT_DATE)
    if len(halves) != 2:
        raise NotPlain("XMP whose date is nowhere")
    parts: list[str | int | None] = []
    for half in halves:
        if parts:
            parts.append(None)
        pieces = _MARKED.split(half)
        for at, piece in enumerate(pieces):
            parts.append(int(piece) if at % 2 else piece)
    if any(isinstance(part, str) and _PRIVATE in part for part in parts):
        raise NotPlain("XMP whose texts are altered")
    return tuple(parts)


def _written(roots: list[model.XmpStructure], date: str) -> bytes:
    changed = model.XmpStructure({model.XMP_MODDATE: model.XmpValue(date)})
    packet = BytesIO()
    rest = model.DocumentMetadata(last_modified=None)
    xmp_xml.serialise_xmp(xmp_xml.update_xmp_with_meta(rest, roots=[*roots, changed]), packet)
    return packet.getvalue()
