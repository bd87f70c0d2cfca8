"""`congvan status`: follow a sent document recipient by recipient, or report on a received one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from congvan.v1 import exchange_pb2
from exchange.cli.commands import as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.gate import finding_json, whose_lines
from exchange.cli.output import Output, plain
from exchange.cli.service import (
    ServiceOptions,
    connected,
    document_code,
    instant_json,
    instant_text,
    state_name,
    status_code,
    verdict_text,
)
from exchange.client.connection import Connection
from exchange.client.receiving import report_status

REPORTABLE = ("01", "02", "03", "04", "05", "06")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(ServiceOptions):
    """What `status show` takes."""

    message: Annotated[
        str, typer.Argument(metavar="MESSAGE", help="Mã văn bản đã gửi; bỏ trống: mọi văn bản.")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions(ServiceOptions):
    """What `status report` takes."""

    delivery: Annotated[str, typer.Argument(help="Lượt chuyển đã nhận · A received delivery.")]
    code: Annotated[str, typer.Argument(help="01 … 06 (QĐ 28/2018/QĐ-TTg)")]
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="Ghi chú; 02 cần lý do · Note.")
    ] = ""


async def show(options: ShowOptions, output: Output) -> ExitCode:
    """Theo dõi văn bản đã gửi · Follow what was sent: states and times of each recipient."""
    found: list[tuple[exchange_pb2.Message, list[exchange_pb2.Delivery]]] = []
    async with connected(options) as connection:
        if options.message:
            name = _resource("messages", options.message)
            request = exchange_pb2.GetMessageRequest(name=name)
            messages = [await connection.call(connection.exchange.GetMessage, request)]
        else:
            messages = [each async for each in _sent(connection)]
        for message in messages:
            found.append((message, [each async for each in _deliveries(connection, message.name)]))
    output.document({"messages": [_message_json(*each) for each in found]})
    for message, deliveries in found:
        _show_message(message, deliveries, output=output)
    return ExitCode.OK


async def report(options: ReportOptions, output: Output) -> ExitCode:
    """Báo trạng thái xử lý cho bên gửi · Report a state to the sender."""
    if options.code not in REPORTABLE:
        raise UsageInvalid(f"{options.code}: one of {', '.join(REPORTABLE)}")
    name = _resource("deliveries", options.delivery)
    async with connected(options) as connection:
        delivery = await report_status(connection, name, code=options.code, note=options.note)
    output.document({"delivery": _delivery_json(delivery)})
    status = output.phrase(f"status.{options.code}")
    output.say("status.reported", status=status, delivery=delivery.name)
    return ExitCode.OK


def _resource(collection: str, name: str) -> str:
    return name if name.startswith(f"{collection}/") else f"{collection}/{name}"


async def _sent(connection: Connection) -> AsyncIterator[exchange_pb2.Message]:
    token = ""
    while True:
        request = exchange_pb2.ListMessagesRequest(box=exchange_pb2.BOX_SENT, page_token=token)
        page = await connection.call(connection.exchange.ListMessages, request)
        for message in page.messages:
            yield message
        token = page.next_page_token
        if not token:
            return


async def _deliveries(connection: Connection, message: str) -> AsyncIterator[exchange_pb2.Delivery]:
    token = ""
    while True:
        request = exchange_pb2.ListDeliveriesRequest(message=message, page_token=token)
        page = await connection.call(connection.exchange.ListDeliveries, request)
        for delivery in page.deliveries:
            yield delivery
        token = page.next_page_token
        if not token:
            return


def _message_json(
    message: exchange_pb2.Message, deliveries: list[exchange_pb2.Delivery]
) -> dict[str, Any]:
    return {
        "message": message.name,
        "document_id": message.envelope.document_id,
        "code": document_code(message.envelope),
        "subject": message.envelope.subject,
        "submitted_at": instant_json(message.submit_time),
        "gate": [finding_json(each) for each in message.gate],
        "deliveries": [_delivery_json(each) for each in deliveries],
    }


def _delivery_json(delivery: exchange_pb2.Delivery) -> dict[str, Any]:
    return {
        "delivery": delivery.name,
        "recipient": delivery.recipient,
        "state": state_name(delivery.state),
        "delivered_at": instant_json(delivery.delivered_at),
        "fetched_at": instant_json(delivery.fetched_at),
        "acknowledged_at": instant_json(delivery.acknowledged_at),
        "statuses": [
            {
                "code": status_code(each.code),
                "description": each.description,
                "received_at": instant_json(each.received_at),
            }
            for each in delivery.statuses
        ],
    }


def _show_message(
    message: exchange_pb2.Message, deliveries: list[exchange_pb2.Delivery], *, output: Output
) -> None:
    code = plain(document_code(message.envelope))
    output.show(Text(f"{code}  {plain(message.envelope.subject)}", style="bold"))
    output.show(Text(f"  {message.name}", style="dim"))
    for finding in message.gate:
        verdict = verdict_text(finding.verdict, output)
        output.show(
            "  " + output.phrase("send.gate", file=finding.document.file_name, verdict=verdict)
        )
        sender = message.envelope.sender.organ_id
        output.show(*whose_lines(finding, sender, output=output))
    for delivery in deliveries:
        state = output.phrase(f"state.{state_name(delivery.state)}")
        output.show(f"  {plain(delivery.recipient)}: {state}")
        for key, stamp in (
            ("status.delivered", delivery.delivered_at),
            ("status.fetched", delivery.fetched_at),
            ("status.acknowledged", delivery.acknowledged_at),
        ):
            if stamp.seconds:
                output.show(f"    {instant_text(stamp)}  {output.phrase(key)}")
        for each in delivery.statuses:
            words = output.phrase(f"status.{status_code(each.code)}")
            note = f" – {plain(each.description)}" if each.description else ""
            output.show(f"    {instant_text(each.received_at)}  {words}{note}")
    output.show("")


class _ShowByDefault(TyperGroup):
    """`congvan status MESSAGE` means `congvan status show MESSAGE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own
        """Put `show` where no command is named."""
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShowByDefault, add_completion=False, help="Theo dõi, báo trạng thái · States."
)
app.command("show")(as_command(ShowOptions, show))
app.command("report")(as_command(ReportOptions, report))
