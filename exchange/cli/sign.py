"""`congvan sign`: sign PDF files invisibly, or with a picture and text where the user says."""

import hashlib
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.signing.choices import Choices, choices_of
from exchange.cli.signing.draft import Look, Tools
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.run import run_call
from signer.creation.requests import FieldLock, LockAction, Permission, SigningRequest
from signer.creation.signing import sign_tail
from signer.limits import DEFAULT as LIMITS
from signer.pages.appearance import Appearance, Box, check_appearance
from signer.sandbox.pool import Sandbox
from signer.source import Source

SUFFIX = "_daky"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOptions(SigningOptions):
    """What `sign` takes."""

    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="PNG", help="Ảnh chữ ký PNG · Picture to show."),
    ] = None
    box: Annotated[
        str,
        typer.Option(
            "--box",
            metavar="P,L,B,W,H",
            help="Trang, trái, dưới, rộng, cao (mm) · Page, left, bottom, width, height.",
        ),
    ] = ""
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="TEXT", help="Dòng chữ hiển thị · Text; repeatable."),
    ] = None
    field: Annotated[
        str, typer.Option("--field", metavar="NAME", help="Trường chữ ký · Signature field.")
    ] = ""
    certify: Annotated[
        int | None,
        typer.Option(
            "--certify",
            metavar="P",
            min=1,
            max=3,
            help="Chữ ký chứng nhận: sau đó cấm mọi thay đổi (1), chỉ điền và ký (2), thêm chú"
            " thích (3) · Certify: allow nothing, filling, or annotating afterwards.",
        ),
    ] = None
    lock: Annotated[
        list[str] | None,
        typer.Option(
            "--lock",
            metavar="FIELD|all",
            help="Khóa trường sau khi ký · Lock a field, or all, once signed; repeatable.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainDraft:
    """A signature as the options describe it, the same on every document."""

    options: SignOptions
    choices: Choices
    appearance: Appearance | None
    lock: FieldLock | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that shapes the signature but the key."""
        seen = self.appearance
        return {
            "act": "sign",
            "field": self.options.field,
            "lines": list(seen.lines) if seen else [],
            "box": asdict(seen.box) if seen and seen.box else None,
            "picture": hashlib.sha256(seen.picture).hexdigest() if seen and seen.picture else "",
            "certify": self.options.certify,
            "lock": list(self.options.lock or ()),
        }

    @property
    def former_suffixes(self) -> tuple[str, ...]:
        """None: what was signed before keeps its name."""
        return ()

    @property
    def reads_pages(self) -> bool:
        """Never: the options say the place."""
        return False

    @property
    def signer_kind(self) -> None:
        """A person's or an organisation's certificate."""
        return

    async def look(self, source: Source, at: datetime, *, sandbox: Sandbox) -> Look | None:
        """What the options say, on every document."""
        del source, at, sandbox
        if self.appearance is None:
            return None
        return Look(appearance=self.appearance, field_name=self.options.field or None)

    async def sign(self, source: Source, at: datetime, *, tools: Tools) -> bytes:
        """Sign one document."""
        request = SigningRequest(
            level=self.choices.level,
            signed_at=at,
            field_name=self.options.field or None,
            appearance=self.appearance,
            reason=self.options.reason or None,
            scheme=self.choices.scheme,
            certification=Permission(self.options.certify) if self.options.certify else None,
            lock=self.lock,
        )
        return await sign_tail(
            source,
            key=tools.key,
            request=request,
            timestamper=tools.timestamper,
            checker=tools.checker,
        )


def sign_files(options: SignOptions, output: Output) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Ký số tệp PDF · Sign PDF files (PAdES). Nothing is ever overwritten.

    A folder or a pattern is signed as a whole, with one passphrase or PIN;
    run it again and it skips what is done. Results get the ending _daky.
    The certificate is checked before it signs.
    """
    choices = choices_of(options)
    draft = PlainDraft(
        options=options, choices=choices, appearance=_appearance(options), lock=_lock(options)
    )
    return run_call(options, choices, draft=draft, suffix=SUFFIX, output=output)


def _appearance(options: SignOptions) -> Appearance | None:
    if options.picture is None and not options.line:
        if options.box:
            raise UsageInvalid("--box needs --picture or --line")
        return None
    picture = None
    if options.picture is not None:
        picture = read_file(options.picture, max_bytes=LIMITS.max_picture_bytes)
    box = _box(options.box) if options.box else None
    if box is None and not options.field:
        raise UsageInvalid("--picture and --line need --box, or a --field that has a place")
    appearance = Appearance(picture=picture, box=box, lines=tuple(options.line or ()))
    check_appearance(appearance, LIMITS)
    return appearance


def _lock(options: SignOptions) -> FieldLock | None:
    names = tuple(options.lock or ())
    if not names:
        return None
    if names == ("all",):
        return FieldLock(action=LockAction.ALL)
    return FieldLock(action=LockAction.INCLUDE, fields=names)


def _box(text: str) -> Box:
    parts = text.split(",")
    try:
        page, (left, bottom, width, height) = int(parts[0]), map(float, parts[1:])
    except ValueError:
        raise UsageInvalid(f"--box {text}: five numbers page,left,bottom,width,height") from None
    return Box(page=page, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)


app = typer.Typer(add_completion=False)
app.command()(as_command(SignOptions, sign_files))
