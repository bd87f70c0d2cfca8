"""Independent judges on what we sign: Poppler (NSS), MuPDF and OpenSSL must all agree."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys.file import FileKey
from certs.schemes import SchemeFamily, SignatureScheme
from certs.timestamping import HttpTimestamper
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.pages.appearance import Appearance, Box
from signer.validation.assessing import assess
from signer.verdicts import Changes, Verdict
from tests.support import pdfs
from tests.support.judges import (
    mutool,
    openssl_cades,
    openssl_timestamp,
    pdfsig,
    qpdf_complaints,
)
from tests.support.pictures import seal_picture
from tests.support.practice import Practice, file_key

CADES_GOOD = "CAdES Verification successful"
MUTOOL_GOOD = "The document is unchanged since signing."
MUTOOL_LATER_REVISIONS = "The signature is valid but there have been edits since signing."

VISIBLE = Appearance(
    picture=seal_picture(),
    lines=("Ủy ban nhân dân tỉnh Thanh Hóa",),
    box=Box(page=1, left_mm=100, bottom_mm=50, width_mm=60, height_mm=40),
)
PKCS1 = SignatureScheme(SchemeFamily.RSA_PKCS1, "sha256")
DOCUMENTS = {
    "classic xref": pdfs.one_page(),
    "stream xref": pdfs.with_stream_xrefs(pdfs.one_page()),
    "with a form": pdfs.with_text_field(pdfs.one_page(), "DocNumber"),
}


@pytest.fixture(scope="module", params=["rsa2048", "p256"])
def key(request: pytest.FixtureRequest, practice: Practice) -> FileKey:
    return file_key(
        practice.authority.issue_person("Lê Thị Bình", organisation="UBND", key=request.param)
    )


@pytest.fixture(scope="module", params=[Level.B_B, Level.B_T], ids=str)
def level(request: pytest.FixtureRequest) -> Level:
    return Level(request.param)


async def sign_twice(
    document: bytes, keys: tuple[FileKey, FileKey], level: Level, practice: Practice
) -> bytes:
    """The document with an invisible first and a visible second signature."""
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        timestamper = HttpTimestamper(practice.tsa_url, fetcher=fetcher, store=practice.trust)
        for key, appearance in zip(keys, (None, VISIBLE), strict=True):
            # mutool 1.21 reads no RSASSA-PSS.
            scheme = PKCS1 if SchemeFamily.RSA_PKCS1 in key.families else None
            request = SigningRequest(
                level=level, signed_at=datetime.now(UTC), appearance=appearance, scheme=scheme
            )
            document = await sign(document, key=key, request=request, timestamper=timestamper)
    return document


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.judge("openssl")
@pytest.mark.judge("qpdf")
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_all_judges_hold_both_signatures_valid(
    kind: str,
    key: FileKey,
    level: Level,
    seal_key: FileKey,
    practice: Practice,
    tmp_path: Path,
) -> None:
    root = practice.authority.root
    signed = await sign_twice(DOCUMENTS[kind], (key, seal_key), level, practice)
    first, second = pdfsig(signed, root, tmp_path)
    assert first.good, first
    assert second.good, second
    assert first.kind == second.kind == "ETSI.CAdES.detached"
    assert not first.covers_all
    assert second.covers_all
    assert mutool(signed, tmp_path) == [MUTOOL_LATER_REVISIONS, MUTOOL_GOOD]
    assert openssl_cades(signed, root, tmp_path) == [CADES_GOOD] * 2
    assert qpdf_complaints(signed, tmp_path) == ""


@pytest.mark.judge("pdfsig", "certutil")
@pytest.mark.judge("mutool")
@pytest.mark.judge("openssl")
async def test_all_judges_see_a_changed_byte(
    leader_key: FileKey, practice: Practice, tmp_path: Path
) -> None:
    request = SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC))
    signed = await sign(pdfs.one_page("So: 09"), key=leader_key, request=request)
    changed = signed.replace(b"So: 09", b"So: 90")
    [answer] = pdfsig(changed, practice.authority.root, tmp_path)
    assert answer.signature == "Digest Mismatch."
    assert mutool(changed, tmp_path) != [MUTOOL_GOOD]
    assert CADES_GOOD not in openssl_cades(changed, practice.authority.root, tmp_path)


@pytest.mark.judge("openssl")
async def test_openssl_holds_the_time_stamp_valid(
    key: FileKey, seal_key: FileKey, practice: Practice, tmp_path: Path
) -> None:
    signed = await sign_twice(pdfs.one_page(), (key, seal_key), Level.B_T, practice)
    for signature in PdfFileReader(BytesIO(signed)).embedded_regular_signatures:
        [attribute] = signature.signer_info["unsigned_attrs"]
        token = attribute["values"][0].dump()
        raw = signature.signer_info["signature"].native
        answer = openssl_timestamp(token, raw, practice.authority.root, tmp_path)
        assert "Verification: OK" in answer, answer


async def test_our_own_judge_agrees(
    leader_key: FileKey, seal_key: FileKey, practice: Practice
) -> None:
    known = practice.evidence(leader_key.certificate, seal_key.certificate)
    for document in DOCUMENTS.values():
        signed = await sign_twice(document, (leader_key, seal_key), Level.B_B, practice)
        report = assess(signed, store=practice.trust, evidence=known, at=datetime.now(UTC))
        assert report.verdict is Verdict.VALID, report
        assert [each.changes for each in report.signatures] == [Changes.SIGNATURES, Changes.NONE]
