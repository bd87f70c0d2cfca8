"""Sign a 50 KB document at level B-B with RSA-2048, against plain pyHanko with a reused signer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, sign_pdf
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from bench.harness import Contest, Entry, WrongResult
from bench.material import Material, material, now
from signer.requests import Level, SigningRequest
from signer.signing import sign


@contextmanager
def prepare() -> Iterator[Contest]:
    """Set both signers up with the same key and document."""
    with material() as made, asyncio.Runner() as runner:

        def check(ours: object, theirs: object) -> None:
            _check(ours, made)
            _check(theirs, made)

        async def sign_repeatedly(times: int) -> bytes:
            signed = b""
            for _ in range(times):
                request = SigningRequest(level=Level.B_B, signed_at=now())
                signed = await sign(made.document, key=made.key, request=request)
            return signed

        yield Contest(
            ours=lambda times: runner.run(sign_repeatedly(times)),
            theirs=lambda times: _sign_plainly(made, times),
            check=check,
        )


def _sign_plainly(made: Material, times: int) -> bytes:
    signed = b""
    for _ in range(times):
        output = sign_pdf(
            IncrementalPdfFileWriter(BytesIO(made.document)),
            PdfSignatureMetadata(field_name="Signature1", subfilter=SigSeedSubFilter.PADES),
            made.plain_signer,
        )
        signed = output.getvalue()
    return signed


def _check(signed: object, made: Material) -> None:
    """Require one signature that pyHanko holds valid and that covers the whole file."""
    if not isinstance(signed, bytes) or not signed.startswith(made.document):
        raise WrongResult("the document was not kept")
    roots = [
        x509.Certificate.load(anchor.certificate.public_bytes(Encoding.DER))
        for anchor in made.trust.anchors
    ]
    signatures = PdfFileReader(BytesIO(signed)).embedded_regular_signatures
    if len(signatures) != 1:
        raise WrongResult(f"{len(signatures)} signatures instead of one")
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    status = validate_pdf_signature(signatures[0], signer_validation_context=context)
    if not (status.bottom_line and status.trusted):
        raise WrongResult(status.pretty_print_details())  # type: ignore[no-untyped-call]


ENTRY = Entry(
    name="sign-bb-50k",
    goal=25,
    against="plain pyHanko: SimpleSigner reused, sign_pdf",
    prepare=prepare,
)
