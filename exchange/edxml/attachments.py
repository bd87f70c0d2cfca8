"""Joining the manifest of an edXML message with the attachments that it carries. Pure."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from exchange.edxml.encoded import Decoded, EncodedText
from exchange.edxml.labels import NULL_CONTENT, bare_name, settle_media_type
from exchange.edxml.limits import EdxmlLimits
from exchange.edxml.noting import Fields, Notes
from exchange.edxml.result import AttachmentPlace, LocatedAttachment, WarningCode, ZipEntry
from exchange.edxml.unwrapping import (
    Measured,
    check_claims,
    damage_notes,
    measure,
    unpacked,
    wrapped_entry,
)
from exchange.envelope import AttachmentRef
from exchange.errors import EdxmlMalformed, EdxmlTooLarge


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
    message: Fields, envelope: Fields, *, stream: IO[bytes], notes: Notes, limits: EdxmlLimits
) -> tuple[LocatedAttachment, ...]:
    """Read the attachments in their own order, each completed by its Reference in the manifest.

    Raises:
        EdxmlTooLarge: there are too many, or a wrapping zip unpacks to too much.

    """
    body = envelope.group("edXMLBody")
    references = _references(body, notes)
    carried = [
        *_carried(message, ""),
        *_carried(envelope, "edXMLEnvelope", notes=notes),
        *_carried(body, "edXMLBody", notes=notes),
    ]
    if len(carried) > limits.max_attachments:
        raise EdxmlTooLarge(f"more than {limits.max_attachments} attachments")
    measuring = _Measuring(stream, notes, limits=limits)
    read: dict[str, LocatedAttachment] = {}
    claimed: set[str] = set()
    for number, fields in enumerate(carried, 1):
        path = f"Attachment[{number}]"
        own = _label(fields)
        if own.content_id not in references:
            notes.warn(WarningCode.ATTACHMENT_WITHOUT_REFERENCE, path, detail=own.content_id)
        claimed.add(own.content_id)
        reference = references.get(own.content_id, _Label())
        if own.file_name and reference.file_name not in ("", own.file_name):
            notes.warn(WarningCode.ATTACHMENT_LABELS_DIFFER, path, detail=reference.file_name)
        content_id = own.content_id or f"attachment-{number}"
        if content_id != own.content_id or content_id in read:
            content_id = _free_id(content_id, read)
            notes.warn(WarningCode.ATTACHMENT_ID_CHANGED, path, detail=content_id)
        encoded = fields.group("ContentTransferEncoded").node.encoded or EncodedText()
        read[content_id] = measuring.locate(
            content_id, encoded, label=own.completed_by(reference), path=path
        )
    for content_id in sorted(references.keys() - claimed):
        notes.warn(WarningCode.REFERENCE_WITHOUT_ATTACHMENT, "Reference", detail=content_id)
    return tuple(read.values())


def content_pieces(stream: IO[bytes], place: AttachmentPlace) -> Iterator[bytes]:
    """Give the bytes of an attachment that was located in the message which `stream` reads.

    Raises:
        EdxmlMalformed: the message is not the one in which the attachment was located.

    """
    decoded = Decoded(stream, place.text)
    try:
        yield from unpacked(decoded, place.entry) if place.entry else decoded
    except zipfile.BadZipFile as fault:
        raise EdxmlMalformed("an attachment has changed since it was looked at") from fault


def _references(body: Fields, notes: Notes) -> dict[str, _Label]:
    found: dict[str, _Label] = {}
    for fields in body.group("edXMLManifest", "Manifest").groups("Reference"):
        label = _label(fields)
        if label.content_id in found:
            notes.warn(WarningCode.REFERENCE_REPEATED, "Reference", detail=label.content_id)
            label = found[label.content_id].completed_by(label)
        found[label.content_id] = label
    return found


def _carried(parent: Fields, path: str, *, notes: Notes | None = None) -> list[Fields]:
    """Give the attachments below an element; they belong beside the envelope, not inside it."""
    carried = [
        each for group in parent.groups("AttachmentEncoded") for each in group.groups("Attachment")
    ]
    if carried and notes is not None:
        notes.warn(WarningCode.ELEMENT_MISPLACED, f"{path}/AttachmentEncoded")
    return carried


def _label(fields: Fields) -> _Label:
    # One SDK writes the link only as an attribute, and one writes it without the prefix.
    link = fields.text("ContentId") or fields.node.attributes.get("href", "").strip()
    return _Label(
        content_id=link[4:].strip() if link[:4].casefold() == "cid:" else link,
        file_name=fields.text("AttachmentName"),
        media_type=fields.text("ContentType") or fields.text("MimeType"),
        description=fields.text("Description"),
    )


def _free_id(wanted: str, taken: dict[str, LocatedAttachment]) -> str:
    if wanted not in taken:
        return wanted
    return next(
        candidate
        for candidate in (f"{wanted}-{copy}" for copy in range(2, len(taken) + 3))
        if candidate not in taken
    )


class _Measuring:
    """Looks at each attachment where it lies: decodes and unpacks it once, keeping nothing."""

    def __init__(self, stream: IO[bytes], notes: Notes, *, limits: EdxmlLimits) -> None:
        self._stream = stream
        self._notes = notes
        self._limits = limits
        self._left = limits.max_total_attachment_bytes

    def locate(
        self, content_id: str, text: EncodedText, *, label: _Label, path: str
    ) -> LocatedAttachment:
        """Settle an attachment's name, type, digest and size, and where its bytes lie."""
        file_name = bare_name(
            label.file_name, otherwise=bare_name(content_id, otherwise="attachment")
        )
        if file_name != label.file_name:
            self._notes.warn(WarningCode.ATTACHMENT_NAME_CHANGED, path, detail=label.file_name)
        measured, text = self._measure(text, path)
        place = AttachmentPlace(text=text)
        unwrapped = self._unwrapped(measured, file_name, text=text, path=path)
        if unwrapped is not None:
            entry, measured = unwrapped
            place = AttachmentPlace(text=text, entry=entry)
        for code, detail in damage_notes(measured, file_name):
            self._notes.warn(code, path, detail=detail)
        media_type = settle_media_type(label.media_type, file_name, head=measured.head)
        if media_type != label.media_type:
            self._notes.warn(WarningCode.MEDIA_TYPE_CORRECTED, path, detail=label.media_type)
        ref = AttachmentRef(
            content_id=content_id,
            file_name=file_name,
            media_type=media_type,
            digest=measured.digest,
            size_bytes=measured.size_bytes,
            description=label.description,
        )
        return LocatedAttachment(ref=ref, place=place)

    def _measure(self, text: EncodedText, path: str) -> tuple[Measured, EncodedText]:
        decoded = Decoded(self._stream, text)
        measured = self._counted(decoded)
        if decoded.damaged:
            self._notes.warn(
                WarningCode.ATTACHMENT_DAMAGED, path, detail="no base64 from some point on"
            )
        if measured.head == NULL_CONTENT:
            text, measured = EncodedText(), measure((), max_bytes=0)
        if not measured.size_bytes:
            self._notes.warn(WarningCode.ATTACHMENT_EMPTY, path)
        return measured, text

    def _unwrapped(
        self, measured: Measured, file_name: str, *, text: EncodedText, path: str
    ) -> tuple[ZipEntry, Measured] | None:
        try:
            entry = wrapped_entry(measured, file_name)
            if entry is None:
                return None
            check_claims(entry, max_bytes=self._limits.max_attachment_bytes, limits=self._limits)
            left = self._left
            # The file counts in the place of the zip around it.
            self._left += measured.size_bytes
            try:
                inner = self._counted(unpacked(Decoded(self._stream, text), entry))
            except zipfile.BadZipFile:
                self._left = left
                raise
        except zipfile.BadZipFile as fault:
            self._notes.warn(WarningCode.ATTACHMENT_DAMAGED, path, detail=f"zip: {fault}")
            return None
        detail = f"{measured.size_bytes} to {inner.size_bytes} bytes"
        self._notes.warn(WarningCode.ATTACHMENT_UNWRAPPED, path, detail=detail)
        return entry, inner

    def _counted(self, pieces: Iterable[bytes]) -> Measured:
        """Measure, against the limit of each attachment and of what all may have together."""
        largest = min(self._left, self._limits.max_attachment_bytes)
        try:
            measured = measure(pieces, max_bytes=largest)
        except EdxmlTooLarge:
            if largest < self._limits.max_attachment_bytes:
                total = self._limits.max_total_attachment_bytes
                raise EdxmlTooLarge(f"over {total} bytes attached") from None
            raise
        self._left -= measured.size_bytes
        return measured
