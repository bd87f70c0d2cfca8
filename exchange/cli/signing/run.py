"""One call of a signing command, from its options to its exit code."""

import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text

from certs.identity import fingerprint
from certs.keys.issuers import with_issuers
from certs.paths.checking import PathChecker
from certs.timestamping import HttpTimestamper
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import is_folder, read_file, require_new, write_new
from exchange.cli.output import Output, indented
from exchange.cli.signing import journal as journals
from exchange.cli.signing.batch import MAX_IN_FLIGHT, Ended, Rules, run_batch
from exchange.cli.signing.choices import Choices
from exchange.cli.signing.draft import Draft, Tools
from exchange.cli.signing.journal import Journal
from exchange.cli.signing.keys import Opening, name_of_key, obtain_key, require_fit
from exchange.cli.signing.options import SigningOptions
from exchange.cli.signing.outcomes import Outcome, exit_code
from exchange.cli.signing.progress import progress
from exchange.cli.signing.review import choose
from exchange.cli.signing.summary import tell_end, tell_outcome, write_summary
from exchange.cli.signing.targets import Plan, Target, Wanted, plan_targets
from exchange.cli.signing.work import Act, Bench, Trial
from exchange.cli.trust import Trust, allowing, now, trust_of
from signer.limits import DEFAULT as LIMITS
from signer.office.preview import preview
from signer.sandbox.pool import Sandbox
from signer.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: what was asked for, settled and found."""

    options: SigningOptions
    choices: Choices
    draft: Draft
    plan: Plan

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that shapes the results but the key."""
        choices = self.choices
        return {
            "level": choices.level,
            "scheme": str(choices.scheme or ""),
            "reason": self.options.reason,
            **self.draft.settings,
        }


def run_call(
    options: SigningOptions,
    choices: Choices,
    *,
    draft: Draft,
    suffix: str,
    output: Output,
    only_one: str = "",
) -> ExitCode | Coroutine[Any, Any, ExitCode]:
    """Plan, ask what must be asked, then sign. Asking comes first, outside of any event loop.

    only_one: why no more than one file may be meant, "" where any number may.
    Raises NothingToSign, UsageInvalid, OutputExists, KeyUnusable and whatever trust_of does.
    """
    wanted = Wanted(
        paths=tuple(options.files),
        suffix=options.suffix or suffix,
        former=draft.former_suffixes,
        out=choices.out,
        recursive=options.recursive,
    )
    call = Call(options=options, choices=choices, draft=draft, plan=plan_targets(wanted))
    if only_one and len(call.plan.targets) > 1:
        raise UsageInvalid(only_one)
    if options.journal is not None and options.no_journal:
        raise UsageInvalid("--journal and --no-journal exclude each other")
    if options.summary is not None:
        require_new(options.summary)
    if options.preview is not None:
        return _preview(call, options.preview, output=output)
    if options.dry_run:
        return _try_out(call, output)
    trust = trust_of(options)
    allowing(trust.policy, options.tsa or trust.tsa)
    chosen = choose(call.plan.targets, review=options.review, output=output)
    call = replace(call, plan=replace(call.plan, targets=chosen))
    opening = obtain_key(options, choices, output=output)
    return _sign_all(call, opening, trust=trust, output=output)


async def _try_out(call: Call, output: Output) -> ExitCode:
    async with _sandbox(call) as sandbox:

        async def place(source: Source) -> str:
            look = await call.draft.look(source, now(), sandbox=sandbox)
            return look.told(output) if look else ""

        trial = Trial(settings=call.settings, place=place, journal_of=partial(_journal_path, call))
        output.say("sign.plan_who", who=name_of_key(call.choices), what=call.choices.level)
        tell = partial(tell_outcome, output=output)
        ended = await run_batch(call.plan.targets, trial.try_one, rules=Rules(), tell=tell)
    return _end(call, ended, output=output)


async def _sign_all(call: Call, opening: Opening, *, trust: Trust, output: Output) -> ExitCode:
    options, level = call.options, call.choices.level
    url = options.tsa or trust.tsa
    async with (
        contextlib.AsyncExitStack() as stack,
        trust.fetcher(url) as fetcher,
        _sandbox(call) as sandbox,
    ):
        key = await with_issuers(await opening(stack), store=trust.store, fetcher=fetcher)
        checker = PathChecker(
            store=trust.store, fetcher=fetcher, evidence=trust.evidence, clock=now
        )
        accept = options.accept_unknown_revocation
        kind = call.draft.signer_kind
        if not await require_fit(key, checker, kind=kind, accept_unknown=accept):
            output.note(output.phrase("sign.unknown_accepted"), style="yellow")
        timestamper = None
        if level.timestamped and url:
            timestamper = HttpTimestamper(url, fetcher=fetcher, store=trust.store, clock=now)
        tools = Tools(key=key, timestamper=timestamper, checker=checker, sandbox=sandbox)
        act = Act(
            settings=call.settings,
            certificate_sha256=fingerprint(key.certificate),
            apply=partial(call.draft.sign, tools=tools),
        )
        rules = Rules(
            in_flight=MAX_IN_FLIGHT if level.timestamped else 1, fail_fast=options.fail_fast
        )
        ended = await _batch(call, act, rules=rules, output=output)
    return _end(call, ended, output=output)


async def _batch(call: Call, act: Act, *, rules: Rules, output: Output) -> Ended:
    targets = call.plan.targets
    _make_folders(call)
    with (
        _journals(call) as opened,
        progress(output, len(targets), shown=not call.options.no_progress) as step,
    ):
        bench = Bench(act=act, clock=now, journals=opened)

        def tell(outcome: Outcome) -> None:
            step(partial(tell_outcome, outcome, output))

        return await run_batch(targets, bench.sign_one, rules=rules, tell=tell)


@contextlib.asynccontextmanager
async def _sandbox(call: Call) -> AsyncIterator[Sandbox]:
    """Give a sandbox; one that nobody will ask is not started."""
    workers = 2 if call.plan.is_batch else 1
    sandbox = Sandbox(workers=workers, modules=("signer.pages.text",))
    if not call.draft.reads_pages and call.options.preview is None:
        yield sandbox
        return
    async with sandbox:
        yield sandbox


async def _preview(call: Call, path: Path, *, output: Output) -> ExitCode:
    if call.plan.is_batch:
        raise UsageInvalid("--preview draws one document: name one file")
    require_new(path)
    file = call.plan.targets[0].file
    document = read_file(file, max_bytes=LIMITS.max_bytes)
    async with _sandbox(call) as sandbox:
        look = await call.draft.look(Source.of_bytes(document), now(), sandbox=sandbox)
        if look is None:
            raise UsageInvalid("--preview: the signature is invisible, there is nothing to draw")
        drawn = await preview(
            document,
            appearance=look.appearance,
            sandbox=sandbox,
            field_name=look.field_name,
            signing=look.signing,
        )
    write_new(path, drawn.png)
    output.line(
        {"file": str(file), "preview": str(path), "page": drawn.page, "warnings": drawn.warnings}
    )
    output.say("sign.previewed", page=drawn.page, file=path)
    output.show(indented(look.told(output), 2))
    for warning in drawn.warnings:
        output.show(indented(Text(f"! {output.phrase(f'look.{warning}')}", style="yellow"), 2))
    return ExitCode.OK


def _end(call: Call, ended: Ended, *, output: Output) -> ExitCode:
    tell_end(ended, output)
    if call.options.summary is not None:
        write_summary(call.options.summary, ended.outcomes, output=output)
    return exit_code(ended.outcomes, interrupted=ended.interrupted)


def _make_folders(call: Call) -> None:
    """Make the folders below --out that a recursive run mirrors; --out itself must be there."""
    if call.choices.out is None or not call.options.recursive:
        return
    for target in _open_targets(call.plan.targets):
        with contextlib.suppress(OSError):
            target.output.parent.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _journals(call: Call) -> Iterator[Mapping[Path, Journal]]:
    """Open the journal of each folder that gets results; one file is signed without."""
    with contextlib.ExitStack() as stack:
        opened: dict[Path, Journal] = {}
        by_folder: dict[Path, Journal] = {}
        for target in _open_targets(call.plan.targets):
            folder = target.output.parent
            path = _journal_path(call, folder)
            if path is None or folder in by_folder or not is_folder(folder):
                continue
            if path not in opened:
                opened[path] = stack.enter_context(Journal(path))
            by_folder[folder] = opened[path]
        yield by_folder


def _journal_path(call: Call, folder: Path) -> Path | None:
    if call.options.no_journal:
        return None
    if call.options.journal is not None:
        return call.options.journal
    return folder / journals.NAME if call.plan.is_batch else None


def _open_targets(targets: Sequence[Target]) -> Iterator[Target]:
    return (each for each in targets if not each.passed_over)
