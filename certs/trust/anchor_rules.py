"""Whether a certificate may become a trust anchor at all, whoever asks for it (pure).

A person decides whom to trust; these rules only refuse what no such decision can have meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from certs.algorithms import certificate_weakness
from certs.parsing import DAMAGE
from certs.trust.anchors import TrustAnchor, is_practice


class AnchorRefusal(StrEnum):
    """Why a certificate does not become a trust anchor."""

    UNREADABLE = "UNREADABLE"
    """it cannot be read to the end"""
    NOT_AUTHORITY = "NOT_AUTHORITY"
    """it is not a certificate of an authority (RFC 5280 §4.2.1.9, §4.2.1.3)"""
    NOT_SELF_ISSUED = "NOT_SELF_ISSUED"
    """another authority issued it, and trusting an intermediate was not asked for"""
    SIGNATURE_WRONG = "SIGNATURE_WRONG"
    """it names itself as its issuer but is not signed by its own key"""
    WEAK = "WEAK"
    """its key is too weak or of an unknown kind"""
    EXPIRED = "EXPIRED"
    """it has expired, and trusting it for the past was not asked for"""
    WINDOW_OUTSIDE = "WINDOW_OUTSIDE"
    """the window reaches beyond the certificate's own validity"""
    PRACTICE_MIXED = "PRACTICE_MIXED"
    """practice and real anchors never share a store"""
    OVERLAPPING = "OVERLAPPING"
    """the store already trusts this certificate in a part of the window"""


def refusal_of(
    anchor: TrustAnchor, *, at: datetime, intermediate: bool = False, past: bool = False
) -> AnchorRefusal | None:
    """Why the certificate cannot be this anchor, looked at by itself; None where it can.

    intermediate, past: whether an authority below another one, and one that has expired at this
    instant, were asked for explicitly.
    """
    certificate = anchor.certificate
    try:
        if not _is_authority(certificate):
            return AnchorRefusal.NOT_AUTHORITY
        if certificate_weakness(certificate, self_signed=True):
            return AnchorRefusal.WEAK
        if certificate.issuer != certificate.subject:
            if not intermediate:
                return AnchorRefusal.NOT_SELF_ISSUED
        elif not _signed_by_itself(certificate):
            return AnchorRefusal.SIGNATURE_WRONG
        if certificate.not_valid_after_utc < at and not past:
            return AnchorRefusal.EXPIRED
        if (
            anchor.valid_from < certificate.not_valid_before_utc
            or anchor.valid_until > certificate.not_valid_after_utc
        ):
            return AnchorRefusal.WINDOW_OUTSIDE
    except DAMAGE:
        return AnchorRefusal.UNREADABLE
    return None


def refusal_beside(anchor: TrustAnchor, present: Iterable[TrustAnchor]) -> AnchorRefusal | None:
    """Why the anchor cannot stand beside those that are trusted already; None where it can."""
    for other in present:
        if other.practice != anchor.practice:
            return AnchorRefusal.PRACTICE_MIXED
        if other.certificate == anchor.certificate and overlap(other, anchor):
            return AnchorRefusal.OVERLAPPING
    return None


def overlap(first: TrustAnchor, second: TrustAnchor) -> bool:
    """Whether both are trusted at some instant, for a role and a block that they share."""
    return (
        first.valid_from <= second.valid_until
        and second.valid_from <= first.valid_until
        and bool(first.roles & second.roles)
        and bool(first.blocks & second.blocks)
    )


def marked_otherwise(certificate: x509.Certificate, *, practice: bool) -> bool:
    """Whether the practice authority's mark contradicts what the certificate is offered as."""
    return is_practice(certificate) != practice


def _is_authority(certificate: x509.Certificate) -> bool:
    extensions = certificate.extensions
    try:
        if not extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        # Without key usage every use is allowed (RFC 5280 §4.2.1.3); without basic constraints
        # nobody may issue (§4.2.1.9), also not the roots of the first version of X.509.
        return missing.oid == x509.KeyUsage.oid


def _signed_by_itself(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except DAMAGE:
        return False
    return True
