"""Asking for a passphrase or PIN: prompt without echo, file, descriptor; never the command line."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.errors import FileUnreadable, PassphraseMissing, UsageInvalid
from exchange.cli.files import read_file

KEY_PANEL = "Khóa · Key"
"""Under which options about keys stand together in a command's help."""
_MAX_BYTES = 4096

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Tệp chứa mật khẩu · File whose first line it is.",
        rich_help_panel=KEY_PANEL,
    ),
]
PassphraseFd = Annotated[
    int | None,
    typer.Option(
        "--passphrase-fd",
        metavar="N",
        help="Số hiệu tệp đang mở · Open descriptor to read it from.",
        rich_help_panel=KEY_PANEL,
    ),
]

PinFile = Annotated[
    Path | None,
    typer.Option(
        "--pin-file",
        metavar="FILE",
        help="Tệp chứa mã PIN · File whose first line it is.",
        rich_help_panel=KEY_PANEL,
    ),
]
PinFd = Annotated[
    int | None,
    typer.Option(
        "--pin-fd",
        metavar="N",
        help="Số hiệu tệp đang mở · Open descriptor of the PIN.",
        rich_help_panel=KEY_PANEL,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassphraseSource:
    """Where a passphrase or PIN comes from; with neither, the user is asked at the terminal."""

    file: Path | None = None
    descriptor: int | None = None

    def __post_init__(self) -> None:
        """Refuse two sources at once."""
        if self.file is not None and self.descriptor is not None:
            raise UsageInvalid("a secret's -file and -fd options exclude each other")

    def obtain(self, prompt: str) -> bytes:
        """Give the passphrase, asked for once; raises PassphraseMissing off a terminal."""
        if self.file is not None:
            return _first_line(read_file(self.file, max_bytes=_MAX_BYTES))
        if self.descriptor is not None:
            return _first_line(_read_descriptor(self.descriptor))
        if not sys.stdin.isatty():
            raise PassphraseMissing
        return getpass.getpass(prompt, stream=sys.stderr).encode()


def _first_line(content: bytes) -> bytes:
    return content.partition(b"\n")[0].removesuffix(b"\r")


def _read_descriptor(descriptor: int) -> bytes:
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as source:
            return source.read(_MAX_BYTES)
    except OSError as error:
        raise FileUnreadable(f"descriptor {descriptor}: {error.strerror}") from error
