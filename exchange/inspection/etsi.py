"""The report as XML of ETSI TS 119 102-2 v1.4.1: signatures, and all that was looked at (pure)."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Final

from lxml import etree

from exchange.inspection.etsi_elements import digest, ds, moment, own, vr, xades
from exchange.inspection.etsi_objects import EtsiObjects
from exchange.inspection.words import clean, happened
from exchange.signing_for import NOT_ASKED, Asked
from signer.report import CertificateReport, Report, SignatureReport
from signer.validation.signed_facts import SignedFacts
from signer.verdicts import Indication, SignatureKind, Verdict

NO_SIGNATURE: Final = "urn:congvan:mainindication:no-signature"
"""The standard reports on signatures only; a document without one has no main indication there."""
_URN: Final = "urn:etsi:019102"
_PROCESS: Final = f"{_URN}:validationprocess:LTA"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_MAIN: Final = {
    Indication.TOTAL_PASSED: "total-passed",
    Indication.TOTAL_FAILED: "total-failed",
    Indication.INDETERMINATE: "indeterminate",
}
_MAIN_OF_TIMESTAMP: Final = {
    Indication.TOTAL_PASSED: "passed",
    Indication.TOTAL_FAILED: "failed",
    Indication.INDETERMINATE: "indeterminate",
}


def etsi_report(
    report: Report, facts: tuple[SignedFacts, ...] = (), *, asked: Asked = NOT_ASKED
) -> bytes:
    """Render the report; facts: what the signatures themselves say, as far as it is at hand."""
    known = {each.field: each for each in facts}
    objects = EtsiObjects(report)
    for entry in report.signatures:
        if entry.kind is SignatureKind.DOC_TIMESTAMP:
            nested = _signature(entry, report, objects=objects, facts=known.get(entry.field))
            objects.add_document_timestamp(entry, known.get(entry.field), nested=nested)
    signatures = [
        _signature(entry, report, objects=objects, facts=known.get(entry.field))
        for entry in report.signatures
        if entry.kind is not SignatureKind.DOC_TIMESTAMP
    ]
    _add_whose(signatures, report, asked=asked)
    root = vr(
        "ValidationReport",
        *(signatures or [_nothing_signed(report)]),
        vr("SignatureValidationObjects", *objects.elements()),
    )
    etree.cleanup_namespaces(root, keep_ns_prefixes=["vr", "XAdES", "ds"])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_whose(signatures: list[etree._Element], report: Report, *, asked: Asked) -> None:
    """Say of each signature whose it is: the standard has no place for it but the open one."""
    outcomes = [
        asked.of(place)
        for place, entry in enumerate(report.signatures)
        if entry.kind is not SignatureKind.DOC_TIMESTAMP
    ]
    for signature, found in zip(signatures, outcomes, strict=True):
        if found is not None:
            signature[-1].append(own("SignedFor", str(found), Endpoint=clean(asked.on_behalf_of)))


def _nothing_signed(report: Report) -> etree._Element:
    unreadable = report.verdict is Verdict.UNREADABLE
    main = f"{_URN}:mainindication:indeterminate" if unreadable else NO_SIGNATURE
    return vr(
        "SignatureValidationReport",
        vr("SignatureValidationStatus", vr("MainIndication", main)),
        _other(str(report.verdict), reason=report.reason, detail=report.detail),
    )


def _signature(
    entry: SignatureReport, report: Report, *, objects: EtsiObjects, facts: SignedFacts | None
) -> etree._Element:
    parts = [
        _identifier(entry, facts),
        vr("ValidationConstraintsEvaluationReport", _policy(report.policy)),
        _times(entry, report.judged_at, objects=objects, facts=facts),
        _signed_document(objects, facts),
        _attributes(entry, facts),
        _signer(entry, objects),
        vr(
            "SignatureValidationProcess",
            vr("SignatureValidationProcessID", f"{_URN}:validationprocess:LTA"),
        ),
        _status(entry, objects),
        _other(
            str(entry.indication),
            *_findings(entry),
            reason=entry.reason,
            detail=entry.detail,
        ),
    ]
    return vr("SignatureValidationReport", *(part for part in parts if part is not None))


def _identifier(entry: SignatureReport, facts: SignedFacts | None) -> etree._Element:
    values: list[etree._Element] = []
    if facts is not None:
        if facts.attributes_digest:
            values.append(digest(facts.digest_algorithm, facts.attributes_digest))
        value = b64encode(facts.signature_value).decode("ascii")
        values.append(ds("SignatureValue", value))
    return vr(
        "SignatureIdentifier",
        *values,
        vr("HashOnly", "false"),
        vr("DocHashOnly", "false"),
        vr("DAIdentifier", clean(entry.field)),
    )


def _policy(label: str) -> etree._Element:
    return vr(
        "SignatureValidationPolicy",
        vr("SignaturePolicyIdentifier", xades("SignaturePolicyImplied")),
        *([vr("PolicyName", clean(label))] if label else []),
    )


def _times(
    entry: SignatureReport, at: datetime, *, objects: EtsiObjects, facts: SignedFacts | None
) -> etree._Element:
    proof = [
        vr("POETime", moment(entry.proved_at or at)),
        vr("TypeOfProof", f"{_URN}:poetype:validation"),
    ]
    stamps = objects.signature_timestamps(entry, facts) if entry.proved_at else []
    if stamps and entry.proved_at == entry.timestamp_at:
        proof.append(vr("POEObject", VOReference=stamps[0]))
    return vr(
        "ValidationTimeInfo", vr("ValidationTime", moment(at)), vr("BestSignatureTime", *proof)
    )


def _signed_document(objects: EtsiObjects, facts: SignedFacts | None) -> etree._Element:
    shown = vr("SignersDocumentRepresentation", VOReference=objects.document)
    if facts is None or not facts.document_digest:
        return vr("SignersDocument", shown)
    return vr("SignersDocument", digest(facts.digest_algorithm, facts.document_digest), shown)


def _attributes(entry: SignatureReport, facts: SignedFacts | None) -> etree._Element | None:
    found: list[etree._Element] = []
    if entry.signed_at is not None and entry.kind is not SignatureKind.DOC_TIMESTAMP:
        found.append(vr("SigningTime", vr("Time", moment(entry.signed_at)), Signed="true"))
    if entry.timestamp_at is not None and entry.kind is not SignatureKind.DOC_TIMESTAMP:
        stamp = vr("TimeStampValue", moment(entry.timestamp_at))
        found.append(vr("SignatureTimeStamp", stamp, Signed="false"))
    if facts is not None:
        found.append(
            vr("SubFilter", vr("SubFilterElement", clean(facts.sub_filter)), Signed="true")
        )
        found.append(vr("ByteRange", " ".join(str(number) for number in facts.byte_range)))
    return vr("SignatureAttributes", *found) if found else None


def _signer(entry: SignatureReport, objects: EtsiObjects) -> etree._Element | None:
    if not entry.certificate_sha256:
        return None
    reference = objects.certificate(entry.certificate_sha256)
    name = [vr("Signer", clean(entry.signer.common_name))] if entry.signer else []
    return vr("SignerInformation", vr("SignerCertificate", VOReference=reference), *name)


def _status(entry: SignatureReport, objects: EtsiObjects) -> etree._Element:
    stamp = entry.kind is SignatureKind.DOC_TIMESTAMP
    main = (_MAIN_OF_TIMESTAMP if stamp else _MAIN)[entry.indication]
    status = vr("SignatureValidationStatus", vr("MainIndication", f"{_URN}:mainindication:{main}"))
    if entry.sub_indication is not None:
        status.append(vr("SubIndication", f"{_URN}:subindication:{entry.sub_indication}"))
    if entry.chain:
        status.append(_associated(entry, objects))
    return status


def _associated(entry: SignatureReport, objects: EtsiObjects) -> etree._Element:
    def reference(name: str, certificate: CertificateReport) -> etree._Element:
        return vr(name, VOReference=objects.certificate(certificate.sha256))

    leaf, *others = entry.chain
    anchors = [each for each in others if each.is_anchor]
    chain = vr(
        "CertificateChain",
        reference("SigningCertificate", leaf),
        *(reference("IntermediateCertificate", each) for each in others if not each.is_anchor),
        *(reference("TrustAnchor", each) for each in anchors[:1]),
    )
    used = [
        vr("RelatedValidationObject", VOReference=objects.evidence(each)) for each in entry.evidence
    ]
    data = vr("AssociatedValidationReportData")
    if anchors:
        data.append(reference("TrustAnchor", anchors[0]))
    data.append(chain)
    data.extend(used)
    return data


def _findings(entry: SignatureReport) -> list[etree._Element]:
    found = {
        "Kind": entry.kind,
        "Level": entry.level,
        "Integrity": entry.integrity,
        "Changes": entry.changes,
        "AnchorClass": entry.anchor_class,
        "Algorithm": clean(entry.algorithm),
    }
    told = [own(name, str(value)) for name, value in found.items() if value]
    if entry.revision is not None:
        told.append(own("Revision", str(entry.revision)))
    told.append(own("CoversWholeDocument", str(entry.covers_whole_document).lower()))
    told += [own("Leniency", str(each)) for each in entry.leniencies]
    return [*told, own("Practice", str(entry.practice).lower())]


def _other(verdict: str, *more: etree._Element, reason: str, detail: str) -> etree._Element:
    told = [own("Verdict", verdict)]
    if reason:
        meaning = happened(reason)
        told += [
            own("Reason", reason),
            own("Sentence", meaning.vi, **{_LANGUAGE: "vi"}),
            own("Sentence", meaning.en, **{_LANGUAGE: "en"}),
        ]
    if detail:
        told.append(own("Detail", clean(detail)))
    return vr("OtherInformation", *told, *more)
