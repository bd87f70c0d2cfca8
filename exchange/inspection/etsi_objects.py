"""Validation objects of TS 119 102-2: certificates, evidence, time-stamps, the document (pure)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import datetime
from typing import Final

from lxml import etree

from exchange.inspection.etsi_elements import VR, digest, moment, vr
from signer.report import EvidenceReport, Report, SignatureReport
from signer.validation.signed_facts import SignedFacts

_URN: Final = "urn:etsi:019102"


class EtsiObjects:
    """The objects of one report, each once; asking for one gives its identifier and notes it."""

    def __init__(self, report: Report) -> None:
        """Note the document itself; material of the report is given in full, else by digest."""
        self._at = report.judged_at
        self._objects: dict[str, etree._Element] = {}
        material = report.material
        self._content = {
            hashlib.sha256(content).hexdigest(): content
            for content in (*material.certificates, *material.ocsp_responses, *material.crls)
        }
        self.document = f"D-{report.sha256}"
        self._add(self.document, self._by_digest(report.sha256), kind="signedData")

    def elements(self) -> list[etree._Element]:
        """Return all objects, in the order in which they were asked for."""
        return list(self._objects.values())

    def certificate(self, sha256: str) -> str:
        """Give the identifier of a certificate."""
        return self._named(f"C-{sha256}", self._known(sha256), kind="certificate")

    def evidence(self, entry: EvidenceReport) -> str:
        """Give the identifier of an OCSP response or a CRL."""
        ocsp = entry.kind == "OCSP"
        name = f"{'O' if ocsp else 'R'}-{entry.sha256}"
        kind = "OCSPResponse" if ocsp else "CRL"
        return self._named(name, self._known(entry.sha256), kind=kind, proved_at=entry.proved_at)

    def signature_timestamps(self, entry: SignatureReport, facts: SignedFacts | None) -> list[str]:
        """Give the identifiers of the time-stamps that a signature carries."""
        names = []
        for token in facts.timestamps if facts is not None else ():
            name = f"T-{hashlib.sha256(token).hexdigest()}"
            provision = self._provision(entry)
            self._named(name, self._in_full(token), kind="timestamp", provision=provision)
            names.append(name)
        return names

    def add_document_timestamp(
        self, entry: SignatureReport, facts: SignedFacts | None, *, nested: etree._Element
    ) -> None:
        """Note a document time-stamp with its own report; without its bytes, by its field."""
        if facts is not None:
            name = f"T-{hashlib.sha256(facts.container).hexdigest()}"
            content = self._in_full(facts.container)
        else:
            name = f"T-{hashlib.sha256(entry.field.encode()).hexdigest()}"
            content = vr("direct", vr("SignatureReference", vr("PAdESFieldName", entry.field)))
        provision = self._provision(entry)
        self._named(name, content, kind="timestamp", provision=provision)
        self._objects[name].append(_renamed(nested))

    def _named(
        self,
        name: str,
        content: etree._Element,
        *,
        kind: str,
        proved_at: datetime | None = None,
        provision: etree._Element | None = None,
    ) -> str:
        if name not in self._objects:
            self._add(name, content, kind=kind, proved_at=proved_at, provision=provision)
        return name

    def _add(
        self,
        name: str,
        content: etree._Element,
        *,
        kind: str,
        proved_at: datetime | None = None,
        provision: etree._Element | None = None,
    ) -> None:
        parts = [
            vr("ObjectType", f"{_URN}:validationObject:{kind}"),
            vr("ValidationObjectRepresentation", content),
            vr(
                "POE",
                vr("POETime", moment(proved_at or self._at)),
                vr("TypeOfProof", f"{_URN}:poetype:validation"),
            ),
        ]
        if provision is not None:
            parts.append(provision)
        self._objects[name] = vr("ValidationObject", *parts, id=name)

    @staticmethod
    def _provision(entry: SignatureReport) -> etree._Element | None:
        if entry.timestamp_at is None:
            return None
        return vr(
            "POEProvisioning",
            vr("POETime", moment(entry.timestamp_at)),
            vr("SignatureReference", vr("PAdESFieldName", entry.field)),
        )

    def _known(self, sha256: str) -> etree._Element:
        content = self._content.get(sha256)
        return self._by_digest(sha256) if content is None else self._in_full(content)

    @staticmethod
    def _in_full(content: bytes) -> etree._Element:
        return vr("base64", b64encode(content).decode("ascii"))

    @staticmethod
    def _by_digest(sha256: str) -> etree._Element:
        return digest("sha256", bytes.fromhex(sha256))


def _renamed(report: etree._Element) -> etree._Element:
    """Give a signature's report the name that it has inside a validation object."""
    report.tag = f"{{{VR}}}ValidationReport"
    return report
