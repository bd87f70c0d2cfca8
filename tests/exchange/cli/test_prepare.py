"""`congvan prepare`: fields where the draft leaves room, once, and never after a signature."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program

DRAFTS = Path(__file__).parents[2] / "data" / "drafts"
OFFICE = {"DocNumber", "DocDate", "LeaderSignature", "SealSignature"}


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A draft that shows neither number nor date."""
    return Path(shutil.copy(DRAFTS / "chua-ghi.pdf", tmp_path / "quyet-dinh.pdf"))


def names(entry: dict[str, list[dict[str, object]]]) -> set[object]:
    return {field["name"] for field in entry["fields"]}


def test_a_draft_gets_its_fields_in_a_new_file(congvan: Program, draft: Path) -> None:
    before = draft.read_bytes()
    ran = congvan("prepare", draft, "--json")
    assert ran.code == 0, ran.err
    entry, told = ran.lines
    assert (entry["outcome"], names(entry)) == ("done", OFFICE)
    assert told["summary"] == {"done": 1, "skipped": 0, "failed": 0}
    result = draft.with_name("quyet-dinh_chuanbi.pdf")
    assert draft.read_bytes() == before
    assert result.read_bytes().startswith(before)
    assert sorted(draft.parent.glob("*.pdf")) == [draft, result]


def test_people_read_where_each_field_is(congvan: Program, draft: Path) -> None:
    ran = congvan("prepare", draft, "--leader", "trần văn ví dụ", "--lang", "vi")
    assert ran.code == 0, ran.err
    assert "✓ Đã chuẩn bị" in ran.out
    assert "DocNumber: trang 1, cách trái 30 mm" in ran.out
    assert "LeaderSignature: trang 2" in ran.out


def test_a_prepared_document_is_passed_over(congvan: Program, draft: Path) -> None:
    assert congvan("prepare", draft).code == 0
    again = congvan("prepare", draft.with_name("quyet-dinh_chuanbi.pdf"), "--json")
    assert again.code == 0
    entry, _ = again.lines
    assert (entry["outcome"], entry["reason"]) == ("skipped", "FIELDS_PREPARED")
    assert len(list(draft.parent.glob("*.pdf"))) == 2


def test_nothing_is_written_over(congvan: Program, draft: Path) -> None:
    result = draft.with_name("quyet-dinh_chuanbi.pdf")
    result.write_bytes(b"something of somebody's")
    refused = congvan("prepare", draft, "--json")
    assert (refused.code, refused.reason) == (3, "OUTPUT_EXISTS")
    assert result.read_bytes() == b"something of somebody's"


def test_a_signed_document_is_too_late(congvan: Program, desk: Desk) -> None:
    signed = desk.directory / "signed.pdf"
    made = congvan("sign", desk.document, *desk.signing, "--out", signed)
    assert made.code == 0, made.err
    box = ("--seal-box", "1,100,30,36,36")
    refused = congvan("prepare", signed, *box, "--json")
    entry, _ = refused.lines
    assert (refused.code, entry["outcome"]) == (3, "failed")
    assert entry["reason"] == "NUMBER_AFTER_SIGNATURE"
    assert not signed.with_name("signed_chuanbi.pdf").exists()
    told = congvan("prepare", signed, *box, "--lang", "vi")
    assert "congvan prepare" in told.out


def test_given_boxes_make_exactly_these_fields(congvan: Program, draft: Path) -> None:
    boxes = ("--number-box", "1,35,250,60,6", "--leader-box", "2,40,40,40,18")
    ran = congvan("prepare", draft, *boxes, "--leader-box", "2,120,40,40,18", "--json")
    assert ran.code == 0, ran.err
    assert names(ran.lines[0]) == {"DocNumber", "LeaderSignature", "LeaderSignature2"}


def test_a_folder_is_prepared_as_a_whole(congvan: Program, draft: Path, tmp_path: Path) -> None:
    shutil.copy(DRAFTS / "de-trong.pdf", tmp_path)
    (tmp_path / "broken.pdf").write_bytes(b"no PDF at all")
    out = tmp_path / "out"
    out.mkdir()
    ran = congvan("prepare", tmp_path, "--out", out, "--json")
    assert ran.code == 6
    assert ran.lines[-1]["summary"] == {"done": 2, "skipped": 0, "failed": 1}
    assert sorted(each.name for each in out.iterdir()) == [
        "de-trong_chuanbi.pdf",
        f"{draft.stem}_chuanbi.pdf",
    ]


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (("--seal-box", "1,2,3"), 2, "USAGE_INVALID"),
        (("--seal-box", "1,100,30,36,36", "--leader", "A"), 2, "USAGE_INVALID"),
        (("--number-box", "1,10,10,140,6"), 2, "PLACEMENT_INVALID"),
        (("--number-box", "9,10,10,40,6"), 2, "PLACEMENT_INVALID"),
        (("--leader", "Không Có Tên Này"), 2, "PLACE_NOT_FOUND"),
    ],
)
def test_what_has_no_place_is_refused(
    congvan: Program, draft: Path, options: tuple[str, ...], code: int, reason: str
) -> None:
    ran = congvan("prepare", draft, *options, "--json")
    told = [line.get("reason") or line.get("error", {}).get("reason") for line in ran.lines]
    assert (ran.code, told[0]) == (code, reason)
    assert list(draft.parent.glob("*.pdf")) == [draft]
