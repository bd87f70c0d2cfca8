"""Certificates of the plain kind: every parser reads them the same, few rules apply (pure).

For the quick judgement of paths (`certs.paths.plain`). Plain is a certificate that is strictly
DER, signed with SHA-2 by RSA (PKCS#1 v1.5) or ECDSA, for a key of one of these kinds, with names
of ordinary letters, and without any extension that RFC 5280 §6.1 computes with (name constraints,
policy mappings and constraints, alternative names). Anything else raises Unusual, and says nothing
about the certificate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from certs.algorithms import key_weakness
from certs.der_reading import (
    BIT_STRING,
    CONTEXT_0,
    CONTEXT_3,
    INTEGER,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    SET,
    Unusual,
    elements,
    encode,
    inside,
    whole,
)
from certs.parsing import DAMAGE
from certs.paths.plain_signatures import (
    NULL,
    PublicKey,
    Signed,
    algorithm_identifier,
    read_signed,
)
from certs.trust.anchors import PRACTICE_EXTENSION

MAX_CERTIFICATE_BYTES: Final = 16 * 1024
MAX_POLICIES: Final = 4

_KEYS: Final = frozenset(
    (
        algorithm_identifier("2a864886f70d010101", NULL),
        *(
            algorithm_identifier("2a8648ce3d0201", encode(OBJECT_IDENTIFIER, bytes.fromhex(curve)))
            for curve in ("2a8648ce3d030107", "2b81040022", "2b81040023")
        ),
    )
)
"""rsaEncryption, and keys on P-256, P-384 and P-521 (RFC 5480 §2.1.1)."""
_UNCOMPRESSED: Final = 0x04
_RSA_KEY: Final = SEQUENCE
# Both forms of time to the second, in UTC (RFC 5280 §4.1.2.5).
_VALIDITY = re.compile(rb"\x30.(?:\x17\x0d\d{12}Z|\x18\x0f\d{14}Z){2}", re.DOTALL)
_VERSION_3: Final = b"\xa0\x03\x02\x01\x02"
_UTF8, _PRINTABLE = 0x0C, 0x13
_ATTRIBUTES: Final = frozenset(
    encode(OBJECT_IDENTIFIER, bytes.fromhex(oid))
    for oid in (
        *(f"5504{kind:02x}" for kind in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 17, 42, 65, 97)),
        "0992268993f22c640101",
    )
)
"""The usual attributes of X.520, organizationIdentifier, and userId (RFC 4519 §2.39)."""
# Letters that no step of RFC 4518 §2 refuses or treats by a rule of its own: ASCII, the Latin
# letters of Unicode 3.2 (all Vietnamese ones), and dashes and quotation marks.
_TEXT = re.compile("[ -~\u00c0-\u0220\u1e00-\u1e9b\u1ea0-\u1ef9\u2010-\u2027]+")

_Found = dict[str, Any]
PlainName = tuple[tuple[bytes, str], ...]
"""Attributes in order, each with its type in DER: equal where `cryptography` calls names equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCertificate:
    """A certificate of the plain kind. issuer, subject: the names, DER; and read.

    signed: its parts. key_info: subjectPublicKeyInfo, DER. key_bits: the content of
    subjectPublicKey. key_identifier, issuer_key_identifier: of the
    subject's key and of the issuer's as the extensions have them, or None. path_length: the
    constraint of a CA certificate, None where there is none.
    """

    certificate: x509.Certificate
    der: bytes
    signed: Signed
    serial: int
    issuer: bytes
    subject: bytes
    issuer_name: PlainName
    subject_name: PlainName
    public_key: PublicKey
    key_info: bytes
    key_bits: bytes
    not_before: datetime
    not_after: datetime
    is_authority: bool = False
    path_length: int | None = None
    signs_certificates: bool = False
    signs_crls: bool = False
    key_identifier: bytes | None = None
    issuer_key_identifier: bytes | None = None
    offers_ocsp: bool = False
    offers_crl: bool = False
    is_responder: bool = False
    """Made for OCSP responses, and not to be checked for revocation (RFC 6960 §4.2.2.2.1)."""


@lru_cache(maxsize=128)
def plain_certificate(der: bytes) -> PlainCertificate:
    """Read a certificate. Raises Unusual.

    What was read is kept, as `certs.parsing` keeps what the library reads: issuers and responders
    are the same for thousands of documents.
    """
    return read_certificate(der)


def read_certificate(der: bytes) -> PlainCertificate:
    """Read a certificate, and keep nothing. Raises Unusual."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise Unusual("a large certificate")
    signed = read_signed(der)
    fields = _fields(signed)
    try:
        certificate = x509.load_der_x509_certificate(der)
        public_key = certificate.public_key()
        if not isinstance(public_key, PublicKey) or key_weakness(public_key):
            raise Unusual("a key of another kind, or a weak one")
        return PlainCertificate(
            certificate=certificate,
            der=der,
            signed=signed,
            serial=certificate.serial_number,
            issuer=fields.issuer,
            subject=fields.subject,
            issuer_name=plain_name(fields.issuer),
            subject_name=plain_name(fields.subject),
            public_key=public_key,
            key_info=fields.key_info,
            key_bits=_key_bits(fields.key_info),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            **_extended(certificate.extensions),
        )
    except DAMAGE as error:
        raise Unusual(f"damaged: {type(error).__name__}") from error


@lru_cache(maxsize=256)
def plain_name(der: bytes) -> PlainName:
    """Read a name: single attributes of the usual types, in UTF8String or PrintableString."""
    found = []
    start, stop = whole(der, tag=SEQUENCE)
    for tag, _, start_of_set, end_of_set in elements(der, start, end=stop):
        if tag != SET:
            raise Unusual("no set of attributes")
        first, last = inside(der, start_of_set, tag=SEQUENCE, end=end_of_set)
        parts = elements(der, first, end=last)
        if last != end_of_set or len(parts) != 2:
            raise Unusual("several attributes in one")
        (_, type_at, _, type_end), (kind, _, text_at, text_end) = parts
        if der[type_at:type_end] not in _ATTRIBUTES or kind not in (_UTF8, _PRINTABLE):
            raise Unusual("an attribute of another type")
        try:
            text = der[text_at:text_end].decode("utf-8" if kind == _UTF8 else "ascii")
        except UnicodeDecodeError as error:
            raise Unusual("a text that is none") from error
        if _TEXT.fullmatch(text) is None:
            raise Unusual("a text with unusual letters")
        found.append((der[type_at:type_end], text))
    if not found:
        raise Unusual("an empty name")
    return tuple(found)


def folded(name: PlainName) -> PlainName:
    """Return the name so that all that RFC 4518 calls equal is equal, and maybe more."""
    return tuple(
        (kind, unicodedata.normalize("NFKC", "".join(text.casefold().split())))
        for kind, text in name
    )


class _Fields(NamedTuple):
    issuer: bytes
    subject: bytes
    key_info: bytes


def _fields(signed: Signed) -> _Fields:
    """Read the fields of a certificate (RFC 5280 §4.1) as far as they are needed as bytes."""
    der = signed.content
    at, end = whole(der, tag=SEQUENCE)
    members = elements(der, at, end=end)
    tags = [tag for tag, *_ in members]
    if tags != [CONTEXT_0, INTEGER, *[SEQUENCE] * 5, CONTEXT_3]:
        raise Unusual("other fields than usual")
    version, _, signature, issuer, validity, subject, key, _ = (der[a:b] for _, a, _, b in members)
    if version != _VERSION_3 or signature != signed.algorithm:
        raise Unusual("another version, or two algorithms")
    if _VALIDITY.fullmatch(validity) is None:
        raise Unusual("times in another form")
    return _Fields(issuer, subject, key)


def _key_bits(der: bytes) -> bytes:
    start, stop = whole(der, tag=SEQUENCE)
    parts = elements(der, start, end=stop)
    if [tag for tag, *_ in parts] != [SEQUENCE, BIT_STRING] or der[
        start : parts[0][3]
    ] not in _KEYS:
        raise Unusual("a key of another kind")
    bits = der[parts[1][2] : stop]
    if bits[0] != 0 or bits[1] not in (_UNCOMPRESSED, _RSA_KEY):
        raise Unusual("a key in another form")
    return bits[1:]


def _extended(extensions: x509.Extensions) -> _Found:
    """Return what the extensions say; each must be one that is known here."""
    found: _Found = {}
    for extension in extensions:
        value = extension.value
        read = _READERS.get(type(value))
        if read is not None:
            found |= read(value)
        elif extension.oid != PRACTICE_EXTENSION or extension.critical:
            raise Unusual(f"extension {extension.oid.dotted_string}")
    is_responder = found.pop(_RESPONDS, False) and found.pop(_UNCHECKED, False)
    return found | {"is_responder": is_responder}


def _constraints(value: x509.BasicConstraints) -> _Found:
    return {"is_authority": value.ca, "path_length": value.path_length}


def _usage(value: x509.KeyUsage) -> _Found:
    return {"signs_certificates": value.key_cert_sign, "signs_crls": value.crl_sign}


def _issuer_key(value: x509.AuthorityKeyIdentifier) -> _Found:
    if value.authority_cert_issuer is not None or value.authority_cert_serial_number is not None:
        raise Unusual("an issuer named otherwise")
    return {"issuer_key_identifier": value.key_identifier}


def _access(value: x509.AuthorityInformationAccess) -> _Found:
    if any(type(each.access_location) is not x509.UniformResourceIdentifier for each in value):
        raise Unusual("information that is at no address")
    methods = [each.access_method for each in value]
    return {"offers_ocsp": AuthorityInformationAccessOID.OCSP in methods}


def _points(value: x509.CRLDistributionPoints) -> _Found:
    """Take CRLs of all reasons, by the issuer itself, at addresses."""
    for point in value:
        if point.crl_issuer is not None or point.reasons is not None or not point.full_name:
            raise Unusual("a CRL of somebody else, or of some reasons")
        if any(type(each) is not x509.UniformResourceIdentifier for each in point.full_name):
            raise Unusual("a CRL that is at no address")
    return {"offers_crl": True}


def _policies(value: x509.CertificatePolicies) -> _Found:
    """Take names of policies only, which ask for nothing where no policy is wanted."""
    policies = list(value)
    if len(policies) > MAX_POLICIES or any(each.policy_qualifiers for each in policies):
        raise Unusual("many policies, or qualified ones")
    return {}


_RESPONDS, _UNCHECKED = "responds", "unchecked"
# Looked up by type: to ask each value for its kind takes longer than all else here.
_READERS: Final[dict[type, Callable[[Any], _Found]]] = {
    x509.BasicConstraints: _constraints,
    x509.KeyUsage: _usage,
    x509.SubjectKeyIdentifier: lambda value: {"key_identifier": value.digest},
    x509.AuthorityKeyIdentifier: _issuer_key,
    x509.ExtendedKeyUsage: lambda value: {_RESPONDS: ExtendedKeyUsageOID.OCSP_SIGNING in value},
    x509.OCSPNoCheck: lambda _: {_UNCHECKED: True},
    x509.AuthorityInformationAccess: _access,
    x509.CRLDistributionPoints: _points,
    x509.CertificatePolicies: _policies,
}
