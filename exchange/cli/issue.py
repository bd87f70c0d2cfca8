"""`congvan issue` (phát hành): number and date into their fields, then the organisation signs."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.errors import PictureUnnamed, UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.signing.choices import Choices, choices_of
from exchange.cli.signing.office import OfficeDraft, Values, digest_of, read_picture
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.run import run_call
from exchange.vietnam_time import VIETNAM_TIME
from signer.office.number_and_date import DocumentNumber, FieldValues, IssueDate
from signer.office.places import SEAL_MM
from signer.office.roles import OfficeRole, OfficeSigning

SUFFIX = "_phathanh"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOptions(SigningOptions):
    """What `issue` takes."""

    number: Annotated[
        str,
        typer.Option(
            "--number",
            metavar="TEXT",
            help="Số, ký hiệu, vd 09/QĐ-UBND · Number and symbol to fill in.",
        ),
    ] = ""
    date: Annotated[
        str,
        typer.Option(
            "--date", metavar="D/M/YYYY", help="Ngày ban hành, nếu không là hôm nay · Its date."
        ),
    ] = ""
    place: Annotated[
        str,
        typer.Option("--place", metavar="TEXT", help="Địa danh · Place before the date."),
    ] = ""
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="PNG", help="Ảnh con dấu màu đỏ, nền trong · The seal, red."
        ),
    ] = None
    seal_mm: Annotated[
        float,
        typer.Option(
            "--seal-mm",
            metavar="MM",
            help="Đường kính thật của con dấu · The seal's true size; 36 by default.",
            show_default=False,
        ),
    ] = 0.0
    signer: Annotated[
        str,
        typer.Option(
            "--signer", metavar="NAME", help="Họ tên người ký văn bản · The leader's printed name."
        ),
    ] = ""


def issue(options: IssueOptions, output: Output) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Phát hành (phat-hanh) · Fill in number and date, then the seal signs.

    The leader must have signed, and `prepare` must have made the fields
    before. The seal covers the left third of the leader's picture
    (NĐ 30/2020). Results get the ending _phathanh.
    """
    choices = choices_of(options)
    path = options.picture or choices.profile.picture
    if path is None:
        raise PictureUnnamed
    picture, name = read_picture(path), options.signer or None
    seal_mm = options.seal_mm or choices.profile.picture_mm or SEAL_MM
    if not 1 <= seal_mm <= 100:
        raise UsageInvalid(f"--seal-mm {seal_mm:g}: the seal's diameter in millimetres")

    def signing(at: datetime) -> OfficeSigning:
        return OfficeSigning(
            role=OfficeRole.ORGANISATION_SEAL,
            at=at,
            signer=name,
            picture=picture,
            seal_mm=seal_mm,
        )

    draft = OfficeDraft(
        choices=choices,
        role=OfficeRole.ORGANISATION_SEAL,
        reason=options.reason,
        signing=signing,
        given={
            "picture": digest_of(picture),
            "seal_mm": seal_mm,
            "signer": name or "",
            "number": options.number,
            "date": options.date,
            "place": options.place,
        },
        values=_values(options, choices),
    )
    only_one = "--number is one document's: name one file" if options.number else ""
    return run_call(options, choices, draft=draft, suffix=SUFFIX, output=output, only_one=only_one)


def _values(options: IssueOptions, choices: Choices) -> Values | None:
    """What to fill in; read now, so that a number that is none is told before any key is used.

    Raises NumberInvalid.
    """
    if not options.number:
        if options.date or options.place:
            raise UsageInvalid("--date and --place need --number")
        return None
    number = DocumentNumber.read(options.number)
    place = options.place or choices.profile.place
    given = IssueDate.read(options.date) if options.date else None

    def values(at: datetime) -> FieldValues:
        on = given.on if given else at.astimezone(VIETNAM_TIME).date()
        return FieldValues(
            number=number, date=IssueDate(on=on, place=(given and given.place) or place)
        )

    return values


app = typer.Typer(add_completion=False)
app.command()(as_command(IssueOptions, issue))
