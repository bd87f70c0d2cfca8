"""Two certificates, issuer and signer, for keys of kinds that the practice authority has not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)


def certificates_for(
    public_key: PublicKey,
) -> tuple[x509.Certificate, tuple[x509.Certificate, x509.Certificate]]:
    """A signer's certificate for the key, valid for a day, and its chain up to the root."""
    issuer, chain = _issuer()
    certificate = _certificate("Người ký", public_key, "Issuer", issuer)
    return certificate, chain


@lru_cache(maxsize=1)
def _issuer() -> tuple[ec.EllipticCurvePrivateKey, tuple[x509.Certificate, x509.Certificate]]:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Root", root_key.public_key(), "Root", root_key)
    return key, (_certificate("Issuer", key.public_key(), "Root", root_key), root)


def _certificate(
    subject: str, public_key: PublicKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(issuer_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
