"""The strict writer: from an envelope or a status to edXML, in the layout that every reader takes.

Pure but for its schema, which is package data. Layout: UTF-8 without a mark, the order and
prefixes of the national platform's own writer (root and attachments without prefix, the namespace
declared again on each ContentTransferEncoded), the regulation's misspellings, no empty element,
base64 on one line.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from lxml import etree

from exchange.edxml.layout import (
    document_header,
    render,
    render_attachment,
    render_reference,
    status_header,
)
from exchange.edxml.unwrapping import NULL_CONTENT, bare_name, settle_media_type, would_be_unwrapped
from exchange.edxml.values import NAMESPACE
from exchange.envelope import (
    AttachmentRef,
    Envelope,
    StatusMessage,
    check_for_sending,
    check_status_for_sending,
)
from exchange.errors import EnvelopeIncomplete, MessageIncomplete

_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<edXML xmlns="{NAMESPACE}">\n'
    f'  <edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">\n'
)
_ENVELOPE_END = "  </edXML:edXMLEnvelope>\n"
_BODY = '    <edXML:edXMLBody>\n      <edXML:edXMLManifest version="1.0">\n'
_BODY_END = "      </edXML:edXMLManifest>\n    </edXML:edXMLBody>\n"
_CONTENT = f'      <edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'
_CONTENT_END = "</edXML:ContentTransferEncoded>\n    </Attachment>\n"
_TAIL = "</edXML>\n"

_SCHEMAS = Path(__file__).parent / "schema"
# A multiple of three, so that the pieces' base64 joins without padding between them.
_PIECE_BYTES = 3 * (1 << 18)


def write_edxml_document(envelope: Envelope, attachments: Mapping[str, bytes]) -> bytes:
    """Write a document with its attachments, whose bytes are given by `content_id`.

    Raises:
        EnvelopeIncomplete: a field is against the rules, or an attachment is not what it says.
        MessageIncomplete: the bytes of an attachment are not given.

    """
    return b"".join(edxml_document_pieces(envelope, attachments))


def edxml_document_pieces(envelope: Envelope, attachments: Mapping[str, bytes]) -> Iterator[bytes]:
    """Write a document as pieces of at most a megabyte; every error comes before the first.

    Raises:
        EnvelopeIncomplete: a field is against the rules, or an attachment is not what it says.
        MessageIncomplete: the bytes of an attachment are not given.

    """
    check_for_sending(envelope)
    for ref in envelope.attachments:
        _require_content(ref, attachments)
    # Our own base64 can't be invalid: the schema sees a placeholder, whatever the files' size.
    _require_valid("document.xsd", "".join(_pieces(envelope, lambda _: ("AAAA",))))
    written = _pieces(envelope, lambda ref: _base64_pieces(attachments[ref.content_id]))
    return (piece.encode() for piece in written)


def write_edxml_status(status: StatusMessage) -> bytes:
    """Write a status message.

    Raises:
        EnvelopeIncomplete: a field is missing or against the rules.

    """
    check_status_for_sending(status)
    written = "".join((_HEAD, *render(status_header(status), 2), _ENVELOPE_END, _TAIL))
    _require_valid("status.xsd", written)
    return written.encode()


def _pieces(envelope: Envelope, encode: Callable[[AttachmentRef], Iterable[str]]) -> Iterator[str]:
    yield _HEAD
    yield from render(document_header(envelope), 2)
    yield _BODY
    for ref in envelope.attachments:
        yield from render_reference(ref, 4)
    yield _BODY_END + _ENVELOPE_END
    yield "  <AttachmentEncoded>\n"
    for ref in envelope.attachments:
        yield "    <Attachment>\n"
        yield from render_attachment(ref, 3)
        yield _CONTENT
        yield from encode(ref)
        yield _CONTENT_END
    yield "  </AttachmentEncoded>\n" + _TAIL


def _base64_pieces(content: bytes) -> Iterator[str]:
    for offset in range(0, len(content), _PIECE_BYTES):
        yield base64.b64encode(content[offset : offset + _PIECE_BYTES]).decode("ascii")


def _require_content(ref: AttachmentRef, attachments: Mapping[str, bytes]) -> None:
    """Refuse an attachment that a reader would take for something else than its entry says."""
    content = attachments.get(ref.content_id)
    if content is None:
        raise MessageIncomplete(f"attachment {ref.content_id}")
    if not content or content == NULL_CONTENT:
        raise EnvelopeIncomplete("is empty", field="Attachment/ContentTransferEncoded")
    if len(content) != ref.size_bytes or hashlib.sha256(content).hexdigest() != ref.digest:
        raise EnvelopeIncomplete("has another digest", field="Attachment/ContentTransferEncoded")
    if bare_name(ref.file_name, otherwise="") != ref.file_name:
        raise EnvelopeIncomplete("has invisible characters", field="Attachment/AttachmentName")
    if would_be_unwrapped(content, ref.file_name):
        raise EnvelopeIncomplete("hides that it is a zip", field="Attachment/AttachmentName")
    real = settle_media_type(ref.media_type, ref.file_name, content=content)
    if real != ref.media_type:
        raise EnvelopeIncomplete(f"should be {real}", field="Attachment/ContentType")


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_SCHEMAS / name))


def _require_valid(schema_name: str, written: str) -> None:
    """Hold what is about to leave against the strict schema, behind the named rules."""
    schema = _schema(schema_name)
    if not schema.validate(etree.fromstring(written.encode())):
        raise EnvelopeIncomplete(str(schema.error_log).partition("\n")[0], field="edXML")
