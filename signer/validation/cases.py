"""A signature before the judge: what it is, what is known around it, what comes of it (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from certs.revocation.evidence import EvidenceRequest
from signer.leniencies import Leniency
from signer.report import SignatureReport, ValidationMaterial
from signer.signature_fields import FieldState
from signer.validation.changes import ChangeJudgement
from signer.validation.examining import Examined, Opened
from signer.validation.existence import Existence, Proof
from signer.validation.findings import Finding
from signer.validation.trust import Circumstances


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A signature's report, what evidence would have helped, and what it proves for others.

    material: what its chain and its evidence name, and those of its time-stamp.
    """

    report: SignatureReport
    whole_file: bool = False
    missing: tuple[EvidenceRequest, ...] = ()
    proof: Proof | None = None
    material: ValidationMaterial = field(default_factory=ValidationMaterial)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What all signatures of one document share.

    empty_visible: the visible signature fields that nobody filled. long_term: whether the security
    store serves level B-LT. ends: where the document's revisions end. leniencies: what
    was let pass in the file itself. fault: something wrong with
    the document as a whole.
    """

    opened: Opened
    circumstances: Circumstances
    empty_visible: frozenset[FieldState]
    long_term: bool
    ends: tuple[int, ...] = ()
    leniencies: frozenset[Leniency] = frozenset()
    fault: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One signature before the judge: what it is, what followed it, what is proved around it."""

    facts: DocumentFacts
    entry: Examined
    changes: ChangeJudgement
    proofs: tuple[Proof, ...]

    @property
    def end(self) -> int:
        """Where the signed bytes end."""
        return self.entry.signed_range.end if self.entry.signed_range else 0

    @property
    def existence(self) -> Existence:
        """What document time-stamps prove of the signed bytes."""
        return Existence(
            proofs=tuple(proof for proof in self.proofs if proof.end > self.end),
            judged_at=self.facts.circumstances.at,
        )

    @property
    def revision(self) -> int | None:
        """The number, from 1, of the revision that ends with the signed bytes."""
        ends = self.facts.ends
        return (
            ends.index(self.end) + 1
            if self.entry.revision is not None and self.end in ends
            else None
        )

    def evidence_proved_at(self, der: bytes) -> datetime | None:
        """When evidence is proved to have existed by what the time-stamps cover; None for now."""
        return min((each.stamped_at for each in self.proofs if each.holds(der)), default=None)
