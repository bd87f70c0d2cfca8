"""A document in memory and one in a file give the same bytes, whole and in pieces."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.source import CHUNK_BYTES, Source


def sources(document: bytes, tail: bytes, folder: Path) -> list[Source]:
    file = folder / "document"
    file.write_bytes(document)
    made = [Source.of_bytes(document), Source.of_file(file)]
    return [each.followed_by(tail) if tail else each for each in made]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("source")


@given(
    document=st.binary(max_size=200),
    tail=st.binary(max_size=50),
    start=st.integers(0, 300),
    length=st.integers(0, 300),
)
def test_every_piece_is_the_same_wherever_the_document_lies(
    folder: Path, document: bytes, tail: bytes, start: int, length: int
) -> None:
    whole = document + tail
    for source in sources(document, tail, folder):
        with source:
            assert source.size == len(whole)
            assert source.read() == whole
            assert source.read(start, start + length) == whole[start : start + length]
            assert bytes(source.map()) == whole
            assert source.every(length + 1) == whole[:: length + 1]
            stream = source.open()
            stream.seek(min(start, len(whole)))
            assert stream.read(length) == whole[start : start + length]
            hasher = hashlib.sha256()
            source.feed(hasher, start=0, end=len(whole))
            assert hasher.digest() == hashlib.sha256(whole).digest()


def test_long_documents_are_digested_piece_by_piece(folder: Path) -> None:
    document = bytes(range(256)) * (3 * CHUNK_BYTES // 256) + b"end"
    for source in sources(document, b"tail", folder):
        with source:
            hasher = hashlib.sha256()
            source.feed(hasher, start=5, end=source.size - 1)
            assert hasher.digest() == hashlib.sha256((document + b"tail")[5:-1]).digest()


def test_an_update_leaves_the_source_before_as_it_was(folder: Path) -> None:
    source = Source.of_bytes(b"document")
    assert source.followed_by(b"+1").followed_by(b"+2").read() == b"document+1+2"
    assert source.read() == b"document"


def test_a_digest_that_is_known_is_taken_for_the_whole_and_goes_on_with_an_update(
    folder: Path,
) -> None:
    path = folder / "known.pdf"
    path.write_bytes(b"document")
    known = hashlib.sha256(b"document")
    for source in (
        Source.of_bytes(b"document", sha256=known),
        Source.of_file(path, sha256=known),
        Source.of_bytes(b"document"),
    ):
        with source:
            longer = source.followed_by(b"+1")
            assert source.hasher("sha256").digest() == hashlib.sha256(b"document").digest()
            assert longer.hasher("sha256").digest() == hashlib.sha256(b"document+1").digest()
            assert longer.hasher("sha384").digest() == hashlib.sha384(b"document+1").digest()
            going_on = source.hasher("sha256")
            going_on.update(b"of one's own")
            assert source.hasher("sha256").digest() == hashlib.sha256(b"document").digest()
    assert known.digest() == hashlib.sha256(b"document").digest()
