"""Definitions of the signature rate as data: what is counted, left out, and taken for signed.

Pure but for `load_definitions`, which reads the files of definitions/. The sources disagree about
the rate, so every figure names the definition and the version by which it was counted.
"""

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel
from exchange.compliance.facts import DocumentFact
from exchange.errors import ArgumentInvalid, SettingInvalid
from signer.policy.values import DocumentKind
from signer.verdicts import Verdict

DEFAULT_DEFINITION_ID = "nd-307-2025"
_DEFINITIONS = Path(__file__).parent / "definitions"


class RequiredSignature(StrEnum):
    """A signature that may be asked for: the leader's (lãnh đạo) or the body's (cơ quan)."""

    LEADER = "LEADER"
    SEAL = "SEAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Which signatures a document needs: all of some, and at least one of others."""

    all_of: frozenset[RequiredSignature] = frozenset()
    any_of: frozenset[RequiredSignature] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a requirement that any document would fulfil, signed or not."""
        if not self.all_of and not self.any_of:
            raise ArgumentInvalid("a document must need some signature", field="readings")

    def missing(self, fact: DocumentFact) -> frozenset[RequiredSignature]:
        """Give the signatures that the document lacks and would need."""
        present = frozenset(
            signature
            for signature, there in (
                (RequiredSignature.LEADER, fact.leader_signed),
                (RequiredSignature.SEAL, fact.seal_signed),
            )
            if there
        )
        lacking = self.all_of - present
        return lacking | self.any_of if self.any_of and not self.any_of & present else lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of what "signed" means (cách hiểu), for originals and for copies.

    Whatever it asks for, only a document whose verdict is VALID is ever counted as signed.
    """

    reading_id: str
    vi: str
    en: str
    original: Requirement
    copy: Requirement

    def missing(self, fact: DocumentFact) -> frozenset[RequiredSignature]:
        """Give the signatures that the document lacks under this reading."""
        own = self.original if fact.kind is DocumentKind.ORIGINAL else self.copy
        return own.missing(fact)

    def is_signed(self, fact: DocumentFact) -> bool:
        """Tell whether the document counts as signed, validly."""
        return fact.verdict is Verdict.VALID and not self.missing(fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Documents that are left out of the count, and why; empty conditions fit any."""

    exclusion_id: str
    vi: str
    en: str
    kinds: frozenset[DocumentKind] = frozenset()
    types: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse an exclusion that would leave everything out."""
        if not self.kinds and not self.types:
            raise ArgumentInvalid("an exclusion needs a condition", field="exclusions")

    def fits(self, fact: DocumentFact) -> bool:
        """Tell whether the document is left out by this."""
        return (not self.kinds or fact.kind in self.kinds) and (
            not self.types or fact.type_name.casefold() in self.types
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDefinition:
    """A definition of the signature rate (định nghĩa tỷ lệ văn bản ký số).

    `readings` has at least one; the first is the figure, the others are shown beside it.
    `decimals` is how many decimals of a percentage are printed, always rounded down.
    """

    definition_id: str
    version: str
    valid_from: dt.date
    title_vi: str
    title_en: str
    legal_basis_vi: str
    legal_basis_en: str
    population_vi: str
    population_en: str
    blocks: frozenset[Block]
    levels: frozenset[AgencyLevel]
    exclusions: tuple[Exclusion, ...]
    readings: tuple[Reading, ...]
    decimals: int = 2

    def __post_init__(self) -> None:
        """Refuse a definition that counts nothing or prints nonsense."""
        if not self.readings:
            raise ArgumentInvalid("a definition needs a reading", field="readings")
        if not 0 <= self.decimals <= 4:
            raise ArgumentInvalid("0 to 4 decimals", field="decimals")

    def counts(self, fact: DocumentFact) -> bool:
        """Tell whether the document belongs to the population."""
        return fact.block in self.blocks and fact.level in self.levels

    def exclusion_of(self, fact: DocumentFact) -> Exclusion | None:
        """Give the first exclusion that leaves this document out, if any does."""
        return next((each for each in self.exclusions if each.fits(fact)), None)


def load_definitions(directory: Path = _DEFINITIONS) -> tuple[RateDefinition, ...]:
    """Read all definitions, the default one first, the others by id.

    Raises:
        SettingInvalid: a file can't be read or is no definition.

    """
    read = []
    for path in sorted(directory.glob("*.toml")):
        try:
            read.append(parse_definition(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingInvalid(f"definition {path.name}: can't be read") from error
    return tuple(
        sorted(read, key=lambda d: (d.definition_id != DEFAULT_DEFINITION_ID, d.definition_id))
    )


def parse_definition(text: str) -> RateDefinition:
    """Read a definition from the text of a TOML file.

    Raises:
        SettingInvalid: the text is no TOML, or no definition.

    """
    try:
        data = tomllib.loads(text)
        if data["rounding"]["mode"] != "FLOOR":
            raise ValueError("a rate is only ever rounded down")
        population = data["population"]
        return RateDefinition(
            definition_id=str(data["id"]),
            version=str(data["version"]),
            valid_from=_date(data["valid_from"]),
            title_vi=str(data["title_vi"]),
            title_en=str(data["title_en"]),
            legal_basis_vi=str(data["legal_basis_vi"]),
            legal_basis_en=str(data["legal_basis_en"]),
            population_vi=str(population["vi"]),
            population_en=str(population["en"]),
            blocks=frozenset(Block(block) for block in population["blocks"]),
            levels=frozenset(AgencyLevel(level) for level in population["levels"]),
            exclusions=tuple(_exclusion(entry) for entry in data.get("exclusions", ())),
            readings=tuple(_reading(entry) for entry in data["readings"]),
            decimals=int(data["rounding"]["decimals"]),
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, ArgumentInvalid) as error:
        raise SettingInvalid(f"definition of the rate: {error}") from error


def _date(value: object) -> dt.date:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise TypeError("valid_from must be a date")
    return value


def _exclusion(entry: Mapping[str, Any]) -> Exclusion:
    return Exclusion(
        exclusion_id=str(entry["id"]),
        vi=str(entry["vi"]),
        en=str(entry["en"]),
        kinds=frozenset(DocumentKind(kind) for kind in entry.get("kinds", ())),
        types=frozenset(str(name).casefold() for name in entry.get("types", ())),
    )


def _reading(entry: Mapping[str, Any]) -> Reading:
    return Reading(
        reading_id=str(entry["id"]),
        vi=str(entry["vi"]),
        en=str(entry["en"]),
        original=_requirement(entry["original"]),
        copy=_requirement(entry["copy"]),
    )


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    return Requirement(
        all_of=frozenset(RequiredSignature(name) for name in entry.get("all_of", ())),
        any_of=frozenset(RequiredSignature(name) for name in entry.get("any_of", ())),
    )
