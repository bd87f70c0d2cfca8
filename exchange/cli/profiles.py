"""`congvan profile`: profiles by name, with the key, the seal and the services somebody uses."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import Options, as_command
from exchange.cli.errors import FileUnreadable, OutputUnwritable, ProfileExists, UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import write_new
from exchange.cli.output import Output
from exchange.client.errors import ProfileMissing
from exchange.client.profile import (
    KINDS,
    SIGNING,
    Kind,
    configuration_directory,
    load_profile,
    profile_file,
)
from exchange.client.profile_layers import Origin, layered_profile

_NAME = re.compile(r"\w[\w-]{0,62}")
_SIGNS = "Ký bằng gì · What signs"
_TRUSTS = "Tin ai · Whom to trust"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameOptions(Options):
    """What names a profile."""

    name: Annotated[str, typer.Argument(help="Tên hồ sơ, vd van-thu · Name of the profile.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(Options):
    """What `profile show` takes."""

    name: Annotated[
        Path | None, typer.Argument(help="Tên hồ sơ · Name; the one in use if left out.")
    ] = None
    origin: Annotated[
        bool,
        typer.Option("--origin", help="Mỗi giá trị lấy từ đâu · Where each value comes from."),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions(NameOptions):
    """What `profile add` takes; never a PIN or a passphrase."""

    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="Tệp khóa .p12 · Key file.", rich_help_panel=_SIGNS
        ),
    ] = None
    module: Annotated[
        Path | None,
        typer.Option(
            "--module",
            metavar="FILE",
            help="Thư viện PKCS#11 của thiết bị · PKCS#11 library.",
            rich_help_panel=_SIGNS,
        ),
    ] = None
    token: Annotated[
        str,
        typer.Option(
            "--token",
            metavar="TEXT",
            help="Nhãn hoặc số sê-ri thiết bị · Token's label or serial.",
            rich_help_panel=_SIGNS,
        ),
    ] = ""
    certificate: Annotated[
        str,
        typer.Option(
            "--certificate",
            metavar="SHA256",
            help="Chứng thư trong thiết bị · Certificate in the token.",
            rich_help_panel=_SIGNS,
        ),
    ] = ""
    remote: Annotated[
        str,
        typer.Option(
            "--remote",
            metavar="URL",
            help="Dịch vụ ký số từ xa · Remote service.",
            rich_help_panel=_SIGNS,
        ),
    ] = ""
    credential: Annotated[
        str,
        typer.Option(
            "--credential",
            metavar="ID",
            help="Mã chứng thư ở đó · Credential there.",
            rich_help_panel=_SIGNS,
        ),
    ] = ""
    access_token: Annotated[
        Path | None,
        typer.Option(
            "--access-token-file",
            metavar="FILE",
            help="Tệp mã truy cập, không chép vào hồ sơ · Its token's file; named, not copied.",
            rich_help_panel=_SIGNS,
        ),
    ] = None
    level: Annotated[
        str,
        typer.Option(
            "--level", metavar="LEVEL", help="Mức ký · PAdES level.", rich_help_panel=_SIGNS
        ),
    ] = ""
    scheme: Annotated[
        str,
        typer.Option(
            "--scheme", metavar="NAME", help="Lược đồ ký · Scheme.", rich_help_panel=_SIGNS
        ),
    ] = ""
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="PNG",
            help="Ảnh con dấu hoặc chữ ký · Seal or signature.",
            rich_help_panel=_SIGNS,
        ),
    ] = None
    picture_mm: Annotated[
        float,
        typer.Option(
            "--picture-mm",
            metavar="MM",
            help="Bề rộng thật · True width of it.",
            show_default=False,
            rich_help_panel=_SIGNS,
        ),
    ] = 0.0
    organisation: Annotated[
        str, typer.Option("--organisation", metavar="TEXT", help="Cơ quan · Organisation.")
    ] = ""
    person: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="Họ tên người ký · Signer's name.")
    ] = ""
    position: Annotated[
        str, typer.Option("--position", metavar="TEXT", help="Chức vụ · Position.")
    ] = ""
    place: Annotated[
        str, typer.Option("--place", metavar="TEXT", help="Địa danh · Place before the date.")
    ] = ""
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Thư mục kết quả · Folder of results."),
    ] = None
    tsa: Annotated[
        str,
        typer.Option("--tsa", metavar="URL", help="Dịch vụ dấu thời gian · Time-stamping service."),
    ] = ""
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust", metavar="DIR", help="Thư mục tin cậy · Anchors.", rich_help_panel=_TRUSTS
        ),
    ] = None
    practice: Annotated[
        bool,
        typer.Option(
            "--practice",
            help="Chấp nhận chứng thư THỰC HÀNH · Accept practice anchors.",
            rich_help_panel=_TRUSTS,
        ),
    ] = False
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="HOST:PORT",
            help="Nơi lấy OCSP, CRL · Where evidence may come from; repeatable.",
            rich_help_panel=_TRUSTS,
        ),
    ] = None


def add(options: AddOptions, output: Output) -> ExitCode:
    """Tạo hồ sơ · Make a profile: key, seal, services. Never a PIN or passphrase."""
    path = _file(options.name)
    values = {name: value for name, value in _given(options).items() if value}
    if not values:
        raise UsageInvalid("nothing to keep: see congvan profile add --help")
    for name, value in values.items():
        if KINDS[name] is Kind.PATH and not Path(value).exists():
            raise FileUnreadable(f"{value}: no such file or folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(f"{path.parent}: {error.strerror}") from error
    if path.exists():
        raise ProfileExists(f"congvan profile remove {options.name}")
    write_new(path, to_toml(values).encode())
    load_profile(path)
    output.document({"name": options.name, "file": str(path)})
    output.say("profile.added", name=options.name, file=path)
    return ExitCode.OK


def list_profiles(_: Options, output: Output) -> ExitCode:
    """Liệt kê hồ sơ · List the profiles."""
    files = sorted((configuration_directory() / "profiles").glob("*.toml"))
    rows = []
    for path in files:
        kept = load_profile(path).signing
        rows.append((path.stem, kept.organisation or kept.name, kept.token or kept.key or ""))
    output.document({"profiles": [{"name": path.stem, "file": str(path)} for path in files]})
    if not rows:
        output.say("profile.none")
        return ExitCode.OK
    output.show(output.table("profile.name", "word.name", "profile.key", rows=rows))
    return ExitCode.OK


def show(options: ShowOptions, output: Output) -> ExitCode:
    """Xem hồ sơ · Show the values that count: environment, profile, system's."""
    layered = layered_profile(options.name)
    values = [
        {"name": name, "value": _plain(found.value), "origin": found.origin, "where": found.where}
        for name, found in sorted(
            layered.found.items(), key=lambda each: list(KINDS).index(each[0])
        )
    ]
    output.document({"file": str(layered.profile.path), "values": values})
    output.show(str(layered.profile.path), "")
    headings = ["profile.setting", "certs.value"]
    if options.origin:
        headings.append("profile.origin")
    rows = [(each["name"], _told(each["value"]), _from(each))[: len(headings)] for each in values]
    output.show(output.table(*headings, rows=rows))
    return ExitCode.OK


def remove(options: NameOptions, output: Output) -> ExitCode:
    """Xóa hồ sơ · Remove a profile; keys and pictures stay where they are."""
    path = _file(options.name)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise ProfileMissing(str(path)) from error
    except OSError as error:
        raise OutputUnwritable(f"{path}: {error.strerror}") from error
    output.document({"removed": str(path)})
    output.say("profile.removed", file=path)
    return ExitCode.OK


def to_toml(values: Mapping[str, Any]) -> str:
    """Write settings by their full names as a file; strings of JSON are strings of TOML."""
    own = {name: value for name, value in values.items() if "." not in name}
    signing = {name.partition(".")[2]: value for name, value in values.items() if "." in name}
    lines = [f"{name} = {_written(value)}" for name, value in own.items()]
    if signing:
        lines.append(f"[{SIGNING}]")
        lines += [f"{name} = {_written(value)}" for name, value in signing.items()]
    return "\n".join(lines) + "\n"


def _written(value: object) -> str:
    # The one letter that JSON leaves as it is and TOML does not take.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _given(options: AddOptions) -> dict[str, Any]:
    kept = {
        f"{SIGNING}.{name}": _plain(getattr(options, name))
        for name in (
            *("key", "module", "token", "certificate", "remote", "credential", "access_token"),
            *(
                "level",
                "scheme",
                "picture",
                "picture_mm",
                "organisation",
                "position",
                "place",
                "out",
            ),
        )
    }
    return {
        "trust": _plain(options.trust),
        "practice": options.practice,
        "allowed": list(options.allow or ()),
        "tsa": options.tsa,
        **kept,
        f"{SIGNING}.name": options.person,
    }


def _plain(value: object) -> Any:  # noqa: ANN401 - a value of JSON
    """Give a value as JSON has it; paths are made whole, for the profile lies elsewhere."""
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _from(each: Mapping[str, Any]) -> str:
    if each["origin"] is Origin.PROFILE:
        return str(each["origin"])
    return f"{each['origin']}: {each['where']}"


def _file(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageInvalid(f"{name!r}: letters, digits and hyphens make a profile's name")
    return profile_file(name)


app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Hồ sơ ký · Profiles of who signs with what."
)
app.command("add")(as_command(AddOptions, add))
app.command("list")(as_command(Options, list_profiles))
app.command("show")(as_command(ShowOptions, show))
app.command("remove")(as_command(NameOptions, remove))
