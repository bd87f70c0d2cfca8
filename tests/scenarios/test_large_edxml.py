"""Large edXML through the service: written, taken in and delivered in memory that doesn't grow."""

from __future__ import annotations

from uuid import uuid4

from congvan.v1 import common_pb2, envelope_pb2, exchange_pb2
from tests.support.clients import WAIT, Client, envelope
from tests.support.service import PARTY, PROVINCE, RunningService
from tests.support.workers import Peak, spooled, worker_of

MEGABYTE = 1 << 20
# No PDF: what the gate's judgement of one costs is not what is measured here.
ANNEX = bytes(range(256)) * (32 * MEGABYTE // 256)
MEMORY = 16 * MEGABYTE
"""What all processes of the service may take together, whatever the size."""


def submit(client: Client, request: exchange_pb2.CreateMessageRequest) -> exchange_pb2.Message:
    request.request_id = str(uuid4())
    created = client.exchange.CreateMessage(request, timeout=WAIT)
    assert not created.missing_blobs
    return client.exchange.SubmitMessage(
        exchange_pb2.SubmitMessageRequest(request_id=str(uuid4()), name=created.message.name),
        timeout=WAIT,
    ).message


def annexed(client: Client, sealed: bytes, content: bytes) -> envelope_pb2.Envelope:
    written = envelope(client.code, client.upload(sealed), PARTY)
    annex = common_pb2.BlobRef()
    annex.CopyFrom(client.upload(content, name="so-lieu.bin"))
    annex.media_type = "application/octet-stream"
    written.attachments.add(blob=annex, description="Phụ lục")
    return written


def test_large_attachments_pass_in_little_more_memory(
    clients: dict[str, Client], service: RunningService, sealed: bytes
) -> None:
    client, worker = clients[PROVINCE], worker_of(service)
    written = annexed(client, sealed, ANNEX)
    submit(client, exchange_pb2.CreateMessageRequest(envelope=annexed(client, sealed, b"warm")))

    peaks = [Peak(each) for each in (worker, *worker.children(recursive=True))]
    sent = submit(client, exchange_pb2.CreateMessageRequest(envelope=written))
    extra = sum(peak.extra_bytes for peak in peaks)
    assert extra <= MEMORY, f"writing took {extra / MEGABYTE:.1f} MB"
    assert sent.edxml.size_bytes > len(ANNEX) * 4 // 3

    edxml = client.download(sent.edxml.sha256)
    other = client.upload(edxml.replace(b"KHCN-VP", b"KHCN-TH"), name="message.edxml")
    peaks = [Peak(each) for each in (worker, *worker.children(recursive=True))]
    again = submit(client, exchange_pb2.CreateMessageRequest(edxml=other))
    extra = sum(peak.extra_bytes for peak in peaks)
    assert extra <= MEMORY, f"taking in took {extra / MEGABYTE:.1f} MB"

    item = clients[PARTY].find(again.name)
    assert item.document.edxml.sha256 == other.sha256
    found = [each.blob.sha256 for each in item.document.envelope.attachments]
    assert found == [each.blob.sha256 for each in written.attachments]
    assert clients[PARTY].download(found[1]) == ANNEX
    assert not spooled(service)
