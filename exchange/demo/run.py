"""The demo from beginning to end; it fails loudly where anything is not as planned."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from congvan.v1 import archive_pb2, compliance_pb2
from exchange.cli.archive import CHECK_SECONDS, archive_records
from exchange.cli.errors import DemoFailed
from exchange.cli.moments import today
from exchange.cli.output import Output
from exchange.cli.rate import list_exceptions, query_rate
from exchange.cli.service import block_name, verdict_name
from exchange.client.connection import connect
from exchange.client.errors import ClientError
from exchange.demo.ground import (
    Ground,
    break_ground,
    default_directory,
    issue_everything,
    keep_crls,
    write_configuration,
)
from exchange.demo.object_server import start_object_server
from exchange.demo.office import (
    Office,
    dispatch_document,
    open_office,
    prepare,
    receive_everything,
    register_everyone,
)
from exchange.demo.plan import REGISTRAR, Dispatch, Plan, make_plan
from exchange.demo.processes import Children, answers, congvan, until
from exchange.demo.telling import Figures, Steps, tell_everything, telling_steps
from signer.report import Report

DATA = Path(__file__).parents[2] / "tests" / "data"
START_SECONDS = 60.0
RECEIVERS_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user asked for: S3 instead of a directory, to leave it running, where to put it."""

    s3: bool = False
    keep: bool = False
    directory: Path | None = None


async def run_demo(wishes: Wishes, output: Output) -> None:
    """Run the demo; raises DemoFailed where anything is not as it must be."""
    plan = make_plan(DATA, today=today())
    ground = break_ground(wishes.directory or default_directory(datetime.now(UTC)))
    with telling_steps(output) as steps, _stopped_by_sigterm():
        async with Children(ground.logs) as children:
            steps.expect(4 + 2 * len(plan.dispatches) + len(plan.recipients) + len(plan.senders))
            steps.step("ground", directory=ground.directory)
            issue_everything(ground, plan, step=lambda name: steps.step("issue", name=name))
            async with AsyncExitStack() as stack:
                starting = asyncio.create_task(
                    _start_servers(wishes, ground, plan=plan, children=children, steps=steps)
                )
                stack.callback(starting.cancel)
                office = await open_office(stack, ground, plan=plan)
                await starting
                figures = await _work(office, steps)
            _check_figures(plan, figures)
            pids = children.pids if wishes.keep else []
            if wishes.keep:
                children.release()
    keep_crls(ground)
    tell_everything(ground, plan, figures=figures, pids=pids, output=output)


async def _start_servers(
    wishes: Wishes, ground: Ground, *, plan: Plan, children: Children, steps: Steps
) -> None:
    steps.step("start_s3" if wishes.s3 else "start")
    authority = children.start(
        "authority", congvan("certs", "practice", "serve", str(ground.authority))
    )
    environment: Mapping[str, str] = os.environ
    objects_url = ""
    if wishes.s3:
        objects = await start_object_server(children, ground.directory / "objects")
        objects_url = objects.url
        environment = {**os.environ, **objects.environment}
    write_configuration(ground, plan, objects_url=objects_url)
    service = children.start(
        "service",
        congvan("serve", "--config", str(ground.configuration)),
        environment=environment,
    )

    async with connect(ground.profile(REGISTRAR)) as connection:

        async def service_serves() -> bool:
            try:
                return await connection.health(deadline_seconds=2) == "SERVING"
            except ClientError:
                return False

        await until(lambda: answers(ground.authority_port), authority, seconds=START_SECONDS)
        # Not by gRPC alone: a channel that was refused waits longer and longer between its tries.
        await until(lambda: answers(ground.service_port), service, seconds=START_SECONDS)
        await until(service_serves, service, seconds=START_SECONDS)


async def _work(office: Office, steps: Steps) -> Figures:
    plan = office.plan
    async with connect(office.ground.profile(REGISTRAR)) as registrar:
        steps.step("register", count=len(plan.endpoints))
        await register_everyone(registrar, ground=office.ground, plan=plan)
        for dispatch in plan.dispatches:
            steps.step(f"prepare.{dispatch.treatment}", code=dispatch.code)
            files = await prepare(office, dispatch)
            steps.step("send", code=dispatch.code, count=len(dispatch.draft.to))
            sent = await dispatch_document(office, dispatch, files=files)
            _check_gate(dispatch, [verdict_name(each.verdict) for each in sent.message.gate])
        await _receive(office, steps)
        steps.step("count")
        period = plan.period
        return Figures(
            rate=await query_rate(registrar, period),
            exceptions=await list_exceptions(registrar, period),
            records=[each async for each in archive_records(registrar)],
            integrity=await registrar.call(
                registrar.archive.CheckIntegrity,
                archive_pb2.CheckIntegrityRequest(),
                deadline_seconds=CHECK_SECONDS,
            ),
            seconds=steps.seconds,
        )


async def _receive(office: Office, steps: Steps) -> None:
    at_once = asyncio.Semaphore(RECEIVERS_AT_ONCE)

    async def one(code: str) -> None:
        async with at_once:
            steps.step("receive", recipient=code)
            taken = await receive_everything(office, code)
        due = {each.code: each for each in office.plan.dispatches if code in each.draft.to}
        if sorted(name for name, _ in taken) != sorted(due):
            raise DemoFailed(f"{code} received {len(taken)} documents, {len(due)} were sent")
        for name, intake in taken:
            _check_reports(due[name], code, reports=[report for _, report in intake.reports])

    async with asyncio.TaskGroup() as group:
        for code in office.plan.recipients:
            group.create_task(one(code))


def _check_gate(dispatch: Dispatch, verdicts: list[str]) -> None:
    expected = [dispatch.treatment.verdict] * (1 + len(dispatch.annexes))
    if verdicts != expected:
        raise DemoFailed(f"{dispatch.code}: the gate found {verdicts}, planned was {expected}")


def _check_reports(dispatch: Dispatch, recipient: str, *, reports: list[Report]) -> None:
    verdicts = [str(report.verdict) for report in reports]
    if verdicts != [dispatch.treatment.verdict] * (1 + len(dispatch.annexes)):
        reasons = [report.reason for report in reports]
        raise DemoFailed(f"{recipient} found {dispatch.code} {verdicts} {reasons}")


def _check_figures(plan: Plan, figures: Figures) -> None:
    found = {block_name(each.block): _pair(each.count) for each in figures.rate.blocks}
    found[""] = _pair(figures.rate.total)
    for block in ("", *{each.block for each in plan.dispatches}):
        if found.get(block) != plan.expected(block):
            raise DemoFailed(f"rate {block}: {found.get(block)}, planned {plan.expected(block)}")
    n, d = plan.expected()
    if len(figures.exceptions) != d - n:
        raise DemoFailed(f"{len(figures.exceptions)} exceptions, planned were {d - n}")
    integrity = figures.integrity
    if integrity.missing_sha256 or integrity.corrupt_sha256 or not integrity.checked:
        raise DemoFailed("the archive is not whole")


def _pair(count: compliance_pb2.RateCount) -> tuple[int, int]:
    return count.numerator, count.denominator


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does: children stopped, nothing left running."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    if task is not None:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
