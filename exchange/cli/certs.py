"""`congvan certs`: look at certificates, keep the trust store, run the practice authority."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509

from certs.anchors import AnchorRole, Block, TrustAnchor, is_practice
from certs.errors import CertificateUnsuitable, IdentityUnreadable
from certs.identity import endpoint_code, fingerprint, identify
from certs.parsing import DAMAGE
from certs.trust_changes import write_trust_anchor
from exchange.cli.commands import Options, as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.practice import practice
from exchange.cli.trust import TrustOptions, trust_of

MAX_CERTIFICATE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(Options):
    """What `certs show` takes."""

    file: Annotated[Path, typer.Argument(help="Chứng thư PEM hoặc DER · Certificate file.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions(Options):
    """What `certs trust add` takes."""

    file: Annotated[Path, typer.Argument(help="Chứng thư gốc · Certificate to trust.")]
    trust: Annotated[
        Path, typer.Option("--trust", metavar="DIR", help="Thư mục tin cậy · Trust directory.")
    ]
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="Tên ngắn · Short name of the anchor.")
    ]
    role: Annotated[
        list[str],
        typer.Option("--role", metavar="ROLE", help="SIGNER, SEAL, TSA, TLS; repeatable."),
    ]
    block: Annotated[
        list[str] | None,
        typer.Option(
            "--block",
            metavar="BLOCK",
            help="PARTY, STATE, FRONT, BUSINESS; tất cả nếu bỏ · all if none.",
        ),
    ] = None
    valid_from: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help="Tin từ ngày · Trusted from.")
    ] = ""
    valid_until: Annotated[
        str, typer.Option("--until", metavar="YYYY-MM-DD", help="Đến hết ngày · Trusted until.")
    ] = ""
    practice: Annotated[
        bool, typer.Option("--practice", help="Là chứng thư THỰC HÀNH · It is a practice anchor.")
    ] = False


def show(options: ShowOptions, output: Output) -> ExitCode:
    """Xem chứng thư · Show what a certificate says."""
    facts = [describe(each) for each in read_certificates(options.file)]
    output.document({"file": str(options.file), "certificates": facts})
    for each in facts:
        rows = [(name, value) for name, value in each.items() if value not in ("", [], None)]
        output.show(output.table("certs.attribute", "certs.value", rows=rows), "")
    return ExitCode.OK


def list_trust(options: TrustOptions, output: Output) -> ExitCode:
    """Xem kho tin cậy · List the trust anchors."""
    store = trust_of(options).store
    anchors: list[dict[str, Any]] = [
        {
            "subject": anchor.certificate.subject.rfc4514_string(),
            "name": _common_name(anchor.certificate),
            "sha256": fingerprint(anchor.certificate),
            "roles": sorted(anchor.roles),
            "blocks": sorted(anchor.blocks),
            "valid_from": anchor.valid_from.isoformat(),
            "valid_until": anchor.valid_until.isoformat(),
            "practice": anchor.practice,
        }
        for anchor in store.anchors
    ]
    output.document({"trust_version": store.version, "anchors": anchors})
    rows = [
        (
            each["name"],
            ", ".join(each["roles"]),
            ", ".join(each["blocks"]),
            each["valid_until"][:10],
        )
        for each in anchors
    ]
    headings = ("certs.subject", "certs.roles", "certs.blocks", "certs.until")
    output.show(output.table(*headings, rows=rows))
    return ExitCode.OK


def add_trust(options: AddOptions, output: Output) -> ExitCode:
    """Thêm chứng thư gốc vào kho tin cậy · Add an anchor to the trust store."""
    certificate = read_certificates(options.file)[0]
    try:
        roles = frozenset(AnchorRole(each.upper()) for each in options.role)
        blocks = frozenset(Block(each.upper()) for each in options.block or Block)
    except ValueError as error:
        raise UsageInvalid(str(error)) from error
    until = _day(options.valid_until)
    anchor = TrustAnchor(
        certificate=certificate,
        roles=roles,
        blocks=blocks,
        valid_from=_day(options.valid_from) or certificate.not_valid_before_utc,
        valid_until=until + timedelta(days=1) if until else certificate.not_valid_after_utc,
        practice=options.practice,
    )
    write_trust_anchor(options.trust, anchor, name=options.name, at=datetime.now(UTC))
    output.document({"added": describe(certificate), "trust": str(options.trust)})
    output.say("certs.added", name=options.name, directory=options.trust)
    return ExitCode.OK


def read_certificates(file: Path) -> list[x509.Certificate]:
    """Read one or more certificates, PEM or DER. Raises FileUnreadable, CertificateUnsuitable."""
    content = read_file(file, max_bytes=MAX_CERTIFICATE_BYTES)
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except DAMAGE as error:
        raise CertificateUnsuitable(f"{file}: not a certificate in PEM or DER") from error


def describe(certificate: x509.Certificate) -> dict[str, Any]:
    """Tell what a certificate says, in plain values."""
    try:
        kind = str(identify(certificate).kind)
    except IdentityUnreadable:
        kind = ""
    try:
        endpoint = endpoint_code(certificate)
    except IdentityUnreadable:
        endpoint = ""
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
        "expired": certificate.not_valid_after_utc < datetime.now(UTC),
        "kind": kind,
        "endpoint": endpoint,
        "sha256": fingerprint(certificate),
        "practice": is_practice(certificate),
    }


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageInvalid(f"{text}: YYYY-MM-DD is needed") from error


app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Chứng thư và kho tin cậy · Certificates."
)
trust_app = typer.Typer(no_args_is_help=True, help="Kho tin cậy · The trust store.")
app.command("show")(as_command(ShowOptions, show))
trust_app.command("list")(as_command(TrustOptions, list_trust))
trust_app.command("add")(as_command(AddOptions, add_trust))
app.add_typer(trust_app, name="trust")
app.add_typer(practice, name="practice")
