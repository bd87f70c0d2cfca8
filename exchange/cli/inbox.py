"""`congvan inbox`: what lies in the mailbox and is not acknowledged yet."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from congvan.v1 import common_pb2, exchange_pb2
from exchange.cli.commands import as_command
from exchange.cli.exits import ExitCode
from exchange.cli.gate import short_words, signed_for
from exchange.cli.output import Output
from exchange.cli.service import (
    ServiceOptions,
    connected,
    document_code,
    instant_json,
    instant_text,
    status_code,
    verdict_name,
)
from exchange.client.receiving import mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxOptions(ServiceOptions):
    """What `inbox` takes."""

    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="Số dòng tối đa · At most.")
    ] = 100


async def inbox(options: InboxOptions, output: Output) -> ExitCode:
    """Xem hộp văn bản đến · Look into the mailbox; nothing is changed."""
    items: list[exchange_pb2.MailboxItem] = []
    async with connected(options) as connection:
        async for item in mailbox(connection):
            items.append(item)
            if len(items) >= options.limit:
                break
    output.document({"items": [item_json(item) for item in items]})
    documents = [item for item in items if item.HasField("document")]
    statuses = [item for item in items if item.HasField("status")]
    if documents:
        headings = ("word.delivery", "word.sender", "word.code", "word.subject", "word.gate")
        output.show(
            output.table(*headings, rows=[_document_row(each, output) for each in documents])
        )
    if statuses:
        rows = [_status_row(each, output) for each in statuses]
        words = ("word.status", "word.sender", "word.message", "word.time")
        output.show(output.table(*words, rows=rows))
    output.say("inbox.summary", documents=len(documents), statuses=len(statuses))
    return ExitCode.OK


def item_json(item: exchange_pb2.MailboxItem) -> dict[str, Any]:
    """Give the JSON of one mailbox item."""
    place = {
        "lane": common_pb2.Lane.Name(item.lane).removeprefix("LANE_"),
        "sequence": item.sequence,
        "delivered_at": instant_json(item.delivered_at),
    }
    if item.HasField("status"):
        status = item.status
        return {
            "kind": "status",
            **place,
            "message": status.message,
            "delivery": status.delivery,
            "reporter": status.reporter,
            "code": status_code(status.status.code),
            "description": status.status.description,
        }
    document = item.document
    return {
        "kind": "document",
        **place,
        "delivery": document.delivery.name,
        "sender": document.envelope.sender.organ_id,
        "code": document_code(document.envelope),
        "subject": document.envelope.subject,
        "gate": [verdict_name(finding.verdict) for finding in document.gate],
        "signed_for": [signed_for(finding) for finding in document.gate],
    }


def short(name: str) -> str:
    """Shorten a resource's name to what people can type: the first eight letters of its id."""
    return name.rpartition("/")[2][:8]


def _document_row(item: exchange_pb2.MailboxItem, output: Output) -> tuple[str, ...]:
    document = item.document
    found = dict.fromkeys(short_words(each, output) for each in document.gate)
    return (
        short(document.delivery.name),
        document.envelope.sender.organ_id,
        document_code(document.envelope),
        document.envelope.subject,
        "\n".join(found),
    )


def _status_row(item: exchange_pb2.MailboxItem, output: Output) -> tuple[str, ...]:
    code = status_code(item.status.status.code)
    return (
        output.phrase(f"status.{code}"),
        item.status.reporter,
        short(item.status.message),
        instant_text(item.status.status.received_at),
    )


app = typer.Typer(add_completion=False)
app.command()(as_command(InboxOptions, inbox))
