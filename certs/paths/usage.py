"""What a certificate is made for: key usage and purposes, by the role it is judged in (pure)."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.errors import IdentityUnreadable
from certs.identity import endpoint_code
from certs.parsing import DAMAGE
from certs.trust.anchors import AnchorRole

# Purposes that a document signer's certificate may have, if it names purposes at all: RFC 9336,
# e-mail protection and client authentication (which the public authorities here put into people's
# certificates), and the makers' own for documents.
_DOCUMENT_PURPOSES = frozenset(
    {
        x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
        x509.ObjectIdentifier("1.2.840.113583.1.1.5"),
        x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
)
_TLS_PURPOSES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH})


def unsuitability(certificate: x509.Certificate, role: AnchorRole) -> str:
    """Why an end entity's certificate must not be used in the role; empty when it may.

    - Every role: not a CA certificate, and a key usage that allows signing, if it names any.
    - SIGNER, SEAL: nonRepudiation (contentCommitment) or digitalSignature; named purposes include
      one for documents, e-mail or persons; not an endpoint's TLS certificate.
    - TSA: extended key usage critical and exactly timeStamping (RFC 3161 §2.3).
    - TLS: named purposes include clientAuth or serverAuth.
    """
    try:
        extensions = certificate.extensions
    except DAMAGE:
        return "its extensions cannot be parsed"
    if _is_authority(extensions):
        return "it is a certification authority's certificate"
    if not _may_sign(extensions):
        return "its key usage allows no signatures"
    if role is AnchorRole.TSA:
        return _tsa_unsuitability(extensions)
    purposes = _purposes(extensions)
    if role is AnchorRole.TLS:
        return "" if purposes & _TLS_PURPOSES else "it is not made for TLS"
    if purposes and not purposes & _DOCUMENT_PURPOSES:
        return "its purposes do not include signing documents"
    return "it is an endpoint's TLS certificate" if _names_endpoint(certificate) else ""


def _is_authority(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(extensions: x509.Extensions) -> bool:
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature or usage.content_commitment


def _purposes(extensions: x509.Extensions) -> frozenset[x509.ObjectIdentifier]:
    try:
        return frozenset(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return frozenset()


def _tsa_unsuitability(extensions: x509.Extensions) -> str:
    try:
        found = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return "it is not made for time-stamping"
    if list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return "time-stamping is not its one purpose"
    return "" if found.critical else "its purpose of time-stamping is not marked critical"


def _names_endpoint(certificate: x509.Certificate) -> bool:
    try:
        endpoint_code(certificate)
    except IdentityUnreadable:
        return False
    return True
