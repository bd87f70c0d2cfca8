"""What was fetched: whether it is what was asked for, and how long it may be kept (pure)."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp

from certs.errors import FetchUnavailable
from certs.parsing import DAMAGE
from certs.revocation.evidence import EvidenceKind, EvidenceRequest, RevocationEvidence
from certs.revocation.known_crls import known_crl
from certs.revocation.status import ParsedEvidence, RevocationStatus

MAX_CERTIFICATES = 8


def accepted_evidence(
    request: EvidenceRequest, answer: bytes, *, now: datetime
) -> RevocationEvidence:
    """The answer as evidence that counts now, or FetchUnavailable.

    Accepted are OCSP answers and CRLs that are fresh, signed by whom they must be, and say good
    or revoked about the very certificate; and certificates of the issuer's name.
    """
    try:
        certificate = x509.load_der_x509_certificate(request.certificate)
        issuer = x509.load_der_x509_certificate(request.issuer) if request.issuer else None
    except DAMAGE:
        raise FetchUnavailable("the certificate that was asked about is damaged") from None
    if request.kind is EvidenceKind.CA_ISSUERS:
        return RevocationEvidence(certificates=_issuers(certificate, answer))
    if issuer is None:
        raise FetchUnavailable("evidence cannot be checked without the issuer")
    if request.kind is EvidenceKind.OCSP:
        evidence = RevocationEvidence(ocsp_responses=(answer,))
    else:
        evidence = RevocationEvidence(crls=(crl_der(answer),))
    finding = ParsedEvidence(evidence).finding(certificate, issuer, at=now)
    match finding.status:
        case RevocationStatus.UNKNOWN:
            raise FetchUnavailable("the responder does not know the certificate")
        case RevocationStatus.NO_EVIDENCE:
            raise FetchUnavailable("the answer is no fresh evidence by an authorised signer")
        case _:
            return evidence


def crl_der(answer: bytes) -> bytes:
    """The CRL in DER, where it came in PEM; raises FetchUnavailable."""
    if not answer.startswith(b"-----BEGIN"):
        return answer
    try:
        return x509.load_pem_x509_crl(answer).public_bytes(Encoding.DER)
    except DAMAGE:
        raise FetchUnavailable("the answer is not a CRL") from None


def _issuers(certificate: x509.Certificate, answer: bytes) -> tuple[bytes, ...]:
    found = [
        each
        for each in _certificates(answer)[:MAX_CERTIFICATES]
        if each.subject == certificate.issuer
    ]
    if not found:
        raise FetchUnavailable("the answer holds no certificate of the issuer")
    return tuple(each.public_bytes(Encoding.DER) for each in found)


def _certificates(answer: bytes) -> list[x509.Certificate]:
    # RFC 5280 §4.2.2.1: one DER certificate, or a certs-only PKCS#7 bag; PEM is seen in the wild.
    try:
        if answer.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificates(answer)
        return [x509.load_der_x509_certificate(answer)]
    except DAMAGE:
        pass
    try:
        return pkcs7.load_der_pkcs7_certificates(answer)
    except DAMAGE:
        return []


class EvidenceCache:
    """Accepted answers until their nextUpdate, the longest unused forgotten first.

    Only what accepted_evidence() let through is put in, so a failure or an answer by a stranger
    is asked for again, and never stands in the way of a true one.
    """

    def __init__(self, *, max_answers: int, max_bytes: int, max_seconds: float) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._max_life = timedelta(seconds=max_seconds)
        self._bytes = 0
        self._kept: OrderedDict[object, tuple[RevocationEvidence, datetime]] = OrderedDict()

    def get(self, request: EvidenceRequest, now: datetime) -> RevocationEvidence | None:
        """The kept answer, while it is fresh."""
        key = question(request)
        if (kept := self._kept.get(key)) is None:
            return None
        evidence, until = kept
        if now >= until:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return evidence

    def put(
        self,
        request: EvidenceRequest,
        evidence: RevocationEvidence,
        *,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        """Keep an accepted answer; one without nextUpdate, or larger than all room, is not kept.

        until: when it ends that was kept elsewhere before.
        """
        until = until or next_update(evidence)
        if until is None or _size(evidence) > self._max_bytes:
            return
        key = question(request)
        self._forget(key)
        self._kept[key] = evidence, min(until, now + self._max_life)
        self._bytes += _size(evidence)
        while len(self._kept) > self._max_answers or self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def __len__(self) -> int:
        return len(self._kept)

    def _forget(self, key: object) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(kept[0])


def question(request: EvidenceRequest) -> tuple[bytes, ...]:
    """What the request asks, whoever asks it: equal questions have one answer."""
    kind, issuer = request.kind.encode(), request.issuer or b""
    if request.kind is EvidenceKind.OCSP:
        return kind, issuer, str(request.serial).encode()
    if request.kind is EvidenceKind.CA_ISSUERS:
        return kind, request.url.encode(), request.certificate
    # A CRL was checked for one issuer; another issuer naming the same address proves nothing.
    return kind, request.url.encode(), issuer


def _size(evidence: RevocationEvidence) -> int:
    return sum(map(len, (*evidence.ocsp_responses, *evidence.crls)))


def next_update(evidence: RevocationEvidence) -> datetime | None:
    """When newer evidence will be there at the latest, None where that is not said."""
    ends = [
        single.next_update_utc
        for der in evidence.ocsp_responses
        for single in ocsp.load_der_ocsp_response(der).responses
    ]
    ends += [known_crl(der).parsed.next_update_utc for der in evidence.crls]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None
