"""Path validation at an instant (RFC 5280 §6): anchors, evidence and a time in, a verdict out.

Nothing is fetched here. pyhanko-certvalidator judges; around it stand bounded path building, the
usage rules of each role and a judgement of our own on revocation, and a path is VALID only when
all of them agree.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from asn1crypto import x509 as asn1_x509
from asn1crypto.ocsp import OCSPResponse
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.authority import AuthorityWithCert, CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    InvalidCertificateError,
    NotYetValidError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path

from certs.algorithms import certificate_weakness
from certs.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRefused,
    CertificateRevoked,
    CertificateUnsuitable,
    NoTrustedPath,
    RevocationUnknown,
)
from certs.parsing import DAMAGE, asn1_certificate
from certs.paths.building import CandidatePath, candidate_paths
from certs.paths.usage import unsuitability
from certs.revocation.crl_entries import narrowed
from certs.revocation.evidence import (
    EvidenceRequest,
    RevocationEvidence,
    offered_evidence,
    offers_revocation,
)
from certs.revocation.status import CLOCK_TOLERANCE, Finding, ParsedEvidence, RevocationStatus
from certs.trust.anchors import AnchorRole, TrustAnchor, TrustStore

MAX_CERTIFICATE_BYTES = 64 * 1024


class PathStatus(StrEnum):
    """What came of judging a certificate's path."""

    VALID = "VALID"
    REVOKED = "REVOKED"
    REVOCATION_UNKNOWN = "REVOCATION_UNKNOWN"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    UNSUITABLE = "UNSUITABLE"
    NO_TRUSTED_PATH = "NO_TRUSTED_PATH"


# When several paths exist and none is valid, the verdict that says most about the certificate.
_TELLING_FIRST = tuple(PathStatus)
_REFUSALS: dict[PathStatus, type[CertificateRefused]] = {
    PathStatus.REVOKED: CertificateRevoked,
    PathStatus.REVOCATION_UNKNOWN: RevocationUnknown,
    PathStatus.EXPIRED: CertificateExpired,
    PathStatus.NOT_YET_VALID: CertificateNotYetValid,
    PathStatus.UNSUITABLE: CertificateUnsuitable,
    PathStatus.NO_TRUSTED_PATH: NoTrustedPath,
}


_ASKED_OF_ALL = CertRevTrustPolicy(RevocationCheckingPolicy.from_legacy("hard-fail"))
_ASKED_OF_ISSUERS = replace(
    _ASKED_OF_ALL,
    revocation_checking_policy=replace(
        _ASKED_OF_ALL.revocation_checking_policy,
        ee_certificate_rule=RevocationCheckingRule.NO_CHECK,
    ),
)
_LIBRARY_REFUSALS: tuple[tuple[type[Exception], PathStatus], ...] = (
    (RevokedError, PathStatus.REVOKED),
    (InsufficientRevinfoError, PathStatus.REVOCATION_UNKNOWN),
    (ExpiredError, PathStatus.EXPIRED),
    (NotYetValidError, PathStatus.NOT_YET_VALID),
    (DisallowedAlgorithmError, PathStatus.UNSUITABLE),
    (InvalidCertificateError, PathStatus.UNSUITABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    """The verdict on one certificate in one role at one instant.

    chain is the end entity's certificate and its issuers without the anchor, empty when no path
    was found. refused is the certificate that decided against the path, where one alone did.
    evidence is the part of the evidence that was fresh and authorised, and so counted. missing is
    what to ask for when revocation is unknown, only ever about certificates whose signatures lead
    to the anchor.
    """

    status: PathStatus
    at: datetime
    chain: tuple[x509.Certificate, ...] = ()
    anchor: TrustAnchor | None = None
    revoked_at: datetime | None = None
    detail: str = ""
    evidence: RevocationEvidence = field(default_factory=RevocationEvidence)
    missing: tuple[EvidenceRequest, ...] = ()
    refused: x509.Certificate | None = None

    def __bool__(self) -> bool:
        raise TypeError("a PathVerdict is not true or false: ask for its status")

    def raise_for_status(self) -> None:
        """Nothing when VALID, else the CertificateRefused that belongs to the status."""
        if self.status is not PathStatus.VALID:
            raise _REFUSALS[self.status](self.detail)


def judge_path(
    certificate: x509.Certificate,
    *,
    intermediates: Iterable[x509.Certificate] = (),
    store: TrustStore,
    role: AnchorRole,
    at: datetime,
    evidence: RevocationEvidence | None = None,
) -> PathVerdict:
    """Judge whether the store trusts the certificate in the role at the instant (aware, UTC).

    Every certificate below the anchor that offers OCSP or a CRL needs evidence by an authorised
    responder, fresh at the instant; without it the verdict is REVOCATION_UNKNOWN. Never raises
    for anything in certificates or evidence.
    """
    if at.utcoffset() is None:
        raise ValueError("the instant must be aware")
    anchors = store.anchors_for(role, at=at)
    inputs = _Inputs(role=role, at=at, evidence=evidence or RevocationEvidence())
    none = PathVerdict(status=PathStatus.NO_TRUSTED_PATH, at=at)
    try:
        if len(_der(certificate)) > MAX_CERTIFICATE_BYTES:
            return replace(none, status=PathStatus.UNSUITABLE, detail="it is too large")
        verdicts = []
        for path in candidate_paths(certificate, inputs.bag(intermediates), anchors=anchors):
            verdicts.append(_judge_candidate(certificate, path, inputs=inputs))
            if verdicts[-1].status is PathStatus.VALID:
                return verdicts[-1]
    except Exception as error:
        # Strangers made the input; whatever it makes a parser do, it is a refusal and no crash.
        return replace(none, detail=f"it cannot be judged: {type(error).__name__}")
    if verdicts:
        return _most_telling(verdicts)
    # A signature with a digest like SHA-1 is not verified at all, so no path was found.
    if weakness := certificate_weakness(certificate):
        return replace(none, status=PathStatus.UNSUITABLE, detail=weakness, refused=certificate)
    detail = "no issuer found" if anchors else f"no anchor for {role} at this time"
    return replace(none, detail=detail)


class _Inputs:
    """The role, the instant and the evidence, parsed once for all candidate paths."""

    __slots__ = ("_certificates", "at", "evidence", "role")

    def __init__(self, *, role: AnchorRole, at: datetime, evidence: RevocationEvidence) -> None:
        self.role = role
        self.at = at
        self.evidence = ParsedEvidence(evidence)
        self._certificates = evidence.certificates

    def bag(self, intermediates: Iterable[x509.Certificate]) -> Sequence[x509.Certificate]:
        """The intermediates, and those that came with the evidence."""
        bag = list(intermediates)
        for der in self._certificates:
            try:
                bag.append(x509.load_der_x509_certificate(der))
            except DAMAGE:
                continue
        return bag


def _most_telling(verdicts: Sequence[PathVerdict]) -> PathVerdict:
    telling = min(verdicts, key=lambda verdict: _TELLING_FIRST.index(verdict.status))
    missing = dict.fromkeys(request for verdict in verdicts for request in verdict.missing)
    return replace(telling, missing=tuple(missing))


def _judge_candidate(
    certificate: x509.Certificate, path: CandidatePath, *, inputs: _Inputs
) -> PathVerdict:
    at = inputs.at
    verdict = PathVerdict(
        status=PathStatus.UNSUITABLE,
        at=at,
        chain=path.chain or (certificate,),
        anchor=path.anchor,
    )
    for each in verdict.chain:
        if weakness := certificate_weakness(each, self_signed=not path.chain):
            return replace(verdict, detail=f"{_named(each)}: {weakness}", refused=each)
    if reason := unsuitability(certificate, inputs.role):
        return replace(verdict, detail=reason)
    # RFC 5280 §6.1.3 (a)(2), strictly: the library allows for a clock that is a little off.
    for each in verdict.chain:
        if at > each.not_valid_after_utc:
            return replace(verdict, status=PathStatus.EXPIRED, detail=_named(each), refused=each)
        if at < each.not_valid_before_utc:
            status = PathStatus.NOT_YET_VALID
            return replace(verdict, status=status, detail=_named(each), refused=each)
    if not path.chain:
        return replace(verdict, status=PathStatus.VALID)
    findings = [inputs.evidence.finding(each, issuer, at=at) for each, issuer in path.pairs]
    refusal = _revocation_refusal(verdict, path, findings=findings)
    if refusal is not None:
        return refusal
    counted = _counted(findings)
    return _second_opinion(replace(verdict, evidence=counted), path)


def _counted(findings: Iterable[Finding]) -> RevocationEvidence:
    counted = RevocationEvidence()
    for finding in findings:
        counted = counted.merged(finding.evidence)
    return counted


def judge_earlier_use(
    verdict: PathVerdict, *, used_at: datetime, evidence: RevocationEvidence
) -> PathVerdict:
    """Judge a path anew that was refused for its end entity's revocation after `used_at`.

    EN 319 102-1 §5.5.4: what was signed before a revocation, provably, is no worse for it. All
    else is judged at the verdict's own instant as ever; any other verdict is given back.
    """
    revoked_at, anchor = verdict.revoked_at, verdict.anchor
    if (
        verdict.status is not PathStatus.REVOKED
        or verdict.refused != verdict.chain[0]
        or anchor is None
        or revoked_at is None
        or revoked_at <= used_at
    ):
        return verdict
    path = CandidatePath(verdict.chain, anchor)
    parsed = ParsedEvidence(evidence)
    own, *others = (parsed.finding(*pair, at=verdict.at) for pair in path.pairs)
    findings = [replace(own, status=RevocationStatus.GOOD), *others]
    plain = replace(verdict, revoked_at=None, detail="", refused=None)
    refusal = _revocation_refusal(plain, path, findings=findings)
    if refusal is not None:
        return refusal
    return _second_opinion(replace(plain, evidence=_counted(findings)), path, of_issuers_only=True)


def _revocation_refusal(
    verdict: PathVerdict, path: CandidatePath, *, findings: Sequence[Finding]
) -> PathVerdict | None:
    missing: list[EvidenceRequest] = []
    unknown = ""
    for (certificate, issuer), finding in zip(path.pairs, findings, strict=True):
        match finding.status:
            case RevocationStatus.REVOKED:
                return replace(
                    verdict,
                    status=PathStatus.REVOKED,
                    revoked_at=finding.revoked_at,
                    detail=_named(certificate),
                    refused=certificate,
                )
            case RevocationStatus.UNKNOWN:
                unknown = unknown or f"{_named(certificate)}: its issuer does not know it"
            case RevocationStatus.NO_EVIDENCE if offers_revocation(certificate):
                unknown = unknown or f"{_named(certificate)}: no fresh evidence"
                missing += offered_evidence(certificate, issuer)
            case _:
                pass
    if not unknown:
        return None
    return replace(
        verdict,
        status=PathStatus.REVOCATION_UNKNOWN,
        detail=unknown,
        missing=tuple(dict.fromkeys(missing)),
    )


def _second_opinion(
    verdict: PathVerdict, path: CandidatePath, *, of_issuers_only: bool = False
) -> PathVerdict:
    """The library's judgement of the whole path, on the evidence that counts.

    of_issuers_only: whether it is not to ask about the end entity's revocation, because it knows
    nothing of an earlier use.
    """
    chain = [asn1_certificate(_der(each)) for each in path.chain]
    anchor = CertTrustAnchor(asn1_certificate(path.anchor.der))
    responses = [OCSPResponse.load(each) for each in verdict.evidence.ocsp_responses]
    # All that the library may ask a CRL about: the path, and who else may have signed evidence.
    looked_up = [*chain, anchor.certificate, *_responders(responses)]
    context = ValidationContext(
        trust_roots=[anchor],
        other_certs=chain[1:],
        moment=verdict.at,
        allow_fetching=False,
        ocsps=responses,
        crls=[narrowed(each, looked_up) for each in verdict.evidence.crls],
        revinfo_policy=_ASKED_OF_ISSUERS if of_issuers_only else _ASKED_OF_ALL,
        time_tolerance=CLOCK_TOLERANCE,
    )
    candidate = _AnchoredPath(anchor, list(reversed(chain[1:])), chain[0])
    try:
        _without_loop(async_validate_path(context, candidate))
    except Exception as error:
        # Beside the library's own errors, whatever a hostile structure provokes in a parser.
        known = (status for kind, status in _LIBRARY_REFUSALS if isinstance(error, kind))
        return replace(
            verdict,
            status=next(known, PathStatus.NO_TRUSTED_PATH),
            revoked_at=error.revocation_dt if isinstance(error, RevokedError) else None,
            detail=f"{type(error).__name__}: {error}",
        )
    return replace(verdict, status=PathStatus.VALID)


class _AnchoredPath(ValidationPath):
    """A path up to an anchor that may be an intermediate, as trusted lists have them.

    The library looks for the issuer of whoever signed a CRL, and takes only a self-signed one for
    the anchor itself; above an intermediate that is trusted by decision there is nobody to find.
    """

    def truncate_to_issuer_and_append(self, cert: asn1_x509.Certificate) -> ValidationPath:
        authority = self.trust_anchor.authority
        if isinstance(authority, AuthorityWithCert) and authority.certificate.dump() == cert.dump():
            return ValidationPath(self.trust_anchor, [], None)
        path: ValidationPath = super().truncate_to_issuer_and_append(cert)
        return path


def _responders(responses: Iterable[OCSPResponse]) -> Iterator[asn1_x509.Certificate]:
    for response in responses:
        yield from response.basic_ocsp_response["certs"] or ()


def _without_loop(coroutine: Coroutine[object, None, object]) -> None:
    """Run a coroutine that waits for nothing to its end, whether or not a loop runs here."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the validation waited for something although it may not fetch")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _named(certificate: x509.Certificate) -> str:
    return f"certificate {certificate.serial_number:x}"
