"""Path validation at an instant (RFC 5280 §6): anchors, evidence and a time in, a verdict out.

Nothing is fetched here. pyhanko-certvalidator judges; around it stand bounded path building, the
usage rules of each role and a judgement of our own on revocation, and a path is VALID only when
all of them agree.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.authority import CertTrustAnchor
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
from pyhanko_certvalidator.validate import async_validate_path

from certs.algorithms import certificate_weakness
from certs.anchors import AnchorRole, TrustAnchor, TrustStore
from certs.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRefused,
    CertificateRevoked,
    CertificateUnsuitable,
    NoTrustedPath,
    RevocationUnknown,
)
from certs.parsing import DAMAGE
from certs.path_building import CandidatePath, candidate_paths
from certs.revocation import (
    EvidenceRequest,
    RevocationEvidence,
    offered_evidence,
    offers_revocation,
)
from certs.revocation_status import CLOCK_TOLERANCE, Finding, ParsedEvidence, RevocationStatus
from certs.usage import unsuitability

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    """The verdict on one certificate in one role at one instant.

    chain is the end entity's certificate and its issuers without the anchor, empty when no path
    was found; missing is what to ask for when revocation is unknown, only ever about certificates
    whose signatures lead to the anchor.
    """

    status: PathStatus
    at: datetime
    chain: tuple[x509.Certificate, ...] = ()
    anchor: TrustAnchor | None = None
    revoked_at: datetime | None = None
    detail: str = ""
    missing: tuple[EvidenceRequest, ...] = ()

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
    none = PathVerdict(status=PathStatus.NO_TRUSTED_PATH, at=at)
    try:
        if len(certificate.public_bytes(Encoding.DER)) > MAX_CERTIFICATE_BYTES:
            return replace(
                none, status=PathStatus.UNSUITABLE, detail="the certificate is too large"
            )
        anchors = store.anchors_for(role, at=at)
        parsed = ParsedEvidence(evidence or RevocationEvidence())
        bag = _parsed_bag(intermediates, evidence)
        verdicts = []
        for path in candidate_paths(certificate, bag, anchors):
            verdict = _judge_candidate(certificate, path, role=role, at=at, evidence=parsed)
            if verdict.status is PathStatus.VALID:
                return verdict
            verdicts.append(verdict)
    except Exception as error:
        # Strangers made the input; whatever it makes a parser do, it is a refusal and no crash.
        return replace(none, detail=f"it cannot be judged: {type(error).__name__}")
    if not verdicts:
        # A signature with a digest like SHA-1 is not verified at all, so no path was found.
        if weakness := certificate_weakness(certificate):
            return replace(none, status=PathStatus.UNSUITABLE, detail=weakness)
        detail = "no issuer found" if anchors else f"no anchor for {role} at this time"
        return replace(none, detail=detail)
    telling = min(verdicts, key=lambda verdict: _TELLING_FIRST.index(verdict.status))
    missing = dict.fromkeys(request for verdict in verdicts for request in verdict.missing)
    return replace(telling, missing=tuple(missing))


def _parsed_bag(
    intermediates: Iterable[x509.Certificate], evidence: RevocationEvidence | None
) -> Sequence[x509.Certificate]:
    bag = list(intermediates)
    for der in evidence.certificates if evidence is not None else ():
        try:
            bag.append(x509.load_der_x509_certificate(der))
        except DAMAGE:
            continue
    return bag


def _judge_candidate(
    certificate: x509.Certificate,
    path: CandidatePath,
    *,
    role: AnchorRole,
    at: datetime,
    evidence: ParsedEvidence,
) -> PathVerdict:
    verdict = PathVerdict(
        status=PathStatus.UNSUITABLE,
        at=at,
        chain=path.chain or (certificate,),
        anchor=path.anchor,
    )
    for each in verdict.chain:
        if weakness := certificate_weakness(each, self_signed=not path.chain):
            return replace(verdict, detail=f"{_named(each)}: {weakness}")
    if reason := unsuitability(certificate, role):
        return replace(verdict, detail=reason)
    # RFC 5280 §6.1.3 (a)(2), strictly: the library allows for a clock that is a little off.
    for each in verdict.chain:
        if at > each.not_valid_after_utc:
            return replace(verdict, status=PathStatus.EXPIRED, detail=_named(each))
        if at < each.not_valid_before_utc:
            return replace(verdict, status=PathStatus.NOT_YET_VALID, detail=_named(each))
    if not path.chain:
        return replace(verdict, status=PathStatus.VALID)
    findings = [evidence.finding(each, issuer, at) for each, issuer in path.pairs]
    refusal = _revocation_refusal(verdict, path, findings)
    if refusal is not None:
        return refusal
    return _second_opinion(verdict, path, at, findings)


def _revocation_refusal(
    verdict: PathVerdict, path: CandidatePath, findings: Sequence[Finding]
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
    verdict: PathVerdict, path: CandidatePath, at: datetime, findings: Sequence[Finding]
) -> PathVerdict:
    """The library's judgement of the whole path, on the evidence that counts."""
    chain = [asn1_x509.Certificate.load(_der(each)) for each in path.chain]
    anchor = CertTrustAnchor(asn1_x509.Certificate.load(path.anchor.der))
    counted = RevocationEvidence()
    for finding in findings:
        counted = counted.merged(finding.evidence)
    context = ValidationContext(
        trust_roots=[anchor],
        other_certs=chain[1:],
        moment=at,
        allow_fetching=False,
        ocsps=list(counted.ocsp_responses),
        crls=list(counted.crls),
        revocation_mode="hard-fail",
        time_tolerance=CLOCK_TOLERANCE,
    )
    candidate = ValidationPath(anchor, list(reversed(chain[1:])), chain[0])
    try:
        _without_loop(async_validate_path(context, candidate))
    except RevokedError as error:
        return replace(
            verdict,
            status=PathStatus.REVOKED,
            revoked_at=error.revocation_dt,
            detail="by the library's judgement",
        )
    except InsufficientRevinfoError as error:
        return replace(verdict, status=PathStatus.REVOCATION_UNKNOWN, detail=str(error))
    except ExpiredError as error:
        return replace(verdict, status=PathStatus.EXPIRED, detail=str(error))
    except NotYetValidError as error:
        return replace(verdict, status=PathStatus.NOT_YET_VALID, detail=str(error))
    except (DisallowedAlgorithmError, InvalidCertificateError) as error:
        return replace(verdict, status=PathStatus.UNSUITABLE, detail=str(error))
    except Exception as error:
        # A PathValidationError or anything a hostile structure provokes in a parser.
        return replace(
            verdict, status=PathStatus.NO_TRUSTED_PATH, detail=f"{type(error).__name__}: {error}"
        )
    return replace(verdict, status=PathStatus.VALID)


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
