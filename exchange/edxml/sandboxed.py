"""Reading a stranger's edXML where its bytes lie, in memory or in a file: a sandbox's work."""

import io
from pathlib import Path

from exchange.edxml.limits import DEFAULT_EDXML_LIMITS, EdxmlLimits
from exchange.edxml.reader import locate_edxml
from exchange.edxml.result import LocatedDocument, LocatedMessage


def locate_for_stranger(
    document: bytes | Path, *, limits: EdxmlLimits = DEFAULT_EDXML_LIMITS
) -> LocatedMessage:
    """Read as `locate_edxml` does; a file's bytes are read here and nowhere else."""
    if isinstance(document, bytes):
        return locate_edxml(io.BytesIO(document), limits=limits)
    with document.open("rb") as stream:
        return locate_edxml(stream, limits=limits)


def document_digests(document: Path) -> tuple[str, ...]:
    """Give the digests of an edXML document's attachments; none of a status."""
    message = locate_for_stranger(document)
    if not isinstance(message, LocatedDocument):
        return ()
    return tuple(attachment.ref.digest for attachment in message.attachments)
