"""The report on a document's signatures: frozen values and their JSON form (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NoReturn

from certs.identity import IdentityKind, SignerIdentity
from certs.revocation.evidence import EvidenceRequest
from signer.leniencies import Leniency
from signer.report_parts import (
    CertificateReport,
    EvidenceReport,
    RevisionContent,
    RevisionReport,
    ValidationMaterial,
    instant_json,
    instant_of,
    printable,
    require_utc,
)
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)

__all__ = [
    "SCHEMA_VERSION",
    "CertificateReport",
    "Changes",
    "EvidenceReport",
    "Indication",
    "Integrity",
    "Leniency",
    "Report",
    "RevisionContent",
    "RevisionReport",
    "SignatureKind",
    "SignatureLevel",
    "SignatureReport",
    "SubIndication",
    "ValidationMaterial",
    "Verdict",
    "printable",
]

SCHEMA_VERSION: Final = 1
_KEPT_SIGNERS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """What was found about one signature, seal or document time-stamp.

    `indication` already counts structure and later changes, so TOTAL_PASSED can be relied upon.
    `signed_at` is what the signer claims; only `timestamp_at` is proved (NĐ 68/2024 art. 31).
    `reason` is a code of `signer.reasons`, "" when all is well; `detail` is English prose.
    revision: the one whose end is signed, as in the report's `revisions`. covers_whole_document:
    whether nothing follows the signed bytes. proved_at: the oldest instant at which time-stamps
    prove that it existed. chain: the leaf first, the anchor last. evidence: what counted about
    these certificates. anchor_class: what kind of authority the anchor is, "" without a path.
    """

    field: str
    kind: SignatureKind
    indication: Indication
    sub_indication: SubIndication | None = None
    integrity: Integrity
    changes: Changes
    level: SignatureLevel = SignatureLevel.OTHER
    signer: SignerIdentity | None = None
    signed_at: datetime | None = None
    timestamp_at: datetime | None = None
    reason: str = ""
    detail: str = ""
    algorithm: str = ""
    certificate_sha256: str = ""
    practice: bool = False
    revision: int | None = None
    covers_whole_document: bool = False
    proved_at: datetime | None = None
    leniencies: tuple[Leniency, ...] = ()
    chain: tuple[CertificateReport, ...] = ()
    evidence: tuple[EvidenceReport, ...] = ()
    anchor_class: str = ""

    def __post_init__(self) -> None:
        """Refuse a pass that contradicts its own findings."""
        require_utc(self.signed_at, self.timestamp_at, self.proved_at)
        object.__setattr__(self, "field", printable(self.field))
        object.__setattr__(self, "detail", printable(self.detail))
        object.__setattr__(self, "signer", _printable_signer(self.signer))
        if self.indication is Indication.TOTAL_PASSED and (
            self.integrity is not Integrity.INTACT
            or self.changes not in _HARMLESS
            or self.reason
            or self.sub_indication
        ):
            raise ValueError("a signature can't pass with a finding against it")

    def __bool__(self) -> NoReturn:
        """Refuse to be taken for a yes or no."""
        raise TypeError("a signature's report has no truth value; read its indication")

    def to_json(self) -> dict[str, Any]:
        """Return the entry of "signatures" in the report's JSON form."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["signer"] = _signer_json(self.signer)
        for name in ("signed_at", "timestamp_at", "proved_at"):
            values[name] = instant_json(values[name])
        values["leniencies"] = [str(each) for each in self.leniencies]
        values["chain"] = [each.to_json() for each in self.chain]
        values["evidence"] = [each.to_json() for each in self.evidence]
        return {name: _plain(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SignatureReport:
        """Read an entry that to_json() wrote; ValueError or KeyError for anything else.

        What older reports don't have is left at its default.
        """
        sub_indication = values["sub_indication"]
        return cls(
            field=values["field"],
            kind=SignatureKind(values["kind"]),
            indication=Indication(values["indication"]),
            sub_indication=SubIndication(sub_indication) if sub_indication else None,
            integrity=Integrity(values["integrity"]),
            changes=Changes(values["changes"]),
            level=SignatureLevel(values["level"]),
            signer=_signer(values["signer"]),
            signed_at=instant_of(values["signed_at"]),
            timestamp_at=instant_of(values["timestamp_at"]),
            reason=values["reason"],
            detail=values["detail"],
            algorithm=values["algorithm"],
            certificate_sha256=values["certificate_sha256"],
            practice=values["practice"],
            revision=values.get("revision"),
            covers_whole_document=values.get("covers_whole_document", False),
            proved_at=instant_of(values.get("proved_at")),
            leniencies=tuple(Leniency(each) for each in values.get("leniencies", ())),
            chain=tuple(CertificateReport.from_json(each) for each in values.get("chain", ())),
            evidence=tuple(EvidenceReport.from_json(each) for each in values.get("evidence", ())),
            anchor_class=values.get("anchor_class", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The judgement of one document at one instant with one trust store.

    `verdict` is the worst of all findings; `reason` names the finding that decided it. `missing`
    says what evidence would help, for whoever may fetch it, and `material` has what the chains
    and the evidence name; neither is part of the judgement. policy: the label of the policy that
    was judged by. revisions: the oldest first; empty for a document that can't be read.
    """

    sha256: str
    size_bytes: int
    verdict: Verdict
    reason: str = ""
    detail: str = ""
    signatures: tuple[SignatureReport, ...] = ()
    judged_at: datetime
    trust_version: str
    policy: str = ""
    revisions: tuple[RevisionReport, ...] = ()
    missing: tuple[EvidenceRequest, ...] = field(default=(), compare=False)
    material: ValidationMaterial = field(default_factory=ValidationMaterial, compare=False)

    def __post_init__(self) -> None:
        """Refuse a VALID that any signature contradicts."""
        require_utc(self.judged_at)
        object.__setattr__(self, "detail", printable(self.detail))
        passed = [entry.indication is Indication.TOTAL_PASSED for entry in self.signatures]
        if self.verdict is Verdict.VALID and not (passed and all(passed)):
            raise ValueError("a document is valid only when each of its signatures passed")

    def __bool__(self) -> NoReturn:
        """Refuse to be taken for a yes or no: UNSIGNED and INDETERMINATE are neither."""
        raise TypeError("a report has no truth value; read its verdict, or call verify()")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; the caller adds "file" where there is one."""
        return {
            "schema_version": SCHEMA_VERSION,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "detail": self.detail,
            "judged_at": instant_json(self.judged_at),
            "trust_version": self.trust_version,
            "policy": self.policy,
            "signatures": [entry.to_json() for entry in self.signatures],
            "revisions": [each.to_json() for each in self.revisions],
            "missing": [
                {
                    "kind": str(request.kind),
                    "url": printable(request.url),
                    "serial": f"{request.serial:x}",
                }
                for request in self.missing
            ],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Report:
        """Read what to_json() wrote, without `missing` and `material` (they hold more than JSON).

        ValueError or KeyError for anything else, also for a version not known here.
        """
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"report schema {values['schema_version']} is not known")
        judged_at = instant_of(values["judged_at"])
        if judged_at is None:
            raise ValueError("a report says when it was made")
        return cls(
            sha256=values["sha256"],
            size_bytes=values["size_bytes"],
            verdict=Verdict(values["verdict"]),
            reason=values["reason"],
            detail=values["detail"],
            signatures=tuple(SignatureReport.from_json(entry) for entry in values["signatures"]),
            judged_at=judged_at,
            trust_version=values["trust_version"],
            policy=values.get("policy", ""),
            revisions=tuple(RevisionReport.from_json(each) for each in values.get("revisions", ())),
        )


# Who signs is the same few persons and bodies for all documents.
@lru_cache(maxsize=_KEPT_SIGNERS)
def _printable_signer(signer: SignerIdentity | None) -> SignerIdentity | None:
    if signer is None:
        return None
    values = {each.name: getattr(signer, each.name) for each in fields(signer)}
    texts = {name: printable(value) for name, value in values.items() if name != "kind"}
    return replace(signer, kind=signer.kind, **texts)


_HARMLESS = frozenset({Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL, Changes.NUMBER_AND_DATE})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


def _signer_json(signer: SignerIdentity | None) -> dict[str, Any] | None:
    if signer is None:
        return None
    return {name: _plain(value) for name, value in asdict(signer).items()}


def _signer(values: Mapping[str, Any] | None) -> SignerIdentity | None:
    if values is None:
        return None
    return SignerIdentity(**{**values, "kind": IdentityKind(values["kind"])})
