"""`congvan extend`: bring signatures to B-LT or B-LTA, and renew archive time-stamps."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from certs.paths.checking import PathChecker
from certs.timestamping import HttpTimestamper
from exchange.cli.commands import as_command
from exchange.cli.errors import AlreadyAtLevel, UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.output import Output
from exchange.cli.signing import journal as journals
from exchange.cli.signing.batch import MAX_IN_FLIGHT, Rules, run_batch
from exchange.cli.signing.journal import Journal
from exchange.cli.signing.options import Files, NoProgress, Out, Recursive, Suffix, Tsa
from exchange.cli.signing.outcomes import Outcome, Result, exit_code
from exchange.cli.signing.progress import progress
from exchange.cli.signing.summary import tell_end, tell_outcome
from exchange.cli.signing.targets import Plan, Target, Wanted, plan_targets
from exchange.cli.signing.work import Act, Bench
from exchange.cli.trust import Trust, TrustOptions, now, trust_of
from signer.augmentation.extending import extend, is_archived
from signer.creation.requests import Level
from signer.source import Source

SUFFIX = "_giahan"
_LEVELS = (Level.B_T, Level.B_LT, Level.B_LTA)
_DIGESTS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendOptions(TrustOptions):
    """What `extend` takes."""

    files: Files
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="LEVEL",
            help="Mức B-T, B-LT, B-LTA (mặc định) · PAdES level; B-LTA by default.",
            show_default=False,
        ),
    ] = Level.B_LTA.value
    renew: Annotated[
        bool,
        typer.Option(
            "--renew",
            help="Gia hạn dấu thời gian lưu trữ · Renew the archive time-stamp of B-LTA.",
        ),
    ] = False
    digest: Annotated[
        str,
        typer.Option(
            "--digest",
            metavar="NAME",
            help="Hàm băm sha256, sha384, sha512 · Digest of the archive time-stamp.",
        ),
    ] = _DIGESTS[0]
    tsa: Tsa = ""
    out: Out = None
    recursive: Recursive = False
    suffix: Suffix = ""
    no_progress: NoProgress = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extension:
    """What is done to each document of one call."""

    level: Level
    renew: bool
    digest: str
    timestamper: HttpTimestamper | None
    checker: PathChecker

    async def apply(self, source: Source, at: datetime) -> bytes:
        """Extend one document. Raises AlreadyAtLevel where there is nothing to add."""
        if self.level is Level.B_LTA and not self.renew and is_archived(source):
            raise AlreadyAtLevel(self.level)
        tail = await extend(
            source,
            level=self.level,
            timestamper=self.timestamper,
            checker=self.checker,
            at=at,
            digest_algorithm=self.digest,
        )
        if not tail:
            raise AlreadyAtLevel(self.level)
        return tail


async def extend_files(options: ExtendOptions, output: Output) -> ExitCode:
    """Gia hạn chữ ký để lưu trữ lâu dài · Extend signatures so that they stay provable.

    B-LT keeps all evidence in the file; B-LTA time-stamps it too, and --renew
    does so again before the last time-stamp's certificate expires. Signatures
    are judged first: what is broken, revoked or can't be proved is refused.
    No file is ever overwritten; results get the ending _giahan, renewed ones
    the day beside it.
    """
    level = _level(options)
    plan = plan_targets(
        Wanted(
            paths=tuple(options.files),
            suffix=options.suffix or _suffix(options),
            out=options.out,
            recursive=options.recursive,
        )
    )
    trust = trust_of(options)
    settings = {
        "act": "extend",
        "level": level.value,
        "digest": options.digest,
        "renewed": now().date().isoformat() if options.renew else "",
    }
    async with _extension(options, level, trust=trust) as extension:
        act = Act(settings=settings, certificate_sha256="", apply=extension.apply)
        with (
            _journals(plan) as opened,
            progress(output, len(plan.targets), shown=not options.no_progress) as step,
        ):
            bench = Bench(act=act, clock=now, journals=opened)
            ended = await run_batch(
                plan.targets,
                partial(_extend_one, bench),
                rules=Rules(in_flight=MAX_IN_FLIGHT),
                tell=lambda outcome: step(partial(tell_outcome, outcome, output)),
            )
    tell_end(ended, output)
    return exit_code(ended.outcomes, interrupted=ended.interrupted)


def _level(options: ExtendOptions) -> Level:
    level = next((each for each in _LEVELS if each.value == options.level.upper()), None)
    if level is None:
        raise UsageInvalid(f"--level {options.level}: one of {', '.join(_LEVELS)}")
    if options.renew and level is not Level.B_LTA:
        raise UsageInvalid("--renew is for level B-LTA")
    if options.digest not in _DIGESTS:
        raise UsageInvalid(f"--digest {options.digest}: one of {', '.join(_DIGESTS)}")
    return level


def _suffix(options: ExtendOptions) -> str:
    # A file is renewed time and again, and every time under a new name.
    return f"{SUFFIX}-{now():%Y%m%d}" if options.renew else SUFFIX


@contextlib.asynccontextmanager
async def _extension(
    options: ExtendOptions, level: Level, *, trust: Trust
) -> AsyncIterator[_Extension]:
    url = options.tsa or trust.tsa
    async with trust.fetcher(url) as fetcher:
        checker = PathChecker(
            store=trust.store, fetcher=fetcher, evidence=trust.evidence, clock=now
        )
        timestamper = None
        if url:
            timestamper = HttpTimestamper(
                url, fetcher=fetcher, store=trust.store, clock=now, checker=checker
            )
        yield _Extension(
            level=level,
            renew=options.renew,
            digest=options.digest,
            timestamper=timestamper,
            checker=checker,
        )


async def _extend_one(bench: Bench, target: Target) -> Outcome:
    outcome = await bench.sign_one(target)
    if outcome.reason == AlreadyAtLevel.reason:
        return replace(outcome, outcome=Result.SKIPPED, output=outcome.file)
    return outcome


@contextlib.contextmanager
def _journals(plan: Plan) -> Iterator[Mapping[Path, Journal]]:
    """Open the journal of each folder that gets results of a batch, so that a re-run skips them."""
    with contextlib.ExitStack() as stack:
        opened: dict[Path, Journal] = {}
        for folder in _folders(plan.targets) if plan.is_batch else ():
            opened[folder] = stack.enter_context(Journal(folder / journals.NAME))
        yield opened


def _folders(targets: Sequence[Target]) -> list[Path]:
    folders = dict.fromkeys(each.output.parent for each in targets if not each.passed_over)
    return [each for each in folders if each.is_dir()]


app = typer.Typer(add_completion=False)
app.command()(as_command(ExtendOptions, extend_files))
