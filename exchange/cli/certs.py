"""`congvan certs`: look at certificates, keep the trust store, run the practice authority."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.certificates import describe, read_certificates
from exchange.cli.certs_import import ImportOptions, import_trust
from exchange.cli.certs_lists import (
    ImportListOptions,
    PointersOptions,
    import_list,
    show_pointers,
)
from exchange.cli.certs_store import (
    AnchorOptions,
    RemoveOptions,
    StoreOptions,
    check_trust,
    list_trust,
    remove_trust,
    show_trust,
)
from exchange.cli.commands import Options, as_command
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.practice import practice
from exchange.cli.trust import TrustOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(Options):
    """What `certs show` takes."""

    file: Annotated[Path, typer.Argument(help="Chứng thư PEM hoặc DER · Certificate file.")]


def show(options: ShowOptions, output: Output) -> ExitCode:
    """Xem chứng thư · Show what a certificate says."""
    facts = [describe(each) for each in read_certificates(options.file)]
    output.document({"file": str(options.file), "certificates": facts})
    for each in facts:
        rows = [(name, value) for name, value in each.items() if value not in ("", [], None)]
        output.show(output.table("certs.attribute", "certs.value", rows=rows), "")
    return ExitCode.OK


app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Chứng thư và kho tin cậy · Certificates."
)
trust_app = typer.Typer(no_args_is_help=True, help="Kho tin cậy · The trust store.")
app.command("show")(as_command(ShowOptions, show))
trust_app.command("list")(as_command(TrustOptions, list_trust))
trust_app.command("show")(as_command(AnchorOptions, show_trust))
trust_app.command("import")(as_command(ImportOptions, import_trust))
trust_app.command("import-list")(as_command(ImportListOptions, import_list))
trust_app.command("pointers")(as_command(PointersOptions, show_pointers))
trust_app.command("check")(as_command(StoreOptions, check_trust))
trust_app.command("remove")(as_command(RemoveOptions, remove_trust))
app.add_typer(trust_app, name="trust")
app.add_typer(practice, name="practice")
