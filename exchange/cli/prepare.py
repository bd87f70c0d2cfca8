"""`congvan prepare`: fields for number, date, leader and seal, before the leader signs."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.commands import Options, as_command
from exchange.cli.errors import UsageInvalid
from exchange.cli.exits import ExitCode
from exchange.cli.files import new_file, read_file
from exchange.cli.output import Output, indented
from exchange.cli.signing.options import Files, Out
from exchange.cli.signing.outcomes import Outcome, Result, count, exit_code
from exchange.cli.signing.targets import Target, Wanted, plan_targets
from exchange.cli.signing.work import require_place, settled
from signer.errors import FieldsPrepared
from signer.limits import DEFAULT as LIMITS
from signer.office.field_places import (
    FieldPlaces,
    SignaturePlace,
    TextPlace,
    leader_field,
    office_fields,
)
from signer.office.number_and_date import DATE_FIELD, NUMBER_FIELD, SEAL_FIELD
from signer.office.preparing import prepare
from signer.pages.appearance import Box
from signer.sandbox.pool import Sandbox
from signer.source import Source

SUFFIX = "_chuanbi"
_BOX = "P,L,B,W,H"
Finder = Callable[[bytes], Awaitable[FieldPlaces]]
"""Where the fields of a document go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions(Options):
    """What `prepare` takes."""

    files: Files
    out: Out = None
    leader: Annotated[
        list[str] | None,
        typer.Option(
            "--leader",
            metavar="NAME",
            help="Họ tên người ký như in trên văn bản · Who signs, as printed; repeatable.",
        ),
    ] = None
    number_box: Annotated[
        str, typer.Option("--number-box", metavar=_BOX, help="Ô số, ký hiệu · Number's place (mm).")
    ] = ""
    date_box: Annotated[
        str, typer.Option("--date-box", metavar=_BOX, help="Ô địa danh, ngày · Date's place (mm).")
    ] = ""
    leader_box: Annotated[
        list[str] | None,
        typer.Option(
            "--leader-box", metavar=_BOX, help="Ô ký của lãnh đạo · A leader's place; repeatable."
        ),
    ] = None
    seal_box: Annotated[
        str, typer.Option("--seal-box", metavar=_BOX, help="Ô dấu của cơ quan · The seal's place.")
    ] = ""


async def prepare_files(options: PrepareOptions, output: Output) -> ExitCode:
    """Chuẩn bị (chuan-bi) · Add empty fields for number, date, leader and seal.

    Do it before the leader signs: what is drawn on the page afterwards breaks
    that signature, what fills these fields does not. Places are found by
    NĐ 30/2020, unless boxes are given (page, left, bottom, width, height in mm);
    then only those fields are added. Results get the ending _chuanbi.
    """
    given = _given(options)
    plan = plan_targets(Wanted(paths=tuple(options.files), suffix=SUFFIX, out=options.out))
    outcomes = []
    async with AsyncExitStack() as stack:
        if given is not None:
            find: Finder = partial(_take, given=given)
        else:
            sandbox = Sandbox(workers=1, modules=("signer.pages.text",))
            await stack.enter_async_context(sandbox)
            find = partial(_find, sandbox=sandbox, leaders=tuple(options.leader or ()))
        for target in plan.targets:
            preparation = _Preparation(find=find)
            outcome = await settled(target, preparation.prepare)
            outcomes.append(outcome)
            output.line({**outcome.to_json(), "fields": _fields_json(preparation.places)})
            _tell(outcome, preparation.places, output=output)
    counts = count(outcomes)
    output.line({"summary": counts})
    if plan.is_batch:
        output.say("prepare.total", **counts, total=len(outcomes))
    return exit_code(outcomes)


def _given(options: PrepareOptions) -> FieldPlaces | None:
    """Return the fields whose places the user gave; None where they are to be found."""
    texts = {NUMBER_FIELD: options.number_box, DATE_FIELD: options.date_box}
    boxes = options.leader_box or []
    if not any((*texts.values(), *boxes, options.seal_box)):
        return None
    if options.leader:
        raise UsageInvalid("--leader finds places by name: leave it out where boxes are given")
    seal = options.seal_box
    return FieldPlaces(
        texts=tuple(TextPlace(name=name, box=_box(text)) for name, text in texts.items() if text),
        leaders=tuple(
            SignaturePlace(name=leader_field(number), box=_box(text))
            for number, text in enumerate(boxes, start=1)
        ),
        seal=SignaturePlace(name=SEAL_FIELD, box=_box(seal)) if seal else None,
    )


def _box(text: str) -> Box:
    parts = text.split(",")
    try:
        page, (left, bottom, width, height) = int(parts[0]), map(float, parts[1:])
    except ValueError:
        raise UsageInvalid(f"{text}: five numbers page,left,bottom,width,height") from None
    return Box(page=page, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)


async def _take(document: bytes, *, given: FieldPlaces) -> FieldPlaces:
    """Take the places that the user gave, whatever the document is."""
    del document
    return given


async def _find(document: bytes, *, sandbox: Sandbox, leaders: tuple[str, ...]) -> FieldPlaces:
    """Find the places on the pages, which a process of its own reads."""
    facts = await sandbox.read_pages(document, names=leaders)
    return office_fields(facts, leaders=leaders)


@dataclass(slots=True, kw_only=True)
class _Preparation:
    """The work on one document, and the fields that it got."""

    find: Finder
    places: FieldPlaces | None = None

    async def prepare(self, target: Target, outcome: Outcome) -> Outcome:
        """Add the fields; a document that has them already is left as it is."""
        document = await asyncio.to_thread(read_file, target.file, max_bytes=LIMITS.max_bytes)
        known = replace(outcome, input_sha256=hashlib.sha256(document).hexdigest())
        require_place(target)
        try:
            places = await self.find(document)
            tail = await asyncio.to_thread(prepare, Source.of_bytes(document), places=places)
        except FieldsPrepared as error:
            return replace(known, reason=error.reason, detail=error.detail)
        await asyncio.to_thread(_write, target.output, document, tail=tail)
        self.places = places
        digest = hashlib.sha256(document + tail).hexdigest()
        return replace(known, outcome=Result.DONE, sha256=digest)


def _write(path: Path, document: bytes, *, tail: bytes) -> None:
    with new_file(path) as sink:
        sink.write(document)
        sink.write(tail)


def _fields_json(places: FieldPlaces | None) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "page": each.box.page,
            "left_mm": each.box.left_mm,
            "bottom_mm": each.box.bottom_mm,
            "width_mm": each.box.width_mm,
            "height_mm": each.box.height_mm,
        }
        for each in (places.all if places is not None else ())
    ]


def _tell(outcome: Outcome, places: FieldPlaces | None, *, output: Output) -> None:
    output.say(f"prepare.{outcome.outcome}", file=outcome.file, output=outcome.output)
    if outcome.reason:
        output.show(output.sentence(outcome.reason, indent=2))
    if outcome.detail:
        output.show(indented(f"→ {outcome.detail}", 2))
    for each in places.all if places is not None else ():
        where = output.phrase(
            "sign.place_box",
            page=each.box.page,
            left=f"{each.box.left_mm:.0f}",
            bottom=f"{each.box.bottom_mm:.0f}",
            width=f"{each.box.width_mm:.0f}",
            height=f"{each.box.height_mm:.0f}",
        )
        output.show(indented(f"{each.name}: {where}", 2))
    if places is not None and not places.texts:
        output.show(indented(output.phrase("prepare.no_texts"), 2, style="yellow"))


app = typer.Typer(add_completion=False)
app.command()(as_command(PrepareOptions, prepare_files))
