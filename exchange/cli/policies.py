"""Verification policies on the command line: which one counts, and looking at one."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from certs.trust.anchors import Block
from exchange.cli.commands import Options, as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.trust import TrustOptions, known_profile, now
from signer.policy.files import parse_policy, policy_bytes, read_policy, shipped_policies
from signer.policy.values import DEFAULT, DocumentKind, VerificationPolicy

_Word = TypeVar("_Word", bound=StrEnum)
_SHIPPED: Final = "default, official-documents"

NamedPolicy = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="NAME|FILE",
        help="Chính sách kiểm tra · Verification policy, by name or file.",
    ),
]
FromBlock = Annotated[
    str,
    typer.Option(
        "--block",
        metavar="BLOCK",
        help="Khối của bên gửi · Sender's block: PARTY, STATE, FRONT, BUSINESS.",
    ),
]
OfKind = Annotated[
    str,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Loại văn bản · ORIGINAL, COPY, ANNEX; ORIGINAL by default.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOptions(TrustOptions):
    """What every command takes that judges documents on this machine."""

    policy: NamedPolicy = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOptions(PolicyOptions):
    """What a command takes that judges documents which nothing but files says anything about."""

    block: FromBlock = ""
    kind: OfKind = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(Options):
    """What `policy show` takes."""

    policy: Annotated[
        Path, typer.Argument(metavar="[NAME|FILE]", help=f"Tên hoặc tệp · {_SHIPPED}, or a file.")
    ] = Path(DEFAULT.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions(Options):
    """What `policy check` takes."""

    policy: Annotated[
        Path, typer.Argument(metavar="FILE", help="Tệp chính sách · The policy's file.")
    ]


def policy_of(options: JudgingOptions) -> VerificationPolicy:
    """Read the policy and ask it for the block and kind of the options.

    Raises PolicyInvalid, ProfileInvalid, and UsageInvalid for an unknown block or kind.
    """
    policy = chosen_policy(options)
    if options.block:
        policy = policy.for_block(_word(options.block, Block, option="--block"))
    if options.kind:
        policy = policy.for_kind(_word(options.kind, DocumentKind, option="--kind"))
    return policy


def chosen_policy(options: PolicyOptions) -> VerificationPolicy:
    """Read the policy of the options, else the profile's, else the default.

    Raises PolicyInvalid, PolicyNotInForce, ProfileInvalid.
    """
    named = options.policy
    if named is None:
        profile = known_profile(options)
        named = profile.policy if profile else None
    policy = read_policy(policy_path(named)) if named is not None else DEFAULT
    return policy.in_force(now())


def policy_path(named: Path) -> Path:
    """Give the file; a single word that is no file here is the name of a shipped policy."""
    if len(named.parts) == 1 and not named.suffix and not named.exists():
        return shipped_policies().get(named.name, named)
    return named


def show(options: ShowOptions, output: Output) -> ExitCode:
    """Xem chính sách kiểm tra · Print a policy's file, to read or to copy."""
    path = policy_path(options.policy)
    content = policy_bytes(path)
    policy = parse_policy(content, source=str(path))
    text = content.decode("utf-8")
    output.document({**_facts(policy), "document": text})
    output.show(text.rstrip("\n"))
    return ExitCode.OK


def check(options: CheckOptions, output: Output) -> ExitCode:
    """Kiểm tra tệp chính sách · Tell whether a policy's file can be used."""
    policy = read_policy(policy_path(options.policy))
    output.document(_facts(policy))
    begun = policy.valid_from <= now().date()
    key = "policy.usable" if begun else "policy.usable_later"
    output.say(key, policy=policy.label, day=policy.valid_from.strftime("%d/%m/%Y"))
    return ExitCode.OK


def _facts(policy: VerificationPolicy) -> dict[str, Any]:
    return {
        "policy": policy.label,
        "name": policy.name,
        "version": policy.version,
        "sha256": policy.digest,
        "valid_from": policy.valid_from.isoformat(),
        "legal_basis_vi": policy.legal_basis_vi,
        "legal_basis_en": policy.legal_basis_en,
    }


def _word(text: str, words: type[_Word], *, option: str) -> _Word:
    try:
        return words(text.upper())
    except ValueError:
        raise UsageInvalid(f"{option} {text!r}: {', '.join(words)}") from None


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Chính sách kiểm tra · Verification policies.",
)
app.command("show")(as_command(ShowOptions, show))
app.command("check")(as_command(CheckOptions, check))
