"""Signatures that show text: drawn the quick way only as the engine would draw them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.creation.credential import Credential
from signer.creation.requests import SigningRequest
from signer.errors import FieldUnusable, PlacementInvalid, SignerError, TextUnprintable
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD
from signer.pages.appearance import Appearance, Box
from tests.support import pdfs, plain_kinds
from tests.support.lawful import numbered, prepared
from tests.support.two_ways import quick, request_for, taken_rightly, through_the_engine

pytestmark = pytest.mark.usefixtures("frozen")

KINDS = plain_kinds.kinds()
BOX = Box(page=1, left_mm=30, bottom_mm=30.5, width_mm=60, height_mm=20)
LINES = ("Nguyễn Văn An", "2026")


def seen_at(box: Box | None, lines: tuple[str, ...] = LINES, **fields: object) -> SigningRequest:
    return request_for(appearance=Appearance(lines=lines, box=box), **fields)


SEEN = seen_at(BOX)


@pytest.mark.parametrize("kind", KINDS)
def test_text_on_every_plain_kind_gets_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    for each in (credentials[0], credentials[3]):
        assert taken_rightly(KINDS[kind], each, SEEN)


@pytest.mark.parametrize("kind", ["table and XMP", "object stream and XMP", "PDF 2.0"])
def test_two_texts_one_after_the_other_get_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    document = KINDS[kind] + through_the_engine(KINDS[kind], credentials[0], SEEN).content
    assert taken_rightly(document, credentials[1], replace(SEEN, field_name="Cơ quan"))


def on_page(page: bytes, *, pages: bytes = b"", catalog: bytes = b"") -> bytes:
    """A document of one page with these entries beside the usual ones."""
    return pdfs.assemble(
        [
            plain_kinds.CATALOG[:-2] + catalog + b">>",
            plain_kinds.PAGES[:-2] + pages + b">>",
            b"<< /Type /Page /Parent 2 0 R " + page + b" >>",
        ]
    )


PAGES = {
    "no area of its own": on_page(b""),
    "an area of its parent": on_page(b"", pages=b"/MediaBox [0 0 500 700]"),
    "an area that begins elsewhere": on_page(b"/MediaBox [-20.5 30 480 800.25]"),
    "upside down": on_page(b"/MediaBox [600 800 0 0]"),
    "cropped": on_page(b"/MediaBox [0 0 595 842] /CropBox [20 20.5 500 800]"),
    "cropped by its parent": on_page(b"/MediaBox [0 0 595 842]", pages=b"/CropBox [20 20 500 800]"),
    "turned right": on_page(b"/MediaBox [0 0 595 842] /Rotate 90"),
    "turned over": on_page(b"/MediaBox [0 0 595 842] /Rotate -180"),
    "turned left by its parent": on_page(b"/MediaBox [0 0 595 842]", pages=b"/Rotate 270"),
    "turned and cropped": on_page(b"/Rotate 90 /CropBox [9 9 590 830] /MediaBox [0 0 595 842]"),
    "larger units": on_page(b"/MediaBox [0 0 300 421] /UserUnit 2"),
    "smaller units": on_page(b"/MediaBox [0 0 3000 4210] /UserUnit .2"),
    "units of its parent, which count for nothing": on_page(b"", pages=b"/UserUnit 2"),
}


@pytest.mark.parametrize("kind", PAGES)
def test_text_on_pages_of_every_shape_gets_the_engines_bytes(kind: str, rsa: Credential) -> None:
    assert taken_rightly(PAGES[kind], rsa, SEEN)


@pytest.mark.parametrize("intents", [b"", b"/OutputIntents [ ]", b"/OutputIntents [<< >>]"])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_pdf_a_wants_in_drawings_is_as_the_engine_has_it(
    intents: bytes, compressed: bool, rsa: Credential
) -> None:
    objects = plain_kinds.with_xmp(compressed=compressed)
    objects[0] = objects[0][:-2] + intents + b">>"
    assert taken_rightly(pdfs.assemble(objects), rsa, SEEN)
    update = quick(pdfs.assemble(objects), rsa, SEEN)
    assert update is not None
    assert b"/DefaultGray" in update.content
    objects[4] = objects[4].replace(b"pdfaid:part>2", b"pdfaid:part>1")
    assert compressed or quick(pdfs.assemble(objects), rsa, SEEN) is None


@pytest.mark.parametrize("kind", ["table", "object stream and XMP", "PDF 1.4"])
def test_text_in_prepared_fields_gets_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    document = prepared(KINDS[kind])
    for_leader = seen_at(None, field_name=LEADER_FIELD)
    for_seal = seen_at(None, ("Ủy ban nhân dân",), field_name=SEAL_FIELD)
    assert taken_rightly(document, credentials[0], for_leader)
    document = numbered(document + through_the_engine(document, credentials[0], for_leader).content)
    assert taken_rightly(document, credentials[3], for_seal)


REFUSED: dict[str, tuple[SigningRequest, type[SignerError]]] = {
    "off the page": (seen_at(replace(BOX, left_mm=180)), PlacementInvalid),
    "on a page that is not there": (seen_at(replace(BOX, page=9)), PlacementInvalid),
    "too small for its text": (seen_at(replace(BOX, width_mm=2)), PlacementInvalid),
    "letters that the typeface lacks": (seen_at(BOX, ("漢",)), TextUnprintable),
    "without a place": (seen_at(None), PlacementInvalid),
    "a second place": (seen_at(BOX, field_name="F"), PlacementInvalid),
    "a field that nobody sees": (seen_at(None, field_name="G"), PlacementInvalid),
    "a name of two parts": (seen_at(BOX, field_name="A.B"), FieldUnusable),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_engine_refuses_is_left_to_it(kind: str, rsa: Credential) -> None:
    document = pdfs.with_empty_field(pdfs.one_page(), "F", box=(100, 100, 300, 160))
    document = pdfs.with_empty_field(document, "G")
    request, error = REFUSED[kind]
    assert quick(document, rsa, SEEN) is not None
    assert quick(document, rsa, request) is None
    with pytest.raises(error):
        through_the_engine(document, rsa, request)


def test_other_pages_than_the_first_are_left_to_the_engine(rsa: Credential) -> None:
    for page in (2, -1):
        request = seen_at(replace(BOX, page=page))
        assert quick(pdfs.pages(2), rsa, request) is None
        assert through_the_engine(pdfs.pages(2), rsa, request)


@settings(max_examples=80, deadline=None)
@given(
    sides=st.tuples(*[st.floats(1, 300)] * 4),
    lines=st.lists(st.text("ABab áĐ.", max_size=12), min_size=1, max_size=3).filter(
        lambda lines: any(line.strip() for line in lines)
    ),
    page=st.sampled_from(sorted(PAGES)),
)
def test_any_text_in_any_box_gets_the_engines_bytes_or_none(
    sides: tuple[float, ...], lines: list[str], page: str, rsa: Credential
) -> None:
    left, bottom, width, height = sides
    box = Box(page=1, left_mm=left, bottom_mm=bottom, width_mm=width, height_mm=height)
    request = seen_at(box, tuple(lines))
    if not taken_rightly(PAGES[page], rsa, request):
        with pytest.raises(PlacementInvalid):
            through_the_engine(PAGES[page], rsa, request)


KEYS = (
    b"/MediaBox /CropBox /Rotate /UserUnit /Annots /Parent /Metadata /OutputIntents /Type".split()
)
VALUES = (
    *b"null 0 90 -90 90.0 45 1 2 .5 1e3 0.0 -1 /A (90) true 2 0 R".split(),
    *b"[0 0 595 842],[0 0 595.0 842.5],[595 842 0 0],[9 9 300 400],[0 0 0 9],[0 0 9]".split(b","),
    *b"[0 0 (595) 842],[0 0 /A 9],[(inf) 0 (inf) 9],[],[0 0 595 842 1],[0 0 595 2 0 R]".split(b","),
    *b"1 0 R,2 0 R,3 0 R,9 0 R,<< >>,[ 3 0 R ],[1000 1000 2000 2000],<1F>".split(b","),
)


@pytest.mark.parametrize("seed", [1, 2])
def test_altered_pages_get_the_engines_bytes_or_none(rsa: Credential, seed: int) -> None:
    dice = random.Random(seed)
    outcomes: Counter[bool] = Counter()
    for _ in range(400):
        places: tuple[list[bytes], ...] = ([], [], [])
        for _ in range(dice.choice((1, 2, 3))):
            dice.choice((places[0], places[0], places[1], places[2])).append(
                b"%b %b" % (dice.choice(KEYS), dice.choice(VALUES))
            )
        page, pages, catalog = (b" ".join(each) for each in places)
        document = on_page(page, pages=pages, catalog=catalog)
        box = replace(BOX, left_mm=dice.choice((5, 30, 140)), bottom_mm=dice.choice((5, 230)))
        outcomes[taken_rightly(document, rsa, seen_at(box))] += 1
    assert outcomes[True] > 50
    assert outcomes[False] > 50
