"""Certificates without the practice authority's mark, as real authorities' certificates are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.trust.anchors import AnchorRole, Block, TrustAnchor

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def anchor(self, *roles: AnchorRole) -> TrustAnchor:
        """The certificate as an anchor of no class, for as long as it is valid."""
        return TrustAnchor(
            certificate=self.certificate,
            roles=frozenset(roles or AnchorRole),
            blocks=frozenset(Block),
            valid_from=self.certificate.not_valid_before_utc,
            valid_until=self.certificate.not_valid_after_utc,
        )


def unmarked(
    name: str = "A root without the mark",
    *,
    issuer: Made | None = None,
    key: Key | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    ca: bool | None = True,
) -> Made:
    """A certificate for a new key, self-issued without an issuer; ca=None leaves the matter out."""
    private_key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or now - timedelta(days=365))
        .not_valid_after(until or now + timedelta(days=3650))
    )
    if ca is not None:
        constraints = x509.BasicConstraints(ca=ca, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    if ca:
        builder = builder.add_extension(CA_USAGE, critical=True)
    signed = builder.sign(issuer.key if issuer else private_key, hashes.SHA256())
    return Made(certificate=signed, key=private_key)
