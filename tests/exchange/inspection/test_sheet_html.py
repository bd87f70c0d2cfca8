"""The verification sheet in HTML: true facts in both languages, and no stranger's text runs."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from exchange.inspection.composing import Circumstances, compose
from exchange.inspection.html import html_sheet
from exchange.texts import LANGUAGES, sheet_text
from signer.leniencies import Leniency
from signer.pages.pictures import PagePicture, RevisionPictures
from signer.report import Report, RevisionContent
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from tests.support.reports import LEADER, good_signature, report_on

BROKEN = good_signature(
    indication=Indication.TOTAL_FAILED,
    sub_indication=SubIndication.HASH_FAILURE,
    integrity=Integrity.BROKEN,
    changes=Changes.UNKNOWN,
    reason="DOCUMENT_ALTERED",
    detail="the signed bytes are not those that were signed",
)
PICTURES = (
    RevisionPictures(
        number=1,
        page_count=3,
        pictures=(PagePicture(page=1, media_type="image/png", data=b"\x89PNG picture"),),
    ),
)


def sheet_of(report: Report, **circumstances: object) -> Any:  # noqa: ANN401 - lxml has no exact types
    """The sheet, parsed."""
    made = compose(report, Circumstances(**circumstances))  # type: ignore[arg-type]
    return html.document_fromstring(html_sheet(made).decode())


def said(sheet: Any) -> str:  # noqa: ANN401
    """All that a reader reads."""
    return " ".join(sheet.find("body").text_content().split())


def test_a_valid_document_is_told_with_who_when_and_on_what_grounds() -> None:
    told = said(sheet_of(report_on(good_signature()), file_name="công văn.pdf"))
    for fact in (
        "HỢP LỆ", "VALID", "Việc cần làm", "What to do", "công văn.pdf", "82.218 byte",
        "ab" * 32, "cd" * 32, "default@1#0123456789ab", "24/11/2026 10:30:00 +07:00",
        "Nguyễn Văn An", "Chủ tịch", "Ủy ban nhân dân tỉnh Thanh Hóa", "Văn phòng",
        "24/11/2026 08:30:00 +07:00", "24/11/2026 09:30:00 +07:00", "PAdES B-T",
        "Nội dung đã ký còn nguyên vẹn.", "Chuyên dùng công vụ", "TOTAL_PASSED",
        "CN=leader,C=VN", "gốc tin cậy", "0c" * 32, "Nghị định 68/2024/NĐ-CP",
        "Thông tư 15/2025/TT-BKHCN", "Adobe Reader",
    ):  # fmt: skip
        assert fact in told, fact
    assert "THỰC HÀNH" not in told


def test_an_altered_document_says_so_and_what_to_do() -> None:
    told = said(sheet_of(report_on(BROKEN)))
    for fact in (
        "KHÔNG HỢP LỆ", "Nội dung đã bị thay đổi sau khi ký.", "Không sử dụng",
        "DOCUMENT_ALTERED", "TOTAL_FAILED / HASH_FAILURE",
        "the signed bytes are not those that were signed",
    ):  # fmt: skip
        assert fact in told, fact
    assert "Văn bản dùng được" not in told


@pytest.mark.parametrize("verdict", ["INDETERMINATE", "UNSIGNED", "UNREADABLE"])
def test_every_other_verdict_has_its_sheet(verdict: str) -> None:
    reason = {"INDETERMINATE": "REVOCATION_UNKNOWN", "UNREADABLE": "NOT_A_PDF"}.get(verdict, "")
    report = report_on(verdict=Verdict(verdict), reason=reason, revisions=())
    told = said(sheet_of(report, without_pictures="not_drawn"))
    assert sheet_text("revision.none", "vi") in told
    assert "không vẽ được trang nào." in told
    assert "Văn bản dùng được" not in told


def test_practice_is_shouted_above_and_below_and_never_recommended() -> None:
    sheet = sheet_of(report_on(good_signature(practice=True, anchor_class="PRACTICE")))
    assert len(sheet.xpath("//div[@class='practice']")) == 2
    told = said(sheet)
    assert "THỰC HÀNH – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in told
    assert "không dùng văn bản này trong công việc thật" in told
    assert "Văn bản dùng được" not in told


def test_pictures_lie_in_the_file_with_words_that_stand_for_them() -> None:
    sheet = sheet_of(report_on(good_signature()), pictures=PICTURES)
    (picture,) = sheet.xpath("//img")
    assert b64decode(picture.get("src").partition(",")[2]) == b"\x89PNG picture"
    assert picture.get("alt") == "Hình chụp trang 1 của văn bản ở phiên bản 1"


def test_nothing_is_loaded_or_run_and_the_style_is_the_one_that_is_allowed() -> None:
    made = html_sheet(compose(report_on(good_signature()), Circumstances(pictures=PICTURES)))
    sheet: Any = html.document_fromstring(made.decode())
    for tag in ("script", "link", "iframe", "object", "embed", "form", "a", "base", "svg"):
        assert sheet.xpath(f"//{tag}") == []
    assert not re.search(rb"https?://", made)
    assert all(image.get("src").startswith("data:image/") for image in sheet.xpath("//img"))
    allowed = sheet.xpath("//meta[@http-equiv='Content-Security-Policy']")[0].get("content")
    style = re.search(rb"<style>(.*?)</style>", made, re.DOTALL)
    assert style
    digest = b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in allowed
    assert allowed.startswith("default-src 'none'")
    assert not sheet.xpath("//@style")


def test_the_page_has_its_language_one_title_and_headings_in_order() -> None:
    sheet = sheet_of(report_on(good_signature()), pictures=PICTURES)
    assert sheet.get("lang") == "vi"
    assert len(sheet.xpath("//h1")) == 1
    levels = [int(each.tag[1]) for each in sheet.xpath("//h1|//h2|//h3|//h4")]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert sheet.xpath("//span[@class='en'][not(@lang='en')]") == []
    known = set(sheet.xpath("//@id"))
    assert set(sheet.xpath("//@aria-labelledby")) <= known


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><script>x</script>",
        "{{ 7*7 }}{% raw %}",
        "\u202egnp.exe",
        "\x00\x1b[31m",
        "javascript:alert(1)",
        "&lt;b&gt;",
        "N" * 2000,
    ]
)


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_name_of_a_stranger_becomes_part_of_the_page(name: str, field: str, file: str) -> None:
    plain = _shape(report_on(good_signature(signer=replace(LEADER, common_name="A"))), "a.pdf")
    signer = replace(LEADER, common_name=name)
    hostile = _shape(report_on(good_signature(signer=signer, field=field)), file or "x")
    assert hostile == plain


def _shape(report: Report, file_name: str) -> list[tuple[str, tuple[str, ...]]]:
    """The page's elements and the names of their attributes: what strangers must not change."""
    made = html_sheet(compose(report, Circumstances(file_name=file_name)))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", made.decode())
    sheet: Any = html.document_fromstring(made.decode())
    # How long a code is decides its class, not whether it has one.
    return [(str(each.tag), tuple(sorted(each.attrib))) for each in sheet.iter()]


def test_the_same_report_gives_the_same_bytes() -> None:
    first, second = (
        html_sheet(compose(report_on(good_signature()), Circumstances(pictures=PICTURES)))
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_a_report_has_its_words_on_the_sheet(language: str) -> None:
    for key, words in {
        "kind": SignatureKind, "integrity": Integrity, "changes": Changes, "level": SignatureLevel,
        "result": Indication, "leniency": Leniency, "content": RevisionContent,
    }.items():  # fmt: skip
        for word in words:
            assert sheet_text(f"{key}.{word}", language)  # type: ignore[arg-type]
