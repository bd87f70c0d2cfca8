"""Judging all signatures of a document: in the order of proof, with what changed after each (pure).

The order of proof (EN 319 102-1 §5.5, §5.6, in our own steps): document time-stamps first, the
newest at the instant of judgement, each older one at the time the newer ones prove; then the
signatures, each validated by itself.
"""

from __future__ import annotations

from dataclasses import replace

from signer.reasons import Reason
from signer.signature_fields import FieldState
from signer.validation.cases import Case, DocumentFacts, Judged
from signer.validation.changes import ChangeJudgement, judge_changes
from signer.validation.examining import Examined
from signer.validation.existence import Proof
from signer.validation.signatures import claims_seal, unreadable, validate
from signer.validation.two_readings import readings_differ
from signer.verdicts import Changes, Indication, SignatureKind


def judge_all(facts: DocumentFacts, examined: tuple[Examined, ...]) -> tuple[Judged, ...]:
    """Judge every signature of the document, in the order given."""
    # A time-stamp is nobody's signature: anyone can get one for a field that covers the page.
    hollow = facts.empty_visible | frozenset(
        entry.field.state
        for entry in examined
        if entry.field.visible and (entry.is_timestamp or not entry.intact)
    )
    sealed_in = _first_sealed(examined)
    stamps = [entry for entry in examined if entry.is_timestamp]
    stamps.sort(key=lambda entry: entry.signed_range.end if entry.signed_range else 0)
    judged: dict[int, Judged] = {}
    proofs: tuple[Proof, ...] = ()
    # The newest time-stamp first: it proves the older ones, and they the signatures.
    for entry in [*reversed(stamps), *(each for each in examined if not each.is_timestamp)]:
        result = _judge_contained(facts, entry, hollow=hollow, proofs=proofs, sealed_in=sealed_in)
        judged[id(entry)] = result
        proofs += (result.proof,) if result.proof is not None else ()
    results = tuple(judged[id(entry)] for entry in examined)
    return tuple(_name_late_number(entry, results) for entry in results)


def _judge_contained(
    facts: DocumentFacts,
    entry: Examined,
    *,
    hollow: frozenset[FieldState],
    proofs: tuple[Proof, ...],
    sealed_in: int | None,
) -> Judged:
    """Judge one signature; whatever goes wrong stays with it and is never a pass."""
    unknown = ChangeJudgement(changes=Changes.UNKNOWN)
    try:
        changes = _changes(facts, entry, hollow=hollow, sealed_in=sealed_in)
        return validate(Case(facts=facts, entry=entry, changes=changes, proofs=proofs))
    except MemoryError:
        raise
    except Exception as error:  # the engine raises anything, also zlib.error
        case = Case(facts=facts, entry=entry, changes=unknown, proofs=proofs)
        return unreadable(case, error)


def _first_sealed(examined: tuple[Examined, ...]) -> int | None:
    """Return the first revision that an organisation's signature covers, trusted or not."""
    sealed = [
        entry.revision for entry in examined if entry.revision is not None and claims_seal(entry)
    ]
    return min(sealed, default=None)


def _changes(
    facts: DocumentFacts,
    entry: Examined,
    *,
    hollow: frozenset[FieldState],
    sealed_in: int | None,
) -> ChangeJudgement:
    reader = facts.opened.reader
    if facts.fault is not None:
        return ChangeJudgement(
            changes=Changes.FORBIDDEN, reason=facts.fault.reason, detail=facts.fault.detail
        )
    if not entry.intact or entry.revision is None:
        return ChangeJudgement(changes=Changes.UNKNOWN)
    difference = readings_differ(reader, entry.revision) or readings_differ(reader)
    if difference is not None:
        # Readers that follow the one table and those that follow the other see two documents.
        return ChangeJudgement(
            changes=Changes.UNKNOWN,
            reason=Reason.HYBRID_REFERENCES,
            detail=f"the file has hybrid cross-references: {difference}",
        )
    if entry.whole_file:
        return ChangeJudgement(changes=Changes.NONE)
    return judge_changes(
        reader, entry.revision, locks=entry.locks, hollow=hollow, sealed_in=sealed_in
    )


def _name_late_number(entry: Judged, all_judged: tuple[Judged, ...]) -> Judged:
    """Name the usual mistake behind a page that changed after the leader signed.

    Number and date drawn onto the page between the leader's signature and the seal alter what the
    leader signed; where a good seal covers the whole result, that is what happened, most likely.
    """
    altered = entry.report.reason == Reason.DOCUMENT_ALTERED
    if not altered or entry.report.changes is not Changes.FORBIDDEN:
        return entry
    sealed = any(
        other.whole_file
        and other.report.kind is SignatureKind.SEAL
        and other.report.indication is Indication.TOTAL_PASSED
        for other in all_judged
    )
    if not sealed:
        return entry
    reason = Reason.NUMBER_ADDED_AFTER_SIGNATURE.value
    return replace(entry, report=replace(entry.report, reason=reason))
