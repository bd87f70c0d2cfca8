"""`congvan sign`: sign PDF files with a PKCS#12 key, after its certificate was checked."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from certs.anchors import AnchorRole
from certs.fetching import EvidenceFetcher
from certs.identity import IdentityKind, identify
from certs.keys.file import FileKey, load_pkcs12
from certs.path import PathStatus, PathVerdict, judge_path
from certs.revocation import RevocationEvidence
from certs.timestamping import HttpTimestamper
from exchange.cli.commands import as_command, is_ours
from exchange.cli.errors import OutputExists, UsageInvalid
from exchange.cli.exits import ExitCode, exit_code_of
from exchange.cli.files import is_taken, read_file, require_new, write_new
from exchange.cli.output import Output, indented, reason_and_detail
from exchange.cli.passphrases import PassphraseFd, PassphraseFile, PassphraseSource
from exchange.cli.trust import Trust, TrustOptions, allowing, now, trust_of
from signer.appearance import Appearance, Box
from signer.limits import DEFAULT as LIMITS
from signer.requests import Level, SigningRequest
from signer.signing import sign

_MAX_KEY_BYTES = 1024 * 1024
_LEVELS = ("B-T", "B-B")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOptions(TrustOptions):
    """What `sign` takes."""

    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Tệp PDF cần ký · PDF files to sign.")
    ]
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="Khóa PKCS#12 (.p12) · PKCS#12 file with the key."
        ),
    ]
    level: Annotated[
        str,
        typer.Option(
            "--level", metavar="LEVEL", help="Mức ký: B-T có dấu thời gian, B-B · PAdES level."
        ),
    ] = "B-T"
    tsa: Annotated[
        str,
        typer.Option(
            "--tsa", metavar="URL", help="Dịch vụ dấu thời gian · URL of the time-stamping service."
        ),
    ] = ""
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="Tệp hoặc thư mục kết quả · Output file or folder."
        ),
    ] = None
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="PNG", help="Ảnh chữ ký PNG · Picture to show."),
    ] = None
    box: Annotated[
        str,
        typer.Option(
            "--box",
            metavar="P,L,B,W,H",
            help="Trang, trái, dưới, rộng, cao (mm) · Page, left, bottom, width, height.",
        ),
    ] = ""
    line: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="TEXT", help="Dòng chữ hiển thị · Text; repeatable."),
    ] = None
    field: Annotated[
        str, typer.Option("--field", metavar="NAME", help="Trường chữ ký · Signature field.")
    ] = ""
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Lý do ký · Reason.")] = ""
    accept_unknown_revocation: Annotated[
        bool,
        typer.Option(
            "--accept-unknown-revocation",
            help="Ký dù không rõ chứng thư còn hiệu lực · Sign though revocation is unknown.",
        ),
    ] = False
    passphrase_file: PassphraseFile = None
    passphrase_fd: PassphraseFd = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one file: done, skipped (its output exists) or failed."""

    file: str
    outcome: str
    output: str = ""
    sha256: str = ""
    reason: str = ""
    detail: str = ""
    code: ExitCode = ExitCode.OK

    def to_json(self) -> dict[str, Any]:
        """Give the entry of "files" in the command's JSON."""
        values = dataclasses.asdict(self)
        del values["code"]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is the same for every file of one call."""

    options: SignOptions
    key: FileKey
    level: Level
    appearance: Appearance | None
    timestamper: HttpTimestamper | None


async def sign_files(options: SignOptions, output: Output) -> ExitCode:
    """Ký số tệp PDF · Sign PDF files (PAdES). Nothing is ever overwritten.

    The certificate is checked before it signs; one whose revocation can't be found out is refused
    unless you say --accept-unknown-revocation.
    """
    if options.level not in _LEVELS:
        raise UsageInvalid(f"--level {options.level}: one of {', '.join(_LEVELS)}")
    trust, appearance, targets = trust_of(options), _appearance(options), _targets(options)
    key = _load_key(options, output)
    async with EvidenceFetcher(allowing(trust.policy, options.tsa or trust.tsa)) as fetcher:
        known = await _check_certificate(
            key, trust=trust, fetcher=fetcher, accept_unknown=options.accept_unknown_revocation
        )
        if not known:
            output.note(output.phrase("sign.unknown_accepted"), style="yellow")
        job = _Job(
            options=options,
            key=key,
            level=Level(options.level),
            appearance=appearance,
            timestamper=_timestamper(options, trust, fetcher=fetcher),
        )
        outcomes = []
        with _progress(output, len(targets)) as advance:
            for file, target in targets:
                outcomes.append(await _sign_one(file, target, job=job))
                advance()
    return _report(outcomes, output)


def _load_key(options: SignOptions, output: Output) -> FileKey:
    source = PassphraseSource(file=options.passphrase_file, descriptor=options.passphrase_fd)
    content = read_file(options.key, max_bytes=_MAX_KEY_BYTES)
    return load_pkcs12(
        content, source.obtain(output.phrase("sign.passphrase", key=options.key.name))
    )


def _targets(options: SignOptions) -> list[tuple[Path, Path]]:
    if options.out is not None and not options.out.is_dir():
        if len(options.files) > 1:
            raise UsageInvalid(f"--out {options.out}: several files need an existing folder")
        require_new(options.out)
        return [(options.files[0], options.out)]
    targets = []
    for file in options.files:
        folder = options.out or file.parent
        targets.append((file, folder / f"{file.stem}.signed.pdf"))
    if len(targets) == 1:
        require_new(targets[0][1])
    return targets


def _appearance(options: SignOptions) -> Appearance | None:
    if options.picture is None and not options.line:
        if options.box:
            raise UsageInvalid("--box needs --picture or --line")
        return None
    picture = None
    if options.picture is not None:
        picture = read_file(options.picture, max_bytes=LIMITS.max_picture_bytes)
    box = _box(options.box) if options.box else None
    if box is None and not options.field:
        raise UsageInvalid("--picture and --line need --box, or a --field that has a place")
    return Appearance(picture=picture, box=box, lines=tuple(options.line or ()))


def _box(text: str) -> Box:
    parts = text.split(",")
    try:
        page, (left, bottom, width, height) = int(parts[0]), map(float, parts[1:])
    except ValueError:
        raise UsageInvalid(f"--box {text}: five numbers page,left,bottom,width,height") from None
    return Box(page=page, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)


def _timestamper(
    options: SignOptions, trust: Trust, *, fetcher: EvidenceFetcher
) -> HttpTimestamper | None:
    url = options.tsa or trust.tsa
    if options.level == "B-B" or not url:
        return None
    return HttpTimestamper(url, fetcher=fetcher, store=trust.store, clock=now)


async def _check_certificate(
    key: FileKey, *, trust: Trust, fetcher: EvidenceFetcher, accept_unknown: bool
) -> bool:
    """Check the signer's certificate before it is used (NĐ 68/2024 art. 29).

    False where its revocation is unknown and that is accepted. Raises CertificateRefused.
    """
    verdict = _judge(key, trust, evidence=trust.evidence)
    if verdict.missing:
        found = await fetcher.gather(verdict.missing)
        verdict = _judge(key, trust, evidence=trust.evidence.merged(found))
    if verdict.status is PathStatus.REVOCATION_UNKNOWN and accept_unknown:
        return False
    verdict.raise_for_status()
    return True


def _judge(key: FileKey, trust: Trust, *, evidence: RevocationEvidence) -> PathVerdict:
    organisation = identify(key.certificate).kind is IdentityKind.ORGANISATION
    return judge_path(
        key.certificate,
        intermediates=key.chain,
        store=trust.store,
        role=AnchorRole.SEAL if organisation else AnchorRole.SIGNER,
        at=now(),
        evidence=evidence,
    )


async def _sign_one(file: Path, target: Path, *, job: _Job) -> _Outcome:
    if is_taken(target):
        return _Outcome(
            file=str(file), outcome="skipped", output=str(target), reason=OutputExists.reason
        )
    try:
        document = await asyncio.to_thread(read_file, file, max_bytes=LIMITS.max_bytes)
        request = SigningRequest(
            level=job.level,
            signed_at=now(),
            field_name=job.options.field or None,
            appearance=job.appearance,
            reason=job.options.reason or None,
        )
        signed = await sign(document, key=job.key, request=request, timestamper=job.timestamper)
        await asyncio.to_thread(write_new, target, signed)
    except Exception as error:
        if not is_ours(error):
            raise
        reason, detail = reason_and_detail(error)
        return _Outcome(
            file=str(file), outcome="failed", reason=reason, detail=detail, code=exit_code_of(error)
        )
    return _Outcome(
        file=str(file),
        outcome="done",
        output=str(target),
        sha256=hashlib.sha256(signed).hexdigest(),
    )


def _report(outcomes: list[_Outcome], output: Output) -> ExitCode:
    counts = {
        kind: sum(each.outcome == kind for each in outcomes)
        for kind in ("done", "skipped", "failed")
    }
    output.document({"files": [each.to_json() for each in outcomes], **counts})
    for each in outcomes:
        output.say(f"sign.{each.outcome}", file=each.file, output=each.output)
        if each.reason:
            output.show(output.sentence(each.reason, indent=2))
        if each.detail:
            output.show(indented(f"→ {each.detail}", 2))
    if len(outcomes) > 1:
        output.say("sign.summary", **counts)
    failed = [each.code for each in outcomes if each.outcome == "failed"]
    if not failed:
        return ExitCode.OK
    return ExitCode.PARTIAL if len(failed) < len(outcomes) else failed[0]


@contextmanager
def _progress(output: Output, total: int) -> Iterator[Callable[[], None]]:
    console = output.error_console
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(output.phrase("sign.progress"), total=total)
        yield lambda: bar.advance(task)


app = typer.Typer(add_completion=False)
app.command()(as_command(SignOptions, sign_files))
