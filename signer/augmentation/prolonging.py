"""Bring a new signature to B-LT or B-LTA: prove its paths, keep the proof, time-stamp it all.

The steps that extending an older signature takes too (`signer.augmentation.extending`); here
nothing need be judged first, for the signature is our own and a moment old.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from certs.errors import (
    CertificateRefused,
    CertificateUnsuitable,
    IdentityUnreadable,
    RevocationUnknown,
    TsaAnswerInvalid,
    TsaUnavailable,
)
from certs.identity import IdentityKind, identify
from certs.revocation.status import CLOCK_TOLERANCE
from certs.trust.anchors import AnchorRole
from signer.augmentation.long_term import end_of, proof_of, store_update
from signer.creation.document_timestamps import GROWTH_BYTES, INLINE_BYTES, timestamp_update
from signer.creation.requests import Level
from signer.engine.reading import accelerated
from signer.validation.cms_signatures import CmsError, CmsSignature, certificate_of, read_cms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography import x509

    from certs.paths.checking import PathChecker
    from certs.revocation.evidence import RevocationEvidence
    from certs.timestamping import Timestamper
    from signer.source import Source

T = TypeVar("T")
ATTEMPTS: Final = 3
"""How often evidence is gathered anew because it ended while a time-stamp was waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPath:
    """A certificate whose path is to be proved: a signer's or a time-stamping authority's."""

    certificate: x509.Certificate
    role: AnchorRole
    intermediates: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Evidence that proves paths, and the latest instant at which it did so."""

    evidence: RevocationEvidence
    at: datetime

    def merged(self, other: Proof) -> Proof:
        """Return both together."""
        return Proof(evidence=self.evidence.merged(other.evidence), at=max(self.at, other.at))

    def outlived(self, now: datetime) -> bool:
        """Whether evidence ended while an archive time-stamp was waited for.

        Authorities were seen to take two minutes. Evidence that is stale at the time-stamp's time
        proves nothing about what the time-stamp covers.
        """
        # Fresh when it proved the path, evidence lasts for the tolerance at least.
        if now - self.at <= CLOCK_TOLERANCE:
            return False
        return end_of(self.evidence) + CLOCK_TOLERANCE < now


async def prolong(
    source: Source,
    *,
    level: Level,
    certificates: tuple[x509.Certificate, ...],
    token: bytes,
    timestamper: Timestamper,
    checker: PathChecker | None,
) -> bytes:
    """Return what brings a signature that was just made at B-T to `level`: nothing but the tail.

    source: the document with that signature. certificates: the signer's, then its issuers';
    token: the signature's time-stamp. Other signatures of the document are left as they are.
    Raises CertificateRefused where a path can't be proved, and TimestampFailed.
    """
    if not level.long_term:
        return b""
    authority = path_of_token(token)
    # The signature leaves self-signed certificates out, see signer.creation.credential.
    enclosed = (each for each in certificates if each.subject != each.issuer)
    carried = (*enclosed, authority.certificate, *authority.intermediates)
    for _ in range(ATTEMPTS):
        proof = await prove_signer(certificates, checker=checker)
        proof = proof.merged(await prove(authority, checker=_required(checker)))
        update = partial(store_update, source, proof.evidence, carried=carried)
        tail = await off_loop(source, update)
        if level is Level.B_LT:
            return tail
        stamp, _ = await timestamp_update(
            source.followed_by(tail), timestamper=timestamper, reserve=len(token) + GROWTH_BYTES
        )
        if not proof.outlived(_required(checker).now()):
            return tail + stamp
    raise TsaUnavailable("it takes longer than evidence lasts")


async def prove_signer(
    certificates: tuple[x509.Certificate, ...], *, checker: PathChecker | None
) -> Proof:
    """Return what proves a signer's path at present, so that no signature is made in vain.

    certificates: the signer's, then its issuers'. Raises CertificateRefused.
    """
    certificate, *issuers = certificates
    path = SignedPath(
        certificate=certificate, role=role_of(certificate), intermediates=tuple(issuers)
    )
    return await prove(path, checker=_required(checker))


def _required(checker: PathChecker | None) -> PathChecker:
    if checker is None:
        raise RevocationUnknown("nobody was named to ask for evidence")
    return checker


async def prove(
    path: SignedPath, *, checker: PathChecker, carried: RevocationEvidence | None = None
) -> Proof:
    """Return what proves a path at present. Raises CertificateRefused.

    carried: evidence that the document brings along, which the checker judges like any other.
    """
    verdict = await checker.check(
        path.certificate, role=path.role, intermediates=path.intermediates, evidence=carried
    )
    try:
        return Proof(evidence=proof_of(verdict), at=verdict.at)
    except CertificateRefused as refusal:
        if path.role is not AnchorRole.TSA:
            raise
        raise type(refusal)(f"the time-stamping authority's: {refusal.detail}") from refusal


def path_of_token(token: bytes) -> SignedPath:
    """Return the path of a time-stamping authority. Raises TsaAnswerInvalid."""
    try:
        with accelerated():
            return path_of(read_cms(token), AnchorRole.TSA)
    except CmsError as error:
        raise TsaAnswerInvalid(error.finding.detail) from error


def role_of(certificate: x509.Certificate) -> AnchorRole:
    """Return the role in which a signer's certificate is judged: an organisation's seals."""
    try:
        organisation = identify(certificate).kind is IdentityKind.ORGANISATION
    except IdentityUnreadable:
        organisation = False
    return AnchorRole.SEAL if organisation else AnchorRole.SIGNER


def path_of(
    cms: CmsSignature, role: AnchorRole, *, found: tuple[x509.Certificate, ...] = ()
) -> SignedPath:
    """Return the path that a CMS object's certificates offer; `found` were found elsewhere."""
    certificate, *others = (certificate_of(each) for each in (cms.certificate, *cms.others))
    if certificate is None:
        raise CertificateUnsuitable("it can't be read")
    enclosed = (each for each in others if each is not None)
    return SignedPath(certificate=certificate, role=role, intermediates=(*enclosed, *found))


async def off_loop(source: Source, work: Callable[[], T]) -> T:
    """Do the work, in a thread where the document is large, so that it doesn't hold up others."""
    return await asyncio.to_thread(work) if source.size > INLINE_BYTES else work()
