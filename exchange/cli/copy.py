"""`congvan copy` (sao y, sao lục, trích sao): the organisation signs a copy in electronic form."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.signing.choices import choices_of
from exchange.cli.signing.office import OfficeDraft
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.run import run_call
from signer.office.roles import CopyForm, OfficeRole, OfficeSigning

FORMS: Mapping[str, CopyForm] = {
    "sao-y": CopyForm.SAO_Y,
    "sao-luc": CopyForm.SAO_LUC,
    "trich-sao": CopyForm.TRICH_SAO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions(SigningOptions):
    """What `copy` takes."""

    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="FORM",
            help="Hình thức sao · Form of the copy: sao-y, sao-luc, trich-sao.",
        ),
    ]
    organisation: Annotated[
        str,
        typer.Option(
            "--organisation", metavar="TEXT", help="Cơ quan sao · Organisation that copies."
        ),
    ] = ""


def copy(options: CopyOptions, output: Output) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Sao văn bản (sao-y, sao-luc, trich-sao) · The seal signs a copy.

    Form, organisation and time of signing stand at the top right of the
    first page, without a picture (NĐ 30/2020, App. I, part II, I).
    Results get the ending _saoy, _saoluc or _trichsao.
    """
    choices = choices_of(options)
    form = FORMS.get(options.form)
    if form is None:
        raise UsageInvalid(f"--form {options.form}: one of {', '.join(FORMS)}")
    organisation = options.organisation or choices.profile.organisation
    if not organisation:
        raise UsageInvalid("no organisation: give --organisation TEXT, or use a profile")

    def signing(at: datetime) -> OfficeSigning:
        return OfficeSigning(role=OfficeRole.COPY, at=at, form=form, organisation=organisation)

    draft = OfficeDraft(
        choices=choices,
        role=OfficeRole.COPY,
        reason=options.reason,
        signing=signing,
        given={"form": form, "organisation": organisation},
    )
    suffix = "_" + options.form.replace("-", "")
    return run_call(options, choices, draft=draft, suffix=suffix, output=output)


app = typer.Typer(add_completion=False)
app.command()(as_command(CopyOptions, copy))
