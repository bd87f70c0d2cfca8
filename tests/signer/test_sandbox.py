"""The sandbox ends what costs too much, loses nothing else, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import grpc
import psutil
import pytest

from certs.trust.anchors import TrustStore
from signer.errors import (
    DocumentMalformed,
    SandboxBroken,
    SandboxFailed,
    SandboxLimitExceeded,
)
from signer.sandbox.pool import Sandbox
from signer.sandbox.process import MEBIBYTE, SandboxLimits
from signer.sandbox.wire import PREFIX, WireError, frame, load_answer
from signer.verdicts import Verdict
from tests.support import costly, sandboxed
from tests.support.signing_calls import MEGABYTE, large
from tests.support.verification import Judge

SMALL = SandboxLimits(cpu_seconds=1, wall_seconds=2, memory_bytes=1024 * MEBIBYTE)


def alive(process_id: int) -> bool:
    """Whether the process runs, zombies aside."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


async def test_a_function_runs_in_another_process_and_its_result_comes_back() -> None:
    async with Sandbox(1, modules=()) as sandbox:
        assert await sandbox.run(sandboxed.add, 2, second=3) == 5
        assert await sandbox.run(sandboxed.process_id) in sandbox.process_ids
        assert await sandbox.run(sandboxed.process_id) != os.getpid()


async def test_large_values_travel_both_ways() -> None:
    async with Sandbox(1, modules=()) as sandbox:
        assert await sandbox.run(sandboxed.size_of, bytes(40 * MEBIBYTE)) == (
            40 * MEBIBYTE,
            "bytes",
        )
        assert len(await sandbox.run(sandboxed.give_bytes, 20 * MEBIBYTE)) == 20 * MEBIBYTE


async def test_an_answer_larger_than_allowed_is_refused() -> None:
    limits = SandboxLimits(answer_bytes=1000)
    async with Sandbox(1, limits, modules=()) as sandbox:
        with pytest.raises(SandboxBroken):
            await sandbox.run(sandboxed.give_bytes, 2000)
        assert await sandbox.run(sandboxed.add, 1, 1) == 2


async def test_what_the_function_raises_is_raised_and_the_process_stays() -> None:
    async with Sandbox(1, modules=()) as sandbox:
        before = sandbox.process_ids
        with pytest.raises(DocumentMalformed, match="a broken table"):
            await sandbox.run(sandboxed.malformed, "a broken table")
        with pytest.raises(RecursionError):
            await sandbox.run(sandboxed.recurse)
        assert sandbox.process_ids == before


@pytest.mark.parametrize(
    ("function", "argument"),
    [(sandboxed.burn, None), (sandboxed.sleep, 60), (sandboxed.take_memory, 2048 * MEBIBYTE)],
    ids=["processor", "clock", "memory"],
)
async def test_a_call_over_a_limit_is_ended_while_others_go_on(
    function: object, argument: object
) -> None:
    assert callable(function)
    async with Sandbox(2, SMALL, modules=()) as sandbox:
        arguments = [] if argument is None else [argument]
        with within(8):
            over, *sums = await asyncio.gather(
                sandbox.run(function, *arguments),
                *(sandbox.run(sandboxed.add, number, 1) for number in range(20)),
                return_exceptions=True,
            )
        assert isinstance(over, SandboxLimitExceeded)
        assert sums == list(range(1, 21))
        assert (
            await asyncio.gather(*(sandbox.run(sandboxed.add, 1, 1) for _ in range(4))) == [2] * 4
        )


@pytest.mark.parametrize("code", [0, 1])
async def test_a_process_that_ends_by_itself_is_replaced(code: int) -> None:
    async with Sandbox(1, modules=()) as sandbox:
        with pytest.raises(SandboxBroken):
            await sandbox.run(sandboxed.end_process, code)
        assert await sandbox.run(sandboxed.add, 1, 1) == 2


async def test_a_process_killed_from_outside_is_replaced() -> None:
    async with Sandbox(1, modules=()) as sandbox:
        (killed,) = sandbox.process_ids
        waiting = asyncio.create_task(sandbox.run(sandboxed.sleep, 30))
        await asyncio.sleep(0.2)
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(SandboxLimitExceeded, match="SIGKILL"):
            await waiting
        assert await sandbox.run(sandboxed.add, 1, 1) == 2
        assert killed not in sandbox.process_ids


async def test_processes_are_replaced_after_a_number_of_calls() -> None:
    async with Sandbox(1, SandboxLimits(calls_per_process=2), modules=()) as sandbox:
        ids = [await sandbox.run(sandboxed.process_id) for _ in range(5)]
    assert ids[0] == ids[1] != ids[2] == ids[3] != ids[4]
    assert not any(alive(process_id) for process_id in ids)


async def test_a_caller_that_goes_away_frees_its_process() -> None:
    async with Sandbox(1, modules=()) as sandbox:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await sandbox.run(sandboxed.burn)
        with within(5):
            assert await sandbox.run(sandboxed.add, 1, 1) == 2


async def test_closing_ends_all_processes_and_tells_waiting_callers() -> None:
    sandbox = Sandbox(1, modules=())
    async with sandbox:
        ids = sandbox.process_ids
        at_work = asyncio.create_task(sandbox.run(sandboxed.burn))
        waiting = [asyncio.create_task(sandbox.run(sandboxed.add, 1, 1)) for _ in range(3)]
        await asyncio.sleep(0.2)
    results = await asyncio.gather(at_work, *waiting, return_exceptions=True)
    assert all(isinstance(result, SandboxBroken) for result in results)
    assert not any(alive(process_id) for process_id in ids)
    with pytest.raises(SandboxBroken):
        await sandbox.run(sandboxed.add, 1, 1)


async def test_processes_die_with_a_parent_that_is_killed() -> None:
    program = textwrap.dedent(
        """
        import asyncio, os, signal
        from signer.sandbox.pool import Sandbox
        from tests.support import sandboxed

        async def main():
            async with Sandbox(2, modules=()) as sandbox:
                busy = asyncio.create_task(sandbox.run(sandboxed.burn))
                await asyncio.sleep(0.1)
                print(*sandbox.process_ids, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
        """
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        capture_output=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    ids = [int(word) for word in done.stdout.split()]
    assert len(ids) == 2
    for _ in range(100):
        if not any(alive(process_id) for process_id in ids):
            return
        await asyncio.sleep(0.05)
    pytest.fail("sandbox processes outlived their parent")


async def test_a_process_holds_nothing_of_the_service_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONGVAN_DATABASE_PASSWORD", "secret")
    async with Sandbox(1, modules=()) as sandbox:
        environment = await sandbox.run(sandboxed.environment)
        assert "secret" not in str(environment)
        with pytest.raises((OSError, SandboxFailed)):
            await sandbox.run(sandboxed.write_file)


@pytest.mark.parametrize("function", [sandboxed.give_socket, sandboxed.give_unknown])
async def test_only_plain_values_leave_the_sandbox(function: object) -> None:
    assert callable(function)
    async with Sandbox(1, modules=()) as sandbox:
        with pytest.raises((TypeError, SandboxBroken)):
            await sandbox.run(function)
        assert await sandbox.run(sandboxed.add, 1, 1) == 2


class _Evil:
    """Pickles to a call of a function."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, ("true",)


def test_an_answer_that_names_a_function_is_refused() -> None:
    for value in (_Evil(), getattr, Path("x"), sandboxed.add):
        with pytest.raises(WireError):
            load_answer(pickle.dumps(value, protocol=5), [])
    assert load_answer(pickle.dumps((1, {"a"}, datetime.now(UTC))), [])[0] == 1
    assert frame(1)


async def test_it_works_beside_a_grpc_server_in_the_same_process() -> None:
    server = grpc.aio.server()
    server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with Sandbox(1, modules=()) as sandbox:
            with pytest.raises(SandboxBroken):
                await sandbox.run(sandboxed.end_process, 1)
            assert await sandbox.run(sandboxed.add, 1, 1) == 2
    finally:
        await server.stop(None)


async def test_a_document_is_judged_there_as_here(
    judge: Judge, sealed: bytes, tmp_path: Path
) -> None:
    here = judge(sealed)
    path = tmp_path / "sealed.pdf"
    path.write_bytes(sealed)
    async with Sandbox(1) as sandbox:
        for document in (sealed, path):
            there = await sandbox.assess(
                document, store=judge.practice.trust, evidence=judge.evidence, at=here.judged_at
            )
            assert there == here
    assert here.verdict is Verdict.VALID


def _hidden_hollow_table(entries: int) -> bytes:
    # The comment hides the widths from the look that is taken before parsing.
    return costly.hollow_table(entries).replace(b"/W [0 0 0]", b"/W [0 %\n0 0]")


async def test_documents_that_cost_too_much_end_within_the_limits_with_a_reason(
    one_page_pdf: bytes,
) -> None:
    """The denial-of-service inputs that were measured against the engine, made small."""
    inputs = {
        "a hollow table": costly.hollow_table(10**9),
        "a hollow table, hidden": _hidden_hollow_table(1_900_000),
        "a number of many digits": costly.long_number(2_000_000),
        "no end marker": b"%PDF-1.7\n" + b"x" * 5_000_000,
        "many revisions": costly.many_revisions(one_page_pdf, 2000),
        "deep nesting": costly.deeply_nested(100_000),
        "a form in a circle": costly.self_reference(),
        "a compressed bomb": costly.compressed_bomb(),
    }
    async with Sandbox(1, SMALL) as sandbox:
        for name, document in inputs.items():
            start = time.monotonic()
            report = await sandbox.assess(document, store=TrustStore(), at=datetime.now(UTC))
            assert report.verdict is not Verdict.VALID, name
            assert report.reason, name
            assert time.monotonic() - start < 6, name
        report = await sandbox.assess(one_page_pdf, store=TrustStore(), at=datetime.now(UTC))
        assert report.verdict is Verdict.UNSIGNED


async def test_a_file_that_costs_too_much_is_named_in_its_report(tmp_path: Path) -> None:
    document, path = _hidden_hollow_table(1_900_000), tmp_path / "costly.pdf"
    path.write_bytes(document)
    async with Sandbox(1, SMALL) as sandbox:
        report = await sandbox.assess(path, store=TrustStore(), at=datetime.now(UTC))
    assert report.reason == "SANDBOX_LIMIT_EXCEEDED"
    assert (report.sha256, report.size_bytes) == (sha256(document).hexdigest(), len(document))


async def test_a_call_s_memory_is_given_back_before_the_next(
    one_page_pdf: bytes, tmp_path: Path
) -> None:
    # glibc may keep freed pieces of less than 32 MB for itself.
    document, path = large(40 * MEGABYTE), tmp_path / "large.pdf"
    path.write_bytes(document)
    async with Sandbox(1) as sandbox:
        (process_id,) = sandbox.process_ids
        process = psutil.Process(process_id)
        await sandbox.assess(one_page_pdf, store=TrustStore(), at=datetime.now(UTC))
        before = process.memory_info().rss
        for each in (path, document, path, document):
            report = await sandbox.assess(each, store=TrustStore(), at=datetime.now(UTC))
            assert report.verdict is Verdict.UNSIGNED
        # Calls are done one by one: with this one's answer the last one is cleared away.
        await sandbox.assess(one_page_pdf, store=TrustStore(), at=datetime.now(UTC))
        assert process.memory_info().rss - before < 0.5 * len(document)
        assert sandbox.process_ids == {process_id}


def test_members_of_enumerations_travel_as_class_and_value() -> None:
    head = bytes(frame({"verdict": Verdict.VALID})[0])
    assert b"getattr" not in head, "an answer may name classes only"
    assert load_answer(head[PREFIX.size :], ()) == {"verdict": Verdict.VALID}
