"""The program `congvan`: a table of commands, each loaded only when it is called."""

import contextlib
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class _Entry:
    """One command: where it lives and what it does, in both languages."""

    module: str
    purpose: str


COMMANDS = {
    "demo": _Entry("demo", "Trình diễn toàn bộ công việc · See the whole job on real documents"),
    "serve": _Entry("serve", "Chạy dịch vụ · Run the service"),
    "doctor": _Entry("doctor", "Kiểm tra máy và kết nối · Check this machine and its service"),
    "sign": _Entry("sign", "Ký số tệp PDF · Sign PDF files"),
    "prepare": _Entry("prepare", "Chuẩn bị ô số, ngày, chữ ký · Add fields before signing"),
    "approve": _Entry("approve", "Ký duyệt · The leader signs, with the picture in its place"),
    "issue": _Entry("issue", "Phát hành · Number and date, then the organisation's seal"),
    "annex": _Entry("annex", "Ký phụ lục · The seal signs annexes in files of their own"),
    "copy": _Entry("copy", "Sao y, sao lục, trích sao · The seal signs a copy"),
    "extend": _Entry("extend", "Gia hạn chữ ký để lưu trữ lâu dài · Extend for the archive"),
    "profile": _Entry("profiles", "Hồ sơ ký · Profiles: which key, seal and service to use"),
    "verify": _Entry("verify", "Kiểm tra chữ ký · Check the signatures of PDF files"),
    "policy": _Entry("policies", "Chính sách kiểm tra · What is asked of signatures"),
    "send": _Entry("send", "Gửi văn bản · Send a document"),
    "inbox": _Entry("inbox", "Xem hộp văn bản đến · Look into the mailbox"),
    "receive": _Entry("receive", "Nhận văn bản đến · Fetch, check and register what came"),
    "status": _Entry("status", "Theo dõi, báo trạng thái · Follow and report states"),
    "archive": _Entry("archive", "Kho lưu trữ · What is kept, and whether it is whole"),
    "rate": _Entry("rate", "Tỷ lệ ký số và ngoại lệ · Signature rate and its exceptions"),
    "certs": _Entry("certs", "Chứng thư và kho tin cậy · Certificates and trust"),
    "tokens": _Entry("tokens", "Thiết bị ký số · Tokens and their certificates"),
    "registry": _Entry("registry", "Danh bạ liên thông · Who takes part in the exchange"),
}

ALIASES: Mapping[str, tuple[str, ...]] = {
    "ky-so": ("sign",),
    "chuan-bi": ("prepare",),
    "ky-duyet": ("approve",),
    "phat-hanh": ("issue",),
    "phu-luc": ("annex",),
    "sao-y": ("copy", "--form", "sao-y"),
    "sao-luc": ("copy", "--form", "sao-luc"),
    "trich-sao": ("copy", "--form", "trich-sao"),
    "gia-han": ("extend",),
    "ho-so": ("profile",),
    "kiem-tra": ("verify",),
    "gui": ("send",),
    "den": ("receive",),
    "bao-cao": ("rate",),
}
"""The office's own words, without diacritics: not listed, understood all the same."""

_EPILOG = (
    "Mã thoát · Exit codes: 0 ok, 1 internal, 2 usage, 3 invalid, 4 passphrase, 5 undetermined, "
    "6 partial, 7 queued, 8 unsigned, 9 service, 130 interrupted"
)


class _Argument(TyperArgument):
    """An argument whose help says what it is in words, not as `<list[str]>`."""

    def display_type_rich(self, ctx: Any) -> None:  # noqa: ANN401
        """Give no type: only options may have their metavar in its place."""


def _name_arguments(command: Any) -> None:  # noqa: ANN401
    # Typer makes its own class of argument and offers no other way to choose what help shows.
    for each in getattr(command, "commands", {}).values():
        _name_arguments(each)
    for param in command.params:
        if isinstance(param, TyperArgument):
            param.__class__ = _Argument


# Typer brings its own copy of click's classes and keeps them private, hence Any in this class.
class _CommandTable(TyperGroup):
    """Lists the table without importing anything; imports a command's module when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        """Give the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Give what the list of commands shows of one."""
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.purpose) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Give the real command, loaded now."""
        if args and args[0] in ALIASES:
            args = [*ALIASES[args[0]], *args[1:]]
        name, command, rest = super().resolve_command(ctx, args)
        if command is None or name is None:
            return name, command, rest
        module = importlib.import_module(f"exchange.cli.{COMMANDS[name].module}")
        loaded = typer.main.get_command(module.app)
        loaded.name = name
        _name_arguments(loaded)
        return name, loaded, rest


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"congvan {metadata.version('congvan')}")
        raise typer.Exit


app = typer.Typer(
    cls=_CommandTable,
    no_args_is_help=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(
    help="Công văn: ký số, kiểm tra, liên thông và lưu trữ văn bản · "
    "Sign, verify, exchange and archive official documents."
)
def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Phiên bản · Version.", is_eager=True, callback=_tell_version
        ),
    ] = False,
) -> None:
    # The option acts by its callback, before a command is asked for.
    del version


def main(arguments: list[str]) -> int:
    """Run one command line to its exit code; only usage errors are told here."""
    command = typer.main.get_command(app)
    try:
        return int(command.main(arguments, prog_name="congvan", standalone_mode=False) or 0)
    except typer.Abort:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; Python would complain once more at its own exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _usage(error, arguments)


def run() -> NoReturn:
    """Start the program: the entry point of the package."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    # Asked to end, a command ends as by Ctrl-C: what it began is cleared away.
    signal.signal(signal.SIGTERM, _interrupt)
    code = main(sys.argv[1:])
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _usage(error: Exception, arguments: list[str]) -> int:
    output_module = importlib.import_module("exchange.cli.output")
    errors = importlib.import_module("exchange.cli.errors")
    output = output_module.Output(as_json="--json" in arguments)
    context, message = getattr(error, "ctx", None), getattr(error, "format_message", str)()
    hint = f" ({context.command_path} --help)" if context else ""
    output.failure(errors.UsageInvalid(message + hint))
    return 2


if __name__ == "__main__":
    run()
