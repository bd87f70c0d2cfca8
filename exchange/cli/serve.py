"""`congvan serve`: run the service, or only check its configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from certs.trust.files import load_trust_store
from exchange.cli.commands import Options, as_command
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.server.settings import load_settings
from exchange.server.supervisor import run


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions(Options):
    """What `serve` takes."""

    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Tệp cấu hình TOML · Configuration.")
    ]
    check: Annotated[
        bool, typer.Option("--check", help="Chỉ kiểm tra cấu hình · Only check the configuration.")
    ] = False


def serve(options: ServeOptions, output: Output) -> ExitCode:
    """Chạy dịch vụ · Run the service until SIGTERM or Ctrl-C."""
    settings = load_settings(options.config)
    if options.check:
        trust = settings.trust
        store = load_trust_store(trust.directory, allow_practice=trust.allow_practice)
        output.document({"config": str(options.config), "anchors": len(store.anchors)})
        output.say("serve.checked", file=options.config)
        return ExitCode.OK

    def ready(address: str) -> None:
        output.document({"address": address})
        output.say("serve.ready", address=address)

    code = run(settings, on_ready=ready)
    return ExitCode(code)


app = typer.Typer(add_completion=False)
app.command()(as_command(ServeOptions, serve))
