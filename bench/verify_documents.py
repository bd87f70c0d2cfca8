"""The signed documents that the entries of verification judge, by other makers and by us."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import cache
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSigner
from pyhanko.sign.ades.api import CAdESSignedAttrSpec, GenericCommitment
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata

from bench.levels import Authority, sign_long_term_plainly
from bench.material import Material, evidence, now, with_table
from bench.plainly import sign_plainly
from certs.revocation.evidence import RevocationEvidence
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign

PAGES: Final = 1000
_LINES: Final = 40


def evidence_for_stamps(made: Material) -> RevocationEvidence:
    """Return evidence about the signer and about the time-stamping authority."""
    return evidence(made).merged(RevocationEvidence(crls=(made.authority.crl(),)))


def signed_by_us(made: Material) -> bytes:
    """Sign at B-B as this project does."""
    request = SigningRequest(level=Level.B_B, signed_at=now())
    return asyncio.run(sign(made.document, key=made.key, request=request))


def signed_elsewhere(made: Material) -> bytes:
    """Sign at B-B with entries and attributes that other makers write and we do not."""
    metadata = PdfSignatureMetadata(
        field_name="Chu ky 1",
        name="Nguyen Van An",
        reason="Phe duyet",
        location="Ha Noi",
        contact_info="an@example.vn",
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha512",
        cades_signed_attr_spec=CAdESSignedAttrSpec(
            commitment_type=GenericCommitment.PROOF_OF_APPROVAL.asn1
        ),
    )
    output = PdfSigner(metadata, made.plain_signer).sign_pdf(
        IncrementalPdfFileWriter(BytesIO(made.document))
    )
    return bytes(output.getvalue())


def signed_for_long(made: Material) -> bytes:
    """Sign at B-LTA with pyHanko: store and archive time-stamp follow the signature."""
    authority = Authority(made.authority)
    return sign_long_term_plainly(made, authority, known=evidence_for_stamps(made))()


def of_many_pages(made: Material, pages: int = PAGES) -> Material:
    """Return the same signer with a document of that many pages."""
    return dataclasses.replace(made, document=document_of_pages(pages))


@cache
def document_of_pages(pages: int) -> bytes:
    """Make a document of so many pages of text, two objects for each."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * page) for page in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
    ]
    for page in range(pages):
        content = b"BT /F1 12 Tf 72 700 Td (Trang %d) Tj ET\n" % (page + 1) * _LINES
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * page)
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    return with_table(objects)


def signed_often(made: Material, times: int) -> bytes:
    """Sign again and again, each signature over all before it."""
    document = made.document
    for number in range(1, times + 1):
        document = sign_plainly(document, made.plain_signer, field_name=f"Signature{number}")
    return document
