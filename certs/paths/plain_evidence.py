"""Evidence of the plain kind: OCSP answers and CRLs that leave nothing to interpret (pure).

For the quick judgement of paths (`certs.paths.plain`). Plain is an OCSP answer about one
certificate, by a responder whose own certificate comes along, is the issuer's delegate and asks
for no revocation check (RFC 6960 §4.2.2.2); and a complete CRL of the issuer itself without
anything that narrows it (RFC 5280 §5.2). Anything else raises Unusual.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509 import ocsp

from certs.der_reading import (
    CONTEXT_0,
    OCTET_STRING,
    SEQUENCE,
    Unusual,
    element,
    elements,
    encode,
    inside,
    whole,
)
from certs.parsing import DAMAGE
from certs.paths.plain_certificates import (
    PlainCertificate,
    PlainName,
    plain_certificate,
    plain_name,
)
from certs.paths.plain_signatures import Signed, read_signed, require_signed
from certs.revocation.known_crls import KnownCrl, known_crl

_RESPONDER_NAME, _RESPONDER_KEY = 0xA1, 0xA2
_DIGESTS: Final = ("sha1", "sha256")
"""Of names and keys in an answer: those that the library can compute (RFC 6960 §4.3)."""
# RFC 5280 §5.3.3: from here on entries may be about certificates of other issuers.
_CERTIFICATE_ISSUER: Final = bytes.fromhex("0603551d1d")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainAnswer:
    """What one OCSP response says about the one certificate that it is about.

    signed: the parts of its BasicOCSPResponse.
    """

    der: bytes
    signed: Signed
    response: ocsp.OCSPResponse
    single: ocsp.OCSPSingleResponse
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainList:
    """A CRL with its parts, and the name of its issuer."""

    der: bytes
    signed: Signed
    crl: KnownCrl
    issuer: bytes
    issuer_name: PlainName


def plain_answer(der: bytes) -> PlainAnswer:
    """Read an OCSP response. Whether it can be believed is for `require_good`. Raises Unusual."""
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise Unusual("no answer")
        singles = list(response.responses)
        if len(singles) != 1:
            raise Unusual("an answer about several certificates")
        [single] = singles
        return PlainAnswer(
            der=der,
            signed=read_signed(_basic_response(der), followed=True),
            response=response,
            single=single,
            serial=single.serial_number,
        )
    except DAMAGE as error:
        raise Unusual(f"damaged: {type(error).__name__}") from error


def plain_list(der: bytes) -> PlainList:
    """Read a CRL. Whether it can be believed is for `require_unlisted`. Raises Unusual."""
    signed = read_signed(der)
    content = signed.content
    at, stop = whole(content, tag=SEQUENCE)
    # version, signature, issuer (RFC 5280 §5.1)
    for _ in range(2):
        _, _, at = element(content, at, end=stop)
    _, end = inside(content, at, tag=SEQUENCE, end=stop)
    issuer = content[at:end]
    try:
        return PlainList(
            der=der,
            signed=signed,
            crl=known_crl(der),
            issuer=issuer,
            issuer_name=plain_name(issuer),
        )
    except DAMAGE as error:
        raise Unusual(f"damaged: {type(error).__name__}") from error


def require_good(
    answer: PlainAnswer, subject: PlainCertificate, *, issuer: PlainCertificate, at: datetime
) -> datetime:
    """Require that the answer says GOOD at the instant, on the issuer's authority.

    Returns until when it does. Raises Unusual.
    """
    try:
        single = answer.single
        until = single.next_update_utc
        if single.certificate_status is not ocsp.OCSPCertStatus.GOOD or until is None:
            raise Unusual("not good, or without an end")
        if not single.this_update_utc <= at <= until:
            raise Unusual("not fresh")
        digest = single.hash_algorithm.name
        if digest not in _DIGESTS or (single.issuer_name_hash, single.issuer_key_hash) != (
            hashlib.new(digest, issuer.subject).digest(),
            hashlib.new(digest, issuer.key_bits).digest(),
        ):
            raise Unusual("about a certificate of somebody else")
        responder = _responder(answer, issuer, at=at)
        if responder.serial in (issuer.serial, subject.serial):
            raise Unusual("a responder that is in the path")
        _require_signature(answer, responder)
        return min(until, responder.not_after)
    except DAMAGE as error:
        raise Unusual(f"damaged: {type(error).__name__}") from error


def require_unlisted(
    plain: PlainList, subject: PlainCertificate, *, issuer: PlainCertificate, at: datetime
) -> datetime:
    """Require that the issuer's CRL counts at the instant and does not name the certificate.

    Returns until when it counts. Raises Unusual.
    """
    try:
        parsed = plain.crl.parsed
        until = parsed.next_update_utc
        if until is None or not parsed.last_update_utc <= at <= until:
            raise Unusual("not fresh, or without an end")
        if plain.issuer != issuer.subject or not issuer.signs_crls:
            raise Unusual("a CRL of somebody else")
        if not all(_says_nothing(extension.value) for extension in parsed.extensions):
            raise Unusual("a CRL with extensions")
        if _CERTIFICATE_ISSUER in plain.der or plain.crl.entry(subject.serial) is not None:
            raise Unusual("named, or a CRL about several issuers' certificates")
        if parsed.tbs_certlist_bytes != plain.signed.content:
            raise Unusual("signed in another way")
        plain.crl.require_signed(
            issuer.key_info, lambda: require_signed(plain.signed, issuer.public_key)
        )
        return until
    except DAMAGE as error:
        raise Unusual(f"damaged: {type(error).__name__}") from error


def _says_nothing(extension: x509.ExtensionType) -> bool:
    match extension:
        case x509.CRLNumber():
            return True
        case x509.AuthorityKeyIdentifier():
            return extension.authority_cert_issuer is None
    return False


def _responder(answer: PlainAnswer, issuer: PlainCertificate, *, at: datetime) -> PlainCertificate:
    """Return the delegate that came with the response (RFC 6960 §4.2.2.2)."""
    embedded = answer.signed.rest
    start, stop = inside(embedded, 0, tag=CONTEXT_0, end=len(embedded))
    first, last = inside(embedded, start, tag=SEQUENCE, end=stop)
    certificates = elements(embedded, first, end=last)
    if last != stop or len(certificates) != 1:
        raise Unusual("no delegate, or several")
    responder = plain_certificate(embedded[first:last])
    if not responder.is_responder or responder.is_authority:
        raise Unusual("no delegate, or one to be checked itself")
    if not responder.not_before <= at <= responder.not_after:
        raise Unusual("a delegate out of its time")
    require_issued(responder, issuer)
    return responder


def require_issued(certificate: PlainCertificate, issuer: PlainCertificate) -> None:
    """Require that the issuer signed the certificate, and is the one that it names."""
    if certificate.issuer != issuer.subject:
        raise Unusual("another issuer's name")
    expected, actual = certificate.issuer_key_identifier, issuer.key_identifier
    if expected is not None and actual is not None and expected != actual:
        raise Unusual("another issuer's key")
    require_signed(certificate.signed, issuer.public_key)


def _basic_response(der: bytes) -> bytes:
    """Return the BasicOCSPResponse, DER, in a response (RFC 6960 §4.2.1)."""
    # OCSPResponse: status and, tagged, type and response.
    start, stop = whole(der, tag=SEQUENCE)
    parts = elements(der, start, end=stop)
    if len(parts) != 2 or parts[1][0] != CONTEXT_0:
        raise Unusual("no response")
    first, last = inside(der, parts[1][2], tag=SEQUENCE, end=stop)
    members = elements(der, first, end=last)
    if len(members) != 2 or members[1][0] != OCTET_STRING:
        raise Unusual("no response")
    return der[members[1][2] : members[1][3]]


def _require_signature(answer: PlainAnswer, responder: PlainCertificate) -> None:
    """Require that the responder is the one that the response names, and signed it."""
    signed = answer.signed.content
    begin, end = whole(signed, tag=SEQUENCE)
    kind, _, named_at, named_end = elements(signed, begin, end=end)[0]
    named = signed[named_at:named_end]
    if kind == _RESPONDER_KEY:
        digest = hashlib.sha1(responder.key_bits).digest()  # noqa: S324 - RFC 6960 §4.2.1
        if named != encode(OCTET_STRING, digest):
            raise Unusual("another responder's key")
    elif kind != _RESPONDER_NAME or named != responder.subject:
        raise Unusual("another responder's name")
    if answer.response.tbs_response_bytes != signed:
        raise Unusual("signed in another way")
    require_signed(answer.signed, responder.public_key)
