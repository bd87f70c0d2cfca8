"""XMP packets of the fast lane: what the engine makes of one is learnt once for each shape (pure).

Which elements and attributes a packet has, and in which order, decides how pyHanko writes it; the
texts in them only pass through. So the engine is asked once with marks in place of the texts, and
its answer is kept, cut where the marks are. Packets with references, comments, declarations or
odd characters are not taken.
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.metadata import model, xmp_xml

from signer.fastlane_tokens import NotPlain

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
_TEXT_SLOT: Final = "\ue002"
_ADDRESS_SLOT: Final = "\ue003"
_SLOT = re.compile("[\ue002\ue003]")
_ODD = re.compile("[&\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\ue003\ufffe\uffff]|<!")
_RDF_NAMESPACE: Final = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_CHARACTERS = "[^<>&\"'\n\r\t]"
# The whole text of an element, not white space alone; the value of an attribute that means nothing
# to RDF or XML themselves, but for rdf:about, which the engine empties. Nothing is tried twice:
# strangers choose the packet.
_TEXT = re.compile(
    f"(?<=>)( *+[^<>&\"'\n\r\t ]{_CHARACTERS}*+)(?=</)"
    rf"|(?<=[\n ])((?!xmlns|xml:|rdf:(?!about=))[\w.-]++:[\w.-]++=\")({_CHARACTERS}++)(?=\")"
)
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
        or text.count("<") + text.count("=") > MAX_TAGS
        or _LEARNT_DATE in text
        or text.count("22-rdf-syntax-ns#") != text.count(_RDF_NAMESPACE)
    ):
        raise NotPlain("an unusual XMP packet")
    texts: list[str] = []

    def slot(found: re.Match[str]) -> str:
        content, name, value = found.groups()
        texts.append(content or value)
        address = texts[-1].startswith(("http://", "https://"))
        return f"{name or ''}{_ADDRESS_SLOT if address else _TEXT_SLOT}"

    shape = _TEXT.sub(slot, text)
    if len(texts) > MAX_TEXTS:
        raise NotPlain("many texts")
    date = _date(modified_at)
    return "".join(
        [
            date if part is None else texts[part] if isinstance(part, int) else part
            for part in _answer(shape)
        ]
    ).encode()


def new_packet(modified_at: datetime) -> bytes:
    """Return the XMP packet of a document that had none."""
    return _written([], _date(modified_at))


def _date(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()


@lru_cache(maxsize=_MAX_SHAPES)
def _answer(shape: str) -> tuple[str | int | None, ...]:
    """Return what the engine makes of a packet of this shape: pieces, texts' numbers, the date."""
    count = 0

    def marked(found: re.Match[str]) -> str:
        nonlocal count
        mark = _MARK.format(count)
        count += 1
        return f"http://{mark}" if found[0] == _ADDRESS_SLOT else mark

    packet = _SLOT.sub(marked, shape).encode()
    try:
        written = _written(xmp_xml.parse_xmp(BytesIO(packet)), _LEARNT_DATE).decode()
    except Exception as error:  # the engine raises anything on strangers' XML
        raise NotPlain("XMP that the engine refuses") from error
    if written.count(_LEARNT_DATE) != 1:
        raise NotPlain("XMP whose date is nowhere")
    parts: list[str | int | None] = []
    for index, half in enumerate(written.split(_LEARNT_DATE)):
        if index:
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
