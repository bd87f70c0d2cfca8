"""`congvan archive`: what is kept, its content, and whether all of it is whole."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from congvan.v1 import archive_pb2
from exchange.cli.commands import as_command
from exchange.cli.errors import ArchiveDamaged
from exchange.cli.exits import ExitCode
from exchange.cli.files import require_new
from exchange.cli.inbox import short
from exchange.cli.output import Output
from exchange.cli.service import ServiceOptions, connected, instant_json, instant_text
from exchange.client.blobs import download
from exchange.client.connection import Connection

CHECK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions(ServiceOptions):
    """What `archive list` takes."""

    message: Annotated[
        str, typer.Option("--message", metavar="NAME", help="Chỉ của văn bản này · Of one.")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions(ServiceOptions):
    """What `archive show` takes."""

    record: Annotated[str, typer.Argument(help="Mã hồ sơ · Record.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions(RecordOptions):
    """What `archive fetch` takes."""

    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Tệp kết quả · Output file.")]


async def list_records(options: ListOptions, output: Output) -> ExitCode:
    """Danh sách hồ sơ lưu trữ · List what is kept, newest first."""
    async with connected(options) as connection:
        records = [each async for each in archive_records(connection, message=options.message)]
    output.document({"records": [record_json(each) for each in records]})
    rows = [
        (
            short(each.name),
            output.phrase(f"record.{kind(each)}"),
            each.owner,
            each.title or each.content.file_name,
            f"{each.content.size_bytes:,}",
            each.content.sha256[:12],
        )
        for each in records
    ]
    headings = ("word.record", "word.kind", "word.owner", "word.title", "word.size", "word.sha256")
    output.show(output.table(*headings, rows=rows))
    output.say("archive.summary", count=len(records))
    return ExitCode.OK


async def show(options: RecordOptions, output: Output) -> ExitCode:
    """Xem một hồ sơ · Show one record."""
    async with connected(options) as connection:
        record = await _record(connection, options.record)
    facts = record_json(record)
    output.document({"record": facts})
    facts["kept_at"] = instant_text(record.keep_time)
    output.show(output.table("certs.attribute", "certs.value", rows=facts.items()))
    return ExitCode.OK


async def fetch(options: FetchOptions, output: Output) -> ExitCode:
    """Lấy nội dung một hồ sơ · Fetch a record's content; its SHA-256 is checked."""
    require_new(options.out)
    async with connected(options) as connection:
        record = await _record(connection, options.record)
        size = await download(connection, record.content.sha256, target=options.out)
    output.document({"record": record_json(record), "file": str(options.out), "size_bytes": size})
    output.say("archive.fetched", file=options.out, size=size)
    return ExitCode.OK


async def check(options: ServiceOptions, output: Output) -> ExitCode:
    """Kiểm tra toàn vẹn kho lưu trữ · Read everything again and compare its SHA-256."""
    async with connected(options) as connection:
        report = await connection.call(
            connection.archive.CheckIntegrity,
            archive_pb2.CheckIntegrityRequest(),
            deadline_seconds=CHECK_SECONDS,
        )
    output.document(integrity_json(report))
    output.say("archive.checked", **integrity_counts(report))
    for sha256 in (*report.missing_sha256, *report.corrupt_sha256):
        output.show(f"  ✗ {sha256}")
    if report.missing_sha256 or report.corrupt_sha256:
        output.show(output.sentence(ArchiveDamaged.reason))
        return ExitCode.INVALID
    return ExitCode.OK


async def archive_records(
    connection: Connection, *, message: str = ""
) -> AsyncIterator[archive_pb2.ArchiveRecord]:
    """Give the caller's records, newest first, page by page."""
    token = ""
    while True:
        request = archive_pb2.ListRecordsRequest(page_token=token, message=message)
        page = await connection.call(connection.archive.ListRecords, request)
        for record in page.records:
            yield record
        token = page.next_page_token
        if not token:
            return


def kind(record: archive_pb2.ArchiveRecord) -> str:
    """Give a record's kind without its prefix: `DOCUMENT`."""
    return archive_pb2.RecordKind.Name(record.kind).removeprefix("RECORD_KIND_")


def record_json(record: archive_pb2.ArchiveRecord) -> dict[str, Any]:
    """Give the JSON of a record."""
    return {
        "record": record.name,
        "kind": kind(record),
        "title": record.title,
        "owner": record.owner,
        "message": record.message,
        "sha256": record.content.sha256,
        "size_bytes": record.content.size_bytes,
        "media_type": record.content.media_type,
        "kept_at": instant_json(record.keep_time),
    }


def integrity_counts(report: archive_pb2.IntegrityReport) -> dict[str, int]:
    """Give the numbers of an integrity report."""
    return {
        "checked": report.checked,
        "intact": report.intact,
        "missing": len(report.missing_sha256),
        "corrupt": len(report.corrupt_sha256),
        "orphans": report.orphans,
    }


def integrity_json(report: archive_pb2.IntegrityReport) -> dict[str, Any]:
    """Give the JSON of an integrity report."""
    return {
        **integrity_counts(report),
        "missing_sha256": list(report.missing_sha256),
        "corrupt_sha256": list(report.corrupt_sha256),
        "checked_at": instant_json(report.checked_at),
    }


async def _record(connection: Connection, text: str) -> archive_pb2.ArchiveRecord:
    name = text if text.startswith("records/") else f"records/{text}"
    if len(name) == len("records/") + 8:
        # What a person typed from the list; several records may begin alike, the first is shown.
        async for record in archive_records(connection):
            if record.name.startswith(name):
                return record
    request = archive_pb2.GetRecordRequest(name=name)
    return await connection.call(connection.archive.GetRecord, request)


app = typer.Typer(add_completion=False, no_args_is_help=True, help="Kho lưu trữ · What is kept.")
app.command("list")(as_command(ListOptions, list_records))
app.command("show")(as_command(RecordOptions, show))
app.command("fetch")(as_command(FetchOptions, fetch))
app.command("check")(as_command(ServiceOptions, check))
