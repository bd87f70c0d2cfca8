"""Receiving: read the mailbox, fetch and check what came, confirm that it is kept, report on it."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from congvan.v1 import envelope_pb2, exchange_pb2
from exchange.client.blobs import download, request_id_for
from exchange.client.connection import Connection
from exchange.client.errors import DocumentMismatch, MessageUnreadable
from exchange.edxml.sandboxed import document_digests
from exchange.errors import EnvelopeInvalid
from signer.errors import SandboxFailed
from signer.sandbox.pool import Sandbox

EDXML_FILE = "van-ban.edxml"
PAGE_ITEMS = 50
MAX_NAME_BYTES = 180
_PULL_MARGIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A document on this machine: its folder, the edXML as it came, the attachments in order."""

    folder: Path
    edxml: Path
    attachments: tuple[Path, ...]


async def pull(
    connection: Connection, *, cursor: str = "", max_items: int = PAGE_ITEMS, wait_seconds: int = 0
) -> exchange_pb2.PullResponse:
    """Read the mailbox from a cursor; from the oldest that is not acknowledged without one."""
    request = exchange_pb2.PullRequest(
        cursor=cursor, max_items=max_items, wait_seconds=wait_seconds
    )
    return await connection.call(
        connection.exchange.Pull, request, deadline_seconds=wait_seconds + _PULL_MARGIN_SECONDS
    )


async def mailbox(connection: Connection) -> AsyncIterator[exchange_pb2.MailboxItem]:
    """Give everything that lies in the mailbox and is not acknowledged, lane by lane."""
    cursor = ""
    while True:
        answer = await pull(connection, cursor=cursor)
        for item in answer.items:
            yield item
        if not answer.items or answer.next_cursor == cursor:
            return
        cursor = answer.next_cursor


async def receive(
    connection: Connection, item: exchange_pb2.DocumentItem, *, into: Path, sandbox: Sandbox
) -> Received:
    """Fetch one document into a folder of its own that appears whole or not at all.

    Every file has the SHA-256 that the mailbox announced, and the edXML, read in the sandbox, names
    the same documents. A folder that is there already is left as it is: it was received before.

    Raises:
        MessageUnreadable: the edXML can't be read.
        DocumentMismatch: the edXML names other attachments than the mailbox.
        ClientError: the download failed.

    """
    folder = into / folder_name(item)
    names = attachment_names(item.envelope)
    received = Received(
        folder=folder,
        edxml=folder / EDXML_FILE,
        attachments=tuple(folder / name for name in names),
    )
    if _is_there(folder):
        return received
    with _folder_in_the_making(folder) as unfinished:
        edxml = unfinished / EDXML_FILE
        await download(connection, item.edxml.sha256, target=edxml)
        for name, attachment in zip(names, item.envelope.attachments, strict=True):
            await download(connection, attachment.blob.sha256, target=unfinished / name)
        await _compare(sandbox, item, edxml=edxml)
    return received


async def acknowledge(
    connection: Connection, item: exchange_pb2.MailboxItem, *, refusal: str = ""
) -> exchange_pb2.AckResult:
    """Say that the item is kept durably, or with a `refusal` that it can't be taken."""
    outcome = exchange_pb2.ACK_OUTCOME_REJECTED if refusal else exchange_pb2.ACK_OUTCOME_STORED
    named = exchange_pb2.AckItem(
        lane=item.lane, sequence=item.sequence, outcome=outcome, reason=refusal
    )
    request = exchange_pb2.AcknowledgeRequest(
        request_id=_request_id(connection, "acknowledge", str(named)), items=[named]
    )
    answer = await connection.call(connection.exchange.Acknowledge, request)
    return answer.results[0]


async def report_status(
    connection: Connection, delivery: str, *, code: str, note: str = ""
) -> exchange_pb2.Delivery:
    """Report an edXML status by its two digits (QĐ 28/2018: 01 to 06) with the time of now."""
    now = Timestamp()
    now.GetCurrentTime()
    now.nanos = 0
    status = envelope_pb2.StatusEntry(code=_status(code), description=note, reported_at=now)
    request = exchange_pb2.ReportStatusRequest(
        request_id=_request_id(connection, "status", delivery, code, note, str(now.seconds)),
        delivery=delivery,
        status=status,
    )
    answer = await connection.call(connection.exchange.ReportStatus, request)
    return answer.delivery


def folder_name(item: exchange_pb2.DocumentItem) -> str:
    """Name a document's folder: code of the document, sender, and what makes it unique."""
    envelope = item.envelope
    code = f"{envelope.code.number}-{envelope.code.notation}"
    unique = item.delivery.name.rpartition("/")[2][:8]
    return safe_name(f"{code}_{envelope.sender.organ_id}_{unique}")


def attachment_names(envelope: envelope_pb2.Envelope) -> tuple[str, ...]:
    """Give each attachment a file name of its own; a stranger's name never leaves its folder."""
    taken = {EDXML_FILE}
    names = []
    for position, attachment in enumerate(envelope.attachments, start=1):
        name = safe_name(attachment.blob.file_name) or f"tep-{position}"
        if name in taken:
            name = f"{position}-{name}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def safe_name(text: str) -> str:
    """Keep what is harmless in one component of a path: letters, digits and a few marks."""
    kept = "".join(letter if letter.isalnum() or letter in "-_. " else "-" for letter in text)
    encoded = kept.strip(". ").encode()
    if len(encoded) <= MAX_NAME_BYTES:
        return kept.strip(". ")
    ending = Path(kept).suffix.encode()[:16]
    shortened = encoded[: MAX_NAME_BYTES - len(ending)] + ending
    return shortened.decode(errors="ignore")


@contextlib.contextmanager
def _folder_in_the_making(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".congvan-", dir=folder.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _is_there(folder: Path) -> bool:
    return folder.is_dir()


def _absolute(path: Path) -> Path:
    return path.absolute()


async def _compare(sandbox: Sandbox, item: exchange_pb2.DocumentItem, *, edxml: Path) -> None:
    try:
        found = await sandbox.run(document_digests, _absolute(edxml))
    except (EnvelopeInvalid, SandboxFailed) as error:
        raise MessageUnreadable(f"{item.delivery.name}: {error.reason}") from error
    announced = tuple(attachment.blob.sha256 for attachment in item.envelope.attachments)
    if sorted(found) != sorted(announced):
        raise DocumentMismatch(item.delivery.name)


def _status(code: str) -> envelope_pb2.StatusCode.ValueType:
    return envelope_pb2.StatusCode.ValueType(int(code))


def _request_id(connection: Connection, *parts: str) -> str:
    return request_id_for(connection.profile.endpoint, *parts)
