"""Independent judges of signed PDFs: other people's programs, which share no code with ours.

Each function runs one program on one document and says what it answered; tests that call them
carry @pytest.mark.judge("pdfsig", …) so that a missing program is named.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True)
class PdfsigAnswer:
    """What Poppler says of one signature."""

    field: str
    signature: str
    certificate: str
    covers_all: bool
    kind: str

    @property
    def good(self) -> bool:
        """Whether the signature is valid and its certificate trusted."""
        return (
            self.signature == "Signature is Valid."
            and self.certificate == "Certificate is Trusted."
        )


def pdfsig(document: bytes, root: x509.Certificate, directory: Path) -> list[PdfsigAnswer]:
    """Ask Poppler's pdfsig (NSS), which is made to trust `root` only and asks its OCSP service."""
    # A database that exists already would make certutil ask for its password.
    database = f"sql:{tempfile.mkdtemp(prefix='nss', dir=directory)}"
    certificate = directory / "root.pem"
    certificate.write_bytes(root.public_bytes(Encoding.PEM))
    _run("certutil", "-N", "-d", database, "--empty-password")
    _run("certutil", "-A", "-d", database, "-n", "root", "-t", "CT,C,C", "-i", str(certificate))
    file = directory / "pdfsig.pdf"
    file.write_bytes(document)
    told = _run("pdfsig", "-nssdir", database, str(file), check=False)
    return [_pdfsig_answer(part) for part in re.split(r"Signature #\d+:", told)[1:]]


def mutool(document: bytes, directory: Path) -> list[str]:
    """Ask MuPDF (OpenSSL) whether each signature's document is unchanged; one line each."""
    file = directory / "mutool.pdf"
    file.write_bytes(document)
    told = _run("mutool", "sign", "-v", str(file), check=False)
    return [
        line.strip()
        for line in told.splitlines()
        if "since signing" in line or "Signature" in line or "Digest error" in line
    ]


def openssl_cades(document: bytes, root: x509.Certificate, directory: Path) -> list[str]:
    """Ask OpenSSL to verify each signature's CMS and CAdES attributes over its byte ranges."""
    certificate = directory / "root.crt"
    certificate.write_bytes(root.public_bytes(Encoding.PEM))
    answers = []
    for container, signed in signed_parts(document):
        (directory / "signature.cms").write_bytes(container)
        (directory / "signature.tbs").write_bytes(signed)
        arguments = ("-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any")
        files = {
            "-in": "signature.cms",
            "-content": "signature.tbs",
            "-CAfile": "root.crt",
            "-out": "verified",
        }
        named = (part for option, name in files.items() for part in (option, str(directory / name)))
        answers.append(_run("openssl", "cms", *arguments, *named, check=False).strip())
    return answers


def openssl_timestamp(
    token: bytes, signature_value: bytes, root: x509.Certificate, directory: Path
) -> str:
    """Ask OpenSSL whether a time-stamp token is over a raw signature and chains to the root."""
    (directory / "token").write_bytes(token)
    (directory / "value").write_bytes(signature_value)
    (directory / "root.crt").write_bytes(root.public_bytes(Encoding.PEM))
    return _run(
        *("openssl", "ts", "-verify", "-token_in", "-in", str(directory / "token")),
        *("-data", str(directory / "value"), "-CAfile", str(directory / "root.crt")),
        check=False,
    ).strip()


def mutool_text(document: bytes, directory: Path) -> str:
    """Ask MuPDF for the text of page one, annotations included."""
    file = directory / "mutool-text.pdf"
    file.write_bytes(document)
    return _run("mutool", "draw", "-F", "text", str(file), "1")


def pdftotext(document: bytes, directory: Path) -> str:
    """Return the text that Poppler finds in a document, annotations included."""
    file = directory / "text.pdf"
    file.write_bytes(document)
    return _run("pdftotext", "-enc", "UTF-8", str(file), "-")


def qpdf_complaints(document: bytes, directory: Path) -> str:
    """Return what qpdf's syntax check complains of; empty when it finds nothing."""
    file = directory / "syntax.pdf"
    file.write_bytes(document)
    done = subprocess.run(
        ["qpdf", "--check", str(file)], check=False, capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


async def engine_verdicts(document: bytes, root: x509.Certificate) -> list[bool]:
    """Return what plain pyHanko says of each signature: intact, trusted, no forbidden change."""
    trusted = asn1_x509.Certificate.load(root.public_bytes(Encoding.DER))
    statuses = [
        await async_validate_pdf_signature(
            signature,
            signer_validation_context=ValidationContext(trust_roots=[trusted]),
        )
        for signature in PdfFileReader(BytesIO(document)).embedded_regular_signatures
    ]
    return [status.bottom_line for status in statuses]


def signed_parts(document: bytes) -> list[tuple[bytes, bytes]]:
    """Cut each signature's CMS (padding removed) and signed bytes out of the raw file."""
    parts = []
    for match in _BYTE_RANGE.finditer(document):
        start, length, resume, rest = (int(number) for number in match.groups())
        padded = bytes.fromhex(document[start + length + 1 : resume - 1].decode("ascii"))
        signed = document[start : start + length] + document[resume : resume + rest]
        parts.append((padded[: _der_length(padded)], signed))
    return parts


def _der_length(encoded: bytes) -> int:
    octets = encoded[1] & 0x7F
    if encoded[1] < 0x80:
        return 2 + encoded[1]
    return 2 + octets + int.from_bytes(encoded[2 : 2 + octets], "big")


def _pdfsig_answer(part: str) -> PdfsigAnswer:
    def told(label: str) -> str:
        found = re.search(rf"- {label}: (.*)", part)
        return found.group(1).strip() if found else ""

    return PdfsigAnswer(
        field=told("Signature Field Name"),
        signature=told("Signature Validation"),
        certificate=told("Certificate Validation"),
        covers_all="Total document signed" in part and "Not total" not in part,
        kind=told("Signature Type"),
    )


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
    )
    if check and done.returncode:
        raise AssertionError(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
    return (done.stdout + done.stderr).decode(errors="replace")
