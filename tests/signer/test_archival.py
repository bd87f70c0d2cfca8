"""A PDF/A document stays one with a picture and text in it, whatever its part forbids."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.keys.file import FileKey
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.pages.appearance import Appearance, Box
from signer.pages.archival import archival_rules
from signer.verdicts import Verdict
from tests.support import pdfs
from tests.support.ages import Ages
from tests.support.java_judges import JavaJudges

DATA = Path(__file__).parents[1] / "data"
SEAL = (DATA / "pictures" / "seal.png").read_bytes()
FLAVOURS = ("1b", "2b", "3b")


def archive(flavour: str) -> bytes:
    return (DATA / "producers" / f"libreoffice-pdfa-{flavour}.pdf").read_bytes()


def without_intent(document: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(document))
    del writer.root["/OutputIntents"]
    writer.update_root()  # type: ignore[no-untyped-call]
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


async def shown(document: bytes, key: FileKey) -> bytes:
    """The document with a seal over a line of text, signed."""
    place = Box(page=1, left_mm=100, bottom_mm=40, width_mm=36, height_mm=42)
    request = SigningRequest(
        level=Level.B_B,
        signed_at=datetime.now(UTC),
        appearance=Appearance(picture=SEAL, lines=("Ủy ban nhân dân",), box=place),
    )
    return await sign(document, key=key, request=request)


def picture_of(signed: bytes) -> generic.DictionaryObject:
    [signature] = PdfFileReader(BytesIO(signed)).embedded_regular_signatures
    found = signature.sig_field["/AP"]["/N"]["/Resources"]["/XObject"]["/Im1"]
    assert isinstance(found, generic.DictionaryObject)
    return found


@pytest.mark.judge("verapdf")
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_verapdf_finds_a_signed_archive_as_good_as_before(
    java_judges: JavaJudges, seal_key: FileKey, flavour: str
) -> None:
    signed = await shown(archive(flavour), seal_key)
    assert java_judges.verapdf(signed, flavour).failures == ()


@pytest.mark.judge("verapdf")
async def test_a_signature_that_nobody_sees_leaves_the_archive_as_good_too(
    java_judges: JavaJudges, seal_key: FileKey
) -> None:
    request = SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC))
    signed = await sign(archive("1b"), key=seal_key, request=request)
    assert java_judges.verapdf(signed, "1b").failures == ()


@pytest.mark.judge("verapdf")
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_an_archive_time_stamp_leaves_the_archive_as_good_too(
    java_judges: JavaJudges, tmp_path: Path, flavour: str
) -> None:
    ages = Ages(tmp_path / "ages")
    kept = await ages.sign(archive(flavour), ages.present.person(), Level.B_LTA)
    assert java_judges.verapdf(kept, flavour).failures == ()
    assert ages.judge(kept).verdict is Verdict.VALID


@pytest.mark.judge("verapdf")
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_verapdf_finds_nothing_new_where_the_device_s_colours_are_not_given(
    java_judges: JavaJudges, seal_key: FileKey, flavour: str
) -> None:
    document = without_intent(archive(flavour))
    before = java_judges.verapdf(document, flavour).failures
    after = java_judges.verapdf(await shown(document, seal_key), flavour).failures
    assert set(after) <= set(before)


@pytest.mark.parametrize(("flavour", "key"), [("1b", "/Mask"), ("2b", "/SMask"), ("3b", "/SMask")])
async def test_only_part_one_gets_pictures_without_half_transparent_dots(
    seal_key: FileKey, flavour: str, key: str
) -> None:
    picture = picture_of(await shown(archive(flavour), seal_key))
    assert {"/Mask", "/SMask"} & set(picture) == {key}


async def test_the_stencil_hides_what_is_clear(seal_key: FileKey) -> None:
    mask = picture_of(await shown(archive("1b"), seal_key))["/Mask"]
    assert mask["/ImageMask"] == generic.BooleanObject(True)  # type: ignore[no-untyped-call]
    bits = mask.data
    assert bits[0] & 0x80, "the corner is painted"
    assert any(byte != 0xFF for byte in bits), "nothing is painted"


def test_a_document_that_claims_nothing_forbids_nothing() -> None:
    rules = archival_rules(PdfFileReader(BytesIO(pdfs.one_page())))
    assert (rules.part, rules.soft_masks, rules.code_sets, rules.colour_spaces) == (
        None,
        True,
        False,
        None,
    )


@pytest.mark.parametrize(
    "packet",
    [
        b'<rdf:Description pdfaid:part="2" pdfaid:conformance="B"/>',
        b"<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:part> 2 </pdfaid:part>".encode("utf-16-be"),
    ],
    ids=["attribute", "element", "UTF-16"],
)
def test_the_part_is_read_however_it_is_written(packet: bytes) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(pdfs.one_page()))
    stream = generic.StreamObject(stream_data=packet)
    writer.root[generic.NameObject("/Metadata")] = writer.add_object(stream)
    assert archival_rules(writer).part == 2
