"""What must be true of a time-stamp answer before it is believed (RFC 3161 §2.4.2, pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_SIGNATURE_VALIDATOR,
    SignatureValidationContext,
)

from certs.errors import TsaAnswerInvalid, TsaUnavailable

MAX_CERTIFICATES = 32
_DIGESTS = ("sha256", "sha384", "sha512")
# The failures of RFC 3161 §2.4.2 that a later try may overcome.
_PASSING = {"time_not_available", "system_failure", "add_info_not_available"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StampRequest:
    """What was asked for: imprint and its digest algorithm, and the nonce."""

    imprint: bytes
    digest_algorithm: str
    nonce: int

    def __post_init__(self) -> None:
        if self.digest_algorithm not in _DIGESTS:
            raise ValueError(f"{self.digest_algorithm!r} is not one of {', '.join(_DIGESTS)}")
        if len(self.imprint) != hashlib.new(self.digest_algorithm).digest_size:
            raise ValueError(f"the imprint is not a {self.digest_algorithm} digest")

    def to_der(self) -> bytes:
        """The TimeStampReq; it asks for the certificates."""
        request = tsp.TimeStampReq(
            {
                "version": "v1",
                "message_imprint": {
                    "hash_algorithm": {"algorithm": self.digest_algorithm},
                    "hashed_message": self.imprint,
                },
                "nonce": self.nonce,
                "cert_req": True,
            }
        )
        return bytes(request.dump())


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedToken:
    """A token whose signature is right; its signer's path and its time are still to be judged."""

    der: bytes
    stamped_at: datetime
    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]


def check_answer(answer: bytes, request: StampRequest) -> CheckedToken:
    """The token of a TimeStampResp, proved to answer the request.

    Checked are status, imprint, nonce, the digest and type in the signed attributes, that exactly
    one certificate is bound by signing-certificate(-v2), and that this certificate and no other
    verifies the signature. Raises TsaAnswerInvalid, or TsaUnavailable for a refusal that may pass.
    """
    try:
        return _checked(answer, request)
    except (TsaAnswerInvalid, TsaUnavailable):
        raise
    except InvalidSignature:
        raise TsaAnswerInvalid("the signature is wrong") from None
    except Exception as error:
        # The answer is a stranger's; whatever it provokes in a parser is one more invalid answer.
        raise TsaAnswerInvalid(f"it cannot be parsed: {type(error).__name__}") from error


def _checked(answer: bytes, request: StampRequest) -> CheckedToken:
    # Bytes are taken before anything inside is looked at: asn1crypto counts a default value that
    # was read as a change, and then writes the structure anew instead of giving what was received.
    der = _granted(answer)
    token = cms.ContentInfo.load(der, strict=True)
    if token["content_type"].native != "signed_data":
        raise TsaAnswerInvalid("the token is not signed data")
    signed = token["content"]
    encapsulated = signed["encap_content_info"]
    if encapsulated["content_type"].native != "tst_info":
        raise TsaAnswerInvalid("the token holds no time-stamp")
    content = bytes(encapsulated["content"])
    info = tsp.TSTInfo.load(content, strict=True)
    _match(info, request)
    if len(signed["signer_infos"]) != 1:
        raise TsaAnswerInvalid("the token does not have exactly one signature")
    certificates = [bytes(each.dump()) for each in signed["certificates"]][:MAX_CERTIFICATES]
    signer = _verified_signer(signed["signer_infos"][0], content, certificates=certificates)
    return CheckedToken(
        der=der,
        stamped_at=info["gen_time"].native,
        signer=x509.load_der_x509_certificate(signer),
        certificates=tuple(x509.load_der_x509_certificate(each) for each in certificates),
    )


class _StatusAlone(core.Sequence):  # type: ignore[misc]
    """TimeStampResp as RFC 3161 has it: the token is OPTIONAL."""

    _fields = [  # noqa: RUF012 - the form asn1crypto wants
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def _granted(answer: bytes) -> bytes:
    response = _StatusAlone.load(answer, strict=True)
    token = response["time_stamp_token"]
    der = bytes(token.dump())
    status = response["status"]
    if status["status"].native not in ("granted", "granted_with_mods"):
        failures = status["fail_info"].native or set()
        detail = f"it refused: {', '.join(sorted(failures)) or status['status'].native}"
        raise TsaUnavailable(detail) if failures & _PASSING else TsaAnswerInvalid(detail)
    if isinstance(token, core.Void):
        raise TsaAnswerInvalid("it granted a time-stamp and gave none")
    return der


def _match(info: tsp.TSTInfo, request: StampRequest) -> None:
    imprint = info["message_imprint"]
    if (
        imprint["hash_algorithm"]["algorithm"].native != request.digest_algorithm
        or imprint["hashed_message"].native != request.imprint
    ):
        raise TsaAnswerInvalid("the time-stamp is for another document")
    if info["nonce"].native != request.nonce:
        raise TsaAnswerInvalid("the nonce is not the one that was sent")


def _verified_signer(
    signer_info: cms.SignerInfo, content: bytes, *, certificates: list[bytes]
) -> bytes:
    # RFC 5652 §5.4: signed as a SET OF, sent under [0]; the rest as received.
    signed_data = b"\x31" + signer_info["signed_attrs"].dump()[1:]
    digest = signer_info["digest_algorithm"]["algorithm"].native
    if digest not in _DIGESTS:
        raise TsaAnswerInvalid(f"it is signed with {digest}")
    if _signature_digest(signer_info["signature_algorithm"], digest) not in _DIGESTS:
        raise TsaAnswerInvalid("its signature uses a weak digest")
    attributes = _single_valued(signer_info["signed_attrs"])
    if attributes["content_type"].native != "tst_info":
        raise TsaAnswerInvalid("the signed content type is another")
    if attributes["message_digest"].native != hashlib.new(digest, content).digest():
        raise TsaAnswerInvalid("the signature is over another time-stamp")
    # CVE-2026-39984 is what happens when the certificate that verifies the signature and the one
    # whose purpose is checked are looked up apart: here one certificate is both.
    der = _bound_certificate(attributes, certificates)
    signer = asn1_x509.Certificate.load(der, strict=True)
    if not _identified(signer_info["sid"], signer):
        raise TsaAnswerInvalid("the signature names another certificate than it is bound to")
    DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
        signature=signer_info["signature"].native,
        signed_data=signed_data,
        public_key_info=signer.public_key,
        signature_algorithm=signer_info["signature_algorithm"],
        context=SignatureValidationContext(contextual_md_algorithm=digest),
    )
    return der


def _signature_digest(algorithm: algos.SignedDigestAlgorithm, digest: str) -> str:
    try:
        return str(algorithm.hash_algo)
    except ValueError:
        return digest  # "rsaEncryption" and the like leave it to the SignerInfo


def _single_valued(attributes: cms.CMSAttributes) -> dict[str, core.Asn1Value]:
    values: dict[str, core.Asn1Value] = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in values or len(attribute["values"]) != 1:
            raise TsaAnswerInvalid("a signed attribute is there twice")
        values[name] = attribute["values"][0]
    return values


def _bound_certificate(attributes: dict[str, core.Asn1Value], certificates: list[bytes]) -> bytes:
    """The certificate that the first ESSCertID names (RFC 5816 §2.2.1, RFC 2634 §5.4)."""
    if (bound := attributes.get("signing_certificate_v2")) is not None:
        first = bound["certs"][0]
        digest = first["hash_algorithm"]["algorithm"].native
        if digest not in _DIGESTS:
            raise TsaAnswerInvalid(f"its certificate is bound with {digest}")
    elif (bound := attributes.get("signing_certificate")) is not None:
        # SHA-1 by definition; RFC 3161's own form, still what many authorities send. The signer
        # is then found by a second pre-image at best, and must verify the signature all the same.
        first, digest = bound["certs"][0], "sha1"
    else:
        raise TsaAnswerInvalid("it is not bound to a certificate")
    wanted = first["cert_hash"].native
    for certificate in certificates:
        if hashlib.new(digest, certificate).digest() == wanted:
            return certificate
    raise TsaAnswerInvalid("the certificate that it is bound to is not included")


def _identified(sid: cms.SignerIdentifier, certificate: asn1_x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        named = sid.chosen["issuer"]
        if sid.chosen["serial_number"].native != certificate.serial_number:
            return False
        # Nearly all name their issuer in its own bytes; comparing names as RFC 5280 §7.1 has it
        # takes as long as all other checks together.
        return bool(named.dump() == certificate.issuer.dump() or named == certificate.issuer)
    return bool(sid.chosen.native == certificate.key_identifier)
