"""`congvan receive`: fetch documents, verify them, keep them, confirm, and report 01 and 03."""

import json
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from certs.fetching.fetcher import EvidenceFetcher
from congvan.v1 import exchange_pb2
from exchange.cli.commands import as_command, is_ours
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode, exit_code_of
from exchange.cli.files import is_taken, read_file, write_new
from exchange.cli.gate import signed_for, whose_lines
from exchange.cli.inbox import short
from exchange.cli.output import Output, plain, reason_and_detail
from exchange.cli.policies import PolicyOptions, chosen_policy
from exchange.cli.service import ServiceOptions, connected, document_code
from exchange.cli.trust import Trust, now, trust_of
from exchange.cli.verify import file_json, lines
from exchange.client.connection import Connection
from exchange.client.receiving import (
    Received,
    acknowledge,
    mailbox,
    receive,
    report_status,
)
from signer.limits import DEFAULT as LIMITS
from signer.policy.values import DEFAULT, VerificationPolicy
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.validation.evidence_gathering import Assessor

REPORTS_FILE = "kiem-tra-chu-ky.json"
ARRIVED, ACCEPTED = "01", "03"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveOptions(PolicyOptions):
    """What `receive` takes."""

    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Thư mục lưu văn bản · Folder to keep in.")
    ]
    delivery: Annotated[
        str, typer.Argument(metavar="DELIVERY", help="Mã lượt chuyển · Which one to fetch.")
    ] = ""
    everything: Annotated[
        bool, typer.Option("--all", help="Nhận tất cả · Everything in the mailbox.")
    ] = False
    register: Annotated[
        bool,
        typer.Option("--register/--no-register", help="Báo 01, 03 cho bên gửi · Report 01 and 03."),
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What receiving documents needs: whose mailbox, how to judge, where to keep."""

    connection: Connection
    sandbox: Sandbox
    trust: Trust
    fetcher: EvidenceFetcher | None
    into: Path
    register: bool
    policy: VerificationPolicy = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A document taken in: its files, and a report on each PDF among them."""

    received: Received
    reports: tuple[tuple[Path, Report], ...]


async def take_in(desk: Desk, item: exchange_pb2.MailboxItem) -> Intake:
    """Fetch a document, verify it, keep it, confirm that it is kept, and report 01 and 03.

    In this order: what is confirmed is durable on this machine. Raises ClientError, and what
    keeping and judging raise.
    """
    delivery = item.document.delivery.name
    received = await receive(desk.connection, item.document, into=desk.into, sandbox=desk.sandbox)
    reports = await _verify(desk, received, document=item.document)
    await acknowledge(desk.connection, item)
    if desk.register:
        await report_status(desk.connection, delivery, code=ARRIVED)
        await report_status(desk.connection, delivery, code=ACCEPTED)
    return Intake(received=received, reports=tuple(reports))


async def receive_documents(options: ReceiveOptions, output: Output) -> ExitCode:
    """Nhận văn bản đến · Fetch, verify and keep what came; then confirm and report 01, 03."""
    if bool(options.delivery) == options.everything:
        raise UsageInvalid("name one DELIVERY of `congvan inbox`, or give --all")
    trust, policy = trust_of(options), chosen_policy(options)
    outcomes: list[dict[str, Any]] = []
    codes: list[ExitCode] = []
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(
            connected(ServiceOptions(profile=options.profile))
        )
        fetcher = trust.evidence_fetcher()
        if fetcher is not None:
            await stack.enter_async_context(fetcher)
        desk = Desk(
            connection=connection,
            sandbox=await stack.enter_async_context(Sandbox()),
            trust=trust,
            fetcher=fetcher,
            policy=policy,
            into=options.into,
            register=options.register,
        )
        async for item in mailbox(connection):
            if item.HasField("status"):
                if options.everything:
                    await acknowledge(connection, item)
                continue
            if options.everything or _is_named(item, options.delivery):
                outcome, code = await _receive_one(desk, item, output=output)
                outcomes.append(outcome)
                codes.append(code)
    output.document({"documents": outcomes})
    return _conclude(options, codes, output=output)


def _is_named(item: exchange_pb2.MailboxItem, delivery: str) -> bool:
    name = item.document.delivery.name
    return name == delivery or short(name) == delivery


async def _receive_one(
    desk: Desk, item: exchange_pb2.MailboxItem, *, output: Output
) -> tuple[dict[str, Any], ExitCode]:
    document = item.document
    facts: dict[str, Any] = {
        "delivery": document.delivery.name,
        "sender": document.envelope.sender.organ_id,
        "code": document_code(document.envelope),
    }
    try:
        intake = await take_in(desk, item)
    except Exception as error:
        if not is_ours(error):
            raise
        reason, detail = reason_and_detail(error)
        output.say("receive.failed", code=facts["code"], sender=facts["sender"])
        output.show(output.sentence(reason, indent=2))
        failed = {**facts, "outcome": "failed", "reason": reason, "detail": detail}
        return failed, exit_code_of(error)
    _tell(intake, facts, gate=document.gate, output=output)
    files = [_told_of(file, report, document=document) for file, report in intake.reports]
    folder = str(intake.received.folder)
    return {**facts, "outcome": "done", "folder": folder, "files": files}, ExitCode.OK


async def _verify(
    desk: Desk, received: Received, *, document: exchange_pb2.DocumentItem
) -> list[tuple[Path, Report]]:
    reports = []
    assessor = Assessor(
        sandbox=desk.sandbox,
        store=desk.trust.store,
        fetcher=desk.fetcher,
        evidence=desk.trust.evidence,
        policy=desk.policy,
    )
    for file in received.attachments:
        if file.suffix.lower() != ".pdf":
            continue
        content = read_file(file, max_bytes=LIMITS.max_bytes)
        reports.append((file, await assessor.assess(content, at=now())))
    found = [_told_of(Path(file.name), report, document=document) for file, report in reports]
    _keep_reports(received.folder / REPORTS_FILE, found)
    return reports


def _keep_reports(path: Path, found: list[dict[str, Any]]) -> None:
    # A repeated receive keeps the first judgement: it is the one that was acted upon.
    if not is_taken(path):
        write_new(path, json.dumps({"files": found}, ensure_ascii=False, indent=2).encode())


def _finding(
    report: Report, gate: Iterable[exchange_pb2.GateFinding]
) -> exchange_pb2.GateFinding | None:
    """Give what the gate found in the file that a report is about, by its digest."""
    return next((each for each in gate if each.document.sha256 == report.sha256), None)


def _told_of(file: Path, report: Report, *, document: exchange_pb2.DocumentItem) -> dict[str, Any]:
    """Give a file's JSON, with whether it is its sender's: the service knows by its registry."""
    told = file_json(file, report)
    found = _finding(report, document.gate)
    if found is None:
        return told
    return {
        **told,
        "on_behalf_of": document.envelope.sender.organ_id,
        "signed_for": signed_for(found),
    }


def _tell(
    intake: Intake,
    facts: dict[str, Any],
    *,
    gate: Iterable[exchange_pb2.GateFinding],
    output: Output,
) -> None:
    output.show(Text(output.phrase("receive.done", **facts), style="bold"))
    output.show("  → " + plain(intake.received.folder))
    for file, report in intake.reports:
        output.show(*lines(file.name, report, output=output))
        if (found := _finding(report, gate)) is not None:
            output.show(*whose_lines(found, facts["sender"], output=output))
    output.show("")


def _conclude(options: ReceiveOptions, codes: list[ExitCode], *, output: Output) -> ExitCode:
    if options.delivery and not codes:
        raise UsageInvalid(f"{options.delivery} is not in the mailbox")
    failed = [code for code in codes if code is not ExitCode.OK]
    output.say("receive.summary", done=len(codes) - len(failed), failed=len(failed))
    if not failed:
        return ExitCode.OK
    return ExitCode.PARTIAL if len(failed) < len(codes) else failed[0]


app = typer.Typer(add_completion=False)
app.command()(as_command(ReceiveOptions, receive_documents))
