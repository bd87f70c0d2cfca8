"""`congvan send`: send a document with its envelope, or an edXML message as it is."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.drafts import draft_from
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file
from exchange.cli.gate import finding_json, whose_lines
from exchange.cli.moments import parse_day, today
from exchange.cli.output import Output
from exchange.cli.service import (
    ServiceOptions,
    connected,
    state_name,
    verdict_text,
)
from exchange.client.sending import OutgoingFile, Sent, send, send_edxml

_MAX_ENVELOPE_BYTES = 256 * 1024
_MEDIA_TYPES = {".pdf": "application/pdf", ".xml": "application/xml", ".zip": "application/zip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions(ServiceOptions):
    """What `send` takes: the envelope by options or by a file, or a whole edXML message."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Văn bản đã ký, phụ lục · Document, annexes."),
    ] = None
    edxml: Annotated[
        Path | None,
        typer.Option("--edxml", metavar="FILE", help="Gửi nguyên gói edXML · Send edXML as it is."),
    ] = None
    envelope: Annotated[
        Path | None,
        typer.Option(
            "--envelope", metavar="FILE", help="Thông tin văn bản (TOML) · Envelope file."
        ),
    ] = None
    to: Annotated[str, typer.Option("--to", metavar="CODE,...", help="Nơi nhận · Recipients.")] = ""
    number: Annotated[str, typer.Option("--number", metavar="TEXT", help="Số · Number.")] = ""
    notation: Annotated[
        str, typer.Option("--notation", metavar="TEXT", help="Ký hiệu · Notation.")
    ] = ""
    type: Annotated[str, typer.Option("--type", metavar="TEXT", help="Loại văn bản · Type.")] = ""
    subject: Annotated[
        str, typer.Option("--subject", metavar="TEXT", help="Trích yếu · Subject.")
    ] = ""
    signer: Annotated[
        str, typer.Option("--signer", metavar="TEXT", help="Người ký · Who signed.")
    ] = ""
    position: Annotated[
        str, typer.Option("--position", metavar="TEXT", help="Chức vụ · Position.")
    ] = ""
    competence: Annotated[
        str, typer.Option("--competence", metavar="TEXT", help="Thẩm quyền: TM., KT. · Competence.")
    ] = ""
    priority: Annotated[
        str,
        typer.Option(
            "--priority", metavar="TEXT", help="thường | khẩn | thượng khẩn | hỏa tốc · Priority."
        ),
    ] = ""
    place: Annotated[str, typer.Option("--place", metavar="TEXT", help="Địa danh · Place.")] = ""
    date: Annotated[
        str, typer.Option("--date", metavar="DAY", help="Ngày ban hành (hôm nay) · Date.")
    ] = ""
    annex: Annotated[
        list[Path] | None,
        typer.Option("--annex", metavar="FILE", help="Tệp phụ lục · Annex; repeatable."),
    ] = None
    request_id: Annotated[
        str,
        typer.Option(
            "--request-id",
            metavar="UUID",
            help="UUID; tự tính từ nội dung · Derived where left out.",
        ),
    ] = ""


async def send_document(options: SendOptions, output: Output) -> ExitCode:
    """Gửi văn bản · Send a document. Repeating the same command has one effect."""
    if options.edxml is not None:
        if options.files or options.to or options.envelope:
            raise UsageInvalid("--edxml goes without files, --to and --envelope")
        async with connected(options) as connection:
            sent = await send_edxml(connection, options.edxml, request_id=options.request_id)
    else:
        files = [*(options.files or ()), *(options.annex or ())]
        if not files:
            raise UsageInvalid("a FILE to send is needed")
        envelope = draft_from(_values(options)).envelope()
        async with connected(options) as connection:
            sent = await send(
                connection,
                envelope,
                files=[outgoing(file) for file in files],
                request_id=options.request_id,
            )
    tell(sent, output)
    return ExitCode.OK


def outgoing(file: Path) -> OutgoingFile:
    """Attach a file under its own name."""
    media_type = _MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
    return OutgoingFile(content=file, file_name=file.name, media_type=media_type)


def sent_json(sent: Sent) -> dict[str, Any]:
    """Give the JSON of a submission."""
    return {
        "message": sent.message.name,
        "document_id": sent.message.envelope.document_id,
        "replayed": sent.replayed,
        "deliveries": [
            {
                "name": delivery.name,
                "recipient": delivery.recipient,
                "state": state_name(delivery.state),
            }
            for delivery in sent.deliveries
        ],
        "gate": [finding_json(finding) for finding in sent.message.gate],
        "evidence": [each.name for each in sent.evidence],
    }


def tell(sent: Sent, output: Output) -> None:
    """Say what came of a submission, in JSON or for people."""
    output.document(sent_json(sent))
    output.say("send.replayed" if sent.replayed else "send.sent", message=sent.message.name)
    rows = [(each.recipient, output.phrase(f"state.{state_name(each.state)}"), each.name)
            for each in sent.deliveries]  # fmt: skip
    output.show(output.table("word.recipient", "word.state", "word.delivery", rows=rows), "")
    for finding in sent.message.gate:
        verdict = verdict_text(finding.verdict, output)
        output.say("send.gate", file=finding.document.file_name, verdict=verdict)
        if finding.reason:
            output.show(output.sentence(finding.reason, indent=2))
        sender = sent.message.envelope.sender.organ_id
        output.show(*whose_lines(finding, sender, output=output))


def _values(options: SendOptions) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if options.envelope is not None:
        content = read_file(options.envelope, max_bytes=_MAX_ENVELOPE_BYTES)
        try:
            values = tomllib.loads(content.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageInvalid(f"{options.envelope}: {error}") from error
    names = ("number", "notation", "type", "subject", "signer", "position", "competence")
    for name in (*names, "priority", "place"):
        if given := getattr(options, name):
            values[name] = given
    if options.to:
        values["to"] = [code.strip() for code in options.to.split(",") if code.strip()]
    if options.date:
        values["promulgated_on"] = parse_day(options.date)
    values.setdefault("promulgated_on", today())
    return values


app = typer.Typer(add_completion=False)
app.command()(as_command(SendOptions, send_document))
