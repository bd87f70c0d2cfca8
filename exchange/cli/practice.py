"""`congvan certs practice`: a whole public key infrastructure for exercise, of no legal value."""

import asyncio
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from cryptography import x509

from certs.errors import CertificateUnsuitable
from certs.parsing import DAMAGE
from certs.practice.authority import Issued, PracticeAuthority
from certs.practice.server import serve_practice_authority
from exchange.cli.commands import Options, as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file, require_new, write_new
from exchange.cli.output import Output
from exchange.cli.passphrases import PassphraseFd, PassphraseFile, PassphraseSource

_KINDS = ("person", "seal", "endpoint", "server")
_MAX_CERTIFICATE_BYTES = 1024 * 1024
_PRIVATE = 0o600

Directory = Annotated[Path, typer.Argument(help="Thư mục của cơ quan thực hành · Its directory.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions(Options):
    """What `certs practice create` takes."""

    directory: Directory
    base_url: Annotated[
        str,
        typer.Option("--base-url", metavar="URL", help="Địa chỉ phục vụ · Where it will answer."),
    ] = "http://127.0.0.1:19000"
    organisation: Annotated[
        str, typer.Option("--organisation", metavar="TEXT", help="Tên cơ quan · Its organisation.")
    ] = "Cơ quan chứng thực thực hành"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOptions(Options):
    """What `certs practice issue` takes."""

    directory: Directory
    kind: Annotated[str, typer.Argument(help="person | seal | endpoint | server")]
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Tệp .p12; endpoint, server: tên cho .crt và .key · Output.",
        ),
    ]
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="TEXT", help="Họ tên, tên cơ quan, mã hoặc máy chủ · Whom it names."
        ),
    ]
    organisation: Annotated[
        str, typer.Option("--organisation", metavar="TEXT", help="Cơ quan · Organisation.")
    ] = ""
    position: Annotated[
        str, typer.Option("--position", metavar="TEXT", help="Chức vụ · Position.")
    ] = ""
    identifier: Annotated[
        str, typer.Option("--identifier", metavar="CODE", help="Mã định danh · Identifier.")
    ] = ""
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="IP", help="Địa chỉ IP (server); repeatable."),
    ] = None
    passphrase_file: PassphraseFile = None
    passphrase_fd: PassphraseFd = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOptions(Options):
    """What `certs practice revoke` takes."""

    directory: Directory
    certificate: Annotated[Path, typer.Argument(help="Chứng thư cần thu hồi · Certificate (PEM).")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions(Options):
    """What `certs practice serve` takes."""

    directory: Directory


def create(options: CreateOptions, output: Output) -> ExitCode:
    """Tạo cơ quan chứng thực THỰC HÀNH · Create a practice authority and its trust store."""
    authority = PracticeAuthority.create(
        options.directory,
        base_url=options.base_url.rstrip("/"),
        clock=_now,
        organisation=options.organisation,
    )
    trust = options.directory / "trust"
    authority.write_trust(trust)
    output.document({"directory": str(options.directory), "trust": str(trust)})
    output.say("practice.created", directory=options.directory, trust=trust)
    return ExitCode.OK


def issue(options: IssueOptions, output: Output) -> ExitCode:
    """Cấp chứng thư thực hành · Issue a practice certificate."""
    if options.kind not in _KINDS:
        raise UsageInvalid(f"{options.kind}: one of {', '.join(_KINDS)}")
    authority = PracticeAuthority.open(options.directory, _now)
    if options.kind in ("person", "seal"):
        source = PassphraseSource(file=options.passphrase_file, descriptor=options.passphrase_fd)
        require_new(options.out)
        passphrase = source.obtain(output.phrase("practice.passphrase", file=options.out))
        files = [options.out]
        issued = _issue(authority, options)
        _write_private(options.out, issued.pkcs12(passphrase))
    else:
        files = [options.out.with_suffix(".crt"), options.out.with_suffix(".key")]
        for file in files:
            require_new(file)
        issued = _issue(authority, options)
        write_new(files[0], issued.certificate_pem)
        _write_private(files[1], issued.private_key_pem)
    output.document({"files": [str(file) for file in files]})
    output.say("practice.issued", files=", ".join(str(file) for file in files))
    return ExitCode.OK


def revoke(options: RevokeOptions, output: Output) -> ExitCode:
    """Thu hồi chứng thư thực hành · Revoke a practice certificate (restart `serve` afterwards)."""
    content = read_file(options.certificate, max_bytes=_MAX_CERTIFICATE_BYTES)
    try:
        certificate = x509.load_pem_x509_certificate(content)
    except DAMAGE as error:
        raise CertificateUnsuitable(f"{options.certificate}: not a PEM certificate") from error
    PracticeAuthority.open(options.directory, _now).revoke(certificate)
    output.document({"revoked": f"{certificate.serial_number:x}"})
    output.say("practice.revoked", serial=f"{certificate.serial_number:x}")
    return ExitCode.OK


async def serve(options: ServeOptions, output: Output) -> ExitCode:
    """Chạy TSA, OCSP, CRL thực hành · Serve its TSA, OCSP and CRL until stopped."""
    authority = PracticeAuthority.open(options.directory, _now)
    address = urlsplit(authority.addresses.base_url)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve_practice_authority(
        authority, host=address.hostname or "127.0.0.1", port=address.port or 80
    ) as base_url:
        output.document({"base_url": base_url})
        output.say("practice.serving", url=base_url)
        await stop.wait()
    return ExitCode.OK


def _issue(authority: PracticeAuthority, options: IssueOptions) -> Issued:
    match options.kind:
        case "person":
            return authority.issue_person(
                options.name, organisation=options.organisation, position=options.position
            )
        case "seal":
            return authority.issue_seal(options.name, identifier=options.identifier)
        case "endpoint":
            return authority.issue_endpoint(options.name)
        case _:
            return authority.issue_server((options.name,), tuple(options.address or ()))


def _write_private(path: Path, content: bytes) -> None:
    mask = os.umask(0o777 & ~_PRIVATE)
    try:
        write_new(path, content)
    finally:
        os.umask(mask)


def _now() -> datetime:
    return datetime.now(UTC)


practice = typer.Typer(
    no_args_is_help=True,
    help="Cơ quan chứng thực THỰC HÀNH · Practice authority, of no legal value.",
)
practice.command("create")(as_command(CreateOptions, create))
practice.command("issue")(as_command(IssueOptions, issue))
practice.command("revoke")(as_command(RevokeOptions, revoke))
practice.command("serve")(as_command(ServeOptions, serve))
