"""edXML with its attachments from and to the object store, in pieces: memory does not grow.

A message that came is read in a sandbox process, which says where each attachment lies in it; the
bytes are then decoded here, where they can be kept. What the sandbox said of them is not believed:
the store takes an object only if it has the digest.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from exchange.edxml.attachments import content_pieces
from exchange.edxml.limits import DEFAULT_EDXML_LIMITS
from exchange.edxml.result import LocatedAttachment, LocatedMessage
from exchange.edxml.sandboxed import locate_for_stranger
from exchange.edxml.unwrapping import HEAD_BYTES
from exchange.edxml.writer import Base64Encoder, document_parts
from exchange.envelope import AttachmentRef, Envelope
from exchange.errors import EdxmlMalformed, EnvelopeIncomplete
from exchange.messages import BlobName
from exchange.services import Services
from exchange.working_copies import WorkingCopy, copy_of_chunks
from signer.errors import SandboxBroken
from storage.errors import DigestMismatch, ObjectMissing
from storage.ports import Digest, ObjectStore, digest_of

_PART_BYTES = 1 << 20


async def locate(services: Services, document: bytes | Path) -> LocatedMessage:
    """Read a stranger's edXML in the sandbox. Raises EnvelopeInvalid, SandboxFailed."""
    return await services.sandbox.run(locate_for_stranger, document)


async def keep_attachments(
    objects: ObjectStore, copy: WorkingCopy, *, attachments: tuple[LocatedAttachment, ...]
) -> None:
    """Keep each attachment of a message as an object of its own.

    Raises:
        SandboxBroken: what the sandbox said of the message is not what is there.
        StorageError: it can't be kept.

    """
    for attachment in attachments:
        with copy.source.open() as stream:
            pieces = _bounded(content_pieces(stream, attachment.place), attachment.ref)
            try:
                await objects.put_new(Digest(attachment.ref.digest), _off_loop(pieces))
            except (DigestMismatch, EdxmlMalformed) as error:
                raise SandboxBroken("an attachment is not where it was said to lie") from error


async def keep_written(services: Services, envelope: Envelope) -> BlobName:
    """Write the edXML of an envelope whose attachments are kept objects, and keep it.

    Raises:
        EnvelopeInvalid: a field is against the rules, an attachment is not what it says, or they
            are more than a reader takes.
        StorageError: an attachment can't be read, or the edXML not kept.

    """
    heads = {each.content_id: await _head(services, each) for each in envelope.attachments}
    parts = await asyncio.to_thread(document_parts, envelope, heads)
    pieces = _written(services, parts)
    if sum(each.size_bytes for each in envelope.attachments) <= services.limits.max_inline_bytes:
        content = b"".join([piece async for piece in pieces])
        digest = digest_of(content)
        await services.objects.put_new(digest, content)
        return BlobName(digest=digest, size_bytes=len(content))
    # Our own work, not a stranger's: longer than one document may be where several add up.
    largest = DEFAULT_EDXML_LIMITS.max_message_bytes
    async with copy_of_chunks(services, pieces, max_bytes=largest) as copy:
        assert copy.path is not None  # noqa: S101 - a copy of chunks is a file
        await services.objects.put_new(copy.digest, copy.path)
        return BlobName(digest=copy.digest, size_bytes=copy.source.size)


async def _head(services: Services, attachment: AttachmentRef) -> bytes:
    digest = Digest(attachment.digest)
    stored = await services.objects.stat(digest)
    if stored is None:
        raise ObjectMissing(digest)
    if stored.size_bytes != attachment.size_bytes:
        raise EnvelopeIncomplete("has another size", field="Attachment/ContentTransferEncoded")
    async for chunk in services.objects.stream(digest, chunk_bytes=HEAD_BYTES):
        return chunk
    return b""


async def _written(
    services: Services, parts: tuple[bytes | AttachmentRef, ...]
) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, bytes):
            for at in range(0, len(part), _PART_BYTES):
                yield part[at : at + _PART_BYTES]
            continue
        encoder = Base64Encoder()
        # Three quarters of the largest chunk that a working copy takes.
        size = _PART_BYTES // 4 * 3
        async for chunk in services.objects.stream(Digest(part.digest), chunk_bytes=size):
            yield await asyncio.to_thread(encoder.encode, chunk)
        yield encoder.finish()


def _bounded(pieces: Iterator[bytes], ref: AttachmentRef) -> Iterator[bytes]:
    """Stop where more comes than was said: the digest is wrong then, whatever follows."""
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece
        if size > ref.size_bytes:
            return


async def _off_loop(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece
