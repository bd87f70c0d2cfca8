"""edXML, the envelope of QCVN 102:2016/BTTTT: a tolerant reader and a strict writer. Pure."""

from exchange.edxml.attachments import content_pieces
from exchange.edxml.reader import locate_edxml, read_edxml
from exchange.edxml.result import (
    LocatedAttachment,
    LocatedDocument,
    LocatedMessage,
    RawElement,
    ReadAttachment,
    ReadDocument,
    ReadErrors,
    ReadMessage,
    ReadStatus,
    ReadWarning,
    ReportedError,
    WarningCode,
)
from exchange.edxml.writer import (
    edxml_document_pieces,
    write_edxml_document,
    write_edxml_status,
)

__all__ = [
    "LocatedAttachment",
    "LocatedDocument",
    "LocatedMessage",
    "RawElement",
    "ReadAttachment",
    "ReadDocument",
    "ReadErrors",
    "ReadMessage",
    "ReadStatus",
    "ReadWarning",
    "ReportedError",
    "WarningCode",
    "content_pieces",
    "edxml_document_pieces",
    "locate_edxml",
    "read_edxml",
    "write_edxml_document",
    "write_edxml_status",
]
