"""Proofs of existence: which bytes document time-stamps prove to have existed, and when (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader

from signer.engine.reading import ENGINE_ERRORS
from signer.security_store import read_security_store

MAX_INSTANTS: Final = 16
"""Instants beside the present at which one path is judged: an archive is renewed every few years,
and anyone can get a hundred time-stamps in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a good document time-stamp proves: the bytes before `end` existed at `stamped_at`.

    evidence: what the document security store (/DSS) among them held, None where there was none.
    """

    end: int
    stamped_at: datetime
    evidence: frozenset[bytes] | None = None

    def holds(self, der: bytes) -> bool:
        """Whether the time-stamp covers this piece of evidence."""
        return self.evidence is not None and der in self.evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Existence:
    """What is proved of one signature's bytes by the time-stamps that cover them.

    proofs: only those that cover it. judged_at: the instant of judgement.
    """

    proofs: tuple[Proof, ...]
    judged_at: datetime

    @property
    def proved_at(self) -> datetime:
        """The oldest instant at which the signed bytes are proved to have existed."""
        return min([self.judged_at, *(proof.stamped_at for proof in self.proofs)])

    @property
    def oldest(self) -> datetime | None:
        """The same, but None where only the judgement itself proves it."""
        return min((proof.stamped_at for proof in self.proofs), default=None)

    @property
    def archived(self) -> bool:
        """Whether a time-stamp covers evidence too, beside the signature."""
        return any(proof.evidence is not None for proof in self.proofs)

    def instants_after(self, at: datetime) -> list[datetime]:
        """Return when, after `at`, evidence about the signer may have been gathered: oldest first.

        That is just before each time-stamp that covers the signature, or at present; of very many
        the oldest, and the present.
        """
        times = {self.judged_at, *(proof.stamped_at for proof in self.proofs)}
        later = sorted(each for each in times if each > at)
        return [*later[:-1][:MAX_INSTANTS], *later[-1:]]


def stored_in(reader: PdfFileReader, revision: int | None) -> frozenset[bytes] | None:
    """Return the evidence in a revision's security store, None where it has no store."""
    if revision is None:
        return None
    try:
        resolver = reader.get_historical_resolver(revision)
        if "/DSS" not in resolver.root:
            return None
    except ENGINE_ERRORS:
        return None
    held = read_security_store(resolver).evidence
    return frozenset(held.ocsp_responses + held.crls)
