"""Signing a large file: memory does not grow with it, and its bytes are carried over unchanged."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.exchange.cli.conftest import Desk
from tests.support.pdfs import one_page, one_page_of_size

LARGE_BYTES = 50_000_000
SHARE = 0.25


def test_fifty_megabytes_take_a_quarter_of_it_in_memory_at_most(desk: Desk) -> None:
    large, small = desk.directory / "lớn.pdf", desk.directory / "nhỏ.pdf"
    large.write_bytes(one_page_of_size(LARGE_BYTES))
    small.write_bytes(one_page())
    extra = peak_bytes(desk, large) - peak_bytes(desk, small)
    assert extra <= SHARE * LARGE_BYTES
    assert same_start(large, desk.directory / "lớn_daky.pdf")


def same_start(document: Path, signed: Path) -> bool:
    with document.open("rb") as one, signed.open("rb") as other:
        while piece := one.read(1 << 20):
            if piece != other.read(len(piece)):
                return False
    return True


def peak_bytes(desk: Desk, file: Path) -> int:
    """The most memory that the program held at once.

    A process begins with the peak of the one it was forked from, so a small one stands between.
    """
    command = [sys.executable, "-m", "exchange.cli.main", "sign", str(file), "--level", "B-B"]
    between = (
        "import os, sys\n"
        "child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)\n"
        "_, status, used = os.wait4(child, 0)\n"
        "assert status == 0, status\n"
        "print(used.ru_maxrss, file=sys.stderr)\n"
    )
    read, write = os.pipe()
    words = [sys.executable, "-c", between, *command, *desk.with_key, *desk.trusting]
    actions = [(os.POSIX_SPAWN_DUP2, write, 2)]
    child = os.posix_spawn(sys.executable, words, os.environ, file_actions=actions)
    os.close(write)
    with os.fdopen(read) as told:
        said = told.read()
    assert os.waitpid(child, 0)[1] == 0, said
    return int(said.split()[-1]) * 1024
