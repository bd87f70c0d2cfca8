"""Reports of `congvan verify` as files: all forms, never over another file, stdout as ever."""

from __future__ import annotations

import json
import resource
import zipfile
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
from lxml import etree, html

from tests.exchange.cli.conftest import Desk
from tests.exchange.cli.running import Program
from tests.support.pdfs import one_page


@pytest.fixture
def signed(congvan: Program, desk: Desk) -> Path:
    """A document signed at B-T."""
    assert congvan("sign", desk.document, *desk.signing).code == 0
    return desk.directory / "cong-van_daky.pdf"


def test_all_forms_of_one_report_are_written_beside_the_usual_answer(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    out = {name: desk.directory / f"out.{name}" for name in ("html", "pdf", "xml", "zip")}
    usual = congvan("verify", signed, *desk.trusting, "--json")
    forms = ("--html", out["html"], "--pdf", out["pdf"], "--xml", out["xml"])
    evidence = ("--evidence", out["zip"], "--with-document")
    told = congvan("verify", signed, *desk.trusting, "--json", *forms, *evidence)
    assert told.code == usual.code == 0, told.err
    assert told.document.keys() == usual.document.keys()
    sheet: Any = html.document_fromstring(out["html"].read_text(encoding="utf-8"))
    assert "Nguyễn Văn An" in sheet.text_content()
    assert len(sheet.xpath("//img")) == len(told.document["revisions"])
    with pypdfium2.PdfDocument(out["pdf"]) as opened:
        assert "HỢP LỆ" in opened[0].get_textpage().get_text_range()
    assert etree.parse(out["xml"]).getroot().tag.endswith("ValidationReport")
    with zipfile.ZipFile(out["zip"]) as archive:
        assert archive.read("document.pdf") == signed.read_bytes()
        manifest = json.loads(archive.read("manifest.json"))
        kept = json.loads(archive.read("report.json"))
    assert manifest["document"]["sha256"] == told.document["sha256"]
    assert kept == {name: value for name, value in told.document.items() if name != "file"}
    assert all(
        each["included"]
        for signature in manifest["signatures"]
        for each in (*signature["certificates"], *signature["evidence"])
    )


def test_no_file_is_written_over(congvan: Program, desk: Desk, signed: Path) -> None:
    taken = desk.directory / "sheet.html"
    taken.write_text("mine")
    told = congvan("verify", signed, *desk.trusting, "--html", taken, "--json")
    assert told.reason == "OUTPUT_EXISTS"
    assert taken.read_text() == "mine"
    twice = desk.directory / "twice"
    told = congvan("verify", signed, *desk.trusting, "--html", twice, "--xml", twice, "--json")
    assert told.reason == "USAGE_INVALID"
    assert not twice.exists()


def test_reports_on_several_documents_go_into_a_folder_under_their_names(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    incoming, out = desk.directory / "đến", desk.directory / "phiếu"
    (incoming / "hai").mkdir(parents=True)
    out.mkdir()
    for place in (incoming, incoming / "hai"):
        (place / "văn bản.pdf").write_bytes(signed.read_bytes())
    (incoming / "chưa ký.pdf").write_bytes(one_page())
    (incoming / "hỏng.pdf").write_bytes(b"no PDF")
    forms = ("--recursive", "--no-fetch", "--html", out, "--pdf", out)
    told = congvan("verify", incoming, *desk.trusting, *forms, "--json")
    assert told.code == 3, told.err
    names = ("chưa ký", "hỏng", "văn bản", "văn bản-2")
    assert sorted(each.name for each in out.iterdir()) == sorted(
        name + ending for name in names for ending in (".html", "_phieu.pdf")
    )
    assert "KHÔNG ĐỌC ĐƯỢC" in (out / "hỏng.html").read_text(encoding="utf-8")
    assert "CHƯA KÝ SỐ" in (out / "chưa ký.html").read_text(encoding="utf-8")


def test_several_documents_need_a_folder(congvan: Program, desk: Desk, signed: Path) -> None:
    nowhere = desk.directory / "nowhere"
    told = congvan("verify", signed, desk.document, *desk.trusting, "--html", nowhere, "--json")
    assert told.reason == "OUTPUT_UNWRITABLE"


def test_the_document_goes_only_into_evidence(congvan: Program, desk: Desk, signed: Path) -> None:
    told = congvan("verify", signed, *desk.trusting, "--with-document", "--json")
    assert told.reason == "USAGE_INVALID"


def test_an_earlier_revision_has_its_own_sheet(congvan: Program, desk: Desk, signed: Path) -> None:
    out = desk.directory / "first.html"
    told = congvan("verify", signed, *desk.trusting, "--revision", "1", "--html", out, "--json")
    assert told.document["verdict"] == "UNSIGNED"
    sheet = out.read_text(encoding="utf-8")
    assert told.document["sha256"] in sheet
    assert "Phiên bản 2" not in sheet


def test_a_sheet_that_can_not_be_written_keeps_no_other_from_being_written(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    incoming, out = desk.directory / "đến", desk.directory / "phiếu"
    incoming.mkdir()
    out.mkdir()
    long = "d" * 246  # with .pdf a name that the disk takes, with _phieu.pdf none
    for name in ("a", long, "z"):
        (incoming / f"{name}.pdf").write_bytes(signed.read_bytes())
    told = congvan("verify", incoming, *desk.trusting, "--pdf", out, "--json")
    assert told.code == 6, told.err
    *files, sums = [json.loads(line) for line in told.out.splitlines()]
    assert [each["verdict"] for each in files] == ["VALID"] * 3
    unwritten = [each.get("not_written", {}).get("reason") for each in files]
    assert unwritten == [None, "OUTPUT_UNWRITABLE", None]
    assert sums["summary"]["not_written"] == 1
    assert sorted(each.name for each in out.iterdir()) == ["a_phieu.pdf", "z_phieu.pdf"]


def test_a_full_disk_leaves_no_half_file_and_the_verdicts_are_told(
    congvan: Program, desk: Desk, signed: Path
) -> None:
    incoming, out = desk.directory / "đến", desk.directory / "phiếu"
    incoming.mkdir()
    out.mkdir()
    for name in ("a", "b"):
        (incoming / f"{name}.pdf").write_bytes(signed.read_bytes())
    # The same for whoever writes as a disk without room: a write that ends before all is written.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, hard))
    try:
        forms = ("--html", out, "--evidence", out)
        told = congvan("verify", incoming, *desk.trusting, *forms, "--lang", "vi")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.code == 6, told.err
    assert told.out.count("HỢP LỆ") == 2
    assert "Không ghi được phiếu" in told.err
    assert list(out.iterdir()) == []
