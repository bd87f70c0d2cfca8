"""`congvan certs trust list|show|check|remove`: what the trust store says, and ending trust."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from certs.identity import fingerprint
from certs.trust.anchors import TrustAnchor
from certs.trust.changes import HISTORY, changing
from certs.trust.files import read_trust_directory
from certs.trust.review import FAILING, TrustFinding, review
from certs.trusted_lists.files import leave_out, read_known_lists
from exchange.cli.certificates import common_name, describe
from exchange.cli.commands import Options, ProfileFile
from exchange.cli.errors import AnchorUnconfirmed, AnchorUnknown, TrustMissing, UsageInvalid
from exchange.cli.exits import EXIT_CODES, ExitCode
from exchange.cli.moments import local_date, local_time, parse_day
from exchange.cli.output import Output, indented
from exchange.cli.trust import TrustDirectory, TrustOptions, known_profile, now, trust_of
from exchange.vietnam_time import VIETNAM_TIME

_SHORTEST_FINGERPRINT = 8
_HISTORY_BYTES = 64 * 1024 * 1024

Sha256 = Annotated[
    list[str] | None,
    typer.Option(
        "--sha256",
        metavar="HEX",
        help="Dấu vân tay đã đối chiếu · Fingerprint that you compared; repeatable.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions(Options):
    """What every command takes that works on a trust directory."""

    profile: ProfileFile = None
    trust: TrustDirectory = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorOptions(StoreOptions):
    """What `certs trust show` takes."""

    anchor: Annotated[
        str, typer.Argument(metavar="ANCHOR", help="Tên tệp hoặc SHA-256 · File name or SHA-256.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOptions(AnchorOptions):
    """What `certs trust remove` takes."""

    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DAY",
            help="Thôi tin từ hết ngày này; không ghi là ngay bây giờ · Trusted until the end of "
            "this day; without it, until now.",
        ),
    ] = ""
    delete: Annotated[
        bool,
        typer.Option(
            "--delete",
            help="Gỡ hẳn, chỉ khi nhập nhầm: văn bản đã ký trước đây cũng hết kiểm tra được · Take "
            "it out altogether, for what was imported by mistake: documents signed in the past "
            "can't be verified either. Needs --sha256.",
        ),
    ] = False
    sha256: Sha256 = None


def list_trust(options: TrustOptions, output: Output) -> ExitCode:
    """Xem kho tin cậy · List the trust anchors."""
    store = trust_of(options).store
    found = read_trust_directory(directory_of(options)).anchors
    anchors = [facts(file, anchor) for file, anchor in found.items()]
    output.document({"trust_version": store.version, "anchors": anchors})
    rows = [
        (
            common_name(anchor.certificate),
            fingerprint(anchor.certificate)[:_SHORTEST_FINGERPRINT],
            ", ".join(sorted(anchor.roles)),
            anchor.anchor_class,
            local_date(anchor.valid_until.astimezone(VIETNAM_TIME)),
        )
        for anchor in found.values()
    ]
    headings = ("certs.subject", "certs.sha256", "certs.roles", "certs.class", "certs.until")
    output.show(output.table(*headings, rows=rows))
    return ExitCode.OK


def show_trust(options: AnchorOptions, output: Output) -> ExitCode:
    """Xem một gốc tin cậy và lịch sử của nó · Show one trust anchor and its history."""
    directory = directory_of(options)
    file, anchor = _anchor(read_trust_directory(directory).anchors, options.anchor)
    told = {**facts(file, anchor), "certificate": describe(anchor.certificate)}
    past = _history(directory, fingerprint(anchor.certificate))
    output.document({**told, "history": past})
    rows = [
        ("certs.file", file),
        ("certs.subject", anchor.certificate.subject.rfc4514_string()),
        ("certs.issuer", anchor.certificate.issuer.rfc4514_string()),
        ("certs.roles", ", ".join(sorted(anchor.roles))),
        ("certs.blocks", ", ".join(sorted(anchor.blocks))),
        ("certs.class", anchor.anchor_class),
        ("certs.from", local_time(anchor.valid_from)),
        ("certs.until", local_time(anchor.valid_until)),
        ("certs.expires", local_time(anchor.certificate.not_valid_after_utc)),
    ]
    named = [(output.phrase(heading), value) for heading, value in rows]
    output.show(output.table("certs.attribute", "certs.value", rows=named))
    # On a line of its own, which is never broken: people copy it, and read it out.
    output.show(f"SHA-256 {fingerprint(anchor.certificate)}", "")
    acts = [
        (
            local_time(datetime.fromisoformat(each["at"])),
            output.phrase(f"trust.{each['act']}"),
            ", ".join(each["roles"]),
            local_time(datetime.fromisoformat(each["valid_until"])),
        )
        for each in past
    ]
    if acts:
        headings = ("certs.at", "certs.act", "certs.roles", "certs.until")
        output.show(output.table(*headings, rows=acts))
    return ExitCode.OK


def check_trust(options: StoreOptions, output: Output) -> ExitCode:
    """Soát kho tin cậy: sắp hết hạn, trùng, thừa · Check what ends soon, overlaps, is unnamed.

    Exit code: 0 where nothing failed (warnings allowed), 3 otherwise.
    """
    directory = directory_of(options)
    findings = review(read_trust_directory(directory), read_known_lists(directory), at=now())
    failed = [each for each in findings if each.concern in FAILING]
    output.document(
        {
            "ok": not failed,
            "findings": [
                {**asdict(each), "ends_at": each.ends_at.isoformat() if each.ends_at else None}
                for each in findings
            ],
        }
    )
    for finding in findings:
        _show(finding, output)
    output.say("trust.check_failed" if failed else "trust.check_well", count=len(findings))
    return EXIT_CODES["CHECK_FAILED"] if failed else ExitCode.OK


def remove_trust(options: RemoveOptions, output: Output) -> ExitCode:
    """Thôi tin một gốc · Stop trusting an anchor.

    Its window is ended, and documents signed before stay verifiable: an
    archive needs its anchors for seventy years. --delete is for what should
    never have been there; the history keeps that too.
    """
    directory, at = directory_of(options), now()
    with changing(directory, at=at) as change:
        file, anchor = _anchor(change.before, options.anchor)
        from_list = leave_out(directory, change, file=file)
        if options.delete:
            _confirm_deletion(anchor, options)
            change.remove(file)
        else:
            change.put(file, _ended(anchor, options.until, at=at))
        after = change.anchors.get(file)
    ended_at = after.valid_until.isoformat() if after else None
    output.document(
        {"file": file, "deleted": after is None, "valid_until": ended_at, "list": from_list}
    )
    if after is None:
        output.say("trust.deleted", file=file, history=directory / HISTORY)
    else:
        output.say("trust.ended", file=file, until=local_time(after.valid_until))
    if from_list:
        output.say("trust.left_out", list=from_list)
    return ExitCode.OK


def directory_of(options: StoreOptions | TrustOptions) -> Path:
    """Give the trust directory of the options, else of the profile. Raises TrustMissing."""
    if options.trust is not None:
        return options.trust
    profile = known_profile(TrustOptions(profile=options.profile))
    if profile is None or profile.trust is None:
        raise TrustMissing
    return profile.trust


def facts(file: str, anchor: TrustAnchor) -> dict[str, Any]:
    """Tell an anchor in plain values."""
    return {
        "file": file,
        "subject": anchor.certificate.subject.rfc4514_string(),
        "name": common_name(anchor.certificate),
        "sha256": fingerprint(anchor.certificate),
        "roles": sorted(anchor.roles),
        "blocks": sorted(anchor.blocks),
        "class": anchor.anchor_class,
        "valid_from": anchor.valid_from.isoformat(),
        "valid_until": anchor.valid_until.isoformat(),
        "practice": anchor.practice,
    }


def parse_fingerprint(text: str) -> str:
    """Read a SHA-256 however it is printed: colons, blanks, any case. Raises UsageInvalid."""
    digits = re.sub(r"[\s:.-]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise UsageInvalid(f"{text}: a SHA-256 has 64 hexadecimal digits")
    return digits


def start_of(text: str) -> datetime:
    """Give the first moment of a day in Vietnam; raises UsageInvalid."""
    return datetime.combine(parse_day(text), time.min, tzinfo=VIETNAM_TIME).astimezone(UTC)


def end_of(text: str) -> datetime:
    """Give the last second of a day in Vietnam; raises UsageInvalid."""
    return start_of(text) + timedelta(days=1, seconds=-1)


def _anchor(anchors: Mapping[str, TrustAnchor], wanted: str) -> tuple[str, TrustAnchor]:
    for file in (wanted, f"{wanted}.crt", f"{wanted}.pem"):
        if file in anchors:
            return file, anchors[file]
    digits = re.sub(r"[\s:]", "", wanted).lower()
    found = [
        (file, anchor)
        for file, anchor in anchors.items()
        if len(digits) >= _SHORTEST_FINGERPRINT
        and fingerprint(anchor.certificate).startswith(digits)
    ]
    if len(found) > 1:
        raise UsageInvalid(f"{wanted}: {', '.join(file for file, _ in found)}")
    if not found:
        raise AnchorUnknown(wanted)
    return found[0]


def _confirm_deletion(anchor: TrustAnchor, options: RemoveOptions) -> None:
    given = {parse_fingerprint(each) for each in options.sha256 or ()}
    if given != {fingerprint(anchor.certificate)}:
        raise AnchorUnconfirmed(f"SHA-256 {fingerprint(anchor.certificate)}")


def _ended(anchor: TrustAnchor, until: str, *, at: datetime) -> TrustAnchor:
    end = min(end_of(until) if until else at, anchor.valid_until)
    if end <= anchor.valid_from:
        raise UsageInvalid("the anchor was not trusted before that day: use --delete")
    return replace(anchor, valid_until=end)


def _history(directory: Path, sha256: str) -> list[dict[str, Any]]:
    try:
        with (directory / HISTORY).open("rb") as file:
            lines = file.read(_HISTORY_BYTES).splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            act = json.loads(line)
        except ValueError:
            # A crash in the middle of a line: what it was about did not happen.
            continue
        if act.get("sha256") == sha256:
            found.append({key: value for key, value in act.items() if key != "certificate"})
    return found


def _show(finding: TrustFinding, output: Output) -> None:
    mark, style = ("✗", "bold red") if finding.concern in FAILING else ("!", "yellow")
    line = Text(f"{mark} ", style=style)
    line.append(output.phrase(f"trust.{finding.concern}"), style="default")
    if finding.ends_at is not None:
        line.append(f" ({local_time(finding.ends_at)})", style="default")
    output.show(indented(line, 0))
    for name in finding.names:
        output.show(indented(name, 4))
