"""Extend signatures: B-B → B-T → B-LT → B-LTA, and renew the archive time-stamp (EN 319 142-1).

Every step is an incremental update, all bytes before it stay. A document is never trusted blindly:
its signatures are judged first, and again with what was added, by the verifier that will judge
them in thirty years. What can't be proved is an error, never a lower level.
"""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from certs.errors import TsaUnavailable
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole
from signer.augmentation.long_term import store_update
from signer.augmentation.prolonging import (
    ATTEMPTS,
    Proof,
    SignedPath,
    path_of,
    path_of_token,
    prove,
    role_of,
)
from signer.creation.document_timestamps import timestamp_update
from signer.creation.opening import document_errors
from signer.creation.requests import Level
from signer.engine.reading import accelerated
from signer.errors import (
    ChangesForbidden,
    LevelUnavailable,
    SignatureUndetermined,
    TimestamperMissing,
)
from signer.reasons import Reason
from signer.validation.assessing import judge_survey, require_valid
from signer.validation.cms_signatures import read_signed_data
from signer.validation.existence import stored_in
from signer.validation.surveying import Survey, survey
from signer.verdicts import Changes, Indication, SignatureKind, SignatureLevel, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography import x509

    from certs.paths.checking import PathChecker
    from certs.timestamping import Timestamper
    from certs.trust.anchors import TrustStore
    from signer.report import Report, SignatureReport
    from signer.source import Source
    from signer.validation.examining import Examined

_DIGESTS: Final = ("sha256", "sha384", "sha512")
_LEVELS: Final = (
    SignatureLevel.OTHER,
    SignatureLevel.B_B,
    SignatureLevel.B_T,
    SignatureLevel.B_LT,
    SignatureLevel.B_LTA,
)
_EVIDENCE_LACKS: Final = frozenset(
    {
        Reason.REVOCATION_UNKNOWN,
        Reason.TIMESTAMP_UNTRUSTED,
        Reason.NO_TRUSTED_PATH,
        Reason.CERTIFICATE_UNSUITABLE,
        Reason.CERTIFICATE_REVOKED,
        Reason.CERTIFICATE_EXPIRED,
        Reason.CERTIFICATE_NOT_YET_VALID,
    }
)
"""Reasons that evidence may answer; what else stands against a signature ends its extension."""


class Stamping(Protocol):
    """Adds a document time-stamp to a tail, and what proves its authority to the proof."""

    async def __call__(
        self, source: Source, tail: bytes, /, *, proof: Proof
    ) -> tuple[bytes, Proof]:
        """Return both."""
        ...


async def extend(
    source: Source,
    *,
    level: Level,
    timestamper: Timestamper | None,
    checker: PathChecker,
    at: datetime,
    digest_algorithm: str = "sha256",
) -> bytes:
    """Return what brings every signature of the document to `level`: nothing but the tail.

    b"" where they have it already; only B-LTA is always done, which renews the archive
    time-stamp. at: the present, by the same clock as the checker's and the time-stamper's.
    digest_algorithm: of the archive time-stamp, made stronger where an earlier one is stronger.
    Raises DocumentRefused; VerificationFailed where a signature is broken, undetermined or
    missing; CertificateRefused where a path can't be proved any more; ChangesForbidden where
    a signature locks the document; TimestampFailed.
    """
    if level is Level.B_B:
        raise LevelUnavailable("B-B is what there is to extend")
    surveyed = await to_thread(_surveyed, source)
    digest = _digest(surveyed, digest_algorithm)
    stronger = partial(_stamp, timestamper=timestamper, checker=checker, digest=digest)
    for _ in range(ATTEMPTS):
        tail, proof, outlived = await _extended(
            surveyed, source, level=level, checker=checker, at=at, stronger=stronger
        )
        if not outlived:
            break
    else:
        raise TsaUnavailable("it takes longer than evidence lasts")
    if tail:
        grown = source.followed_by(tail)
        check = partial(_require_reached, grown, level, store=checker.store, proof=proof)
        await to_thread(check)
    return tail


async def _extended(
    surveyed: Survey,
    source: Source,
    *,
    level: Level,
    checker: PathChecker,
    at: datetime,
    stronger: Stamping,
) -> tuple[bytes, Proof, bool]:
    """Return the tail, what proves all paths, and whether evidence ended before it was stamped."""
    complete = level.long_term and not surveyed.carried.serves_long_term
    proof, report = await _gather(surveyed, source, complete=complete, checker=checker, at=at)
    tail = b""
    if any(entry.level is SignatureLevel.B_B for entry in _of_people(report)):
        tail, proof = await stronger(source, tail, proof=proof)
    if level.long_term:
        grown = source.followed_by(tail)
        update = partial(store_update, grown, proof.evidence, carried=_carried(surveyed))
        tail += await to_thread(update)
    if level is not Level.B_LTA:
        return tail, proof, False
    gathered = proof
    tail, proof = await stronger(source, tail, proof=proof)
    return tail, proof, gathered.outlived(checker.now())


def is_archived(source: Source) -> bool:
    """Whether a document time-stamp covers all signatures and a security store, good or not.

    Tells only what there is: B-LTA, where everything is as it looks. Raises DocumentRefused.
    """
    surveyed = _surveyed(source)
    signed = [entry.revision for entry in surveyed.examined if not entry.is_timestamp]
    return bool(signed) and any(
        entry.is_timestamp
        and entry.revision is not None
        and all(each is not None and each < entry.revision for each in signed)
        and stored_in(surveyed.opened.reader, entry.revision) is not None
        for entry in surveyed.examined
    )


async def _stamp(
    source: Source,
    tail: bytes,
    *,
    proof: Proof,
    timestamper: Timestamper | None,
    checker: PathChecker,
    digest: str,
) -> tuple[bytes, Proof]:
    """Add a document time-stamp to the tail, and what proves its authority to the proof."""
    if timestamper is None:
        raise TimestamperMissing
    stamp, token = await timestamp_update(
        source.followed_by(tail), timestamper=timestamper, digest_algorithm=digest
    )
    return tail + stamp, proof.merged(await prove(path_of_token(token), checker=checker))


def _surveyed(source: Source) -> Survey:
    with document_errors(), accelerated():
        return survey(source.read())


async def _gather(
    surveyed: Survey, source: Source, *, complete: bool, checker: PathChecker, at: datetime
) -> tuple[Proof, Report]:
    """Prove every signature good, and return what that took beyond what the document carries.

    complete: ask about every path, because the document has no store yet. The newest time-stamp
    comes first: it proves the older ones, whose authorities may be long gone, and they the rest.
    """
    proof = Proof(evidence=RevocationEvidence(), at=at)

    async def judge() -> Report:
        return await to_thread(_judge, surveyed, proof, store=checker.store)

    report = await judge()
    _refuse_broken(surveyed, report)
    for number in _newest_first(surveyed.examined):
        if report.signatures[number].indication is Indication.TOTAL_PASSED and not complete:
            continue
        carried = surveyed.carried.evidence
        for path in _paths(surveyed, surveyed.examined[number]):
            proof = proof.merged(await prove(path, checker=checker, carried=carried))
        report = await judge()
    require_valid(report)
    return proof, report


def _judge(surveyed: Survey, proof: Proof, *, store: TrustStore) -> Report:
    with document_errors(), accelerated():
        return judge_survey(surveyed, store=store, evidence=proof.evidence, at=proof.at)


def _refuse_broken(surveyed: Survey, report: Report) -> None:
    """Refuse what no evidence could make good. Raises VerificationFailed."""
    if report.verdict not in (Verdict.VALID, Verdict.INDETERMINATE) or surveyed.unjudged:
        require_valid(report)
    for entry in report.signatures:
        if entry.reason and entry.reason not in _EVIDENCE_LACKS:
            raise SignatureUndetermined(report, f"{entry.field}: {entry.reason}")


def _newest_first(examined: tuple[Examined, ...]) -> list[int]:
    """Return the places of the document time-stamps, the newest first, then of the signatures."""
    places = range(len(examined))
    stamps = [place for place in reversed(places) if examined[place].is_timestamp]
    return [*stamps, *(place for place in places if not examined[place].is_timestamp)]


def _paths(surveyed: Survey, entry: Examined) -> Iterator[SignedPath]:
    """Yield the paths that a signature rests on: its signer's, and those of its time-stamps."""
    if entry.cms is None:
        return
    found = surveyed.carried.certificates
    if entry.is_timestamp:
        yield path_of(entry.cms, AnchorRole.TSA, found=found)
        return
    signer = path_of(entry.cms, AnchorRole.SIGNER, found=found)
    yield replace(signer, role=role_of(signer.certificate))
    for token in entry.cms.timestamp_tokens():
        yield path_of(read_signed_data(token), AnchorRole.TSA, found=found)


def _carried(surveyed: Survey) -> tuple[x509.Certificate, ...]:
    """Return the certificates that the document's signatures and time-stamps hold."""
    return tuple(
        each
        for entry in surveyed.examined
        for path in _paths(surveyed, entry)
        for each in (path.certificate, *path.intermediates)
    )


def _digest(surveyed: Survey, wanted: str) -> str:
    """Return the digest for the next archive time-stamp, never weaker than the ones before."""
    used = [
        entry.cms.signed_data["encap_content_info"]["content"].parsed["message_imprint"]
        for entry in surveyed.examined
        if entry.is_timestamp and entry.cms is not None
    ]
    names = [wanted, *(str(imprint["hash_algorithm"]["algorithm"].native) for imprint in used)]
    return max((each for each in names if each in _DIGESTS), key=_DIGESTS.index)


def _of_people(report: Report) -> list[SignatureReport]:
    return [each for each in report.signatures if each.kind is not SignatureKind.DOC_TIMESTAMP]


def _require_reached(source: Source, level: Level, *, store: TrustStore, proof: Proof) -> None:
    """Require that the verifier finds every signature good and at the level, as promised.

    Raises ChangesForbidden where a signature does not admit what was added, else
    VerificationFailed.
    """
    report = _judge(_surveyed(source), proof, store=store)
    for entry in report.signatures:
        if entry.changes is Changes.FORBIDDEN:
            raise ChangesForbidden(f"{entry.field}: {entry.detail}")
    require_valid(report)
    for entry in _of_people(report):
        if _LEVELS.index(entry.level) < _LEVELS.index(SignatureLevel(level.value)):
            raise SignatureUndetermined(report, f"{entry.field} is at {entry.level} still")
