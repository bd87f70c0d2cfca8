"""What a policy finds against good signatures, certificates and documents (pure).

EN 319 102-1 §5.2.8 (signature acceptance) and §5.2.6 (the chain's constraints). Each finding leaves
a signature undetermined: what a policy asks for can't make it broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import keys
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from certs.parsing import DAMAGE
from certs.trust.anchors import TrustAnchor
from signer.engine.reading import ENGINE_ERRORS
from signer.policy.values import LEVELS, Algorithms, Format, VerificationPolicy, Weakness
from signer.reasons import Reason
from signer.validation.cms_signatures import CmsSignature
from signer.validation.findings import Finding
from signer.verdicts import SignatureKind, SignatureLevel, SubIndication

_KEPT_CERTIFICATES: Final = 256
_OTHER_FORMATS: Final = {"/adbe.pkcs7.detached": Format.ADBE_PKCS7_DETACHED}
_SCHEMES: Final = {
    SignatureAlgorithmOID.RSASSA_PSS: "rsassa_pss",
    SignatureAlgorithmOID.ED25519: "ed25519",
    SignatureAlgorithmOID.ED448: "ed448",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a policy looks at in one signature that is otherwise good.

    sub_filter: the /SubFilter that names its format. time_proved: whether a good time-stamp proves
    when it was made.
    """

    kind: SignatureKind
    sub_filter: str
    level: SignatureLevel
    anchor: TrustAnchor | None
    time_proved: bool


def signature_findings(
    signature: CmsSignature, standing: Standing, *, policy: VerificationPolicy, at: datetime
) -> list[Finding]:
    """Return what the policy has against a signature that is proved to be as old as `at`."""
    return standing_findings(algorithms_of(signature), standing, policy=policy, at=at)


def standing_findings(
    used: Algorithms, standing: Standing, *, policy: VerificationPolicy, at: datetime
) -> list[Finding]:
    """Return the same where it is known what the signature was made with."""
    found = (
        _against_algorithm(policy.weakness(used, at=at)),
        _standing_finding(standing, policy),
    )
    return [finding for finding in found if finding is not None]


def token_finding(
    token: CmsSignature, policy: VerificationPolicy, *, at: datetime
) -> Finding | None:
    """Return what the policy has against a time-stamp that is proved to be as old as `at`."""
    return _against_algorithm(policy.weakness(algorithms_of(token), at=at), of="time-stamp: ")


def accepts_format(policy: VerificationPolicy, sub_filter: str) -> bool:
    """Tell whether signatures of another format than PAdES count too."""
    return sub_filter in _OTHER_FORMATS and _OTHER_FORMATS[sub_filter] in policy.formats


def _standing_finding(standing: Standing, policy: VerificationPolicy) -> Finding | None:
    rules = policy.signature_rules
    if standing.anchor is not None:
        refused = _anchor_finding(standing.anchor, policy)
        if refused is not None:
            return refused
    least = rules.least_level(standing.kind)
    if not _reaches(standing, least):
        detail = f"{policy.label} asks for {least}, the level is {standing.level}"
        return _against_signature(Reason.LEVEL_TOO_LOW, detail)
    if rules.proved_time and not standing.time_proved:
        detail = f"{policy.label} asks for a time-stamp"
        return _against_signature(Reason.TIME_NOT_PROVED, detail)
    return None


def _anchor_finding(anchor: TrustAnchor, policy: VerificationPolicy) -> Finding | None:
    rules = policy.signature_rules
    if rules.anchor_classes and anchor.anchor_class not in rules.anchor_classes:
        asked = ", ".join(sorted(rules.anchor_classes))
        detail = f"{policy.label} asks for {asked}, the authority is {anchor.anchor_class}"
        return _against_chain(Reason.AUTHORITY_CLASS_REFUSED, detail)
    if rules.own_anchors and policy.block is not None and policy.block not in anchor.blocks:
        detail = f"the authority is trusted for {', '.join(sorted(anchor.blocks))}"
        return _against_chain(Reason.AUTHORITY_OF_OTHER_BLOCK, detail)
    return None


def signers_finding(kinds: Sequence[SignatureKind], policy: VerificationPolicy) -> Finding | None:
    """Return what the policy has against who signed a document, in the order of signing."""
    rules = policy.document_rules
    missing = (
        (SignatureKind.SIGNATURE, Reason.LEADER_SIGNATURE_MISSING),
        (SignatureKind.SEAL, Reason.SEAL_SIGNATURE_MISSING),
    )
    for kind, reason in missing:
        if kind in rules.signers and kind not in kinds:
            return _against_signature(reason, f"{policy.label} asks for it")
    if rules.seal_last and SignatureKind.SEAL in kinds:
        # NĐ 30/2020 art. 32.2.d: sealed is what the person in charge has signed.
        after = kinds[list(kinds).index(SignatureKind.SEAL) :]
        if SignatureKind.SIGNATURE in after:
            return _against_signature(Reason.SIGNED_AFTER_SEAL, f"{policy.label} wants it last")
    return None


def chain_finding(
    chain: Sequence[x509.Certificate], policy: VerificationPolicy, *, at: datetime
) -> Finding | None:
    """Return what the policy has against keys and signatures of a path without its anchor."""
    for certificate in chain:
        weakness = policy.weakness(certificate_algorithms(certificate), at=at)
        if weakness is not None:
            return _against_algorithm(weakness, of="a certificate of the path: ")
    return None


def algorithms_of(signature: CmsSignature) -> Algorithms:
    """Return what a signature was made with."""
    scheme = signature.scheme
    try:
        named = str(scheme.signature_algo)
    except ValueError:
        named = str(scheme["algorithm"].native)
    bits, curve = _key(signature.public_key)
    return Algorithms(digest=signature.digest_algorithm, scheme=named, rsa_bits=bits, curve=curve)


# Issuers are the same few for all documents.
@lru_cache(maxsize=_KEPT_CERTIFICATES)
def certificate_algorithms(certificate: x509.Certificate) -> Algorithms:
    """Return what a certificate was signed with, and what its own key is."""
    try:
        digest, key = certificate.signature_hash_algorithm, certificate.public_key()
    except DAMAGE:
        return Algorithms()  # judge_path refuses it by itself
    name = digest.name.replace("-", "_") if digest is not None else ""
    scheme = certificate.signature_algorithm_oid
    of_elliptic_curve = "ecdsa" if scheme.dotted_string.startswith("1.2.840.10045.4.") else ""
    return Algorithms(
        digest=name,
        scheme=_SCHEMES.get(scheme, of_elliptic_curve or "rsassa_pkcs1v15"),
        rsa_bits=key.key_size if isinstance(key, rsa.RSAPublicKey) else 0,
        curve=key.curve.name.lower() if isinstance(key, ec.EllipticCurvePublicKey) else "",
    )


def _key(key: keys.PublicKeyInfo) -> tuple[int, str]:
    """Return the size of an RSA key, or the curve of one on a curve."""
    try:
        if key.algorithm in ("rsa", "rsassa_pss"):
            return key.bit_size, ""
        return 0, str(key.curve[1]) if key.algorithm == "ec" else ""
    except ENGINE_ERRORS:
        return 0, ""  # check_strength refuses it by itself


def _reaches(standing: Standing, least: SignatureLevel) -> bool:
    if standing.sub_filter in _OTHER_FORMATS:
        return least is LEVELS[0]  # it has no level, but where none is asked for that is no lack
    return standing.level in LEVELS[LEVELS.index(least) :]


def _against_algorithm(weakness: Weakness | None, *, of: str = "") -> Finding | None:
    if weakness is None:
        return None
    if weakness.ended_on is None:
        return Finding(
            reason=Reason.ALGORITHM_NOT_ACCEPTED,
            sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            detail=f"{of}{weakness.what}",
        )
    # EN 319 102-1 §5.3.4: nothing proves that it existed while the algorithm was still good.
    return Finding(
        reason=Reason.ALGORITHM_OUTDATED,
        sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        detail=f"{of}{weakness.what}, accepted until {weakness.ended_on.isoformat()}",
    )


def _against_signature(reason: Reason, detail: str) -> Finding:
    return Finding(
        reason=reason, sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE, detail=detail
    )


def _against_chain(reason: Reason, detail: str) -> Finding:
    return Finding(
        reason=reason, sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE, detail=detail
    )
