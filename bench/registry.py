"""The entries of the benchmark, one module each; a new one is added here."""

from __future__ import annotations

from bench import sign_bb_50k, verify_bb_50k
from bench.harness import Entry

ENTRIES: tuple[Entry, ...] = (sign_bb_50k.ENTRY, verify_bb_50k.ENTRY)
