"""An agency with a practice authority of its own and a clock that tests set."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from asn1crypto import algos, cms, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from certs.practice.authority import Issued, PracticeAuthority
from certs.practice.profiles import Validity
from certs.practice.timestamps import TimestampSigner, answer_timestamp
from certs.revocation.evidence import RevocationEvidence
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.report import Report
from signer.validation.assessing import assess
from tests.support.practice import file_key, ocsp_request

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Office:
    """Signs, revokes and judges at instants of its own."""

    def __init__(self, directory: Path, *, now: datetime = START) -> None:
        self.now = now
        self.authority = PracticeAuthority.create(
            directory, base_url="http://127.0.0.1:9", clock=lambda: self.now, key="p256"
        )

    def person(self, name: str = "Trần Thị Bình", *, days: int = 300) -> Issued:
        """Issue a certificate to a person for so many days from now."""
        validity = Validity(
            not_before=self.now - timedelta(hours=1), not_after=self.now + timedelta(days=days)
        )
        return self.authority.issue_person(
            name, organisation="Sở Nội vụ", position="Giám đốc", validity=validity, key="p256"
        )

    def evidence(self, *certificates: x509.Certificate) -> RevocationEvidence:
        """Return OCSP answers of now, and both CRLs (the TSA's status stands in them)."""
        return RevocationEvidence(
            ocsp_responses=tuple(
                self.authority.answer_ocsp(ocsp_request(each, self.authority.issuer))
                for each in certificates
            ),
            crls=(self.authority.root_crl(), self.authority.crl()),
        )

    def sign(self, document: bytes, issued: Issued, level: Level = Level.B_B) -> bytes:
        """Return the document signed now."""
        request = SigningRequest(level=level, signed_at=self.now)
        stamper = OfficeTimestamper(self) if level is Level.B_T else None
        return asyncio.run(
            sign(document, key=file_key(issued), request=request, timestamper=stamper)
        )

    def judge(self, document: bytes, evidence: RevocationEvidence | None = None) -> Report:
        """Assess now, with the practice trust store."""
        return assess(document, store=self.authority.trust, evidence=evidence, at=self.now)

    def with_store(self, document: bytes, *certificates: x509.Certificate) -> bytes:
        """Add a document security store with all evidence of now (B-T to B-LT)."""
        evidence = self.evidence(*certificates)
        out = BytesIO(document)
        DocumentSecurityStore.add_dss(
            out,
            None,
            certs=[
                asn1_x509.Certificate.load(each.public_bytes(Encoding.DER))
                for each in (*certificates, self.authority.issuer)
            ],
            ocsps=[asn1_ocsp.OCSPResponse.load(each) for each in evidence.ocsp_responses],
            crls=[asn1_crl.CertificateList.load(each) for each in evidence.crls],
        )
        return out.getvalue()

    def with_document_timestamp(self, document: bytes) -> bytes:
        """Add a document time-stamp (B-LT to B-LTA)."""
        stamper = PdfTimeStamper(EngineTimestamper(self))
        out = BytesIO()

        async def stamp() -> None:
            await stamper.async_timestamp_pdf(
                IncrementalPdfFileWriter(BytesIO(document)), "sha256", output=out
            )

        asyncio.run(stamp())
        return out.getvalue()


class OfficeTimestamper:
    """Time-stamps by the office's authority, or by whoever else is given as its signer."""

    def __init__(self, office: Office, signer: TimestampSigner | None = None) -> None:
        self._office = office
        self._signer = signer

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        """Return a token (DER)."""
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {
                    "hash_algorithm": algos.DigestAlgorithm({"algorithm": digest_algorithm}),
                    "hashed_message": imprint,
                },
                "cert_req": True,
            }
        ).dump()
        if self._signer is not None:
            answer = answer_timestamp(request, signer=self._signer, at=self._office.now)
        else:
            answer = self._office.authority.answer_timestamp(request)
        return bytes(tsp.TimeStampResp.load(answer)["time_stamp_token"].dump())


class EngineTimestamper(TimeStamper):
    """The same for pyHanko; may stamp something else, or with another signer."""

    def __init__(
        self,
        office: Office,
        *,
        signer: TimestampSigner | None = None,
        stamped: bytes | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stamper = OfficeTimestamper(office, signer)
        self._stamped = stamped

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Return a token at once."""
        stamped = self._stamped if self._stamped is not None else message_digest
        return cms.ContentInfo.load(await self._stamper.stamp(stamped, md_algorithm))
