"""What pyHanko and pdfsig say of a mutant: whether its signatures are right by themselves."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from enum import StrEnum
from functools import cache
from io import BytesIO

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from certs.trust.anchors import TrustStore
from signer.engine.reading import accelerated

_SECONDS = 20


class Opinion(StrEnum):
    """What another verifier makes of a document."""

    GOOD = "good"
    """Every signature is intact and nothing forbidden changed, trust aside."""
    CHANGED = "changed"
    """Every signature is intact, but what followed is not as it should be."""
    BROKEN = "broken"
    UNREADABLE = "unreadable"


def pyhanko_opinion(document: bytes, store: TrustStore) -> Opinion:
    """Ask pyHanko, plainly."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    roots = [
        x509.Certificate.load(anchor.certificate.public_bytes(Encoding.DER))
        for anchor in store.anchors
    ]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    try:
        with accelerated():
            return _worst(PdfFileReader(BytesIO(document)), context)
    except Exception:
        return Opinion.UNREADABLE  # it raises anything over a damaged document


def _worst(reader: PdfFileReader, context: ValidationContext) -> Opinion:
    opinions = set()
    for each in reader.embedded_signatures:
        stamp = str(each.sig_object.get("/SubFilter")) == "/ETSI.RFC3161"
        judge = validate_pdf_timestamp if stamp else validate_pdf_signature
        status = judge(each, context)
        if not (status.intact and status.valid):
            return Opinion.BROKEN
        allowed = getattr(status, "docmdp_ok", True) is not False
        opinions.add(Opinion.GOOD if allowed else Opinion.CHANGED)
    if not opinions:
        return Opinion.UNREADABLE
    return Opinion.CHANGED if Opinion.CHANGED in opinions else Opinion.GOOD


@cache
def has_pdfsig() -> bool:
    """Whether pdfsig is installed."""
    return shutil.which("pdfsig") is not None


def pdfsig_opinion(document: bytes) -> Opinion:
    """Ask pdfsig (Poppler); it knows nothing of changes after a signature but their presence."""
    with tempfile.NamedTemporaryFile(prefix="congvan-fuzz-", suffix=".pdf") as file:
        file.write(document)
        file.flush()
        try:
            done = subprocess.run(  # noqa: S603 - a program of the machine's own
                ("/usr/bin/env", "pdfsig", "-nocert", file.name),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return Opinion.UNREADABLE
    said = done.stdout.decode(errors="replace")
    told = [line for line in said.splitlines() if "Signature Validation:" in line]
    if not told:
        return Opinion.UNREADABLE
    # It does not verify document time-stamps, and says so.
    if all("Signature is Valid" in line or "not yet verified" in line for line in told):
        return Opinion.GOOD
    return Opinion.BROKEN
