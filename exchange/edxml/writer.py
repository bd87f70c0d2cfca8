"""The strict writer: from an envelope or a status to edXML, in the layout that every reader takes.

Pure but for its schema, which is package data. Layout: UTF-8 without a mark, the order and
prefixes of the national platform's own writer (root and attachments without prefix, the namespace
declared again on each ContentTransferEncoded), the regulation's misspellings, no empty element,
base64 on one line.
"""

import binascii
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO

from lxml import etree

from exchange.edxml.labels import NULL_CONTENT, bare_name, settle_media_type, would_be_unwrapped
from exchange.edxml.layout import (
    document_header,
    render,
    render_attachment,
    render_reference,
    status_header,
)
from exchange.edxml.limits import DEFAULT_EDXML_LIMITS
from exchange.edxml.unwrapping import HEAD_BYTES
from exchange.edxml.values import NAMESPACE
from exchange.envelope import (
    AttachmentRef,
    Envelope,
    StatusMessage,
    check_for_sending,
    check_status_for_sending,
)
from exchange.errors import EdxmlTooLarge, EnvelopeIncomplete, MessageIncomplete

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
# A multiple of three, so that nothing is held back between the pieces' base64.
_PIECE_BYTES = 3 * (1 << 18)


def document_parts(
    envelope: Envelope, heads: Mapping[str, bytes]
) -> tuple[bytes | AttachmentRef, ...]:
    """Write a document but for its attachments: texts, and between them what is to be encoded.

    `heads` gives the first bytes of each attachment, HEAD_BYTES or all of them, by `content_id`.
    Everything that can be told without reading more is checked here.

    Raises:
        EnvelopeIncomplete: a field is against the rules, or an attachment is not what it says.
        MessageIncomplete: the bytes of an attachment are not given.
        EdxmlTooLarge: no reader would take so much.

    """
    check_for_sending(envelope)
    _require_readable(envelope)
    for ref in envelope.attachments:
        _require_labels(ref, heads)
    # Our own base64 can't be invalid: the schema sees a placeholder, whatever the files' size.
    parts = tuple(_parts(envelope))
    text = b"".join(part if isinstance(part, bytes) else b"AAAA" for part in parts)
    _require_valid("document.xsd", text)
    return parts


def write_edxml_document(envelope: Envelope, attachments: Mapping[str, bytes]) -> bytes:
    """Write a document with its attachments, whose bytes are given by `content_id`.

    Raises as `document_parts`.
    """
    return b"".join(edxml_document_pieces(envelope, attachments))


def edxml_document_pieces(
    envelope: Envelope, attachments: Mapping[str, bytes | IO[bytes]]
) -> Iterator[bytes]:
    """Write a document as pieces of at most a megabyte, from bytes or streams by `content_id`.

    Every error comes before the first piece, but for one: that a stream gives other bytes than
    the envelope says is known at its end.

    Raises as `document_parts`.
    """
    streams = {
        name: io.BytesIO(content) if isinstance(content, bytes) else content
        for name, content in attachments.items()
    }
    parts = document_parts(envelope, {name: _head(stream) for name, stream in streams.items()})
    for ref in envelope.attachments:
        if isinstance(content := attachments[ref.content_id], bytes):
            _require_digest(ref, content)
    return _pieces(parts, streams)


class Base64Encoder:
    """Encodes content that comes in pieces of any size, on one line."""

    def __init__(self) -> None:
        """Begin with nothing held back."""
        self._rest = b""

    def encode(self, piece: bytes) -> bytes:
        """Encode what there is, holding back up to two bytes."""
        joined = self._rest + piece
        whole = len(joined) - len(joined) % 3
        self._rest = joined[whole:]
        return binascii.b2a_base64(joined[:whole], newline=False)

    def finish(self) -> bytes:
        """Encode what was held back, with its padding."""
        return binascii.b2a_base64(self._rest, newline=False)


def write_edxml_status(status: StatusMessage) -> bytes:
    """Write a status message.

    Raises:
        EnvelopeIncomplete: a field is missing or against the rules.

    """
    check_status_for_sending(status)
    text = "".join((_HEAD, *render(status_header(status), 2), _ENVELOPE_END, _TAIL))
    written = text.encode()
    _require_valid("status.xsd", written)
    return written


def _parts(envelope: Envelope) -> Iterator[bytes | AttachmentRef]:
    text = [_HEAD, *render(document_header(envelope), 2), _BODY]
    for ref in envelope.attachments:
        text += render_reference(ref, 4)
    text += [_BODY_END, _ENVELOPE_END, "  <AttachmentEncoded>\n"]
    for ref in envelope.attachments:
        text += ["    <Attachment>\n", *render_attachment(ref, 3), _CONTENT]
        yield "".join(text).encode()
        yield ref
        text = [_CONTENT_END]
    yield "".join((*text, "  </AttachmentEncoded>\n", _TAIL)).encode()


def _pieces(
    parts: Iterable[bytes | AttachmentRef], streams: Mapping[str, IO[bytes]]
) -> Iterator[bytes]:
    for part in parts:
        if isinstance(part, bytes):
            yield from (part[at : at + _PIECE_BYTES] for at in range(0, len(part), _PIECE_BYTES))
        else:
            yield from _encoded(part, streams[part.content_id])


def _encoded(ref: AttachmentRef, stream: IO[bytes]) -> Iterator[bytes]:
    encoder, hashed, size = Base64Encoder(), hashlib.sha256(), 0
    stream.seek(0)
    while piece := stream.read(_PIECE_BYTES):
        hashed.update(piece)
        size += len(piece)
        yield encoder.encode(piece)
    if (size, hashed.hexdigest()) != (ref.size_bytes, ref.digest):
        raise EnvelopeIncomplete("has another digest", field="Attachment/ContentTransferEncoded")
    yield encoder.finish()


def _head(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def _require_readable(envelope: Envelope) -> None:
    """Refuse what our own reader, and so every recipient's, would refuse for its size."""
    limits = DEFAULT_EDXML_LIMITS
    sizes = [ref.size_bytes for ref in envelope.attachments]
    if max(sizes) > limits.max_attachment_bytes or sum(sizes) > limits.max_total_attachment_bytes:
        raise EdxmlTooLarge(f"over {limits.max_total_attachment_bytes} bytes attached")
    if len(sizes) > limits.max_attachments:
        raise EdxmlTooLarge(f"more than {limits.max_attachments} attachments")


def _require_labels(ref: AttachmentRef, heads: Mapping[str, bytes]) -> None:
    """Refuse an attachment that a reader would take for something else than its entry says."""
    head = heads.get(ref.content_id)
    if head is None:
        raise MessageIncomplete(f"attachment {ref.content_id}")
    if not head or head == NULL_CONTENT:
        raise EnvelopeIncomplete("is empty", field="Attachment/ContentTransferEncoded")
    if len(head) < HEAD_BYTES and len(head) != ref.size_bytes:
        raise EnvelopeIncomplete("has another digest", field="Attachment/ContentTransferEncoded")
    if bare_name(ref.file_name, otherwise="") != ref.file_name:
        raise EnvelopeIncomplete("has invisible characters", field="Attachment/AttachmentName")
    if would_be_unwrapped(head, ref.file_name):
        raise EnvelopeIncomplete("hides that it is a zip", field="Attachment/AttachmentName")
    real = settle_media_type(ref.media_type, ref.file_name, head=head)
    if real != ref.media_type:
        raise EnvelopeIncomplete(f"should be {real}", field="Attachment/ContentType")


def _require_digest(ref: AttachmentRef, content: bytes) -> None:
    if (len(content), hashlib.sha256(content).hexdigest()) != (ref.size_bytes, ref.digest):
        raise EnvelopeIncomplete("has another digest", field="Attachment/ContentTransferEncoded")


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_SCHEMAS / name))


def _require_valid(schema_name: str, written: bytes) -> None:
    """Hold what is about to leave against the strict schema, behind the named rules."""
    schema = _schema(schema_name)
    if not schema.validate(etree.fromstring(written)):
        raise EnvelopeIncomplete(str(schema.error_log).partition("\n")[0], field="edXML")
