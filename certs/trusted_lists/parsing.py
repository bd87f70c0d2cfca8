"""Trusted lists as XML: parsed within limits, without DOCTYPE, entities or network (pure).

The limits are counted by a first pass that builds no tree; only then is one built.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from lxml import etree

from certs.errors import TrustedListUnreadable

TSL: Final = "http://uri.etsi.org/02231/v2#"
"""The namespace of TS 119 612."""
MAX_LIST_BYTES: Final = 32 * 1024 * 1024
"""The largest list of the European Union has about eight megabytes."""
MAX_ELEMENTS: Final = 500_000
MAX_DEPTH: Final = 48
MAX_ATTRIBUTES: Final = 32
_FEED_BYTES: Final = 1 << 16
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def parse_list(content: bytes) -> etree._Element:
    """The root element of what may be a trusted list; raises TrustedListUnreadable."""
    if len(content) > MAX_LIST_BYTES:
        raise TrustedListUnreadable(f"more than {MAX_LIST_BYTES} bytes")
    document = content.removeprefix(_BYTE_ORDER_MARK)
    declared = _DECLARED_ENCODING.match(document)
    # TS 119 612 annex B: UTF-8 and nothing else; imposed on the parser, so that no two readers of
    # the same bytes can disagree.
    if declared and declared[1].lower() not in {b"utf-8", b"utf8"}:
        raise TrustedListUnreadable("another encoding than UTF-8")
    try:
        _count(document)
        return etree.fromstring(document, parser=hardened_parser())
    except etree.XMLSyntaxError as error:
        text = str(error)
        if "XML_PARSE_HUGE" in text or "Excessive depth" in text:
            raise TrustedListUnreadable("deeper or longer than any list may be") from error
        line = getattr(error, "lineno", None)
        raise TrustedListUnreadable(f"not well-formed XML, line {line}") from error


def hardened_parser() -> etree.XMLParser:
    """A parser that resolves no entity, loads nothing and keeps libxml2's own limits."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )


def _count(document: bytes) -> None:
    parser = etree.XMLParser(
        target=cast(Any, _Bounds()),  # the stubs know an older protocol
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for offset in range(0, len(document), _FEED_BYTES):
        parser.feed(document[offset : offset + _FEED_BYTES])
    parser.close()


class _Bounds:
    """Receives the parser's events and counts them against the limits."""

    def __init__(self) -> None:
        self._depth = 0
        self._elements = 0

    def start(self, _tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > MAX_ELEMENTS:
            raise TrustedListUnreadable(f"more than {MAX_ELEMENTS} elements")
        if self._depth > MAX_DEPTH:
            raise TrustedListUnreadable(f"elements nested deeper than {MAX_DEPTH}")
        if len(attributes) > MAX_ATTRIBUTES:
            raise TrustedListUnreadable(f"more than {MAX_ATTRIBUTES} attributes on one element")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def data(self, _text: str) -> None:
        pass

    def comment(self, _text: str) -> None:
        pass

    def pi(self, _target: str, _data: str | None = None) -> None:
        # One inside would split a text in two, of which a careless reader sees the first.
        if self._depth:
            raise TrustedListUnreadable("a processing instruction inside the list")

    def doctype(self, *_declared: str | None) -> None:
        raise TrustedListUnreadable("a DOCTYPE")

    def close(self) -> None:
        pass
