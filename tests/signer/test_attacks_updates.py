"""Updates that show readers something else, though no signed object seems to change."""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import re
from io import BytesIO

import pytest
from asn1crypto import tsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper

from certs.practice.authority import Issued
from signer.reasons import Reason
from signer.report import SignatureReport
from signer.verdicts import Changes, Indication, Integrity, SignatureKind, Verdict
from tests.support.hand_signing import hand_signed
from tests.support.practice import Practice
from tests.support.verification import Judge


class PracticeStamper(TimeStamper):
    """Asks the practice authority for time-stamps without a network."""

    def __init__(self, practice: Practice) -> None:
        super().__init__()
        self._practice = practice

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        return tsp.TimeStampResp.load(self._practice.authority.answer_timestamp(req.dump()))


def stamped_in_field(
    document: bytes, practice: Practice, *, box: tuple[int, int, int, int] | None
) -> bytes:
    """Add a document time-stamp whose field has this box on the first page."""
    writer, out = IncrementalPdfFileWriter(BytesIO(document)), BytesIO()
    append_signature_field(writer, SigFieldSpec("Stamp", box=box))
    stamper = PdfTimeStamper(PracticeStamper(practice), field_name="Stamp")
    asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


def with_freed_content(document: bytes, generation: int) -> bytes:
    """Append an update that frees object 4 and says that its next generation would be this."""
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    return document + (
        b"xref\n4 1\n0000000000 %05d f \ntrailer\n<< /Size 7 /Root 1 0 R /Prev %d >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (generation, previous, len(document))
    )


def test_a_document_time_stamp_that_shows_on_the_page_is_an_overlay(
    judge: Judge, practice: Practice, leader: Issued
) -> None:
    """Rule 0.4: anyone gets time-stamps, so what one shows was signed by nobody."""
    document = hand_signed(leader)
    assert judge(stamped_in_field(document, practice, box=None)).verdict is Verdict.VALID
    report = judge(stamped_in_field(document, practice, box=(0, 0, 590, 840)))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.OVERLAY_FIELD)


@pytest.mark.parametrize("generation", [1, 5, 65535])
def test_an_object_is_freed_whatever_generation_the_entry_names(
    judge: Judge, leader: Issued, generation: int
) -> None:
    report = judge(with_freed_content(hand_signed(leader), generation))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED)


def with_content_named_twice(document: bytes, *, signed_first: bool, as_stream: bool) -> bytes:
    """Append other page content under object 4, in one section that names the signed one too."""
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    signed_at = document.index(b"\n4 0 obj") + 1
    stream = b"BT /F1 14 Tf 72 700 Td (Other words) Tj ET"
    update = b"4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (len(stream), stream)
    added_at, section_at = len(document), len(document) + len(update)
    rows = [signed_at, added_at] if signed_first else [added_at, signed_at]
    size = int(re.findall(rb"/Size (\d+)", document)[-1]) + 1
    if as_stream:
        entries = b"".join(b"\x01" + at.to_bytes(4, "big") + b"\x00" for at in (*rows, section_at))
        section = (
            b"%d 0 obj\n<</Type/XRef/Size %d/Root 1 0 R/Prev %d/W[1 4 1]/Index[4 1 4 1 %d 1]"
            b"/Length %d>>\nstream\n%s\nendstream\nendobj\n"
            % (size - 1, size, previous, size - 1, len(entries), entries)
        )
    else:
        table = b"".join(b"4 1\n%010d 00000 n \n" % at for at in rows)
        section = b"xref\n%strailer\n<</Size %d/Root 1 0 R/Prev %d>>\n" % (table, size, previous)
    return document + update + section + b"startxref\n%d\n%%%%EOF\n" % section_at


@pytest.mark.parametrize("signed_first", [False, True], ids=["signed last", "signed first"])
def test_a_table_that_names_an_object_twice_is_refused_whichever_row_wins(
    judge: Judge, leader: Issued, *, signed_first: bool
) -> None:
    document = hand_signed(leader)
    altered = with_content_named_twice(document, signed_first=signed_first, as_stream=False)
    report = judge(altered)
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED)
    assert "twice" in report.detail


@pytest.mark.parametrize("signed_first", [False, True], ids=["signed last", "signed first"])
def test_a_stream_that_names_an_object_twice_can_not_be_read(
    judge: Judge, leader: Issued, *, signed_first: bool
) -> None:
    document = hand_signed(leader)
    altered = with_content_named_twice(document, signed_first=signed_first, as_stream=True)
    assert judge(altered).verdict is Verdict.UNREADABLE


def test_a_report_holds_no_text_that_a_database_refuses() -> None:
    report = SignatureReport(
        field="Leader\x00\ud800" + "x" * 5000,
        kind=SignatureKind.SIGNATURE,
        indication=Indication.INDETERMINATE,
        integrity=Integrity.UNKNOWN,
        changes=Changes.UNKNOWN,
        reason="FIELD_UNREADABLE",
    )
    assert report.field.startswith("Leader\ufffd\ufffdx")
    assert len(report.field) == 1000
