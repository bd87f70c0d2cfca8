"""Verifying as of a revision: the document's first bytes, judged as a document of its own."""

from __future__ import annotations

import hashlib

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.pdfs import one_page


def signed_twice(congvan: Program, desk: Desk) -> bytes:
    assert congvan("sign", desk.document, *desk.signing, "--level", "B-B").code == 0
    once = desk.directory / "cong-van_daky.pdf"
    again = desk.directory / "again.pdf"
    told = congvan("sign", once, *desk.signing, "--level", "B-B", "--out", again)
    assert told.code == 0, told.out
    return again.read_bytes()


def test_each_revision_is_judged_as_the_document_was_then(congvan: Program, desk: Desk) -> None:
    content = signed_twice(congvan, desk)
    verify = ("verify", desk.directory / "again.pdf", *desk.trusting)
    whole = congvan(*verify, "--json").document
    ends = [each["end"] for each in whole["revisions"]]
    assert whole["revisions"][0]["signed_by"] == []
    assert len(ends) == 3
    assert "as_of_revision" not in whole
    for number, signatures, code in ((1, 0, 8), (2, 1, 0), (3, 2, 0)):
        told = congvan(*verify, "--revision", str(number), "--json")
        assert told.code == code, told.document
        assert len(told.document["signatures"]) == signatures
        assert told.document["sha256"] == hashlib.sha256(content[: ends[number - 1]]).hexdigest()
        assert told.document["as_of_revision"] == {
            "number": number,
            "revisions": 3,
            "whole_sha256": whole["sha256"],
        }
    assert told.document["signatures"][-1]["covers_whole_document"]
    shown = congvan(*verify, "--revision", "2").out
    assert "Xét như ở lần sửa 2 trong 3" in " ".join(shown.split())


def test_a_revision_that_is_not_there_is_named(congvan: Program, desk: Desk) -> None:
    told = congvan("verify", desk.document, *desk.trusting, "--revision", "9", "--json")
    assert (told.code, told.document["reason"]) == (3, "REVISION_MISSING")
    assert told.document["detail"] == "9, it has 1"


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_what_is_no_revision_is_a_usage_error(congvan: Program, desk: Desk, number: str) -> None:
    told = congvan("verify", desk.document, *desk.trusting, "--revision", number, "--json")
    assert (told.code, told.reason) == (2, "USAGE_INVALID")


def test_what_can_not_be_read_says_so_with_any_revision(congvan: Program, desk: Desk) -> None:
    desk.document.write_bytes(b"no document")
    told = congvan("verify", desk.document, *desk.trusting, "--revision", "1", "--json")
    assert (told.code, told.document["reason"]) == (3, "NOT_A_PDF")


def test_what_was_let_pass_is_shown_by_its_name(congvan: Program, desk: Desk) -> None:
    plain = one_page().replace(b"startxref", b"%made by another maker\nstartxref")
    desk.document.write_bytes(plain)
    assert congvan("sign", desk.document, *desk.signing, "--level", "B-B").code == 0
    verify = ("verify", desk.directory / "cong-van_daky.pdf", *desk.trusting)
    told = congvan(*verify, "--json")
    assert told.code == 0
    assert told.document["signatures"][0]["leniencies"] == ["COMMENT_BEFORE_END"]
    assert "(COMMENT_BEFORE_END)" in " ".join(congvan(*verify).out.split())
