"""Sending a document: announce it, upload what is missing, submit it. Repeats are harmless."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from congvan.v1 import common_pb2, envelope_pb2, exchange_pb2, registry_pb2
from exchange.client.blobs import describe, request_id_for, upload
from exchange.client.connection import Connection
from exchange.client.errors import ServiceAnswerInvalid, ServiceRefused

SUBMIT_SECONDS = 300.0
"""Deadline of SubmitMessage: the gate judges every PDF before it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a submission; `replayed` where this very request had been answered before."""

    message: exchange_pb2.Message
    deliveries: tuple[exchange_pb2.Delivery, ...]
    evidence: tuple[common_pb2.Evidence, ...]
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to attach: its bytes or where they lie, and how the envelope names it."""

    content: bytes | Path
    file_name: str
    media_type: str = "application/pdf"
    description: str = ""


async def send(
    connection: Connection,
    envelope: envelope_pb2.Envelope,
    *,
    files: Sequence[OutgoingFile],
    request_id: str = "",
) -> Sent:
    """Send a document under an envelope; the service writes the edXML.

    Names of sender and recipients are taken from the registry where the envelope leaves them out.
    Without a `request_id` it is derived from the content, so that the same call after a lost answer
    has one effect. Raises ClientError.
    """
    complete = envelope_pb2.Envelope()
    complete.CopyFrom(envelope)
    await _name_parties(connection, complete)
    del complete.attachments[:]
    contents: dict[str, bytes | Path] = {}
    for file in files:
        blob = describe(file.content, media_type=file.media_type, file_name=file.file_name)
        complete.attachments.add(blob=blob, description=file.description)
        contents[blob.sha256] = file.content
    identity = hashlib.sha256(complete.SerializeToString(deterministic=True)).hexdigest()
    create = exchange_pb2.CreateMessageRequest(
        request_id=request_id or request_id_for("create", complete.sender.organ_id, identity),
        envelope=complete,
    )
    draft = await connection.call(connection.exchange.CreateMessage, create)
    for blob in draft.missing_blobs:
        if blob.sha256 not in contents:
            raise ServiceAnswerInvalid(f"it asks for {blob.sha256}, which was not announced")
        await upload(
            connection,
            contents[blob.sha256],
            media_type=blob.media_type,
            file_name=blob.file_name,
        )
    return await _submit(connection, draft)


async def send_edxml(
    connection: Connection, content: bytes | Path, *, request_id: str = ""
) -> Sent:
    """Send an edXML document as it is; the service keeps and delivers these very bytes."""
    blob = await upload(connection, content, media_type="application/xml", file_name="edxml.xml")
    create = exchange_pb2.CreateMessageRequest(
        request_id=request_id or request_id_for("create", connection.profile.endpoint, blob.sha256),
        edxml=blob,
    )
    return await _submit(
        connection, await connection.call(connection.exchange.CreateMessage, create)
    )


async def _submit(connection: Connection, draft: exchange_pb2.CreateMessageResponse) -> Sent:
    request = exchange_pb2.SubmitMessageRequest(
        request_id=request_id_for("submit", draft.message.name), name=draft.message.name
    )
    answer = await connection.call(
        connection.exchange.SubmitMessage, request, deadline_seconds=SUBMIT_SECONDS
    )
    return Sent(
        message=answer.message,
        deliveries=tuple(answer.deliveries),
        evidence=tuple(answer.evidence),
        replayed=answer.replay.replayed,
    )


async def _name_parties(connection: Connection, envelope: envelope_pb2.Envelope) -> None:
    if not envelope.sender.organ_id:
        envelope.sender.organ_id = connection.profile.endpoint
    parties = [envelope.sender, *envelope.recipients]
    nameless = [party for party in parties if not party.organ_name]
    if not nameless:
        return
    request = registry_pb2.ResolveRecipientsRequest(codes=[each.organ_id for each in nameless])
    answer = await connection.call(connection.registry.ResolveRecipients, request)
    if answer.unknown:
        codes = ", ".join(answer.unknown)
        raise ServiceRefused(codes, reason="RECIPIENT_UNKNOWN", code="NOT_FOUND")
    names = {endpoint.code: endpoint.display_name for endpoint in answer.endpoints}
    for party in nameless:
        party.organ_name = names.get(party.organ_id, "")
