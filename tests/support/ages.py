"""Time going by: practice authorities that follow each other, one clock for all of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from certs.paths.checking import PathChecker
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import TrustStore
from signer.augmentation.extending import extend
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.report import Report
from signer.source import Source
from signer.validation.assessing import assess
from tests.support.office import START, Office, OfficeTimestamper
from tests.support.practice import file_key

LIFE = timedelta(days=365)
"""How long everything of one practice authority is valid."""


class Ages:
    """Offices in a row, the last of them the present one; whoever came before is gone for good.

    Nothing can be asked about an authority once another followed it and it expired: what was not
    kept in the document then is lost, as in life.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.now = START
        self.offices: list[Office] = []
        self.found()

    @property
    def present(self) -> Office:
        """The office of today."""
        return self.offices[-1]

    @property
    def trust(self) -> TrustStore:
        """Everybody who was ever trusted, each for their own time."""
        return TrustStore(anchors=tuple(office.authority.anchor for office in self.offices))

    def found(self) -> Office:
        """Begin with a new office, with an authority of its own, now."""
        place = self._directory / f"authority{len(self.offices)}"
        self.offices.append(Office(place, now=self.now))
        return self.present

    def pass_time(self, span: timedelta) -> None:
        """Let time go by, for everybody."""
        self.now += span
        for office in self.offices:
            office.now = self.now

    def evidence(self) -> RevocationEvidence:
        """Return what those authorities say today that live: the CRLs speak of all they issued."""
        known = RevocationEvidence()
        for office in self.offices:
            if self.now < office.authority.root.not_valid_after_utc:
                known = known.merged(office.evidence())
        return known

    def checker(self) -> PathChecker:
        """Return a checker that knows today's evidence."""
        return PathChecker(store=self.trust, evidence=self.evidence(), clock=lambda: self.now)

    async def sign(self, document: bytes, issued: Issued, level: Level) -> bytes:
        """Return the document signed now at any level."""
        return await sign(
            document,
            key=file_key(issued),
            request=SigningRequest(level=level, signed_at=self.now),
            timestamper=OfficeTimestamper(self.present),
            checker=self.checker(),
        )

    async def extend(self, document: bytes, level: Level, digest: str = "sha256") -> bytes:
        """Return the document extended to a level now, with the present authority."""
        tail = await extend(
            Source.of_bytes(document),
            level=level,
            timestamper=OfficeTimestamper(self.present),
            checker=self.checker(),
            at=self.now,
            digest_algorithm=digest,
        )
        return document + tail

    def judge(self, document: bytes, *, informed: bool = True) -> Report:
        """Assess now, with today's evidence or with what the document carries alone."""
        evidence = self.evidence() if informed else None
        return assess(document, store=self.trust, evidence=evidence, at=self.now)
