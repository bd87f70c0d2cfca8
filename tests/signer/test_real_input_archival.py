"""PDF/A stays PDF/A (ISO 19005) when it is signed: veraPDF before and after."""

from __future__ import annotations

import pytest

from certs.keys.file import FileKey
from signer.pages.appearance import Appearance, Box
from tests.support.java_judges import JavaJudges
from tests.support.pictures import seal_picture
from tests.support.producers import DATA
from tests.support.verification import Desk

pytestmark = pytest.mark.judge("verapdf")

BOX = Box(page=1, left_mm=20, bottom_mm=20, width_mm=60, height_mm=30)
TEXT = Appearance(lines=("Ủy ban nhân dân tỉnh Thanh Hóa", "Nguyễn Văn An"), box=BOX)
SEAL = Appearance(picture=seal_picture(), lines=("Ủy ban nhân dân tỉnh Thanh Hóa",), box=BOX)


def archived(part: str) -> bytes:
    return (DATA / "producers" / f"libreoffice-pdfa-{part}.pdf").read_bytes()


DOCUMENTS = {
    "1b": archived("1b"),
    "2b": archived("2b"),
    # Writer's 2b meets 2u: all its text has Unicode values.
    "2u": archived("2b").replace(b"<pdfaid:conformance>B<", b"<pdfaid:conformance>U<"),
    "3b": archived("3b"),
}


@pytest.mark.parametrize("flavour", DOCUMENTS)
@pytest.mark.parametrize("appearance", [None, TEXT, SEAL], ids=["invisible", "text", "seal"])
def test_it_is_as_much_pdf_a_as_before(
    flavour: str,
    appearance: Appearance | None,
    desk: Desk,
    leader_key: FileKey,
    java_judges: JavaJudges,
) -> None:
    document = DOCUMENTS[flavour]
    assert java_judges.verapdf(document, flavour).compliant
    signed = desk.sign(document, leader_key, appearance=appearance)
    said = java_judges.verapdf(signed, flavour)
    assert said.failures == ()
    assert said.compliant


def test_verapdf_says_what_is_no_pdf_a(java_judges: JavaJudges, signed: bytes) -> None:
    said = java_judges.verapdf(signed, "2b")
    assert not said.compliant
    assert any("font programs" in each for each in said.failures)
