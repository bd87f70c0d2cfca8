"""`congvan registry`: who takes part in the exchange, and why a document may go where."""

import tomllib
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from congvan.v1 import common_pb2, registry_pb2
from exchange.cli.certificates import read_certificates
from exchange.cli.commands import as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import read_file
from exchange.cli.output import Output
from exchange.cli.service import ServiceOptions, block_name, connected, instant_json
from exchange.client.connection import Connection
from exchange.client.errors import ServiceRefused

_MAX_FILE_BYTES = 4 * 1024 * 1024
_EXISTS = "ENDPOINT_EXISTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions(ServiceOptions):
    """What `registry list` takes."""

    block: Annotated[
        str,
        typer.Option(
            "--block", metavar="BLOCK", help="PARTY, STATE, FRONT, BUSINESS · Only this block."
        ),
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOptions(ServiceOptions):
    """What `registry show` takes."""

    code: Annotated[str, typer.Argument(help="Mã định danh · Code of the endpoint.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions(CodeOptions):
    """What `registry add` takes."""

    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Tên · Name.")]
    block: Annotated[
        str, typer.Option("--block", metavar="BLOCK", help="PARTY, STATE, FRONT, BUSINESS")
    ]
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="PROVINCE, COMMUNE")]
    parent: Annotated[
        str, typer.Option("--parent", metavar="CODE", help="Cấp trên · Parent's code.")
    ] = ""
    email: Annotated[str, typer.Option("--email", metavar="TEXT", help="Thư điện tử · E-mail.")] = (
        ""
    )
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="ROLE", help="ENDPOINT, REGISTRAR, AUDITOR, OPERATOR; repeatable."
        ),
    ] = None
    other_name: Annotated[
        list[str] | None,
        typer.Option(
            "--other-name",
            metavar="TEXT",
            help="Tên khác trên chứng thư · Another name in certificates.",
        ),
    ] = None
    identifier: Annotated[
        list[str] | None,
        typer.Option(
            "--identifier",
            metavar="TEXT",
            help="Định danh trên chứng thư · As in certificates: MST:…, GOVVN-….",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindOptions(CodeOptions):
    """What `registry bind` takes."""

    certificate: Annotated[Path, typer.Argument(help="Chứng thư kết nối · Its certificate.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions(ServiceOptions):
    """What `registry explain` takes."""

    sender: Annotated[str, typer.Argument(help="Mã bên gửi · Sender's code.")]
    recipient: Annotated[str, typer.Argument(help="Mã nơi nhận · Recipient's code.")]
    type: Annotated[
        str, typer.Option("--type", metavar="TEXT", help="Loại văn bản · Type of document.")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions(ServiceOptions):
    """What `registry import` takes."""

    file: Annotated[Path, typer.Argument(help="Tệp TOML, bảng endpoint · File of endpoints.")]


async def list_registry(options: ListOptions, output: Output) -> ExitCode:
    """Danh bạ liên thông · List the endpoints."""
    block = _block(options.block) if options.block else common_pb2.BLOCK_UNSPECIFIED
    async with connected(options) as connection:
        found = [each async for each in endpoints(connection, block=block)]
    output.document({"endpoints": [endpoint_json(each) for each in found]})
    rows = [
        (
            each.code,
            each.display_name,
            output.phrase(f"block.{block_name(each.block)}"),
            output.phrase(f"level.{_level_name(each)}"),
            "✓" if each.certificate_sha256 else "–",
        )
        for each in found
    ]
    headings = ("word.endpoint", "word.name", "word.block", "word.level", "registry.bound")
    output.show(output.table(*headings, rows=rows))
    return ExitCode.OK


async def show(options: CodeOptions, output: Output) -> ExitCode:
    """Xem một đầu mối · Show one endpoint."""
    async with connected(options) as connection:
        request = registry_pb2.GetEndpointRequest(name=f"endpoints/{options.code}")
        found = await connection.call(connection.registry.GetEndpoint, request)
    _tell(found, output)
    return ExitCode.OK


async def add(options: AddOptions, output: Output) -> ExitCode:
    """Đăng ký một đầu mối · Register an endpoint (registrar only)."""
    values = {name: getattr(options, name) for name in ("code", "name", "block", "level", "parent")}
    given = {
        "email": options.email,
        "roles": options.role or [],
        "other_names": options.other_name or [],
        "identifiers": options.identifier or [],
    }
    endpoint = read_endpoint({**values, **given})
    async with connected(options) as connection:
        found = await create(connection, endpoint)
    _tell(found, output)
    return ExitCode.OK


async def bind_certificate(options: BindOptions, output: Output) -> ExitCode:
    """Gắn chứng thư kết nối · Bind an endpoint's certificate (registrar only)."""
    certificate = read_certificates(options.certificate)[0]
    async with connected(options) as connection:
        found = await bind(connection, options.code, certificate=certificate)
    _tell(found, output)
    return ExitCode.OK


async def explain(options: ExplainOptions, output: Output) -> ExitCode:
    """Vì sao được (không được) gửi · Why a document may go there, or not."""
    async with connected(options) as connection:
        request = registry_pb2.ExplainRouteRequest(
            sender=options.sender, recipient=options.recipient, document_type=options.type
        )
        answer = await connection.call(connection.registry.ExplainRoute, request)
    reasons = {"reason_vi": answer.reason_vi, "reason_en": answer.reason_en}
    output.document({"allowed": answer.allowed, "rule": answer.rule, **reasons})
    mark = "✓" if answer.allowed else "✗"
    for language in output.languages:
        text = reasons[f"reason_{language}"]
        output.show(output.phrase("registry.explained", mark=mark, rule=answer.rule, text=text))
        mark = " "
    return ExitCode.OK if answer.allowed else ExitCode.SERVICE


async def import_file(options: ImportOptions, output: Output) -> ExitCode:
    """Đăng ký từ tệp TOML · Register every endpoint of a file; those known are left alone."""
    content = read_file(options.file, max_bytes=_MAX_FILE_BYTES)
    try:
        entries = tomllib.loads(content.decode()).get("endpoint", [])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageInvalid(f"{options.file}: {error}") from error
    parsed = [read_endpoint(entry) for entry in entries]
    added, known = [], []
    async with connected(options) as connection:
        for endpoint in parsed:
            try:
                await create(connection, endpoint)
                added.append(endpoint.code)
            except ServiceRefused as error:
                if error.reason != _EXISTS:
                    raise
                known.append(endpoint.code)
    output.document({"added": added, "known": known})
    output.say("registry.imported", added=len(added), known=len(known))
    return ExitCode.OK


async def endpoints(
    connection: Connection, *, block: common_pb2.Block.ValueType = common_pb2.BLOCK_UNSPECIFIED
) -> AsyncIterator[registry_pb2.Endpoint]:
    """Give the registry's endpoints, page by page."""
    token = ""
    while True:
        request = registry_pb2.ListEndpointsRequest(page_token=token, block=block)
        page = await connection.call(connection.registry.ListEndpoints, request)
        for endpoint in page.endpoints:
            yield endpoint
        token = page.next_page_token
        if not token:
            return


async def create(connection: Connection, endpoint: registry_pb2.Endpoint) -> registry_pb2.Endpoint:
    """Register an endpoint."""
    request = registry_pb2.CreateEndpointRequest(request_id=str(uuid.uuid4()), endpoint=endpoint)
    return await connection.call(connection.registry.CreateEndpoint, request)


async def bind(
    connection: Connection, code: str, *, certificate: x509.Certificate
) -> registry_pb2.Endpoint:
    """Bind a certificate to an endpoint."""
    request = registry_pb2.BindCertificateRequest(
        request_id=str(uuid.uuid4()),
        name=f"endpoints/{code}",
        certificate=certificate.public_bytes(Encoding.DER),
    )
    return await connection.call(connection.registry.BindCertificate, request)


def read_endpoint(values: Mapping[str, Any]) -> registry_pb2.Endpoint:
    """Build an endpoint from what a person wrote. Raises UsageInvalid for an unknown word."""
    level = f"ADMINISTRATIVE_LEVEL_{str(values.get('level', '')).upper()}"
    try:
        return registry_pb2.Endpoint(
            code=str(values["code"]),
            display_name=str(values["name"]),
            block=_block(str(values.get("block", ""))),
            level=common_pb2.AdministrativeLevel.Value(level),
            parent=str(values.get("parent", "")),
            email=str(values.get("email", "")),
            roles=[
                registry_pb2.Role.Value(f"ROLE_{str(role).upper()}")
                for role in values.get("roles", ())
            ],
            other_names=[str(name) for name in values.get("other_names", ())],
            identifiers=[str(each) for each in values.get("identifiers", ())],
        )
    except KeyError as error:
        raise UsageInvalid(f"endpoint: {error.args[0]} is missing") from error
    except ValueError as error:
        raise UsageInvalid(f"endpoint {values.get('code', '')}: {error}") from error


def endpoint_json(endpoint: registry_pb2.Endpoint) -> dict[str, Any]:
    """Give the JSON of an endpoint."""
    return {
        "code": endpoint.code,
        "name": endpoint.display_name,
        "block": block_name(endpoint.block),
        "level": _level_name(endpoint),
        "parent": endpoint.parent,
        "email": endpoint.email,
        "roles": [registry_pb2.Role.Name(role).removeprefix("ROLE_") for role in endpoint.roles],
        "other_names": list(endpoint.other_names),
        "identifiers": list(endpoint.identifiers),
        "certificate_sha256": list(endpoint.certificate_sha256),
        "valid_from": instant_json(endpoint.valid_from),
        "valid_until": instant_json(endpoint.valid_until),
        "successor": endpoint.successor,
    }


def _tell(endpoint: registry_pb2.Endpoint, output: Output) -> None:
    facts = endpoint_json(endpoint)
    output.document({"endpoint": facts})
    rows = [
        (name, ", ".join(value) if isinstance(value, list) else value)
        for name, value in facts.items()
        if value
    ]
    output.show(output.table("certs.attribute", "certs.value", rows=rows))


def _block(text: str) -> common_pb2.Block.ValueType:
    try:
        return common_pb2.Block.Value(f"BLOCK_{text.upper()}")
    except ValueError as error:
        raise UsageInvalid(f"block {text!r}: PARTY, STATE, FRONT or BUSINESS") from error


def _level_name(endpoint: registry_pb2.Endpoint) -> str:
    name = common_pb2.AdministrativeLevel.Name(endpoint.level)
    return name.removeprefix("ADMINISTRATIVE_LEVEL_")


app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Danh bạ liên thông · Endpoints."
)
app.command("list")(as_command(ListOptions, list_registry))
app.command("show")(as_command(CodeOptions, show))
app.command("add")(as_command(AddOptions, add))
app.command("bind")(as_command(BindOptions, bind_certificate))
app.command("explain")(as_command(ExplainOptions, explain))
app.command("import")(as_command(ImportOptions, import_file))
