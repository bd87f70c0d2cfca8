"""Proofs of existence: which bytes document time-stamps prove to have existed, and when (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signer.engine import ENGINE_ERRORS
from signer.examining import Examined, Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a good document time-stamp proves: the bytes before `end` existed at `stamped_at`.

    with_store: whether a document security store (/DSS) was among them.
    """

    end: int
    stamped_at: datetime
    with_store: bool = False


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
    def archived(self) -> bool:
        """Whether a time-stamp covers evidence too, beside the signature."""
        return any(proof.with_store for proof in self.proofs)

    def instants_after(self, at: datetime) -> list[datetime]:
        """Return when, after `at`, evidence about the signer may have been gathered: oldest first.

        That is just before each time-stamp that covers the signature, or at present.
        """
        times = {self.judged_at, *(proof.stamped_at for proof in self.proofs)}
        return sorted(each for each in times if each > at)


def holds_store(opened: Opened, entry: Examined) -> bool:
    """Whether the revision that a time-stamp ends has a document security store."""
    if entry.revision is None:
        return False
    try:
        return "/DSS" in opened.reader.get_historical_resolver(entry.revision).root
    except ENGINE_ERRORS:
        return False
