"""Verify a B-B signature on a 50 KB document, against plain pyHanko with the same evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from asn1crypto import crl, ocsp, x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from bench.harness import Contest, Entry, WrongResult
from bench.material import evidence, material, now
from signer.assessing import assess
from signer.report import Report
from signer.requests import Level, SigningRequest
from signer.signing import sign
from signer.verdicts import Verdict


@contextmanager
def prepare() -> Iterator[Contest]:
    """Sign one document for both; each verification starts from bytes, with a fresh context."""
    with material() as made:
        request = SigningRequest(level=Level.B_B, signed_at=now())
        signed = asyncio.run(sign(made.document, key=made.key, request=request))
        known = evidence(made)
        root = x509.Certificate.load(made.authority.root.public_bytes(Encoding.DER))

        def verify_ours(times: int) -> Report | None:
            report = None
            for _ in range(times):
                report = assess(signed, store=made.trust, evidence=known, at=now())
            return report

        def verify_plainly(times: int) -> PdfSignatureStatus | None:
            status = None
            for _ in range(times):
                context = ValidationContext(
                    trust_roots=[root],
                    ocsps=[ocsp.OCSPResponse.load(each) for each in known.ocsp_responses],
                    crls=[crl.CertificateList.load(each) for each in known.crls],
                    revocation_mode="hard-fail",
                    allow_fetching=False,
                )
                [signature] = PdfFileReader(BytesIO(signed)).embedded_regular_signatures
                status = validate_pdf_signature(signature, signer_validation_context=context)
            return status

        yield Contest(ours=verify_ours, theirs=verify_plainly, check=_check)


def _check(ours: object, theirs: object) -> None:
    """Require that both hold the signature valid."""
    if not isinstance(ours, Report) or ours.verdict is not Verdict.VALID:
        raise WrongResult(f"ours: {ours}")
    if not isinstance(theirs, PdfSignatureStatus) or not theirs.bottom_line:
        raise WrongResult(f"plain pyHanko: {theirs}")


ENTRY = Entry(
    name="verify-bb-50k",
    goal=1,
    against="plain pyHanko, fresh context",
    prepare=prepare,
)
