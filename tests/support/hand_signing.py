"""Documents signed by hand over exactly the bytes that a /ByteRange, right or wrong, names.

So only the rule that a document breaks can refuse it: its cryptography is right.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.practice.authority import Issued

BYTE_RANGE_ROOM = 60
"""Bytes kept for the array of /ByteRange in documents signed by hand."""


def plain_signer(issued: Issued) -> SimpleSigner:
    """Return pyHanko's own signer for an issued certificate: an engine apart from ours."""
    store = SimpleCertificateStore()
    for certificate in issued.chain:
        store.register(asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)))
    key = issued.private_key.private_bytes(
        Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=store,
    )


def plainly_signed(
    document: bytes,
    issued: Issued,
    metadata: PdfSignatureMetadata,
    field: SigFieldSpec | None = None,
) -> bytes:
    """Return the document signed by pyHanko alone, as PAdES."""
    pades = replace(
        metadata, subfilter=SigSeedSubFilter.PADES, md_algorithm=metadata.md_algorithm or "sha256"
    )
    out = BytesIO()

    async def make() -> None:
        signer = PdfSigner(pades, plain_signer(issued), new_field_spec=field)
        await signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(document)), output=out)

    asyncio.run(make())
    return out.getvalue()


def cms_over(
    content: bytes,
    issued: Issued,
    *,
    digest: str = "sha256",
    use_pades: bool = True,
    timestamper: TimeStamper | None = None,
) -> bytes:
    """Return a detached CMS signature (DER) over `content`."""

    async def make() -> bytes:
        message = await plain_signer(issued).async_sign(
            hashlib.new(digest, content).digest(),
            digest,
            use_pades=use_pades,
            timestamper=timestamper,
        )
        return bytes(message.dump())

    return asyncio.run(make())


@dataclass(frozen=True)
class Shape:
    """How a document signed by hand departs from a good one; the defaults make a good one.

    left, right: bytes by which the gap is wider than /Contents on either side. byte_range: makes
    the numbers that are written (and not signed over: the signature covers the gap's outside).
    before: entries put before /ByteRange. padding: what follows the CMS in /Contents, as hex.
    """

    left: int = 0
    right: int = 0
    byte_range: Callable[[int, int, int], str] | None = None
    before: str = ""
    padding: str = ""
    sub_filter: str = "/ETSI.CAdES.detached"
    digest: str = "sha256"
    use_pades: bool = True
    timestamper: TimeStamper | None = None
    contents_bytes: int = 8000
    rect: str = "[0 0 0 0]"
    page_entries: str = ""


def hand_signed(issued: Issued, shape: Shape | None = None) -> bytes:
    """Return a one-page document with one signature, made by hand in one revision."""
    shape = shape or Shape()
    placeholder = b"<" + b"0" * (2 * shape.contents_bytes) + b">"
    dictionary = (
        f"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter {shape.sub_filter} {shape.before} "
        f"/ByteRange {'#' * BYTE_RANGE_ROOM} /Reason (practice) /Contents "
    ).encode("ascii") + placeholder
    document = assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] /SigFlags 3 >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> "
            b">> >> /Annots [5 0 R] %b >>" % shape.page_entries.encode("ascii"),
            _stream("BT /F1 14 Tf 72 770 Td (So: 09/QD-UBND) Tj ET"),
            f"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Leader) /V 6 0 R /F 132 "
            f"/Rect {shape.rect} /P 3 0 R >>".encode("ascii"),
            dictionary + b" /M (D:20261123080000Z) >>",
        ]
    )
    start = document.index(placeholder)
    end = start + len(placeholder)
    first, second, size = start - shape.left, end + shape.right, len(document)
    numbers = f"[0 {first} {second} {size - second}]"
    if shape.byte_range is not None:
        numbers = shape.byte_range(first, second, size)
    signed = document.replace(
        b"#" * BYTE_RANGE_ROOM, numbers.ljust(BYTE_RANGE_ROOM).encode("ascii"), 1
    )
    cms = cms_over(
        signed[:first] + signed[second:],
        issued,
        digest=shape.digest,
        use_pades=shape.use_pades,
        timestamper=shape.timestamper,
    )
    contents = (cms.hex() + shape.padding).ljust(2 * shape.contents_bytes, "0")
    return signed[: start + 1] + contents.encode("ascii") + signed[end - 1 :]


def _stream(text: str) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text.encode("latin-1"))


def assembled(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)
