"""Certificates, evidence and time-stamps that no honest authority would make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from asn1crypto.crl import CertificateList
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import NameOID

from certs.practice.answers import Known, Responder, answer_ocsp, make_crl
from certs.practice.files import Revocation
from certs.practice.profiles import (
    AUTHORITY,
    OCSP,
    SIGNING,
    KeyKind,
    Offer,
    PrivateKey,
    Profile,
    Validity,
    certificate_builder,
    make_key,
    subject,
)
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, Block, TrustAnchor, TrustStore
from tests.support.practice import ocsp_request

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID = Validity(not_before=NOW - timedelta(days=10), not_after=NOW + timedelta(days=100))
OFFER = Offer(crl="http://crl.example/crl", ocsp="http://ocsp.example/ocsp")


@dataclass(frozen=True)
class Pair:
    """A certificate with its key, and what is above it."""

    certificate: x509.Certificate
    key: PrivateKey
    above: Pair | None = None

    def issue(
        self,
        name: str,
        *,
        profile: Profile = SIGNING,
        validity: Validity = VALID,
        offer: Offer = OFFER,
        key: PrivateKey | KeyKind = "p256",
    ) -> Pair:
        private_key = make_key(key) if isinstance(key, str) else key
        builder = certificate_builder(
            subject(name, (NameOID.PSEUDONYM, "test")),
            private_key.public_key(),
            issuer=self.certificate,
            validity=validity,
            profile=profile,
            offer=offer,
        )
        certificate = builder.sign(self.key, hashes.SHA256())
        return Pair(certificate, private_key, self)

    def naming(self, *urls: str, key: PrivateKey | KeyKind = "p256") -> Pair:
        """A signer's certificate that names the addresses for everything that can be asked for."""
        names = [x509.UniformResourceIdentifier(each) for each in urls]
        private_key = make_key(key) if isinstance(key, str) else key
        builder = certificate_builder(
            subject("Hostile", (NameOID.PSEUDONYM, "test")),
            private_key.public_key(),
            issuer=self.certificate,
            validity=VALID,
            profile=SIGNING,
            offer=Offer(),
        )
        methods = (Access.OCSP, Access.CA_ISSUERS)
        access = [x509.AccessDescription(method, name) for name in names for method in methods]
        points = [x509.DistributionPoint([name], None, None, None) for name in names]
        certificate = (
            builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
            .add_extension(x509.CRLDistributionPoints(points), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Pair(certificate, private_key, self)

    def authority(self, name: str, *, offer: Offer | None = None) -> Pair:
        return self.issue(name, profile=AUTHORITY, offer=offer or Offer())

    def anchor(self, *roles: AnchorRole) -> TrustAnchor:
        return TrustAnchor(
            certificate=self.certificate,
            roles=frozenset(roles or AnchorRole),
            blocks=frozenset(Block),
            valid_from=NOW - timedelta(days=1000),
            valid_until=NOW + timedelta(days=1000),
            practice=True,
        )

    def store(self, *roles: AnchorRole) -> TrustStore:
        return TrustStore(anchors=(self.anchor(*roles),))

    def crl(self, *revoked: Pair, at: datetime = NOW, since: datetime | None = None) -> bytes:
        entry = Revocation(at=since or at - timedelta(hours=1), reason="key_compromise")
        serials = {each.certificate.serial_number: entry for each in revoked}
        return make_crl(self.certificate, self.key, revoked=serials, at=at)

    def crls(self, *revoked: Pair) -> RevocationEvidence:
        return RevocationEvidence(crls=(self.crl(*revoked),))

    def responder(self, *, profile: Profile = OCSP, validity: Validity = VALID) -> Responder:
        delegate = self.issue("responder", profile=profile, validity=validity, offer=Offer())
        return self.responding_with(delegate)

    def responding_with(self, delegate: Pair) -> Responder:
        return Responder(
            certificate=delegate.certificate, private_key=delegate.key, issuer=self.certificate
        )


@dataclass(frozen=True, kw_only=True)
class Saying:
    """What an OCSP responder says about a certificate, and when."""

    at: datetime = NOW
    known: bool = True
    revoked_at: datetime | None = None
    about: Pair | None = None
    """Asked about this certificate instead of the subject's own."""
    reason: str = "key_compromise"

    def answer(self, pair: Pair, responder: Responder) -> bytes:
        target = self.about or pair
        serial = target.certificate.serial_number
        revoked = (
            {serial: Revocation(at=self.revoked_at, reason=self.reason)}
            if self.revoked_at is not None
            else {}
        )
        return answer_ocsp(
            ocsp_request(target.certificate, responder.issuer),
            responder=responder,
            known=Known(issued=frozenset({serial} if self.known else ()), revoked=revoked),
            at=self.at,
        )

    def evidence(self, pair: Pair, responder: Responder) -> RevocationEvidence:
        return RevocationEvidence(ocsp_responses=(self.answer(pair, responder),))


def root(name: str = "Test root", key: PrivateKey | KeyKind = "p256") -> Pair:
    private_key = make_key(key) if isinstance(key, str) else key
    builder = certificate_builder(
        subject(name),
        private_key.public_key(),
        issuer=None,
        validity=VALID,
        profile=replace(AUTHORITY),
        offer=Offer(),
    )
    return Pair(builder.sign(private_key, hashes.SHA256()), private_key)


def weak_rsa(bits: int = 1024) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _with_sha1(der: bytes, kind: type[Asn1Certificate | CertificateList], pair: Pair) -> bytes:
    """The structure signed anew with SHA-1, which the honest library refuses to do."""
    assert isinstance(pair.key, ec.EllipticCurvePrivateKey)
    structure = kind.load(der).copy()
    to_be_signed = structure[0]
    to_be_signed["signature"] = {"algorithm": "sha1_ecdsa"}
    structure["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    signature = pair.key.sign(to_be_signed.dump(force=True), ec.ECDSA(hashes.SHA1()))
    structure[2] = signature
    return bytes(structure.dump(force=True))


def certificate_with_sha1(pair: Pair) -> x509.Certificate:
    assert pair.above is not None
    der = pair.certificate.public_bytes(Encoding.DER)
    return x509.load_der_x509_certificate(_with_sha1(der, Asn1Certificate, pair.above))


def crl_with_sha1(issuer: Pair) -> bytes:
    return _with_sha1(issuer.crl(), CertificateList, issuer)


@dataclass
class FrozenClock:
    """A clock that only moves when told to."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now


def long_crl(issuer: Pair, *entries: x509.RevokedCertificate, others: int) -> bytes:
    """A CRL as a national authority's: the entries in the midst of so many others."""
    random = Random(1)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.certificate.subject,
        last_update=NOW,
        next_update=NOW + timedelta(days=1),
        # The builder's own method copies and searches the whole list for each entry.
        revoked_certificates=[
            *(listed(random.getrandbits(126) | 1 << 126) for _ in range(others // 2)),
            *entries,
            *(listed(random.getrandbits(126) | 1 << 126) for _ in range(others - others // 2)),
        ],
    )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def listed(
    serial: int, *extensions: x509.ExtensionType, since: datetime = NOW - timedelta(days=1)
) -> x509.RevokedCertificate:
    """An entry of a CRL."""
    builder = x509.RevokedCertificateBuilder(serial, since)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.build()
