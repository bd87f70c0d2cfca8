"""`congvan rate`: which share of a period's documents was signed, and why the rest was not."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from congvan.v1 import compliance_pb2, envelope_pb2
from exchange.cli.commands import as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.moments import local_date, month, parse_day, quarter, today, year
from exchange.cli.output import Output, indented, plain
from exchange.cli.service import ServiceOptions, block_name, connected, verdict_name, verdict_text
from exchange.client.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions(ServiceOptions):
    """What `rate` takes; this month where no period is given."""

    month: Annotated[str, typer.Option("--month", metavar="2026-11", help="Tháng · Month.")] = ""
    quarter: Annotated[str, typer.Option("--quarter", metavar="2026-Q4", help="Quý · Quarter.")] = (
        ""
    )
    year: Annotated[str, typer.Option("--year", metavar="2026", help="Năm · Year.")] = ""
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="Từ ngày · From.")] = ""
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Đến ngày · To.")] = ""
    definition: Annotated[
        str, typer.Option("--definition", metavar="ID", help="Cách tính · Which definition.")
    ] = ""
    sender: Annotated[
        list[str] | None,
        typer.Option("--sender", metavar="CODE", help="Chỉ của đơn vị · Of one; repeatable."),
    ] = None
    exceptions: Annotated[
        bool, typer.Option("--exceptions/--no-exceptions", help="Kèm ngoại lệ · With exceptions.")
    ] = True


async def rate(options: RateOptions, output: Output) -> ExitCode:
    """Tỷ lệ văn bản ký số · The share of signed documents, by block, with each exception."""
    period = _period(options)
    senders = tuple(options.sender or ())
    async with connected(options) as connection:
        report = await query_rate(
            connection, period, definition=options.definition, senders=senders
        )
        found: list[compliance_pb2.RateException] = []
        if options.exceptions:
            found = await list_exceptions(
                connection, period, definition=options.definition, senders=senders
            )
    output.document({**rate_json(report), "exceptions": [exception_json(each) for each in found]})
    show_rate(report, output)
    show_exceptions(found, output)
    return ExitCode.OK


async def query_rate(
    connection: Connection,
    period: tuple[date, date],
    *,
    definition: str = "",
    senders: tuple[str, ...] = (),
) -> compliance_pb2.SignatureRateReport:
    """Ask for the rate of a period (first and last day)."""
    request = compliance_pb2.QuerySignatureRateRequest(
        definition_id=definition, period=_wire(period), senders=senders
    )
    return await connection.call(connection.compliance.QuerySignatureRate, request)


async def list_exceptions(
    connection: Connection,
    period: tuple[date, date],
    *,
    definition: str = "",
    senders: tuple[str, ...] = (),
) -> list[compliance_pb2.RateException]:
    """Ask for every document that counts against the rate."""
    found: list[compliance_pb2.RateException] = []
    token = ""
    while True:
        request = compliance_pb2.ListExceptionsRequest(
            definition_id=definition, period=_wire(period), senders=senders, page_token=token
        )
        page = await connection.call(connection.compliance.ListExceptions, request)
        found += page.exceptions
        token = page.next_page_token
        if not token:
            return found


def show_rate(report: compliance_pb2.SignatureRateReport, output: Output) -> None:
    """Print the table: a line for each block and one for the whole."""
    first, last = _day(report.period.first_day), _day(report.period.last_day)
    title = output.phrase("rate.title", first=local_date(first), last=local_date(last))
    rows: list[tuple[object, ...]] = [
        (
            output.phrase(f"block.{block_name(each.block)}"),
            each.count.numerator,
            each.count.denominator,
            each.count.rate,
        )
        for each in report.blocks
    ]
    total = report.total
    whole = (output.phrase("rate.whole"), str(total.numerator), str(total.denominator), total.rate)
    rows.append(tuple(Text(plain(cell), style="bold") for cell in whole))
    output.show(Text(title, style="bold"))
    output.show(output.table("word.block", "word.signed", "word.total", "word.rate", rows=rows))
    for reading in list(report.readings)[1:]:
        name = reading.name_en if output.language == "en" else reading.name_vi
        count = reading.count
        fraction = f"{count.numerator}/{count.denominator} = {count.rate}"
        output.show(Text(f"{plain(name)}: {plain(fraction)}", "dim"))
    definition = report.definition
    basis = definition.legal_basis_en if output.language == "en" else definition.legal_basis_vi
    output.show(Text(f"{definition.id} v{definition.version}: {plain(basis)}", "dim"))


def show_exceptions(found: list[compliance_pb2.RateException], output: Output) -> None:
    """Print each document that counts against the rate, with its reason and what to do."""
    if not found:
        return
    output.show("", Text(output.phrase("rate.exceptions", count=len(found)), style="bold"))
    for each in found:
        head = Text(f"✗ {plain(each.document_id)}  ", style="red")
        head.append(verdict_text(each.verdict, output), style="bold red")
        output.show(head)
        output.show(indented(f"{each.sender}: {each.subject}", 2))
        output.show(output.sentence(each.reason or verdict_name(each.verdict), indent=2))


def rate_json(report: compliance_pb2.SignatureRateReport) -> dict[str, Any]:
    """Give the JSON of a rate."""
    return {
        "definition": report.definition.id,
        "definition_version": report.definition.version,
        "first_day": _day(report.period.first_day).isoformat(),
        "last_day": _day(report.period.last_day).isoformat(),
        "total": _count(report.total),
        "blocks": {block_name(each.block): _count(each.count) for each in report.blocks},
        "readings": {each.id: _count(each.count) for each in report.readings},
        "exclusions": {each.id: each.documents for each in report.exclusions},
    }


def exception_json(each: compliance_pb2.RateException) -> dict[str, Any]:
    """Give the JSON of an exception."""
    return {
        "message": each.message,
        "document_id": each.document_id,
        "sender": each.sender,
        "block": block_name(each.block),
        "subject": each.subject,
        "issued_on": _day(each.issued_on).isoformat(),
        "verdict": verdict_name(each.verdict),
        "reason": each.reason,
        "sentence_vi": each.sentence_vi,
        "sentence_en": each.sentence_en,
    }


def _period(options: RateOptions) -> tuple[date, date]:
    given = [each for each in (options.month, options.quarter, options.year) if each]
    if len(given) + bool(options.first or options.last) > 1:
        raise UsageInvalid("one period only: --month, --quarter, --year, or --from with --to")
    if options.quarter:
        return quarter(options.quarter)
    if options.year:
        return year(options.year)
    if options.first or options.last:
        if not (options.first and options.last):
            raise UsageInvalid("--from goes with --to")
        return parse_day(options.first), parse_day(options.last)
    return month(options.month or f"{today():%Y-%m}")


def _wire(period: tuple[date, date]) -> compliance_pb2.Period:
    first, last = (
        envelope_pb2.CalendarDate(year=day.year, month=day.month, day=day.day) for day in period
    )
    return compliance_pb2.Period(first_day=first, last_day=last)


def _day(value: envelope_pb2.CalendarDate) -> date:
    return date(value.year or 1, value.month or 1, value.day or 1)


def _count(count: compliance_pb2.RateCount) -> dict[str, Any]:
    return {
        "numerator": count.numerator,
        "denominator": count.denominator,
        "rate": count.rate,
    }


app = typer.Typer(add_completion=False)
app.command()(as_command(RateOptions, rate))
