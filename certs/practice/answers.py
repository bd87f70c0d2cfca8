"""The practice authority's words on revocation: OCSP answers (RFC 6960) and CRLs (RFC 5280)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.practice.files import Revocation
from certs.practice.profiles import PrivateKey
from certs.revocation.status import public_key_bits

MAX_REQUEST_BYTES = 16 * 1024
ANSWER_LIFE = timedelta(hours=1)
CRL_LIFE = timedelta(days=1)
_BACKDATED = timedelta(minutes=1)
_DIGESTS = ("sha1", "sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """The delegated OCSP responder (RFC 6960 §4.2.2.2) of one issuing CA."""

    certificate: x509.Certificate
    private_key: PrivateKey
    issuer: x509.Certificate

    def __repr__(self) -> str:
        return f"<Responder, certificate serial {self.certificate.serial_number:x}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a responder can speak about."""

    issued: frozenset[int]
    revoked: Mapping[int, Revocation]

    def revocation(self, serial: int, at: datetime) -> Revocation | None:
        """The certificate's revocation, if it has happened by the instant."""
        found = self.revoked.get(serial)
        return found if found is not None and found.at <= at else None


def answer_ocsp(request: bytes, *, responder: Responder, known: Known, at: datetime) -> bytes:
    """An OCSPResponse (DER): good, revoked or unknown, or an error status. Never raises."""
    if len(request) > MAX_REQUEST_BYTES:
        return _error(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    try:
        asked = ocsp.load_der_ocsp_request(request)
        digest = asked.hash_algorithm
        name_hash, key_hash, serial = (
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            asked.serial_number,
        )
        nonce = _nonce(asked)
    except (ValueError, NotImplementedError):
        return _error(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    if digest.name not in _DIGESTS:
        return _error(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    ours = _identifies(responder.issuer, (name_hash, key_hash), digest=digest)
    revocation = known.revocation(serial, at) if ours else None
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            issuer_name_hash=name_hash,
            issuer_key_hash=key_hash,
            serial_number=serial,
            algorithm=digest,
            cert_status=_status(ours and serial in known.issued, revocation),
            this_update=_second(at - _BACKDATED),
            next_update=_second(at + ANSWER_LIFE),
            revocation_time=_second(revocation.at) if revocation else None,
            revocation_reason=x509.ReasonFlags[revocation.reason] if revocation else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        .certificates([responder.certificate])
    )
    if nonce is not None:
        builder = builder.add_extension(nonce, critical=False)
    return builder.sign(responder.private_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _error(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _nonce(request: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    try:
        return request.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None


def _status(issued: bool, revocation: Revocation | None) -> ocsp.OCSPCertStatus:
    if not issued:
        return ocsp.OCSPCertStatus.UNKNOWN
    return ocsp.OCSPCertStatus.REVOKED if revocation else ocsp.OCSPCertStatus.GOOD


def _identifies(
    issuer: x509.Certificate, identifier: tuple[bytes, bytes], *, digest: hashes.HashAlgorithm
) -> bool:
    # CertID (RFC 6960 §4.1.1): the hashes of the issuer's name and of its key's bits.
    name = hashes.Hash(digest)
    name.update(issuer.subject.public_bytes())
    key = hashes.Hash(digest)
    key.update(public_key_bits(issuer))
    return identifier == (name.finalize(), key.finalize())


def make_crl(
    issuer: x509.Certificate,
    private_key: PrivateKey,
    *,
    revoked: Mapping[int, Revocation],
    at: datetime,
) -> bytes:
    """A complete CRL (DER) of everything revoked by the instant, valid for CRL_LIFE."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(_second(at - _BACKDATED))
        .next_update(_second(at + CRL_LIFE))
        # Any rising number will do (RFC 5280 §5.2.3); the time in microseconds rises by itself.
        .add_extension(x509.CRLNumber(int(at.timestamp() * 1_000_000)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    for serial, revocation in revoked.items():
        if revocation.at > at:
            continue
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(serial)
            .revocation_date(_second(revocation.at))
            .add_extension(x509.CRLReason(x509.ReasonFlags[revocation.reason]), critical=False)
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(private_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
