"""Documents made to cost much: the quick way leaves them to the engine at little cost."""

from __future__ import annotations

import time
import zlib
from contextlib import suppress

import pytest

from signer.creation.credential import Credential
from signer.errors import DocumentRefused
from tests.support import pdfs, plain_kinds
from tests.support.two_ways import quick

pytestmark = pytest.mark.usefixtures("frozen")

KINDS = plain_kinds.kinds()

HOSTILE = {
    "deep": b"<< /Type /Catalog /Pages 2 0 R /A " + b"[" * 200_000 + b"]" * 200_000 + b" >>",
    "long": b"<< /Type /Catalog /Pages 2 0 R /A [" + b" 1" * 200_000 + b"] >>",
    "digits": b"<< /Type /Catalog /Pages 2 0 R /A " + b"1" * 200_000 + b" >>",
    "parentheses": b"<< /Type /Catalog /Pages 2 0 R /A " + b"(" * 200_000 + b" >>",
    "escapes": b"<< /Type /Catalog /Pages 2 0 R /A (" + b"\\" * 200_001 + b" >>",
    "comments": b"<< /Type /Catalog /Pages 2 0 R " + b"%\n" * 200_000,
    "white space": b"<< /Type /Catalog /Pages 2 0 R " + b" " * 400_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_documents_cost_little_and_are_not_taken(kind: str, rsa: Credential) -> None:
    document = pdfs.assemble([HOSTILE[kind], plain_kinds.PAGES, plain_kinds.PAGE])
    begun = time.process_time()
    with suppress(DocumentRefused):
        assert quick(document, rsa) is None
    assert time.process_time() - begun < 0.5


MANY_FIELDS = (
    b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [" + b" 4 0 R" * 200 + b" ] >> >>"
)
COSTLY_VALUES = {
    "escapes": b"(" + b"\\101" * 15_000 + b")",
    "bytes": b"(" + b"\x80" * 60_000 + b")",
    "names": b"[" + b"/A#20" * 12_000 + b" ]",
    "a large object": b"(" + b"\\101" * 500_000 + b")",
}


@pytest.mark.parametrize("kind", COSTLY_VALUES)
def test_an_object_that_is_named_again_and_again_costs_little(kind: str, rsa: Credential) -> None:
    field = b"<< /T (x) /FT /Tx /A " + COSTLY_VALUES[kind] + b" >>"
    document = pdfs.assemble([MANY_FIELDS, plain_kinds.PAGES, plain_kinds.PAGE, field])
    begun = time.process_time()
    assert quick(document, rsa) is None
    assert time.process_time() - begun < 1.0


def test_revisions_in_very_many_parts_cost_little(rsa: Credential) -> None:
    document = pdfs.assemble([plain_kinds.CATALOG, plain_kinds.PAGES, plain_kinds.PAGE])
    part = b"0000000009 00000 n \n" * 6
    parts = b"".join(b"%d 6\n%b" % (10 + 8 * number, part) for number in range(198))
    previous = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    for _ in range(14):
        at = len(document)
        document += b"xref\n%btrailer\n<< /Size 5000 /Root 1 0 R /Prev %d >>\n" % (parts, previous)
        document += b"startxref\n%d\n%%%%EOF\n" % at
        previous = at
    begun = time.process_time()
    assert quick(document, rsa) is None
    assert time.process_time() - begun < 0.5


def test_streams_that_grow_beyond_measure_are_not_unpacked(rsa: Credential) -> None:
    bomb = plain_kinds.stream(
        b"/Type /Metadata /Subtype /XML /Filter /FlateDecode", zlib.compress(bytes(50_000_000))
    )
    objects = [plain_kinds.with_xmp()[0], *plain_kinds.with_xmp()[1:4], bomb]
    begun = time.process_time()
    assert quick(pdfs.assemble(objects), rsa) is None
    assert time.process_time() - begun < 0.5


def test_a_circle_of_sections_or_pages_ends(rsa: Credential) -> None:
    circle = [plain_kinds.CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]
    assert quick(pdfs.assemble(circle), rsa) is None
    start = int(KINDS["table"].rsplit(b"startxref\n", 1)[1].split()[0])
    assert quick(pdfs.assemble(circle, trailer=f"/Prev {start}"), rsa) is None
