"""The CMS object of a PAdES signature, put together from parts that are encoded once (pure).

CMS: RFC 5652 §5. Profile: EN 319 142-1 §6.3 (baseline B-B and B-T): detached, one signer, signed
attributes content-type, message-digest and signing-certificate-v2 (the signing-time attribute is
excluded; the time claimed is /M of the signature dictionary), a time-stamp as unsigned attribute.
Encoding these anew for each signature takes an ASN.1 library several times as long as signing;
tests hold what comes out here to be the same bytes as pyHanko's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import algos, cms
from pyhanko.sign.general import as_signing_certificate_v2, simple_cms_attribute

from certs.schemes import SchemeFamily, SignatureScheme

if TYPE_CHECKING:
    from asn1crypto import x509

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_INTEGER_1: Final = b"\x02\x01\x01"
_OCTET_STRING: Final = 0x04
_CONTEXT_0: Final = 0xA0
_CONTEXT_0_TAG: Final = bytes((_CONTEXT_0,))
_CONTEXT_1: Final = 0xA1
SIGNED_DATA: Final = cms.ContentType("signed_data").dump()
MESSAGE_DIGEST: Final = cms.CMSAttributeType("message_digest").dump()
_TIMESTAMP: Final = cms.CMSAttributeType("signature_time_stamp_token").dump()
CONTENT_TYPE_ATTRIBUTE: Final = simple_cms_attribute("content_type", "data").dump()  # type: ignore[no-untyped-call]


def mechanism_of(scheme: SignatureScheme) -> algos.SignedDigestAlgorithm:
    """Return a scheme's identifier. KeyError for ML-DSA, which the key's own kind names."""
    if scheme.family is SchemeFamily.RSA_PSS:
        return _pss(scheme.digest_algorithm)
    digest = scheme.digest_algorithm
    names = {
        # The library lacks the names for SHA-3; the digest stands beside it (RFC 3370 §3.2).
        SchemeFamily.RSA_PKCS1: "rsassa_pkcs1v15"
        if digest.startswith("sha3_")
        else f"{digest}_rsa",
        SchemeFamily.ECDSA: f"{digest}_ecdsa",
        SchemeFamily.ED25519: "ed25519",
    }
    return algos.SignedDigestAlgorithm({"algorithm": names[scheme.family]})


def _pss(digest: str) -> algos.SignedDigestAlgorithm:
    """Return RSASSA-PSS with the salt as long as the digest (RFC 4055 §3.1, RFC 8017 §9.1)."""
    hashing = algos.DigestAlgorithm({"algorithm": digest})
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": hashing,
            "mask_gen_algorithm": algos.MaskGenAlgorithm(
                {"algorithm": "mgf1", "parameters": hashing}
            ),
            "salt_length": hashlib.new(digest).digest_size,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsTemplate:
    """All parts, in DER, that every CMS object of one signer's certificate shares.

    head, signer_head: what stands in SignedData before the signer's part, and in that one before
    the signed attributes. attributes: the signed attributes before and after the digest.
    """

    head: bytes
    signer_head: bytes
    attributes: tuple[bytes, bytes]
    signature_algorithm: bytes

    @classmethod
    def of(
        cls,
        certificate: x509.Certificate,
        others: tuple[x509.Certificate, ...],
        *,
        digest_algorithm: str,
        mechanism: algos.SignedDigestAlgorithm,
    ) -> CmsTemplate:
        """Encode what depends on the signer's certificate and the algorithms only."""
        identifier = cms.IssuerAndSerialNumber(
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        )
        attribute = simple_cms_attribute(  # type: ignore[no-untyped-call]
            "signing_certificate_v2", as_signing_certificate_v2(certificate)
        )
        empty = bytes(hashlib.new(digest_algorithm).digest_size)
        distinct = {each.dump() for each in (certificate, *others)}
        digest = algos.DigestAlgorithm({"algorithm": digest_algorithm}).dump()
        return cls(
            head=b"".join(
                (
                    _INTEGER_1,
                    _encode(_SET, digest),
                    _encode(_SEQUENCE, cms.ContentType("data").dump()),
                    _encode(_CONTEXT_0, *sorted(distinct)),
                )
            ),
            signer_head=_INTEGER_1 + identifier.dump() + digest,
            attributes=_around_digest(attribute.dump(), empty),
            signature_algorithm=mechanism.dump(),
        )

    def signed_attributes(self, document_digest: bytes) -> bytes:
        """Return the DER of the signed attributes, a SET: the bytes to be signed."""
        before, after = self.attributes
        return before + document_digest + after

    def container(
        self, signed_attributes: bytes, signature: bytes, *, timestamp: bytes | None
    ) -> bytes:
        """Return the whole CMS object in DER; `timestamp` is a TimeStampToken over `signature`."""
        unsigned = b""
        if timestamp is not None:
            attribute = _encode(_SEQUENCE, _TIMESTAMP, _encode(_SET, timestamp))
            unsigned = _encode(_CONTEXT_1, attribute)
        signer_info = _encode(
            _SEQUENCE,
            self.signer_head,
            _CONTEXT_0_TAG + signed_attributes[1:],  # IMPLICIT: the tag alone differs
            self.signature_algorithm,
            _encode(_OCTET_STRING, signature),
            unsigned,
        )
        signed_data = _encode(_SEQUENCE, self.head, _encode(_SET, signer_info))
        return _encode(_SEQUENCE, SIGNED_DATA, _encode(_CONTEXT_0, signed_data))


def _around_digest(certificate_attribute: bytes, empty: bytes) -> tuple[bytes, bytes]:
    """Return the signed attributes before and after a digest as long as `empty`."""
    value = _encode(_SET, _encode(_OCTET_STRING, empty))
    digest = _encode(_SEQUENCE, MESSAGE_DIGEST, value)
    # DER orders the members of a SET OF by their encodings (X.690 §11.6), which differ here before
    # any digest begins.
    members = sorted((CONTENT_TYPE_ATTRIBUTE, certificate_attribute, digest))
    before, after = _encode(_SET, *members).split(digest)
    return before + digest[: -len(empty)], after


def _encode(tag: int, *parts: bytes) -> bytes:
    """Return tag, length and contents in DER (X.690 §8.1, §10.1)."""
    contents = b"".join(parts)
    length = len(contents)
    if length < 0x80:
        return bytes((tag, length)) + contents
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + contents
