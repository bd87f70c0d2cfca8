"""Certificates in users' files: read in every form that they come in, and told in plain values."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from certs.errors import CertificateUnsuitable, IdentityUnreadable
from certs.identity import endpoint_code, fingerprint, identify
from certs.parsing import DAMAGE
from certs.trust.anchors import is_practice
from exchange.cli.errors import FileUnreadable
from exchange.cli.files import read_file

MAX_CERTIFICATE_BYTES = 1024 * 1024
MAX_CERTIFICATES = 200
_SUFFIXES = frozenset({".crt", ".cer", ".pem", ".der", ".p7b", ".p7c"})


def read_certificates(file: Path) -> list[x509.Certificate]:
    """Read one or more certificates, PEM or DER. Raises FileUnreadable, CertificateUnsuitable."""
    content = read_file(file, max_bytes=MAX_CERTIFICATE_BYTES)
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except DAMAGE as error:
        raise CertificateUnsuitable(f"{file}: not a certificate in PEM or DER") from error


def read_bundle(path: Path) -> list[tuple[Path, x509.Certificate]]:
    """Read the certificates of a file (PEM, DER, PKCS#7) or of all such files in a directory.

    Each comes once, with the file that it is from. Raises FileUnreadable, CertificateUnsuitable:
    a directory with one file that can't be read is refused whole.
    """
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error
    if path.is_dir():
        files = [each for each in files if each.suffix.lower() in _SUFFIXES and each.is_file()]
    found: dict[x509.Certificate, Path] = {}
    for file in files:
        for certificate in _read_any(file):
            found.setdefault(certificate, file)
    if not found or len(found) > MAX_CERTIFICATES:
        raise CertificateUnsuitable(f"{path}: {len(found)} certificates")
    return [(file, certificate) for certificate, file in found.items()]


def _read_any(file: Path) -> list[x509.Certificate]:
    content = read_file(file, max_bytes=MAX_CERTIFICATE_BYTES)
    try:
        if b"-----BEGIN PKCS7-----" in content:
            return pkcs7.load_pem_pkcs7_certificates(content)
    except DAMAGE as error:
        raise CertificateUnsuitable(f"{file}: not a bundle of certificates") from error
    try:
        return read_certificates(file)
    except CertificateUnsuitable:
        try:
            return pkcs7.load_der_pkcs7_certificates(content)
        except DAMAGE as error:
            raise CertificateUnsuitable(f"{file}: no certificates in PEM, DER or PKCS#7") from error


def describe(certificate: x509.Certificate) -> dict[str, Any]:
    """Tell what a certificate says, in plain values."""
    try:
        kind = str(identify(certificate).kind)
    except IdentityUnreadable:
        kind = ""
    try:
        endpoint = endpoint_code(certificate)
    except IdentityUnreadable:
        endpoint = ""
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
        "expired": certificate.not_valid_after_utc < datetime.now(UTC),
        "kind": kind,
        "endpoint": endpoint,
        "sha256": fingerprint(certificate),
        "practice": is_practice(certificate),
    }


def common_name(certificate: x509.Certificate) -> str:
    """Give the name by which people know the holder."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
