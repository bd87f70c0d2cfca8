"""What every signing command takes: the files, the key, the level, and how a batch runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.passphrases import KEY_PANEL, PassphraseFd, PassphraseFile, PinFd, PinFile
from exchange.cli.trust import TrustOptions

_MANY = "Nhiều tệp · Many files"

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH", help="Tệp PDF, thư mục, mẫu tên · PDF files, folders, patterns."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="PATH", help="Tệp hoặc thư mục kết quả · Output file or folder."),
]
Tsa = Annotated[
    str,
    typer.Option(
        "--tsa", metavar="URL", help="Dịch vụ dấu thời gian · URL of the time-stamping service."
    ),
]
Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Cả thư mục con, mẫu ** · Subfolders too, and ** in patterns.",
        rich_help_panel=_MANY,
    ),
]
Suffix = Annotated[
    str,
    typer.Option(
        "--suffix",
        metavar="TEXT",
        help="Đuôi tên kết quả · What the names of results end in.",
        rich_help_panel=_MANY,
    ),
]
NoProgress = Annotated[
    bool,
    typer.Option(
        "--no-progress", help="Không hiện tiến độ · No progress bar.", rich_help_panel=_MANY
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions(TrustOptions):
    """Which key signs, and how its secret is told; a profile has what is not given."""

    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Tệp khóa PKCS#12 (.p12) hoặc PEM · PKCS#12 or PEM file with the key.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = None
    passphrase_file: PassphraseFile = None
    passphrase_fd: PassphraseFd = None
    token: Annotated[
        str,
        typer.Option(
            "--token",
            metavar="TEXT",
            help="Thiết bị: nhãn hoặc số sê-ri · Token: its label or serial number.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = ""
    module: Annotated[
        Path | None,
        typer.Option(
            "--module",
            metavar="FILE",
            help="Thư viện PKCS#11 của thiết bị (.so) · The token's PKCS#11 library.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = None
    certificate: Annotated[
        str,
        typer.Option(
            "--certificate",
            metavar="SHA256",
            help="Chứng thư trong thiết bị (xem congvan tokens) · Certificate in the token.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = ""
    remote: Annotated[
        str,
        typer.Option(
            "--remote",
            metavar="URL",
            help="Dịch vụ ký số từ xa (CSC v2) · Remote signing service, as https://host/csc/v2.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = ""
    credential: Annotated[
        str,
        typer.Option(
            "--credential",
            metavar="ID",
            help="Mã chứng thư ở dịch vụ từ xa · Credential at that service.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = ""
    access_token_file: Annotated[
        Path | None,
        typer.Option(
            "--access-token-file",
            metavar="FILE",
            help="Tệp mã truy cập dịch vụ · File with that service's access token.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = None
    pin_file: PinFile = None
    pin_fd: PinFd = None
    allow_final_try: Annotated[
        bool,
        typer.Option(
            "--allow-final-try",
            help="Dùng cả lần thử PIN cuối · Use the last PIN attempt before the token locks.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = False
    accept_unknown_revocation: Annotated[
        bool,
        typer.Option(
            "--accept-unknown-revocation",
            help="Ký dù không rõ chứng thư còn hiệu lực · Sign though revocation is unknown.",
            rich_help_panel=KEY_PANEL,
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningOptions(KeyOptions):
    """What is signed, at what level, and how a batch runs."""

    files: Files
    out: Out = None
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="LEVEL",
            help="Mức ký B-B, B-T (mặc định), B-LT, B-LTA · PAdES level; B-T by default.",
        ),
    ] = ""
    scheme: Annotated[
        str,
        typer.Option(
            "--scheme",
            metavar="NAME",
            help="Lược đồ ký, vd RSA-PSS/sha256 · Signature scheme instead of the key's best.",
        ),
    ] = ""
    tsa: Tsa = ""
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Lý do ký · Reason.")] = ""
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            metavar="PNG",
            help="Chỉ vẽ trang sẽ ký và cảnh báo · Only draw the page to be signed, and warn.",
        ),
    ] = None
    recursive: Recursive = False
    review: Annotated[
        bool | None,
        typer.Option(
            "--review/--all",
            help="Xem từng tệp rồi mới ký, hoặc ký tất cả · One by one, or all unseen.",
            show_default=False,
            rich_help_panel=_MANY,
        ),
    ] = None
    fail_fast: Annotated[
        bool,
        typer.Option(
            "--fail-fast/--continue",
            help="Dừng ở lỗi đầu tiên, hoặc làm tiếp · Stop at the first failure, or go on.",
            rich_help_panel=_MANY,
        ),
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "-n",
            help="Chỉ cho biết sẽ làm gì · Tell what would happen; nothing is signed or written.",
            rich_help_panel=_MANY,
        ),
    ] = False
    summary: Annotated[
        Path | None,
        typer.Option(
            "--summary",
            metavar="CSV",
            help="Ghi bảng tổng hợp · Write the outcomes to a new CSV file.",
            rich_help_panel=_MANY,
        ),
    ] = None
    journal: Annotated[
        Path | None,
        typer.Option(
            "--journal",
            metavar="FILE",
            help="Nhật ký để chạy lại bỏ qua tệp đã ký · Journal that lets a re-run skip.",
            rich_help_panel=_MANY,
        ),
    ] = None
    no_journal: Annotated[
        bool,
        typer.Option(
            "--no-journal",
            help="Không ghi nhật ký · Keep no journal.",
            rich_help_panel=_MANY,
        ),
    ] = False
    suffix: Suffix = ""
    no_progress: NoProgress = False
