"""Judging an RFC 3161 time-stamp token: what it proves to have existed, and when (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from asn1crypto import cms, core, tsp

from certs.paths.validation import PathVerdict
from certs.revocation.evidence import EvidenceRequest
from certs.trust.anchors import AnchorRole
from signer.engine.reading import ENGINE_ERRORS
from signer.policy.findings import token_finding
from signer.reasons import Reason
from signer.validation.cms_signatures import (
    CmsError,
    CmsSignature,
    Digest,
    certificate_of,
    check_strength,
    check_value,
    digest_parts,
    read_signed_data,
)
from signer.validation.existence import Existence
from signer.validation.findings import Finding
from signer.validation.past_validation import Past, judge_past
from signer.validation.path_reports import ProvedAt
from signer.validation.trust import Circumstances, Use
from signer.verdicts import SubIndication

MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of our clock a time-stamping authority's may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampJudgement:
    """What a token proves: at `stamped_at` its content existed, if `finding` is None.

    verdict: on its authority's path, None where it was not asked for.
    """

    stamped_at: datetime | None = None
    token: CmsSignature | None = None
    finding: Finding | None = None
    verdict: PathVerdict | None = None
    missing: tuple[EvidenceRequest, ...] = ()
    practice: bool = False


def judge_token(
    signed_data: cms.SignedData,
    stamped: Digest,
    *,
    circumstances: Circumstances,
    existence: Existence,
    evidence_proved_at: ProvedAt,
) -> TimestampJudgement:
    """Judge the token over what `stamped` digests, its authority's path when `existence` begins.

    evidence_proved_at: since when evidence is proved to exist.
    EN 319 102-1 §5.4: the token is a CMS signature over a TSTInfo (RFC 3161 §2.4.2) whose imprint
    is the digest of `stamped`, made by a certificate whose only purpose is time-stamping.
    """
    try:
        token = read_signed_data(signed_data)
        finding, stamped_at = check_token(token, stamped)
    except CmsError as error:
        return TimestampJudgement(finding=_broken(error.finding.detail))
    except ENGINE_ERRORS as error:
        return TimestampJudgement(finding=_broken(f"the token can't be read: {error}"))
    if finding is not None or stamped_at is None:
        return TimestampJudgement(token=token, stamped_at=stamped_at, finding=finding)
    at = existence.proved_at
    if stamped_at > at + MAX_CLOCK_SKEW:
        return TimestampJudgement(token=token, finding=_out_of_order(existence))
    refused = token_finding(token, circumstances.policy, at=at)
    if refused is not None:
        return TimestampJudgement(token=token, stamped_at=stamped_at, finding=refused)
    past = Past(use=Use(at=at, judged_at=at), existence=existence, proved_at=evidence_proved_at)
    return _judged_authority(token, stamped_at, circumstances=circumstances, past=past)


def check_token(token: CmsSignature, stamped: Digest) -> tuple[Finding | None, datetime | None]:
    """Check the token's signature, imprint and algorithms, without asking whom we trust."""
    content_info = token.signed_data["encap_content_info"]
    content = content_info["content"]
    if content_info["content_type"].native != "tst_info" or not isinstance(
        content, core.ParsableOctetString
    ):
        return _broken("it holds no TSTInfo"), None
    info = content.parsed
    if not isinstance(info, tsp.TSTInfo):
        return _broken("it holds no TSTInfo"), None
    value = check_value(token, "tst_info", digest=digest_parts((bytes(content),)))
    if value is not None:
        return _broken(value.detail), None
    if not token.names_its_certificate:
        return _broken("it does not name its certificate"), None
    imprint = info["message_imprint"]
    expected = stamped(imprint["hash_algorithm"]["algorithm"].native)
    if imprint["hashed_message"].native != expected:
        return _broken("it was made over something else"), None
    moment = info["gen_time"].native
    stamped_at = moment.astimezone(UTC) if isinstance(moment, datetime) else None
    if stamped_at is None:
        return _broken("it gives no time"), None
    weak = check_strength(token)
    if weak is None and imprint["hash_algorithm"]["algorithm"].native in ("md5", "sha1"):
        weak = Finding(
            reason=Reason.WEAK_ALGORITHM,
            sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            detail="the time-stamp's imprint is weak",
        )
    return weak, stamped_at


def _judged_authority(
    token: CmsSignature, stamped_at: datetime, *, circumstances: Circumstances, past: Past
) -> TimestampJudgement:
    usage = token.certificate.extended_key_usage_value
    # RFC 3161 §2.3: the very certificate that signed, not another one in the token, must be a
    # time-stamping one and nothing else.
    if usage is None or usage.native != ["time_stamping"]:
        finding = Finding(
            reason=Reason.TIMESTAMP_UNTRUSTED,
            sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            detail="the token's certificate is not made for time-stamping alone",
        )
        return TimestampJudgement(token=token, stamped_at=stamped_at, finding=finding)
    found = tuple(
        certificate for other in token.others if (certificate := certificate_of(other)) is not None
    )
    trust = judge_past(
        certificate_of(token.certificate),
        AnchorRole.TSA,
        circumstances=circumstances.with_found(token.evidence(), found),
        past=past,
    )
    return TimestampJudgement(
        token=token,
        stamped_at=stamped_at,
        finding=_of_timestamp(trust.finding),
        verdict=trust.verdict,
        missing=trust.missing,
        practice=trust.practice,
    )


def _of_timestamp(finding: Finding | None) -> Finding | None:
    """Return a finding on the authority's path as one on the time-stamp."""
    if finding is None:
        return None
    reason = finding.reason
    if reason is not Reason.REVOCATION_UNKNOWN:
        reason = Reason.TIMESTAMP_UNTRUSTED
    return Finding(
        reason=reason,
        sub_indication=finding.sub_indication,
        detail=f"time-stamping authority: {finding.reason} {finding.detail}".strip(),
    )


def _out_of_order(existence: Existence) -> Finding:
    """Return what is wrong with a token that is younger than what proves it to exist."""
    if existence.oldest is None:
        return _broken("it was stamped after the instant of judgement")
    # EN 319 102-1 §5.5.4 (6): the times must be in the order of what covers what.
    found = _broken("it is younger than a time-stamp that covers it")
    return replace(found, sub_indication=SubIndication.TIMESTAMP_ORDER_FAILURE)


def _broken(detail: str) -> Finding:
    return Finding(
        reason=Reason.TIMESTAMP_INVALID,
        sub_indication=SubIndication.NO_POE,
        detail=f"time-stamp: {detail}",
    )
