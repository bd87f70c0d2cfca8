"""The parts of a report: certificates, evidence and revisions as values, and in JSON (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

_TEXT_CHARACTERS: Final = 1_000
_UNPRINTABLE: Final = re.compile("[\\x00-\\x1f\\x7f\\ud800-\\udfff\\ufffe\\uffff]")


def printable(text: str) -> str:
    """Return a stranger's text as every reader of a report can hold it: no controls, not long.

    Databases and other languages refuse NUL characters and halves of surrogate pairs.
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[:_TEXT_CHARACTERS])


def require_utc(*instants: datetime | None) -> None:
    """Raise ValueError unless each instant is aware and in UTC, or None."""
    for instant in instants:
        if instant is not None and instant.utcoffset() != timedelta(0):
            raise ValueError("an instant in a report must be aware, in UTC")


def instant_json(instant: datetime | None) -> str | None:
    """Return an instant as ISO 8601 with a Z."""
    return instant.isoformat().replace("+00:00", "Z") if instant is not None else None


def instant_of(text: str | None) -> datetime | None:
    """Read what instant_json() wrote; ValueError for anything else."""
    return datetime.fromisoformat(text).astimezone(UTC) if text is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReport:
    """One certificate of a path; sha256 is of its DER, serial is hexadecimal."""

    sha256: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    is_anchor: bool = False

    def __post_init__(self) -> None:
        """Require UTC, and make the names printable."""
        require_utc(self.not_before, self.not_after)
        object.__setattr__(self, "subject", printable(self.subject))
        object.__setattr__(self, "issuer", printable(self.issuer))

    def to_json(self) -> dict[str, Any]:
        """Return the entry of "chain" in the report's JSON form."""
        return {
            "sha256": self.sha256,
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": instant_json(self.not_before),
            "not_after": instant_json(self.not_after),
            "is_anchor": self.is_anchor,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CertificateReport:
        """Read what to_json() wrote; ValueError or KeyError for anything else."""
        return cls(
            sha256=values["sha256"],
            subject=values["subject"],
            issuer=values["issuer"],
            serial=values["serial"],
            not_before=datetime.fromisoformat(values["not_before"]).astimezone(UTC),
            not_after=datetime.fromisoformat(values["not_after"]).astimezone(UTC),
            is_anchor=values["is_anchor"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """One OCSP response or CRL that counted: kind is "OCSP" or "CRL", sha256 of its DER.

    produced_at: what it calls its own time (thisUpdate). proved_at: when it is proved to have
    existed, None where nothing but its being here now says so.
    """

    kind: str
    sha256: str
    produced_at: datetime | None = None
    next_update: datetime | None = None
    proved_at: datetime | None = None

    def __post_init__(self) -> None:
        """Require UTC."""
        require_utc(self.produced_at, self.next_update, self.proved_at)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of "evidence" in the report's JSON form."""
        return {
            "kind": self.kind,
            "sha256": self.sha256,
            "produced_at": instant_json(self.produced_at),
            "next_update": instant_json(self.next_update),
            "proved_at": instant_json(self.proved_at),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EvidenceReport:
        """Read what to_json() wrote; ValueError or KeyError for anything else."""
        return cls(
            kind=values["kind"],
            sha256=values["sha256"],
            produced_at=instant_of(values["produced_at"]),
            next_update=instant_of(values["next_update"]),
            proved_at=instant_of(values.get("proved_at")),
        )


class RevisionContent(StrEnum):
    """What a revision brought to the document (nội dung của một lần sửa)."""

    ORIGINAL = "ORIGINAL"
    """The document as it was first written."""
    SIGNATURE = "SIGNATURE"
    """A signature or a seal."""
    TIMESTAMP = "TIMESTAMP"
    """A document time-stamp."""
    EVIDENCE = "EVIDENCE"
    """Certificates and revocation evidence in the security store."""
    PAGES = "PAGES"
    """Pages, written anew or added; a signature's field is entered in its page too."""
    FORM = "FORM"
    """Form fields other than signatures."""
    METADATA = "METADATA"
    """The document's description of itself."""
    OTHER = "OTHER"
    """Anything else, or more than was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionReport:
    """One revision of the document, 1 being the oldest.

    end: the offset after its last byte. signed_by: the fields whose signed bytes end there.
    changes: what it brought, as its objects say; whether that was allowed is each signature's
    `changes`.
    """

    number: int
    end: int
    signed_by: tuple[str, ...] = ()
    changes: tuple[RevisionContent, ...] = ()

    def __post_init__(self) -> None:
        """Make the fields' names printable."""
        object.__setattr__(self, "signed_by", tuple(printable(each) for each in self.signed_by))

    def to_json(self) -> dict[str, Any]:
        """Return the entry of "revisions" in the report's JSON form."""
        return {
            "number": self.number,
            "end": self.end,
            "signed_by": list(self.signed_by),
            "changes": [str(each) for each in self.changes],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RevisionReport:
        """Read what to_json() wrote; ValueError or KeyError for anything else."""
        return cls(
            number=values["number"],
            end=values["end"],
            signed_by=tuple(values["signed_by"]),
            changes=tuple(RevisionContent(each) for each in values["changes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationMaterial:
    """What a judgement rests on, DER: exactly what the report's chains and evidence name."""

    certificates: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def merged(self, other: ValidationMaterial) -> ValidationMaterial:
        """Return both together, each item once, this one's first."""
        return ValidationMaterial(
            certificates=tuple(dict.fromkeys(self.certificates + other.certificates)),
            ocsp_responses=tuple(dict.fromkeys(self.ocsp_responses + other.ocsp_responses)),
            crls=tuple(dict.fromkeys(self.crls + other.crls)),
        )
