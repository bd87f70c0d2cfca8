"""Counting the signature rate of a period: figures, parts, and what lowers them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from certs.trust.anchors import Block
from exchange.compliance.facts import DocumentFact
from exchange.compliance.periods import Period
from exchange.compliance.rate_definitions import RateDefinition, Reading, RequiredSignature
from signer.policy.values import DocumentKind
from signer.verdicts import Verdict

__all__ = [
    "BlockRate",
    "DocumentFact",
    "DocumentKind",
    "ExceptionReason",
    "ExcludedCount",
    "RateCount",
    "RateException",
    "RateReport",
    "ReadingRate",
    "count",
    "rate_text",
]

NOTHING_TO_COUNT = "không phát sinh"


class ExceptionReason(StrEnum):
    """Why a document counts against the rate (lý do không tính)."""

    UNSIGNED = "UNSIGNED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIGNATURE_UNDETERMINED = "SIGNATURE_UNDETERMINED"
    DOCUMENT_UNREADABLE = "DOCUMENT_UNREADABLE"
    BOTH_SIGNATURES_MISSING = "BOTH_SIGNATURES_MISSING"
    LEADER_SIGNATURE_MISSING = "LEADER_SIGNATURE_MISSING"
    SEAL_MISSING = "SEAL_MISSING"


_BY_VERDICT: Mapping[Verdict, ExceptionReason] = MappingProxyType(
    {
        Verdict.UNSIGNED: ExceptionReason.UNSIGNED,
        Verdict.INVALID: ExceptionReason.SIGNATURE_INVALID,
        Verdict.INDETERMINATE: ExceptionReason.SIGNATURE_UNDETERMINED,
        Verdict.UNREADABLE: ExceptionReason.DOCUMENT_UNREADABLE,
    }
)
_BY_MISSING: Mapping[frozenset[RequiredSignature], ExceptionReason] = MappingProxyType(
    {
        frozenset(RequiredSignature): ExceptionReason.BOTH_SIGNATURES_MISSING,
        frozenset({RequiredSignature.LEADER}): ExceptionReason.LEADER_SIGNATURE_MISSING,
        frozenset({RequiredSignature.SEAL}): ExceptionReason.SEAL_MISSING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCount:
    """A numerator over a denominator, and the rate as it is printed."""

    numerator: int
    denominator: int
    rate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRate:
    """The rate of one block's documents."""

    block: Block
    count: RateCount


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRate:
    """The rate under another reading of the definition, shown beside the figure."""

    reading: Reading
    count: RateCount


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedCount:
    """How many documents an exclusion of the definition left out."""

    exclusion_id: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateException:
    """A document that counts against the rate, and why."""

    fact: DocumentFact
    reason: ExceptionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RateReport:
    """The signature rate of a period by one definition.

    `blocks` has every block in its order, also those without documents. `exceptions` are in the
    order of issue. `readings` starts with the reading that `total` is counted by.
    """

    definition: RateDefinition
    period: Period
    total: RateCount
    blocks: tuple[BlockRate, ...]
    readings: tuple[ReadingRate, ...]
    excluded: tuple[ExcludedCount, ...]
    exceptions: tuple[RateException, ...]

    @property
    def numerator(self) -> int:
        """Give the number of signed documents."""
        return self.total.numerator

    @property
    def denominator(self) -> int:
        """Give the number of documents that count."""
        return self.total.denominator

    @property
    def rate(self) -> str:
        """Give the rate as it is printed."""
        return self.total.rate


def count(
    facts: Iterable[DocumentFact], definition: RateDefinition, *, period: Period
) -> RateReport:
    """Count the documents issued in the period that belong to the definition's population."""
    counted: list[DocumentFact] = []
    excluded: Counter[str] = Counter()
    for fact in facts:
        if fact.issued_on not in period or not definition.counts(fact):
            continue
        exclusion = definition.exclusion_of(fact)
        if exclusion is None:
            counted.append(fact)
        else:
            excluded[exclusion.exclusion_id] += 1
    first = definition.readings[0]
    exceptions = (_exception(fact, first) for fact in counted if not first.is_signed(fact))
    return RateReport(
        definition=definition,
        period=period,
        total=_rate(counted, first, decimals=definition.decimals),
        blocks=tuple(
            BlockRate(
                block=block,
                count=_rate(
                    [f for f in counted if f.block is block], first, decimals=definition.decimals
                ),
            )
            for block in Block
        ),
        readings=tuple(
            ReadingRate(
                reading=reading, count=_rate(counted, reading, decimals=definition.decimals)
            )
            for reading in definition.readings
        ),
        excluded=tuple(
            ExcludedCount(exclusion_id=each.exclusion_id, documents=excluded[each.exclusion_id])
            for each in definition.exclusions
        ),
        exceptions=tuple(
            sorted(exceptions, key=lambda each: (each.fact.issued_on, each.fact.message_id))
        ),
    )


def rate_text(numerator: int, denominator: int, *, decimals: int = 2) -> str:
    """Print a rate the Vietnamese way: `98,50 %`, rounded down.

    `100 %` stands only where every document is signed; 0 of 0 is `không phát sinh`.
    """
    if denominator == 0:
        return NOTHING_TO_COUNT
    if numerator == denominator:
        return "100 %"
    scale = 10**decimals
    whole, fraction = divmod(numerator * 100 * scale // denominator, scale)
    return f"{whole},{fraction:0{decimals}} %" if decimals else f"{whole} %"


def _rate(facts: list[DocumentFact], reading: Reading, *, decimals: int) -> RateCount:
    numerator = sum(reading.is_signed(fact) for fact in facts)
    return RateCount(
        numerator=numerator,
        denominator=len(facts),
        rate=rate_text(numerator, len(facts), decimals=decimals),
    )


def _exception(fact: DocumentFact, reading: Reading) -> RateException:
    by_verdict = _BY_VERDICT.get(fact.verdict)
    return RateException(fact=fact, reason=by_verdict or _BY_MISSING[reading.missing(fact)])
