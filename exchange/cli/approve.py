"""`congvan approve` (ký duyệt): who is competent signs, the picture in its lawful place."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.errors import PictureUnnamed
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.signing.choices import choices_of
from exchange.cli.signing.office import OfficeDraft, digest_of, read_picture
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.run import run_call
from signer.office.roles import OfficeRole, OfficeSigning

SUFFIX = "_daduyet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveOptions(SigningOptions):
    """What `approve` takes."""

    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="PNG",
            help="Ảnh chữ ký tay màu xanh, nền trong · Handwritten signature, blue, transparent.",
        ),
    ] = None
    signer: Annotated[
        str,
        typer.Option(
            "--signer", metavar="NAME", help="Họ tên in trên văn bản · The name as it is printed."
        ),
    ] = ""


def approve(options: ApproveOptions, output: Output) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Ký duyệt (ky-duyet) · The leader signs, before number and seal.

    The picture goes between position and name, found by the text of the
    page (NĐ 30/2020); a field that `prepare` made for it is used.
    Results get the ending _daduyet.
    """
    choices = choices_of(options)
    path = options.picture or choices.profile.picture
    if path is None:
        raise PictureUnnamed
    picture, name = read_picture(path), options.signer or choices.profile.name or None

    def signing(at: datetime) -> OfficeSigning:
        return OfficeSigning(role=OfficeRole.LEADER_APPROVAL, at=at, signer=name, picture=picture)

    draft = OfficeDraft(
        choices=choices,
        role=OfficeRole.LEADER_APPROVAL,
        reason=options.reason,
        signing=signing,
        given={"picture": digest_of(picture), "signer": name or ""},
    )
    return run_call(options, choices, draft=draft, suffix=SUFFIX, output=output)


app = typer.Typer(add_completion=False)
app.command()(as_command(ApproveOptions, approve))
