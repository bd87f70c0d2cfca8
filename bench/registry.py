"""The entries of the benchmark, in groups by their first word; a new one is added here."""

from __future__ import annotations

from bench import (
    corpus,
    large_files,
    levels,
    peers,
    signing,
    verify,
    verify_crl,
    verify_memory,
    whole_service,
)
from bench.harness import Entry

ENTRIES: tuple[Entry, ...] = (
    *signing.ENTRIES,
    *large_files.ENTRIES,
    corpus.ENTRY,
    *levels.ENTRIES,
    whole_service.ENTRY,
    *verify.ENTRIES,
    verify_memory.ENTRY,
    *verify_crl.ENTRIES,
    *peers.ENTRIES,
)
