"""Documents as offices' programs make them: signed, seen, verified, and otherwise untouched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from certs.keys.file import FileKey
from certs.schemes import SchemeFamily, SignatureScheme
from signer.pages.appearance import Appearance, Box
from signer.verdicts import Changes, Verdict
from tests.support import pdfs, producers
from tests.support.java_judges import JavaJudges
from tests.support.judges import mutool, pdfsig
from tests.support.pictures import seal_picture
from tests.support.verification import Desk, Judge

MUTOOL_GOOD = "The document is unchanged since signing."
MUTOOL_LATER_REVISIONS = "The signature is valid but there have been edits since signing."
DATA = producers.DATA
DPI = 50
BOX = Box(page=1, left_mm=20, bottom_mm=20, width_mm=50, height_mm=30)
VISIBLE = Appearance(picture=seal_picture(), lines=("Ủy ban nhân dân tỉnh Thanh Hóa",), box=BOX)

# MuPDF 1.21 knows no RSASSA-PSS: test_judges_matrix.py has the judges on every algorithm.
READ_BY_ALL = SignatureScheme(SchemeFamily.RSA_PKCS1, "sha256")

LETTER = DATA / "documents" / "cong-van.pdf"
OFFICE = sorted(path.name for path in (DATA / "documents").glob("*.pdf"))

Maker = Callable[[Path], bytes]


def made(document: bytes) -> Maker:
    return lambda _: document


def rewritten(*options: str, document: Callable[[], bytes] = LETTER.read_bytes) -> Maker:
    return lambda directory: producers.by_qpdf(document(), *options, directory=directory)


def with_header(document: bytes, version: bytes) -> bytes:
    return document.replace(b"%PDF-1.7", b"%PDF-" + version, 1)


def cropped(rotate: int) -> bytes:
    return pdfs.one_page(rotate=rotate, page_entries="/CropBox [40 50 540 800]")


KINDS: dict[str, Maker] = {
    **{f"LibreOffice {name}": made((DATA / "documents" / name).read_bytes()) for name in OFFICE},
    "LibreOffice as PDF/A-2b": made((DATA / "producers/libreoffice-pdfa-2b.pdf").read_bytes()),
    "Chromium": made((DATA / "producers/chromium.pdf").read_bytes()),
    "the structure of Word": made(producers.as_word_writes()),
    "a scan in colour": made(producers.scanned_in_colour()),
    "a scan as CCITT fax": made(producers.scanned_as_fax()),
    "a scan as JBIG2": made(producers.scanned_as_jbig2()),
    "classic references": made(pdfs.one_page()),
    "stream references": rewritten("--object-streams=generate"),
    "PDF 2.0": made(with_header(pdfs.one_page(), b"2.0")),
    "PDF 1.4": made(with_header(pdfs.one_page(), b"1.4")),
    "linearized": rewritten("--linearize"),
    "linearized with object streams": rewritten("--linearize", "--object-streams=generate"),
    "a form": made(pdfs.with_text_field(pdfs.one_page(), "DocNumber", "09")),
    **{f"rotated by {angle}": made(pdfs.one_page(rotate=angle)) for angle in (90, 180, 270)},
    **{f"cropped, rotated by {angle}": made(cropped(angle)) for angle in (0, 90, 180, 270)},
    "user unit": made(pdfs.one_page(page_entries="/UserUnit 2")),
    "owner's password, AES-256": rewritten("--encrypt", "", "owner", "256", "--"),
    "owner's password, AES-128": rewritten("--encrypt", "", "owner", "128", "--use-aes=y", "--"),
    "owner's password, RC4-128": rewritten("--encrypt", "", "owner", "128", "--use-aes=n", "--"),
    "owner's password, RC4-40": rewritten("--encrypt", "", "owner", "40", "--"),
    "owner's password, linearized": rewritten(
        "--linearize", "--encrypt", "", "owner", "256", "--modify=none", "--print=none", "--"
    ),
    "1 000 pages": made(pdfs.pages(1000)),
}


@pytest.fixture(params=KINDS)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    return KINDS[request.param](tmp_path)


def shown(document: bytes, directory: Path, *, page: int = 1) -> Image.Image:
    """A page as Poppler shows it."""
    file = directory / "shown.pdf"
    file.write_bytes(document)
    pages = ("-f", str(page), "-l", str(page), "-singlefile")
    # Poppler takes every unit of a page for a point, whatever its /UserUnit.
    resolution = DPI * (2 if b"/UserUnit 2" in document else 1)
    command = ["pdftoppm", "-cropbox", "-r", str(resolution), "-png", *pages, str(file)]
    picture = subprocess.run(command, check=True, capture_output=True).stdout
    return Image.open(BytesIO(picture)).convert("RGB")


def changed_box(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    assert before.size == after.size
    return ImageChops.difference(before, after).getbbox()


def pixels_of(box: Box, page: Image.Image) -> tuple[float, float, float, float]:
    """Where the box lies in the picture of its page: left, top, right, bottom."""
    scale = DPI / 25.4
    bottom = page.height - box.bottom_mm * scale
    left = box.left_mm * scale
    return left, bottom - box.height_mm * scale, left + box.width_mm * scale, bottom


@pytest.mark.judge("qpdf", "pdftoppm")
@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.judge("dss")
def test_it_is_signed_and_sealed_and_everybody_holds_both_valid(
    document: bytes,
    leader_key: FileKey,
    seal_key: FileKey,
    desk: Desk,
    judge: Judge,
    java_judges: JavaJudges,
    tmp_path: Path,
) -> None:
    signed = desk.sign(document, leader_key, scheme=READ_BY_ALL)
    sealed = desk.sign(signed, seal_key, appearance=VISIBLE, scheme=READ_BY_ALL)
    assert signed.startswith(document)
    assert sealed.startswith(signed)
    report = judge(sealed)
    assert report.verdict is Verdict.VALID, report
    assert [each.changes for each in report.signatures] == [Changes.SIGNATURES, Changes.NONE]
    root = judge.practice.authority.root
    first, second = pdfsig(sealed, root, tmp_path)
    assert first.good, first
    assert second.good, second
    assert second.covers_all
    assert mutool(sealed, tmp_path) == [MUTOOL_LATER_REVISIONS, MUTOOL_GOOD]
    said = java_judges.dss(sealed, root, evidence=judge.evidence).signatures
    assert [each.passed for each in said] == [True, True], said
    assert [each.undefined_changes for each in said] == [0, 0]


@pytest.mark.judge("qpdf", "pdftoppm")
def test_nothing_else_on_its_page_changes(
    document: bytes, leader_key: FileKey, seal_key: FileKey, desk: Desk, tmp_path: Path
) -> None:
    before = shown(document, tmp_path)
    signed = desk.sign(document, leader_key)
    assert changed_box(before, shown(signed, tmp_path)) is None
    sealed = desk.sign(signed, seal_key, appearance=VISIBLE)
    changed = changed_box(before, shown(sealed, tmp_path))
    assert changed is not None
    left, top, right, bottom = pixels_of(BOX, before)
    assert left - 2 <= changed[0] < changed[2] <= right + 2, changed
    assert top - 2 <= changed[1] < changed[3] <= bottom + 2, changed


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
def test_fifty_megabytes_are_signed_and_verified(
    leader_key: FileKey, desk: Desk, judge: Judge, tmp_path: Path
) -> None:
    document = pdfs.one_page_of_size(50_000_000)
    signed = desk.sign(document, leader_key, appearance=VISIBLE, scheme=READ_BY_ALL)
    assert signed.startswith(document)
    assert judge(signed).verdict is Verdict.VALID
    [answer] = pdfsig(signed, judge.practice.authority.root, tmp_path)
    assert answer.good
    assert answer.covers_all
    assert mutool(signed, tmp_path) == [MUTOOL_GOOD]
