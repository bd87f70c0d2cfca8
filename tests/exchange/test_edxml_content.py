"""Attachments leave their message for the object store under their true digests, or not at all."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.edxml import LocatedAttachment, LocatedDocument, locate_edxml
from exchange.edxml.encoded import EncodedText
from exchange.use_cases.edxml_content import keep_attachments
from exchange.working_copies import copy_of_bytes
from signer.errors import SandboxBroken
from storage.objects.directory import DirectoryStore
from storage.ports import StoredObject, digest_of
from tests.support.envelopes import PDF, attachment, document_text


def wrapped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0b9f.pdf", content)
    return packed.getvalue()


def kept(
    root: Path, message: bytes, alter: Callable[[LocatedAttachment], LocatedAttachment]
) -> list[StoredObject]:
    """Keep what a sandbox says of a message, altered; give all objects that are there then."""

    async def keep() -> list[StoredObject]:
        store = DirectoryStore(root)
        await store.check()
        located = locate_edxml(io.BytesIO(message))
        assert isinstance(located, LocatedDocument)
        said = tuple(map(alter, located.attachments))
        try:
            async with copy_of_bytes(message) as copy:
                await keep_attachments(store, copy, attachments=said)
        finally:
            found = [each async for each in store.list()]
        return found

    return asyncio.run(keep())


@pytest.mark.parametrize("content", [PDF, wrapped(PDF)], ids=["plain", "wrapped"])
def test_each_attachment_becomes_an_object(tmp_path: Path, content: bytes) -> None:
    message = document_text(content).encode()
    assert kept(tmp_path, message, lambda said: said) == [
        StoredObject(digest=digest_of(PDF), size_bytes=len(PDF))
    ]


def other_digest(said: LocatedAttachment) -> LocatedAttachment:
    return replace(said, ref=attachment(PDF + b"!"))


def other_size(said: LocatedAttachment) -> LocatedAttachment:
    return replace(said, ref=replace(said.ref, size_bytes=1, digest=digest_of(b"%")))


def other_place(said: LocatedAttachment) -> LocatedAttachment:
    start, end = said.place.text.ranges[0]
    text = EncodedText(ranges=((start + 4, end + 1_000_000),))
    return replace(said, place=replace(said.place, text=text))


def other_entry(said: LocatedAttachment) -> LocatedAttachment:
    assert said.place.entry is not None
    entry = replace(said.place.entry, packed_bytes=said.place.entry.packed_bytes - 1)
    return replace(said, place=replace(said.place, entry=entry))


@pytest.mark.parametrize("lie", [other_digest, other_size, other_place, other_entry])
def test_what_a_sandbox_says_wrongly_is_not_believed(
    tmp_path: Path, lie: Callable[[LocatedAttachment], LocatedAttachment]
) -> None:
    message = document_text(wrapped(PDF)).encode()
    with pytest.raises(SandboxBroken):
        kept(tmp_path, message, lie)
    assert not [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
