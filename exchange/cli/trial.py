"""A trial of signing and verifying on this machine, with a practice authority thrown away after."""

import tempfile
from pathlib import Path

from certs.keys.file import load_pkcs12
from certs.practice.authority import PracticeAuthority
from certs.revocation.evidence import RevocationEvidence
from exchange.cli.errors import ChecksFailed
from exchange.cli.trust import now
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.pages.appearance import Appearance, Box
from signer.sandbox.pool import Sandbox

_PASSPHRASE = b"thrown away"
_TEXT = "Ký thử: Quyết định số 09/QĐ-UBND"


async def try_signing() -> str:
    """Sign a page visibly, verify it in the sandbox, alter it, and see that this is noticed.

    Gives the algorithm used. Raises ChecksFailed where a verdict is wrong, and whatever signing,
    verifying or the sandbox raise.
    """
    with tempfile.TemporaryDirectory(prefix="congvan-doctor-") as directory:
        authority = PracticeAuthority.create(
            Path(directory) / "pki", base_url="http://127.0.0.1:9", clock=now, key="p256"
        )
        issued = authority.issue_person("Ký Thử", organisation="congvan doctor")
        key = load_pkcs12(issued.pkcs12(_PASSPHRASE), _PASSPHRASE)
        box = Box(page=1, left_mm=110, bottom_mm=60, width_mm=70, height_mm=20)
        request = SigningRequest(
            level=Level.B_B, signed_at=now(), appearance=Appearance(lines=(_TEXT,), box=box)
        )
        signed = await sign(blank_page(), key=key, request=request)
        evidence = RevocationEvidence(crls=(authority.crl(), authority.root_crl()))
        altered = signed.replace(b"/MediaBox [0 0 595 842]", b"/MediaBox [0 0 595 841]", 1)
        async with Sandbox() as sandbox:
            for document, expected in ((signed, "VALID"), (altered, "INVALID")):
                report = await sandbox.assess(
                    document, store=authority.trust, evidence=evidence, at=now()
                )
                if report.verdict != expected:
                    raise ChecksFailed(
                        f"{report.verdict} where {expected} was due: {report.reason}"
                    )
        return report.signatures[0].algorithm


def blank_page() -> bytes:
    """Make the smallest whole PDF: one empty A4 page (ISO 32000-2 §7.5)."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    )
    document = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    document += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(document)
