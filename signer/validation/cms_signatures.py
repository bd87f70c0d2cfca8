"""A CMS signature: reading it, and whether value, digest and certificate belong together (pure).

The value is checked by pyHanko's `validate_sig_integrity` (RFC 5652 §5.4 over the signed
attributes as received, RFC 5035 signing-certificate, RFC 6211 algorithm protection). Its `ades_*`
functions are not used: they give no verdict over structure and later changes, send B-B, B-T and
LTA through different procedures that contradict each other, and were seen to recurse without end;
our own steps are fewer and stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from asn1crypto import algos, cms, core, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pyhanko.sign.general import (
    CMSExtractionError,
    MultivaluedAttributeError,
    NonexistentAttributeError,
    extract_certificate_info,
    extract_signer_info,
    find_cms_attribute_iter,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr, validate_sig_integrity
from pyhanko.sign.validation.utils import DEFAULT_ALGORITHM_USAGE_POLICY
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from certs.algorithms import key_weakness
from certs.parsing import DAMAGE
from certs.revocation.evidence import RevocationEvidence
from signer.engine.reading import ENGINE_ERRORS
from signer.engine.rsa_moduli import with_unsigned_modulus
from signer.reasons import Reason
from signer.validation.findings import Finding
from signer.verdicts import SubIndication

_NAME_CHARACTERS: Final = 64
MAX_EMBEDDED_ITEMS: Final = 64
"""Certificates, OCSP responses or CRLs taken from one signature."""

UNACCEPTED_ALGORITHMS: Final = (Reason.WEAK_ALGORITHM, Reason.EXPERIMENTAL_ALGORITHM)
"""Findings of check_strength, which leave the document's integrity proved."""
_EXPERIMENTAL: Final = ("mldsa44", "mldsa65", "mldsa87")
_SCHEMES_AS_DIGESTS: Final = {"1.2.840.113549.1.1.5": "sha1"}
"""Schemes that old software named where the digest belongs: sha1WithRSAEncryption (RFC 8017)."""

_RSA_WITH_SHA3: Final = {
    f"2.16.840.1.101.3.4.3.{13 + index}": f"sha3_{bits}"
    for index, bits in enumerate((224, 256, 384, 512))
}
"""RSA PKCS#1 v1.5 with a digest of FIPS 202, by NIST's identifiers, which the engine lacks."""

Digest = Callable[[str], bytes]
"""Gives the digest of what was signed, for the name of a digest algorithm."""


class CmsError(ValueError):
    """The bytes are no signature that can be judged; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsSignature:
    """One SignedData with its only signer and the certificates that came along."""

    signed_data: cms.SignedData
    signer_info: cms.SignerInfo
    certificate: asn1_x509.Certificate
    others: tuple[asn1_x509.Certificate, ...]

    @property
    def digest_algorithm(self) -> str:
        """The signer's digest algorithm, as "sha256"."""
        named = str(self.signer_info["digest_algorithm"]["algorithm"].native)
        return _SCHEMES_AS_DIGESTS.get(named, named)

    @property
    def public_key(self) -> keys.PublicKeyInfo:
        """The certificate's key, read as it was meant."""
        return with_unsigned_modulus(self.certificate.public_key)

    @property
    def algorithm(self) -> str:
        """Digest and signature scheme in words, as "sha256 rsassa_pkcs1v15"."""
        scheme = self.scheme
        try:
            return f"{self.digest_algorithm} {scheme.signature_algo}"
        except ValueError:
            return f"{self.digest_algorithm} {scheme['algorithm'].native}"

    @property
    def scheme(self) -> algos.SignedDigestAlgorithm:
        """The signature scheme, by a name that the engine knows where there is one."""
        return _scheme_meant(self.signer_info["signature_algorithm"], self.digest_algorithm)

    @property
    def signature(self) -> bytes:
        """The signature value: what a signature time-stamp is made over (RFC 3161 appendix A)."""
        return bytes(self.signer_info["signature"].native)

    @property
    def names_its_certificate(self) -> bool:
        """Whether a signed attribute names the certificate: PAdES, EN 319 142-1 §6.3."""
        attributes = self.signer_info["signed_attrs"]
        if attributes is core.VOID or isinstance(attributes, core.Void):
            return False
        return get_signing_cert_attr(attributes) is not None

    @property
    def names_digest_by_scheme(self) -> bool:
        """Whether a signature scheme stands where the digest belongs."""
        return self.signer_info["digest_algorithm"]["algorithm"].native in _SCHEMES_AS_DIGESTS

    def claimed_at(self) -> datetime | None:
        """Return the signing time that the signer claims, or None."""
        try:
            moment = find_unique_cms_attribute(self.signer_info["signed_attrs"], "signing_time")
            claimed = moment.native
        except (NonexistentAttributeError, MultivaluedAttributeError, *ENGINE_ERRORS):
            return None
        return claimed.astimezone(UTC) if isinstance(claimed, datetime) else None

    def timestamp_tokens(self) -> tuple[cms.SignedData, ...]:
        """Return the signature time-stamps among the unsigned attributes."""
        tokens = find_cms_attribute_iter(
            self.signer_info["unsigned_attrs"], "signature_time_stamp_token"
        )
        return tuple(token["content"] for token in tokens)[:MAX_EMBEDDED_ITEMS]

    def evidence(self) -> RevocationEvidence:
        """Return the revocation evidence that the signature carries; it is yet to be judged."""
        ocsp_responses: list[bytes] = []
        crls: list[bytes] = []
        try:
            values = find_cms_attribute_iter(
                self.signer_info["signed_attrs"], "adobe_revocation_info_archival"
            )
            for value in values:
                ocsp_responses += [item.dump() for item in _items(value["ocsp"])]
                crls += [item.dump() for item in _items(value["crl"])]
        except ENGINE_ERRORS:
            # Evidence that can't be read is evidence that is missing; the path's judge says so.
            return RevocationEvidence()
        return RevocationEvidence(ocsp_responses=tuple(ocsp_responses), crls=tuple(crls))


def _items(sequence: object) -> Iterable[core.Asn1Value]:
    return list(sequence)[:MAX_EMBEDDED_ITEMS] if isinstance(sequence, core.SequenceOf) else ()


def read_cms(content: bytes) -> CmsSignature:
    """Read a ContentInfo with SignedData; CmsError where it is none, or has not one signer."""
    try:
        message = cms.ContentInfo.load(content)
        if message["content_type"].native != "signed_data":
            raise CmsError(_format_failure("the CMS object is not SignedData"))
        return read_signed_data(message["content"])
    except ENGINE_ERRORS as error:
        if isinstance(error, CmsError):
            raise
        raise CmsError(_format_failure(f"the CMS object can't be read: {error}")) from error


def read_signed_data(signed_data: cms.SignedData) -> CmsSignature:
    """Read the one signer of a SignedData; CmsError where there is not exactly one."""
    try:
        info = extract_certificate_info(signed_data)
        return CmsSignature(
            signed_data=signed_data,
            signer_info=extract_signer_info(signed_data),
            certificate=info.signer_cert,
            others=tuple(info.other_certs[:MAX_EMBEDDED_ITEMS]),
        )
    except CMSExtractionError as error:
        # EN 319 102-1 §5.2.3.4: without the certificate nothing can be judged.
        raise CmsError(
            Finding(
                reason=Reason.SIGNING_CERTIFICATE_MISMATCH,
                sub_indication=SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
                detail=str(error),
            )
        ) from error
    except ENGINE_ERRORS as error:
        raise CmsError(_format_failure(f"the CMS object can't be read: {error}")) from error


def _format_failure(detail: str) -> Finding:
    return Finding(
        reason=Reason.CONTENTS_INVALID,
        sub_indication=SubIndication.FORMAT_FAILURE,
        detail=detail,
    )


def digest_parts(parts: Iterable[bytes | memoryview]) -> Digest:
    """Return a function that gives the digest of `parts` one after the other."""

    def digest(algorithm: str) -> bytes:
        state = hashes.Hash(get_pyca_cryptography_hash(algorithm))
        for part in parts:
            state.update(part)
        return state.finalize()

    return digest


class _ValueValidator(DefaultSignatureValidator):
    """The engine's check of a value, with keys read as they were meant."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Verify the value; InvalidSignature where it is not right."""
        digest = _digest_meant(context)
        super().validate_signature(
            signature,
            signed_data,
            with_unsigned_modulus(public_key_info),
            _scheme_meant(signature_algorithm, digest),
            replace(context, contextual_md_algorithm=digest),
        )


def _scheme_meant(
    scheme: algos.SignedDigestAlgorithm, digest: str | None
) -> algos.SignedDigestAlgorithm:
    """Return plain RSA for what names a digest besides, which must be the signer's (RFC 8933)."""
    if digest is not None and _RSA_WITH_SHA3.get(scheme["algorithm"].dotted) == digest:
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})
    return scheme


def _digest_meant(context: SignatureValidationContext) -> str | None:
    named = context.contextual_md_algorithm
    return _SCHEMES_AS_DIGESTS.get(named, named) if named is not None else None


def check_value(signature: CmsSignature, content_type: str, *, digest: Digest) -> Finding | None:
    """Verify digest and signature value (EN 319 102-1 §5.2.7); None where both are right.

    content_type: what must have been signed, "data" or "tst_info".
    """
    unknown = _unknown_algorithm(signature)
    if unknown:
        return Finding(
            reason=Reason.ALGORITHM_NOT_ACCEPTED,
            sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            detail=unknown,
        )
    try:
        actual = digest(signature.digest_algorithm)
        intact, right = validate_sig_integrity(
            signature.signer_info,
            signature.certificate,
            content_type,
            actual,
            sig_validator=_ValueValidator(),
        )
    except SignatureValidationError as error:
        return _refused_attributes(error)
    if not intact:
        return Finding(
            reason=Reason.DOCUMENT_ALTERED,
            sub_indication=SubIndication.HASH_FAILURE,
            detail="the signed bytes are not those that were signed",
        )
    if not right:
        return Finding(
            reason=Reason.SIGNATURE_BROKEN,
            sub_indication=SubIndication.SIG_CRYPTO_FAILURE,
            detail="the signature value does not verify with the certificate's key",
        )
    return None


def _unknown_algorithm(signature: CmsSignature) -> str:
    """Name the digest or the scheme that can't be verified here; empty where both can."""
    named = signature.digest_algorithm
    try:
        get_pyca_cryptography_hash(named)
    except (AttributeError, TypeError):
        return f"the digest algorithm {_called(named)} is not known"
    scheme = str(signature.scheme["algorithm"].native)
    if scheme in _RSA_WITH_SHA3:
        return ""  # with another digest than the signer's: it will not verify
    if scheme[:1].isdigit() and "." in scheme:
        return f"the signature algorithm {_called(scheme)} is not known"
    return ""


def _called(algorithm: str) -> str:
    """Return an algorithm's name, and its number where it is known by that alone."""
    number = algorithm[:_NAME_CHARACTERS]
    scheme = algos.SignedDigestAlgorithmId.map(algorithm) if algorithm[:1].isdigit() else number
    return number if scheme == number else f"{scheme} ({number})"


def _refused_attributes(error: SignatureValidationError) -> Finding:
    named = getattr(error.ades_subindication, "name", "")
    if named == "NO_SIGNING_CERTIFICATE_FOUND":
        return Finding(
            reason=Reason.SIGNING_CERTIFICATE_MISMATCH,
            sub_indication=SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            detail=str(error),
            failed=True,
        )
    return _format_failure(str(error))


def check_strength(signature: CmsSignature) -> Finding | None:
    """Judge digest, scheme and key length (EN 319 102-1 §5.2.8); None where they are accepted."""
    detail, reason = _weakness(signature), Reason.WEAK_ALGORITHM
    if not detail and signature.certificate.public_key.algorithm in _EXPERIMENTAL:
        # Neither Thông tư 15/2025/TT-BKHCN nor ETSI TS 119 312 names it: it can't be relied on.
        detail, reason = signature.algorithm, Reason.EXPERIMENTAL_ALGORITHM
    if not detail:
        return None
    return Finding(
        reason=reason,
        sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        detail=detail,
    )


def _weakness(signature: CmsSignature) -> str:
    """Say why the digest, the scheme or the key is not accepted; empty where all are."""
    scheme = signature.scheme
    digest = signature.signer_info["digest_algorithm"]
    policy = DEFAULT_ALGORITHM_USAGE_POLICY
    constraints = (
        policy.digest_algorithm_allowed(digest, moment=None),
        policy.signature_algorithm_allowed(scheme, moment=None, public_key=signature.public_key),
    )
    detail = _digest_conflict(signature)
    for constraint in constraints:
        if not constraint.allowed:
            detail = constraint.failure_reason or f"{signature.algorithm} is not accepted"
    return detail or _key_weakness(signature) or _scheme_as_digest(signature)


def _key_weakness(signature: CmsSignature) -> str:
    try:
        return key_weakness(serialization.load_der_public_key(signature.public_key.dump()))
    except DAMAGE:
        return "a key of an unsupported kind"


def _scheme_as_digest(signature: CmsSignature) -> str:
    """Say so where a scheme stands for its digest, for no rule about digests would know it."""
    named = str(signature.signer_info["digest_algorithm"]["algorithm"].native)
    return f"digest {signature.digest_algorithm}" if named in _SCHEMES_AS_DIGESTS else ""


def _digest_conflict(signature: CmsSignature) -> str:
    """Say how digest and scheme disagree (RFC 8933); by name, since NULL parameters may differ."""
    scheme = signature.scheme
    try:
        implied = str(scheme.hash_algo)
    except ValueError:
        # The scheme implies no digest, as plain rsaEncryption.
        return ""
    if implied == signature.digest_algorithm or implied.startswith("shake"):
        return ""
    return f"digest {signature.digest_algorithm}, but the scheme means {implied}"


def certificate_of(certificate: asn1_x509.Certificate) -> x509.Certificate | None:
    """Return the certificate as `cryptography` reads it, None where it refuses to."""
    try:
        return x509.load_der_x509_certificate(certificate.dump())
    except DAMAGE:
        return None
