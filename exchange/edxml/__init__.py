"""edXML, the envelope of QCVN 102:2016/BTTTT: a tolerant reader and a strict writer. Pure."""

from exchange.edxml.reader import read_edxml
from exchange.edxml.result import (
    RawElement,
    ReadAttachment,
    ReadDocument,
    ReadMessage,
    ReadStatus,
    ReadWarning,
    WarningCode,
)
from exchange.edxml.writer import write_edxml_document, write_edxml_status

__all__ = [
    "RawElement",
    "ReadAttachment",
    "ReadDocument",
    "ReadMessage",
    "ReadStatus",
    "ReadWarning",
    "WarningCode",
    "read_edxml",
    "write_edxml_document",
    "write_edxml_status",
]
