"""What authorised, fresh evidence says about one certificate: good, revoked or nothing (pure).

This is the first of two walls. pyhanko-certvalidator judges the path with the same evidence after
it; here evidence that nobody authorised signed is thrown away before that library sees it, the
newest word counts, and a CRL that names the certificate outweighs an OCSP answer that calls it
good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from asn1crypto import keys as asn1_keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.algorithms import certificate_weakness, digest_weakness, key_weakness
from certs.parsing import DAMAGE
from certs.revocation.evidence import RevocationEvidence
from certs.revocation.known_crls import KnownCrl, known_crl

CLOCK_TOLERANCE = timedelta(minutes=1)
# RFC 6960 lets a responder leave nextUpdate out: newer information is always available then.
_WITHOUT_NEXT_UPDATE = timedelta(minutes=30)
_HOLD = x509.ReasonFlags.certificate_hold
MAX_ITEMS = 64
"""Pieces of evidence looked at, of each kind; a hostile document may carry thousands."""


class RevocationStatus(StrEnum):
    """What is known about a certificate's revocation at an instant."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"
    """The responder itself says that it does not know the certificate."""
    NO_EVIDENCE = "NO_EVIDENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The status, since when if revoked, and the evidence that counts, DER."""

    status: RevocationStatus
    revoked_at: datetime | None = None
    evidence: RevocationEvidence = field(default_factory=RevocationEvidence)


class ParsedEvidence:
    """Evidence parsed once for all certificates of a path; what cannot be parsed is left out."""

    __slots__ = ("_crls", "_responses")

    def __init__(self, evidence: RevocationEvidence) -> None:
        self._responses = list(_parsed_responses(evidence.ocsp_responses[:MAX_ITEMS]))
        self._crls = list(_parsed_crls(evidence.crls[:MAX_ITEMS]))

    def finding(
        self, certificate: x509.Certificate, issuer: x509.Certificate, *, at: datetime
    ) -> Finding:
        """What the evidence says about the certificate that the issuer signed."""
        subject = (certificate, issuer)
        answers = _standing(
            answer
            for der, response in self._responses
            if (answer := _answer(der, response, subject=subject, at=at)) is not None
        )
        lists = _standing(
            entry for crl in self._crls if (entry := _listing(crl, subject, at=at)) is not None
        )
        answers, lists = _standing(answers, beside=lists), _standing(lists, beside=answers)
        said = max(answers, key=lambda answer: answer.told_at, default=None)
        counted = [each for each in answers if each is said or each.for_good]
        proof = RevocationEvidence(
            ocsp_responses=tuple(each.der for each in counted),
            crls=tuple(each.der for each in lists),
        )
        moments = (each.revoked_at for each in (*counted, *lists))
        revoked_at = min(
            (each for each in moments if each is not None and each <= at), default=None
        )
        if revoked_at is not None:
            return Finding(status=RevocationStatus.REVOKED, revoked_at=revoked_at, evidence=proof)
        if said is not None:
            status = RevocationStatus.GOOD if said.good else RevocationStatus.UNKNOWN
        else:
            status = RevocationStatus.GOOD if lists else RevocationStatus.NO_EVIDENCE
        return Finding(status=status, evidence=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What one piece of evidence says about the certificate.

    fresh: whether it is so at the instant asked for. for_good: a revocation that nothing lifts
    (RFC 5280 §5.3.1: all but certificateHold).
    """

    der: bytes
    told_at: datetime
    good: bool
    revoked_at: datetime | None
    fresh: bool
    for_good: bool


def _standing(words: Iterable[_Word], *, beside: Iterable[_Word] = ()) -> list[_Word]:
    """The words without holds that are over: no longer fresh, and younger word knows of none.

    beside: words of the other kind, to compare with as well.
    """
    known = list(words)
    newest = max((each.told_at for each in (*known, *beside) if each.good), default=None)
    return [
        each
        for each in known
        if each.fresh or each.for_good or newest is None or each.told_at >= newest
    ]


_Subject = tuple[x509.Certificate, x509.Certificate]
"""A certificate and its issuer."""


def _answer(
    der: bytes, response: ocsp.OCSPResponse, *, subject: _Subject, at: datetime
) -> _Word | None:
    """The response's word on the certificate, if it counts; a damaged response has none."""
    try:
        singles = [
            single
            for single in response.responses
            if _is_about(single, subject)
            and (
                _fresh(single.this_update_utc, single.next_update_utc, at=at)
                or _revoked_by(single.revocation_time_utc, at=at)
            )
        ]
        newest = max(singles, key=lambda single: single.this_update_utc, default=None)
        if newest is None:
            return None
        told_at, revoked_at = newest.this_update_utc, newest.revocation_time_utc
        fresh = _fresh(told_at, newest.next_update_utc, at=at)
        if not _authorised(response, subject[1], at=max(at, told_at) if fresh else told_at):
            return None
        return _Word(
            der=der,
            told_at=told_at,
            good=newest.certificate_status is ocsp.OCSPCertStatus.GOOD,
            revoked_at=revoked_at,
            fresh=fresh,
            for_good=revoked_at is not None and newest.revocation_reason is not _HOLD,
        )
    except Exception:
        return None


def _listing(crl: KnownCrl, subject: _Subject, *, at: datetime) -> _Word | None:
    """The certificate's place in the CRL, if the CRL counts; a damaged CRL does not."""
    certificate, issuer = subject
    try:
        told_at, until = crl.parsed.last_update_utc, crl.parsed.next_update_utc
        entry = crl.entry(certificate.serial_number)
        revoked_at = entry.revocation_date_utc if entry is not None else None
        fresh = _fresh(told_at, until, at=at)
        revoked = _revoked_by(revoked_at, at=at)
        if not _crl_counts(crl, issuer, at=told_at if revoked else at):
            return None
        return _Word(
            der=crl.der,
            told_at=told_at,
            good=entry is None,
            revoked_at=revoked_at,
            fresh=fresh,
            for_good=entry is not None and _reason(entry) is not _HOLD,
        )
    except Exception:
        return None


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified


def _parsed_responses(items: Iterable[bytes]) -> Iterator[tuple[bytes, ocsp.OCSPResponse]]:
    for item in items:
        try:
            response = ocsp.load_der_ocsp_response(item)
            if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
                yield item, response
        except Exception:  # noqa: S112 - one damaged piece must not spoil the others
            continue


def _parsed_crls(items: Iterable[bytes]) -> Iterator[KnownCrl]:
    for item in items:
        try:
            yield known_crl(item)
        except Exception:  # noqa: S112 - one damaged piece must not spoil the others
            continue


def _fresh(this_update: datetime, next_update: datetime | None, *, at: datetime) -> bool:
    until = next_update if next_update is not None else this_update + _WITHOUT_NEXT_UPDATE
    return this_update - CLOCK_TOLERANCE <= at <= until + CLOCK_TOLERANCE


def _revoked_by(revoked_at: datetime | None, *, at: datetime) -> bool:
    """Whether a word says that it was revoked at the instant, whenever it was told.

    Revocation comes after the loss of a key, and word of it later still: evidence that was fresh
    at the instant and knew nothing of it proves nothing against it. And revocation lasts: word of
    it needs no freshness, or an answer with a long life would outlive it.
    """
    return revoked_at is not None and revoked_at <= at


def _is_about(single: ocsp.OCSPSingleResponse, subject: _Subject) -> bool:
    """Whether the CertID (RFC 6960 §4.1.1) is the certificate's: serial, issuer's name and key."""
    certificate, issuer = subject
    if single.serial_number != certificate.serial_number:
        return False
    digest = single.hash_algorithm
    return (single.issuer_name_hash, single.issuer_key_hash) == (
        _hashed(issuer.subject.public_bytes(), digest),
        _hashed(public_key_bits(issuer), digest),
    )


def _hashed(content: bytes, digest: hashes.HashAlgorithm) -> bytes:
    hasher = hashes.Hash(digest)
    hasher.update(content)
    return hasher.finalize()


def public_key_bits(certificate: x509.Certificate) -> bytes:
    """The content of subjectPublicKey's BIT STRING, which CertID and ResponderID hash."""
    spki = asn1_keys.PublicKeyInfo.load(
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    # The first octet counts the unused bits.
    return bytes(spki["public_key"].contents[1:])


def _authorised(response: ocsp.OCSPResponse, issuer: x509.Certificate, *, at: datetime) -> bool:
    """RFC 6960 §4.2.2.2: signed by the issuer's own key, or by one it delegated for OCSP.

    Keys are compared by what they verify, never by names, serial numbers or signature values
    that an attacker can copy.
    """
    if digest_weakness(response.signature_hash_algorithm):
        return False
    signers = [issuer]
    signers += [each for each in response.certificates[:4] if _delegated(each, issuer, at=at)]
    return any(_verifies(response, signer) for signer in signers)


def _delegated(responder: x509.Certificate, issuer: x509.Certificate, *, at: datetime) -> bool:
    try:
        purposes = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        responder.verify_directly_issued_by(issuer)
    except (*DAMAGE, x509.ExtensionNotFound):
        return False
    return (
        ExtendedKeyUsageOID.OCSP_SIGNING in purposes
        and responder.not_valid_before_utc <= at + CLOCK_TOLERANCE
        and at - CLOCK_TOLERANCE <= responder.not_valid_after_utc
        and not certificate_weakness(responder)
    )


def _verifies(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    try:
        key = signer.public_key()
        digest = response.signature_hash_algorithm
        signature, content = response.signature, response.tbs_response_bytes
        match key:
            case _ if key_weakness(key):
                return False
            case rsa.RSAPublicKey() if digest is not None:
                key.verify(signature, content, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() if digest is not None:
                key.verify(signature, content, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, content)
            case _:
                return False
    except DAMAGE:
        return False
    return True


def _crl_counts(crl: KnownCrl, issuer: x509.Certificate, *, at: datetime) -> bool:
    """Whether the CRL is complete, fresh, and signed by the issuer itself (RFC 5280 §6.3.3).

    Indirect and delta CRLs are not used: not one of the authorities served here issues them.
    """
    parsed = crl.parsed
    if parsed.issuer != issuer.subject or parsed.next_update_utc is None or crl.is_partial:
        return False
    if not _fresh(parsed.last_update_utc, parsed.next_update_utc, at=at):
        return False
    if digest_weakness(parsed.signature_hash_algorithm) or not _signs_crls(issuer):
        return False
    try:
        return not key_weakness(issuer.public_key()) and crl.is_signed_by(issuer)
    except DAMAGE:
        return False


def _signs_crls(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
    except DAMAGE:
        return False
