"""The practice authority, its HTTP services and ready keys for tests that need certificates."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from certs.fetching.fetcher import FetchLimits, FetchPolicy
from certs.keys.file import FileKey, load_pkcs12
from certs.practice.authority import Issued, PracticeAuthority
from certs.practice.profiles import (
    SIGNING,
    Offer,
    Validity,
    certificate_builder,
    signed,
    subject,
)
from certs.practice.server import serve_practice_authority
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore

PASSPHRASE = b"practice passphrase"
LEADER = "Nguyễn Văn An"
AGENCY = "Ủy ban nhân dân tỉnh Thanh Hóa"


def utc_now() -> datetime:
    return datetime.now(UTC)


def file_key(issued: Issued) -> FileKey:
    """The issued key as a signer gets it: out of a PKCS#12 file."""
    return load_pkcs12(issued.pkcs12(PASSPHRASE), PASSPHRASE)


def edwards_key(authority: PracticeAuthority) -> FileKey:
    """An Ed25519 key with a person's certificate, which the authority does not issue by itself."""
    private_key = Ed25519PrivateKey.generate()
    addresses = authority.addresses
    builder = certificate_builder(
        subject("Phạm Văn Dũng", (NameOID.ORGANIZATION_NAME, AGENCY), (NameOID.TITLE, "Chủ tịch")),
        private_key.public_key(),
        issuer=authority.issuer,
        validity=Validity.year_from(utc_now()),
        profile=SIGNING,
        offer=Offer(crl=addresses.crl, ocsp=addresses.ocsp, issuer=addresses.issuer),
    )
    certificate = signed(builder, authority._issuer_key)
    authority._ledger.issued[certificate.serial_number] = certificate.subject.rfc4514_string()
    return FileKey(private_key, certificate=certificate, chain=(authority.issuer,))


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256())
    return builder.build().public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Practice:
    """A running practice authority."""

    authority: PracticeAuthority
    base_url: str
    trust: TrustStore
    fetch_policy: FetchPolicy

    @property
    def tsa_url(self) -> str:
        return f"{self.base_url}/tsa"

    def evidence(self, *certificates: x509.Certificate) -> RevocationEvidence:
        """Fresh evidence as a fetcher would bring it: OCSP for each, and the root's CRL."""
        return RevocationEvidence(
            ocsp_responses=tuple(
                self.authority.answer_ocsp(ocsp_request(each, self.authority.issuer))
                for each in certificates
            ),
            crls=(self.authority.root_crl(),),
        )


class AuthorityThread:
    """Serves an authority from an event loop of its own: sync and async tests can ask it."""

    def __init__(self, directory: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.authority = PracticeAuthority.create(directory, base_url=self.base_url, clock=utc_now)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="practice-authority", daemon=True)

    def __enter__(self) -> AuthorityThread:
        self._thread.start()
        assert self._ready.wait(10), "the practice authority did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with serve_practice_authority(self.authority, listener=self._listener):
            self._ready.set()
            await self._stop.wait()


@pytest.fixture(scope="session")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A practice authority with its TSA, OCSP and CRL answering on loopback."""
    with AuthorityThread(tmp_path_factory.mktemp("practice") / "authority") as server:
        yield Practice(
            authority=server.authority,
            base_url=server.base_url,
            trust=server.authority.trust,
            fetch_policy=FetchPolicy(
                allowed=frozenset({("127.0.0.1", server.port)}), limits=FetchLimits()
            ),
        )


@pytest.fixture(scope="session")
def leader(practice: Practice) -> Issued:
    """A leader's certificate and key as issued."""
    return practice.authority.issue_person(
        LEADER, organisation=AGENCY, unit="Văn phòng", position="Chủ tịch"
    )


@pytest.fixture(scope="session")
def leader_key(leader: Issued) -> FileKey:
    """A person's RSA-2048 signing key."""
    return file_key(leader)


@pytest.fixture(scope="session")
def seal(practice: Practice) -> Issued:
    """The agency's seal as issued."""
    return practice.authority.issue_seal(AGENCY, identifier="GOVVN-000.00.00.H56")


@pytest.fixture(scope="session")
def seal_key(seal: Issued) -> FileKey:
    """An organisation's RSA-2048 sealing key."""
    return file_key(seal)


def one_page(text: str = "Practice page") -> bytes:
    """A PDF 1.7 with one A4 page and one line of text, cross-reference table exact."""
    stream = f"BT /F1 14 Tf 72 770 Td ({text}) Tj ET".encode("latin-1")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    document = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(document)


@pytest.fixture(scope="session")
def one_page_pdf() -> bytes:
    """The smallest honest document: one page, one line."""
    return one_page()
