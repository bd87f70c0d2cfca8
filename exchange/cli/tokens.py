"""`congvan tokens`: a PKCS#11 module's tokens, their warnings and certificates; asks no PIN."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from certs.keys.pkcs11_tokens import TokenCertificate, TokenInfo, list_tokens
from exchange.cli.certificates import describe
from exchange.cli.commands import Options, ProfileFile, as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output, plain
from exchange.client.errors import ProfileMissing
from exchange.client.profile_layers import layered_profile

_WARNINGS = ("pin_locked", "pin_final_try", "pin_count_low")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensOptions(Options):
    """What `tokens` takes."""

    profile: ProfileFile = None
    module: Annotated[
        Path | None,
        typer.Option(
            "--module",
            metavar="FILE",
            help="Thư viện PKCS#11 của thiết bị (.so) · The token's PKCS#11 library.",
        ),
    ] = None


def show_tokens(options: TokensOptions, output: Output) -> ExitCode:
    """Xem thiết bị ký số và chứng thư trong đó · List tokens and their certificates. Asks no PIN.

    A certificate's SHA-256 is what `congvan sign --certificate` takes.
    """
    module = options.module or _module_of_profile(options)
    tokens = list_tokens(module)
    output.document({"module": str(module), "tokens": [_told(each) for each in tokens]})
    shown = [each for each in tokens if each.initialized]
    if not shown:
        output.say("tokens.none", module=module)
    for token in shown:
        _show(token, output)
    return ExitCode.OK


def _module_of_profile(options: TokensOptions) -> Path:
    try:
        module = layered_profile(options.profile).profile.signing.module
    except ProfileMissing:
        if options.profile is not None:
            raise
        module = None
    if module is None:
        raise UsageInvalid("no PKCS#11 library: name one with --module FILE, or in a profile")
    return module


def _told(token: TokenInfo) -> dict[str, Any]:
    return {
        "label": token.label,
        "serial": token.serial,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "initialized": token.initialized,
        "login_required": token.login_required,
        "pin_set": token.pin_set,
        "warnings": _warnings(token),
        "certificates": [_told_certificate(each) for each in token.certificates],
    }


def _told_certificate(entry: TokenCertificate) -> dict[str, Any]:
    return {
        "key_id": entry.key_id.hex(),
        "label": entry.label,
        "for_documents": entry.may_sign,
        **describe(entry.certificate),
    }


def _warnings(token: TokenInfo) -> list[str]:
    return [name for name in _WARNINGS if getattr(token, name)]


def _show(token: TokenInfo, output: Output) -> None:
    heading = Text(plain(token.label), style="bold")
    serial = output.phrase("tokens.serial", serial=token.serial)
    heading.append(
        f"  {plain(token.manufacturer)} {plain(token.model)}, {serial}", style="not bold"
    )
    output.show(heading)
    for name in _warnings(token):
        output.show(Text("  ⚠ " + output.phrase(f"tokens.{name}"), style="bold red"))
    if not token.pin_set:
        output.show(Text("  " + output.phrase("tokens.pin_missing"), style="yellow"))
    rows = [
        (
            told["subject"],
            "✓" if told["for_documents"] else "–",
            Text(told["valid_until"][:10], style="red" if told["expired"] else ""),
            told["key_id"],
            told["sha256"],
        )
        for told in map(_told_certificate, token.certificates)
    ]
    headings = ("certs.subject", "tokens.for_documents", "certs.until", "tokens.key_id")
    output.show(output.table(*headings, "tokens.sha256", rows=rows), "")


app = typer.Typer(add_completion=False)
app.command()(as_command(TokensOptions, show_tokens))
