"""`congvan annex` (ký phụ lục): the organisation signs an annex that is a file of its own."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.signing.choices import choices_of
from exchange.cli.signing.office import OfficeDraft
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.run import run_call
from signer.office.number_and_date import DocumentNumber, NumberForm
from signer.office.roles import OfficeRole, OfficeSigning

SUFFIX = "_phuluc"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexOptions(SigningOptions):
    """What `annex` takes."""

    number: Annotated[
        str,
        typer.Option(
            "--number",
            metavar="TEXT",
            help="Số, ký hiệu văn bản chính, vd 09/QĐ-UBND · Number of its document.",
        ),
    ]


def annex(options: AnnexOptions, output: Output) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Ký phụ lục (phu-luc) · The seal signs annexes in files of their own.

    Number of the document and time of signing stand at the top right of
    the first page, without a picture (NĐ 30/2020, App. I, III.1.d).
    Results get the ending _phuluc.
    """
    choices = choices_of(options)
    code = DocumentNumber.read(options.number).shown(NumberForm.NUMBER)

    def signing(at: datetime) -> OfficeSigning:
        return OfficeSigning(role=OfficeRole.ANNEX, at=at, code=code)

    draft = OfficeDraft(
        choices=choices,
        role=OfficeRole.ANNEX,
        reason=options.reason,
        signing=signing,
        given={"code": code},
    )
    return run_call(options, choices, draft=draft, suffix=SUFFIX, output=output)


app = typer.Typer(add_completion=False)
app.command()(as_command(AnnexOptions, annex))
