"""The practice time-stamping authority's answers (RFC 3161): bytes in, bytes out."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding

from certs.practice.profiles import PrivateKey
from certs.trust.anchors import PRACTICE_EXTENSION

MAX_REQUEST_BYTES = 16 * 1024
# The practice policy hangs under the practice mark's own arc.
PRACTICE_POLICY = PRACTICE_EXTENSION.dotted_string + ".1"
_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


class _RefusedError(Exception):
    """A request that gets a rejection; carries the failure bit of RFC 3161 §2.4.2."""

    def __init__(self, failure: str, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


@dataclass(frozen=True, slots=True)
class TimestampSigner:
    """The TSA's certificate and key with the chain that goes into tokens."""

    certificate: x509.Certificate
    private_key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    def __repr__(self) -> str:
        return f"<TimestampSigner, certificate serial {self.certificate.serial_number:x}>"


def answer_timestamp(request: bytes, *, signer: TimestampSigner, at: datetime) -> bytes:
    """A TimeStampResp (DER): granted with a token, or a rejection that says why. Never raises."""
    try:
        asked = _parsed(request)
        token = _token(asked, signer, at=at)
    except _RefusedError as refusal:
        return _rejection(refusal)
    response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
    return bytes(response.dump())


@dataclass(frozen=True, slots=True)
class _Asked:
    digest_algorithm: str
    imprint: bytes
    nonce: int | None
    with_certificates: bool


def _parsed(request: bytes) -> _Asked:
    if len(request) > MAX_REQUEST_BYTES:
        raise _RefusedError("bad_data_format", "the request is too large")
    try:
        parsed = tsp.TimeStampReq.load(request, strict=True)
        asked = _Asked(
            digest_algorithm=parsed["message_imprint"]["hash_algorithm"]["algorithm"].native,
            imprint=parsed["message_imprint"]["hashed_message"].native,
            nonce=parsed["nonce"].native,
            with_certificates=bool(parsed["cert_req"].native),
        )
        version, policy = parsed["version"].native, parsed["req_policy"].native
        extended = parsed["extensions"].native is not None
    except (ValueError, TypeError, KeyError) as error:
        raise _RefusedError("bad_data_format", "not a time-stamp request") from error
    if version != "v1":
        raise _RefusedError("bad_request", "only version 1 is answered")
    if asked.digest_algorithm not in _DIGEST_BYTES:
        raise _RefusedError("bad_alg", "use SHA-256, SHA-384 or SHA-512")
    if len(asked.imprint) != _DIGEST_BYTES[asked.digest_algorithm]:
        raise _RefusedError("bad_data_format", "the imprint has the wrong length")
    if policy not in (None, PRACTICE_POLICY):
        raise _RefusedError("unaccepted_policy", "the policy is not served")
    if extended:
        raise _RefusedError("unaccepted_extensions", "no extension is served")
    return asked


def _rejection(refusal: _RefusedError) -> bytes:
    status = tsp.PKIStatusInfo(
        {
            "status": "rejection",
            "status_string": [refusal.text],
            "fail_info": {refusal.failure},
        }
    )
    # asn1crypto's TimeStampResp demands a token, which RFC 3161 forbids in a rejection.
    return bytes(_Rejection({"status": status}).dump())


class _Rejection(core.Sequence):  # type: ignore[misc]
    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 - the form asn1crypto wants


def _token(asked: _Asked, signer: TimestampSigner, *, at: datetime) -> cms.ContentInfo:
    certificate = asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER))
    info = _info(asked, certificate, at=at).dump()
    attributes = _signed_attributes(info, certificate, at=at)
    digest: algos.DigestAlgorithm = algos.DigestAlgorithm({"algorithm": "sha256"})
    signer_info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": {
                        "issuer": certificate.issuer,
                        "serial_number": certificate.serial_number,
                    }
                }
            ),
            "digest_algorithm": digest,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": _signature_algorithm(signer.private_key)},
            "signature": _sign(signer.private_key, attributes.untag().dump()),
        }
    )
    content = {
        "version": "v3",
        "digest_algorithms": [digest],
        "encap_content_info": {
            "content_type": "tst_info",
            "content": cms.ParsableOctetString(info),
        },
        "signer_infos": [signer_info],
    }
    if asked.with_certificates:
        chain = (signer.certificate, *signer.chain)
        content["certificates"] = [
            asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in chain
        ]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(content)})


def _info(asked: _Asked, certificate: asn1_x509.Certificate, *, at: datetime) -> tsp.TSTInfo:
    fields = {
        "version": "v1",
        "policy": PRACTICE_POLICY,
        "message_imprint": {
            "hash_algorithm": {"algorithm": asked.digest_algorithm},
            "hashed_message": asked.imprint,
        },
        "serial_number": secrets.randbits(64),
        "gen_time": at,
        "accuracy": {"seconds": 1},
        "tsa": asn1_x509.GeneralName("directory_name", certificate.subject),
    }
    if asked.nonce is not None:
        fields["nonce"] = asked.nonce
    return tsp.TSTInfo(fields)


def _signed_attributes(
    info: bytes, certificate: asn1_x509.Certificate, *, at: datetime
) -> cms.CMSAttributes:
    der = certificate.dump()
    # RFC 5816: signing-certificate-v2 binds the signature to this very certificate.
    binding = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(der).digest()}]})
    moment = cms.Time({"utc_time": core.UTCTime(at.replace(microsecond=0))})
    return cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "signing_time", "values": [moment]},
            {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
            {"type": "signing_certificate_v2", "values": [binding]},
        ]
    )


def _signature_algorithm(key: PrivateKey) -> str:
    return "sha256_ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "sha256_rsa"


def _sign(key: PrivateKey, content: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(hashes.SHA256()))
    return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
