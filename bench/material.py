"""What the entries measure with: a practice authority, a signer's key, a document of 50 KB."""

from __future__ import annotations

import random
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.sign.signers import SimpleSigner

from certs.keys.file import FileKey, load_pkcs12
from certs.practice.authority import Issued, PracticeAuthority
from certs.practice.profiles import KeyKind
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore

PASSPHRASE = b"bench"
DOCUMENT_BYTES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One signer as both ways get it, and the trust to verify with.

    pkcs12: the signer's file, opened with PASSPHRASE.
    """

    authority: PracticeAuthority
    trust: TrustStore
    issued: Issued
    key: FileKey
    pkcs12: Path
    plain_signer: SimpleSigner
    document: bytes


_PLACE: Final = tempfile.TemporaryDirectory(prefix="congvan-bench-")


@cache
def _authority() -> PracticeAuthority:
    return PracticeAuthority.create(
        Path(_PLACE.name) / "authority", base_url="http://127.0.0.1:9", clock=now
    )


@cache
def _material(kind: KeyKind) -> Material:
    authority = _authority()
    issued = authority.issue_person("Nguyễn Văn An", organisation="Bench", key=kind)
    file = Path(_PLACE.name) / f"{kind}.p12"
    file.write_bytes(issued.pkcs12(PASSPHRASE))
    plain_signer = SimpleSigner.load_pkcs12(str(file), passphrase=PASSPHRASE)  # type: ignore[no-untyped-call]
    assert plain_signer is not None
    return Material(
        authority=authority,
        trust=authority.trust,
        issued=issued,
        key=load_pkcs12(file.read_bytes(), PASSPHRASE),
        pkcs12=file,
        plain_signer=plain_signer,
        document=document_of_size(DOCUMENT_BYTES),
    )


@contextmanager
def material(kind: KeyKind = "rsa2048") -> Iterator[Material]:
    """Give a practice PKI in a temporary directory, a signer of it, and a document.

    It is the same for all entries of one run; the directory goes when the run ends.
    """
    yield _material(kind)


def evidence(made: Material) -> RevocationEvidence:
    """Return what shows that no certificate of the signer's chain is revoked."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(
        made.issued.certificate, made.authority.issuer, hashes.SHA256()
    )
    answer = made.authority.answer_ocsp(asked.build().public_bytes(Encoding.DER))
    return RevocationEvidence(ocsp_responses=(answer,), crls=(made.authority.root_crl(),))


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def document_of_size(size_bytes: int) -> bytes:
    """Make a PDF of one A4 page with a line of text and a picture of noise of about that size."""
    return with_table(objects_of_size(size_bytes))


def objects_of_size(size_bytes: int) -> list[bytes]:
    """Make the objects of such a PDF; the first is the catalog, the third the page."""
    columns = 100
    rows = max(1, (size_bytes - 1200) // (3 * columns))
    noise = zlib.compress(random.Random(1).randbytes(3 * columns * rows), level=1)
    content = b"BT /F1 14 Tf 85 740 Td (So: 09/QD-UBND) Tj ET q 200 0 0 200 85 400 cm /Im1 Do Q"
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> /XObject << /Im1 6 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
        b"/BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream"
        % (columns, rows, len(noise), noise),
    ]


def with_table(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """Make a PDF 1.7 file of objects, numbered from 1, with a classic cross-reference table."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (len(objects) + 1, trailer)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
