"""`congvan demo`: the whole job on real documents, in under a minute."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.commands import Options, as_command
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.demo.run import Wishes, run_demo


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions(Options):
    """What `demo` takes."""

    s3: Annotated[
        bool, typer.Option("--s3", help="Dùng kho S3 (SeaweedFS) · Keep objects in S3.")
    ] = False
    keep: Annotated[
        bool, typer.Option("--keep", help="Để dịch vụ chạy tiếp · Leave the service running.")
    ] = False
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Thư mục mới · A new directory to work in."),
    ] = None


async def demo(options: DemoOptions, output: Output) -> ExitCode:
    """Trình diễn toàn bộ công việc · Sign, send, receive, verify, count and archive."""
    await run_demo(Wishes(s3=options.s3, keep=options.keep, directory=options.directory), output)
    return ExitCode.OK


app = typer.Typer(add_completion=False)
app.command()(as_command(DemoOptions, demo))
