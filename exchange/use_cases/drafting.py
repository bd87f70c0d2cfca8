"""Drafting: a message is announced with its attachments, before anything is sent."""

from dataclasses import dataclass, replace
from uuid import uuid4

from exchange import uploads
from exchange.agency import Endpoint
from exchange.edxml.result import LocatedDocument
from exchange.envelope import AttachmentRef, BusinessKind, Envelope, Trace
from exchange.errors import ArgumentInvalid, EdxmlUnsupported, SenderIdentityMismatch
from exchange.mailboxes.lanes import lane_of
from exchange.messages import BlobName, Message, MessageState, add_draft
from exchange.services import Services
from exchange.use_cases import edxml_content
from exchange.working_copies import copy_of_object
from storage.database import Connection

DOCUMENT_ID_CHARACTERS = 500
"""Length of a DocumentId that others wrote; the rules allow 100, the database's index some 600."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message not yet submitted, and which of its attachments the caller still has to upload."""

    message: Message
    missing: tuple[AttachmentRef, ...]


def draft_from_envelope(services: Services, caller: Endpoint, *, envelope: Envelope) -> Message:
    """Make a draft of an envelope whose edXML this service will write.

    An empty document_id is filled by convention (OrganId,yyyy/MM/dd,number/notation; edXML
    component 1.14); the first trace header is the sender's own.

    Raises:
        SenderIdentityMismatch: the envelope names another sender.
        ArgumentInvalid: too many recipients or attachments; a recall, an update or a replacement.

    """
    _require_own(caller, envelope)
    _require_counts(services, envelope)
    if envelope.business.kind is not BusinessKind.NEW:
        raise ArgumentInvalid("only new documents are drafted", field="envelope.business")
    now = services.clock().replace(microsecond=0)
    completed = replace(
        envelope,
        document_id=envelope.document_id or conventional_document_id(envelope),
        traces=envelope.traces or (Trace(organ_id=caller.code, at=now),),
    )
    return _draft(services, caller, envelope=completed, edxml=None)


async def draft_from_edxml(services: Services, caller: Endpoint, *, sha256: str) -> Message:
    """Make a draft of an uploaded edXML document, which will be delivered byte for byte.

    Its attachments are kept as objects of their own, so that they can be judged and downloaded.

    Raises:
        BlobUnknown: the caller has uploaded no such content.
        EnvelopeInvalid: it is not edXML that can be read.
        EdxmlUnsupported: it is a status message; those go through ReportStatus.
        SenderIdentityMismatch: the envelope names another sender.
        ClassifiedContentRefused: it bears a word of secrecy.

    """
    async with services.database.transaction() as connection:
        digest = await uploads.require_access(connection, caller.code, digest=sha256)
    async with copy_of_object(services, digest) as copy:
        read = await edxml_content.locate(services, copy.for_sandbox())
        if not isinstance(read, LocatedDocument):
            raise EdxmlUnsupported("a status message; report it with ReportStatus")
        _require_own(caller, read.envelope)
        _require_counts(services, read.envelope)
        # Before anything of it is kept: what bears a word of secrecy leaves no copy here.
        services.routing.refuse_classified(
            read.envelope, labels=[element.text for element in read.extras]
        )
        await edxml_content.keep_attachments(services.objects, copy, attachments=read.attachments)
        edxml = BlobName(digest=copy.digest, size_bytes=copy.source.size)
    return _draft(services, caller, envelope=read.envelope, edxml=edxml)


async def keep_draft(connection: Connection, message: Message) -> Draft:
    """Store a draft and tell which attachments are missing.

    What came inside the caller's own edXML is his to refer to from now on.
    """
    await add_draft(connection, message)
    if message.edxml is not None:
        for attachment in message.envelope.attachments:
            await uploads.grant(
                connection, message.sender, digest=attachment.digest, at=message.created_at
            )
    return Draft(message=message, missing=await missing_attachments(connection, message))


async def missing_attachments(
    connection: Connection, message: Message
) -> tuple[AttachmentRef, ...]:
    """Which attachments the sender has not uploaded (or may not refer to)."""
    return tuple(
        [
            attachment
            for attachment in message.envelope.attachments
            if not await uploads.may_read(connection, message.sender, digest=attachment.digest)
        ]
    )


def conventional_document_id(envelope: Envelope) -> str:
    """The document_id by convention; "" where the parts that it is made of are missing."""
    issued_on = envelope.promulgation.date
    if issued_on is None or not envelope.code.number:
        return ""
    return f"{envelope.sender.organ_id},{issued_on:%Y/%m/%d},{envelope.code}"


def _draft(
    services: Services, caller: Endpoint, *, envelope: Envelope, edxml: BlobName | None
) -> Message:
    return Message(
        message_id=uuid4(),
        sender=caller.code,
        state=MessageState.DRAFT,
        envelope=envelope,
        lane=lane_of(envelope.priority),
        created_at=services.clock(),
        edxml=edxml,
    )


def _require_own(caller: Endpoint, envelope: Envelope) -> None:
    if envelope.sender.organ_id != caller.code:
        raise SenderIdentityMismatch(
            f"the envelope says {envelope.sender.organ_id}, the certificate {caller.code}"
        )


def _require_counts(services: Services, envelope: Envelope) -> None:
    limits = services.limits
    if not 1 <= len(envelope.recipients) <= limits.max_recipients:
        raise ArgumentInvalid(f"1 to {limits.max_recipients} needed", field="recipients")
    if not 1 <= len(envelope.attachments) <= limits.max_attachments:
        raise ArgumentInvalid(f"1 to {limits.max_attachments} needed", field="attachments")
    if len(envelope.document_id) > DOCUMENT_ID_CHARACTERS:
        raise ArgumentInvalid(f"at most {DOCUMENT_ID_CHARACTERS} characters", field="document_id")
