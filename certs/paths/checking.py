"""Checking a certificate with what can be fetched: judge, fetch what is missing, judge again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.fetching.fetcher import EvidenceFetcher
from certs.paths.validation import PathStatus, PathVerdict, judge_path
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, TrustStore

REMEMBERED_FOR: Final = timedelta(minutes=1)
"""How long a verdict is given again: signing a hundred files judges the signer's path once."""
MAX_REMEMBERED: Final = 512
_ROUNDS: Final = 2

_Question = tuple[AnchorRole, bytes, tuple[bytes, ...]]
_Certificates = tuple[x509.Certificate, ...]


class PathChecker:
    """Whether certificates are good right now, with the evidence that shows it.

    The trust store is fixed for a checker's life: a new store needs a new checker. Only VALID
    verdicts are remembered, so that a certificate becomes good as soon as it can be proved so.
    """

    def __init__(
        self,
        *,
        store: TrustStore,
        fetcher: EvidenceFetcher | None = None,
        evidence: RevocationEvidence | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._evidence = evidence or RevocationEvidence()
        self._clock = clock
        self._remembered: OrderedDict[_Question, PathVerdict] = OrderedDict()
        # By identity: those of a kept key are the same objects each time, and encoding them takes
        # longer than all else here. They stay alive in it, so that no others can have theirs.
        self._encoded: dict[tuple[int, ...], tuple[_Certificates, tuple[bytes, ...]]] = {}

    @property
    def store(self) -> TrustStore:
        """Whom it trusts."""
        return self._store

    def now(self) -> datetime:
        """What its clock says."""
        return self._clock()

    async def check(
        self,
        certificate: x509.Certificate,
        *,
        role: AnchorRole,
        intermediates: Iterable[x509.Certificate] = (),
        at: datetime | None = None,
        evidence: RevocationEvidence | None = None,
    ) -> PathVerdict:
        """Judge a certificate in a role, by default at the clock's present.

        evidence: more than the checker has, such as what a document carries. An instant or
        evidence of one's own is judged afresh. Nothing is raised for what certificates or
        services hold; what is not proved stays REVOCATION_UNKNOWN.
        """
        issuers = tuple(intermediates)
        now = self._clock()
        if at is not None or evidence is not None:
            known = self._evidence.merged(evidence or RevocationEvidence())
            return await self._judge(certificate, issuers, role=role, at=at or now, known=known)
        own, *others = self._encodings((certificate, *issuers))
        question = (role, own, tuple(others))
        verdict = self._remembered.get(question)
        if verdict is not None and timedelta() <= now - verdict.at <= REMEMBERED_FOR:
            self._remembered.move_to_end(question)
            return verdict
        verdict = await self._judge(certificate, issuers, role=role, at=now, known=self._evidence)
        self._remember(question, verdict)
        return verdict

    def _encodings(self, certificates: _Certificates) -> tuple[bytes, ...]:
        identity = tuple(map(id, certificates))
        known = self._encoded.get(identity)
        if known is None:
            encodings = tuple(each.public_bytes(Encoding.DER) for each in certificates)
            if len(self._encoded) >= MAX_REMEMBERED:
                self._encoded.clear()
            known = self._encoded[identity] = (certificates, encodings)
        return known[1]

    def _remember(self, question: _Question, verdict: PathVerdict) -> None:
        self._remembered.pop(question, None)
        if verdict.status is not PathStatus.VALID:
            return
        self._remembered[question] = verdict
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    async def _judge(
        self,
        certificate: x509.Certificate,
        issuers: tuple[x509.Certificate, ...],
        *,
        role: AnchorRole,
        at: datetime,
        known: RevocationEvidence,
    ) -> PathVerdict:
        for round_number in range(_ROUNDS + 1):
            verdict = judge_path(
                certificate,
                intermediates=issuers,
                store=self._store,
                role=role,
                at=at,
                evidence=known,
            )
            if not verdict.missing or self._fetcher is None or round_number == _ROUNDS:
                break
            more = known.merged(await self._fetcher.gather(verdict.missing, at=at))
            if more == known:
                break
            known = more
        return verdict
