"""Pictures of revisions: which pages look other than before, within limits, whatever the file."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from certs.keys.file import FileKey
from signer.pages.appearance import Appearance, Box
from signer.pages.pictures import MAX_REVISIONS_DRAWN, draw_revisions
from signer.validation.revisions import revision_ends
from tests.support.attacks import with_replaced_content
from tests.support.pdfs import one_page, pages
from tests.support.practice import Practice
from tests.support.verification import Desk

SEEN = Appearance(
    lines=("Nguyễn Văn An",),
    box=Box(page=2, left_mm=120, bottom_mm=40, width_mm=60, height_mm=25),
)


def test_the_page_with_the_new_signature_is_the_one_that_changed(
    practice: Practice, leader_key: FileKey
) -> None:
    signed = Desk(practice).sign(pages(3), leader_key, appearance=SEEN)
    first, second = draw_revisions(signed, ends=revision_ends(signed))
    assert (first.page_count, first.compared, first.changed) == (3, 0, ())
    assert [each.page for each in first.pictures] == [1]
    assert (second.compared, second.changed) == (3, (2,))
    assert [each.page for each in second.pictures] == [2]
    with Image.open(BytesIO(second.pictures[0].data)) as picture:
        assert picture.format == "PNG"
        assert 500 < picture.width < 1500


def test_an_invisible_signature_changes_no_page(practice: Practice, leader_key: FileKey) -> None:
    signed = Desk(practice).sign(pages(2), leader_key)
    _, second = draw_revisions(signed, ends=revision_ends(signed))
    assert (second.compared, second.changed) == (2, ())
    assert [each.page for each in second.pictures] == [1]


def test_a_page_that_was_painted_over_is_seen(practice: Practice, leader_key: FileKey) -> None:
    altered = with_replaced_content(Desk(practice).sign(one_page(), leader_key))
    ends = revision_ends(altered)
    assert draw_revisions(altered, ends=ends)[-1].changed == (1,)


def test_without_comparing_only_the_first_page_is_drawn() -> None:
    document = pages(40)
    (only,) = draw_revisions(document, ends=(len(document),), compare=False)
    assert (only.page_count, only.compared, len(only.pictures)) == (40, 0, 1)


def test_what_is_no_document_has_no_picture() -> None:
    (only,) = draw_revisions(b"%PDF-1.7 broken", ends=(15,))
    assert (only.page_count, only.pictures) == (0, ())


def test_of_many_revisions_the_first_and_the_last_are_drawn() -> None:
    document = one_page()
    drawn = draw_revisions(document, ends=(len(document),) * 100)
    assert [each.number for each in drawn] == [1, *range(102 - MAX_REVISIONS_DRAWN, 101)]


def test_the_same_document_gives_the_same_pictures() -> None:
    document = one_page()
    first, second = (draw_revisions(document, ends=(len(document),)) for _ in range(2))
    assert first == second
