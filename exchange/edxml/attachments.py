"""Joining the manifest of an edXML message with the attachments that it carries. Pure."""

import hashlib
from dataclasses import dataclass

from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.noting import Fields, Notes
from exchange.edxml.result import ReadAttachment, WarningCode
from exchange.edxml.unwrapping import NULL_CONTENT, bare_name, settle_media_type, unwrap
from exchange.envelope import AttachmentRef
from exchange.errors import EdxmlTooLarge


@dataclass(frozen=True, slots=True)
class _Label:
    """What a Reference or an Attachment says about one file."""

    content_id: str = ""
    file_name: str = ""
    media_type: str = ""
    description: str = ""

    def completed_by(self, other: "_Label") -> "_Label":
        """Fill what is absent here from `other`."""
        return _Label(
            self.content_id or other.content_id,
            self.file_name or other.file_name,
            self.media_type or other.media_type,
            self.description or other.description,
        )


def read_attachments(
    message: Fields, envelope: Fields, *, notes: Notes, limits: EdxmlLimits
) -> tuple[ReadAttachment, ...]:
    """Read the attachments in their own order, each completed by its Reference in the manifest.

    Raises:
        EdxmlTooLarge: there are too many, or a wrapping zip unpacks to too much.

    """
    manifest = envelope.group("edXMLBody").group("edXMLManifest")
    references = {label.content_id: label for label in map(_label, manifest.groups("Reference"))}
    carried = message.group("AttachmentEncoded").groups("Attachment")
    if len(carried) > limits.max_attachments:
        raise EdxmlTooLarge(f"more than {limits.max_attachments} attachments")
    read: dict[str, ReadAttachment] = {}
    claimed: set[str] = set()
    for number, fields in enumerate(carried, 1):
        path = f"Attachment[{number}]"
        own = _label(fields)
        if own.content_id not in references:
            notes.warn(WarningCode.ATTACHMENT_WITHOUT_REFERENCE, path, detail=own.content_id)
        claimed.add(own.content_id)
        label = own.completed_by(references.get(own.content_id, _Label()))
        content_id = own.content_id or f"attachment-{number}"
        if content_id != own.content_id or content_id in read:
            content_id = _free_id(content_id, read)
            notes.warn(WarningCode.ATTACHMENT_ID_CHANGED, path, detail=content_id)
        content = _content(fields, path, notes=notes)
        read[content_id] = _settle(
            content_id, content, label=label, path=path, notes=notes, limits=limits
        )
    for content_id in sorted(references.keys() - claimed):
        notes.warn(WarningCode.REFERENCE_WITHOUT_ATTACHMENT, "Reference", detail=content_id)
    return tuple(read.values())


def _label(fields: Fields) -> _Label:
    # One SDK writes the link only as an attribute, and one writes it without the prefix.
    link = fields.text("ContentId") or fields.node.attributes.get("href", "").strip()
    return _Label(
        content_id=link[4:].strip() if link[:4].casefold() == "cid:" else link,
        file_name=fields.text("AttachmentName"),
        media_type=fields.text("ContentType"),
        description=fields.text("Description"),
    )


def _free_id(wanted: str, taken: dict[str, ReadAttachment]) -> str:
    if wanted not in taken:
        return wanted
    return next(
        candidate
        for candidate in (f"{wanted}-{copy}" for copy in range(2, len(taken) + 3))
        if candidate not in taken
    )


def _content(fields: Fields, path: str, *, notes: Notes) -> bytes:
    encoded = fields.group("ContentTransferEncoded").node
    if encoded.damaged:
        notes.warn(WarningCode.ATTACHMENT_DAMAGED, path, detail="no base64 from some point on")
    if not encoded.decoded or encoded.decoded == NULL_CONTENT:
        notes.warn(WarningCode.ATTACHMENT_EMPTY, path)
        return b""
    return bytes(encoded.decoded)


def _settle(
    content_id: str, wrapped: bytes, *, label: _Label, path: str, notes: Notes, limits: EdxmlLimits
) -> ReadAttachment:
    file_name = bare_name(label.file_name, otherwise=bare_name(content_id, otherwise="attachment"))
    if file_name != label.file_name:
        notes.warn(WarningCode.ATTACHMENT_NAME_CHANGED, path, detail=label.file_name)
    unwrapped = unwrap(wrapped, file_name, limits=limits)
    for code, detail in unwrapped.notes:
        notes.warn(code, path, detail=detail)
    content = unwrapped.content
    media_type = settle_media_type(label.media_type, file_name, content=content)
    if media_type != label.media_type:
        notes.warn(WarningCode.MEDIA_TYPE_CORRECTED, path, detail=label.media_type)
    ref = AttachmentRef(
        content_id=content_id,
        file_name=file_name,
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        description=label.description,
    )
    return ReadAttachment(ref=ref, content=content)
