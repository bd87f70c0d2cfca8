"""Judging leaves nothing of a document in memory: a process judges hundreds of strangers' files."""

from __future__ import annotations

import gc

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from tests.support.practice import one_page
from tests.support.verification import Desk, Judge


@pytest.fixture
def grown(desk: Desk, leader_key: FileKey, seal_key: FileKey) -> bytes:
    """A document with a revision after the first signature, so that differences are judged."""
    return desk.sign(desk.sign(one_page("Kept by nobody"), leader_key), seal_key)


def readers_alive() -> int:
    gc.collect()
    return sum(isinstance(each, PdfFileReader) for each in gc.get_objects())


def test_no_reader_outlives_the_judgement_it_was_made_for(grown: bytes, judge: Judge) -> None:
    before = readers_alive()
    for at in (len(grown) - 1, len(grown) // 2):
        judge(grown)
        judge(grown[:at] + b" " + grown[at:])
    assert readers_alive() == before
