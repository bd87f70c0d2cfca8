"""The report as TS 119 102-2 has it: valid against its schema, and true."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from exchange.inspection.etsi import NO_SIGNATURE, etsi_report
from signer.leniencies import Leniency
from signer.report import Report
from signer.validation.signed_facts import signed_facts
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from tests.exchange.inspection.conftest import Judged
from tests.support.etsi_schema import etsi_schema
from tests.support.judges import signed_parts
from tests.support.reports import LEADER, good_signature, report_on

NAMES = {
    "vr": "http://uri.etsi.org/19102/v1.4.1#",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "cv": "urn:congvan:verification:1",
}
STAMP = good_signature(
    kind=SignatureKind.DOC_TIMESTAMP, field="Stamp <1>", level=SignatureLevel.OTHER, signed_at=None
)
FAILED = good_signature(
    indication=Indication.TOTAL_FAILED,
    sub_indication=SubIndication.HASH_FAILURE,
    integrity=Integrity.BROKEN,
    changes=Changes.UNKNOWN,
    reason="DOCUMENT_ALTERED",
    chain=(),
    evidence=(),
    leniencies=(Leniency.BER_ENCODING,),
)
REPORTS = {
    "valid": report_on(good_signature()),
    "altered": report_on(FAILED),
    "with a document time-stamp": report_on(good_signature(), STAMP),
    "only a document time-stamp": report_on(STAMP),
    "unsigned": report_on(),
    "unreadable": report_on(verdict=Verdict.UNREADABLE, reason="NOT_A_PDF", detail="no header"),
    "hostile names": report_on(
        good_signature(signer=replace(LEADER, common_name="</vr:Signer>\x00\u202e&]]>"))
    ),
    "older": report_on(good_signature(chain=(), evidence=(), revision=None), revisions=()),
}


def parsed(content: bytes) -> etree._Element:
    return etree.fromstring(content)


def texts(report: etree._Element, path: str) -> list[str]:
    found: Any = report.xpath(path, namespaces=NAMES)
    return [str(each) for each in found]


@pytest.mark.judge("dss")
def test_every_kind_of_report_is_valid_against_the_official_schema(judged: Judged) -> None:
    schema = etsi_schema()
    made = {name: etsi_report(report) for name, report in REPORTS.items()}
    made["real"] = etsi_report(judged.report, signed_facts(judged.document))
    for name, content in made.items():
        assert schema.validate(parsed(content)), (name, str(schema.error_log))
    # The schema does refuse.
    spoilt = made["real"].replace(b"ValidationTime>", b"ValidationHour>")
    assert not schema.validate(parsed(spoilt))


def test_each_signature_is_reported_with_its_own_values_and_digests(judged: Judged) -> None:
    report = parsed(etsi_report(judged.report, signed_facts(judged.document)))
    status = "/vr:ValidationReport/vr:SignatureValidationReport"
    assert (
        texts(report, f"{status}//vr:MainIndication/text()")
        == ["urn:etsi:019102:mainindication:total-passed"] * 2
    )
    signers = texts(report, f"{status}//vr:Signer/text()")
    assert signers == [e.signer.common_name for e in judged.report.signatures if e.signer]
    digests = texts(report, f"{status}/vr:SignersDocument//ds:DigestValue/text()")
    expected = [hashlib.sha256(signed).digest() for _, signed in signed_parts(judged.document)]
    assert [b64decode(each) for each in digests] == expected
    values = texts(report, f"{status}/vr:SignatureIdentifier/ds:SignatureValue/text()")
    containers = [container for container, _ in signed_parts(judged.document)]
    for value, container in zip(values, containers, strict=True):
        assert b64decode(value) in container


def test_certificates_evidence_and_time_stamps_are_objects_in_full(judged: Judged) -> None:
    report = parsed(etsi_report(judged.report, signed_facts(judged.document)))
    kinds: dict[str, list[bytes]] = {}
    for each in report.iterfind(".//vr:ValidationObject", NAMES):
        kind = str(each.findtext("vr:ObjectType", namespaces=NAMES)).rpartition(":")[2]
        content = each.findtext(".//vr:base64", default="", namespaces=NAMES)
        kinds.setdefault(kind, []).append(b64decode(content))
    material = judged.report.material
    assert set(kinds["certificate"]) <= set(material.certificates)
    assert set(kinds["CRL"]) == set(material.crls)
    assert len(kinds["timestamp"]) == 2
    assert kinds["signedData"] == [b""]
    known = set(texts(report, "//@id"))
    assert set(texts(report, "//@VOReference")) <= known


def test_a_document_time_stamp_is_an_object_with_a_report_of_its_own() -> None:
    report = parsed(etsi_report(REPORTS["with a document time-stamp"]))
    assert len(report.findall("vr:SignatureValidationReport", NAMES)) == 1
    nested = "//vr:ValidationObject/vr:ValidationReport//vr:MainIndication/text()"
    assert texts(report, nested) == ["urn:etsi:019102:mainindication:passed"]
    assert texts(report, "//vr:POEProvisioning//vr:PAdESFieldName/text()") == ["Stamp <1>"]


def test_a_failure_has_its_sub_indication_its_reason_and_what_was_let_pass() -> None:
    report = parsed(etsi_report(REPORTS["altered"]))
    assert texts(report, "//vr:SubIndication/text()") == [
        "urn:etsi:019102:subindication:HASH_FAILURE"
    ]
    assert texts(report, "//cv:Reason/text()") == ["DOCUMENT_ALTERED"]
    assert texts(report, "//cv:Leniency/text()") == ["BER_ENCODING"]
    assert texts(report, "//cv:Sentence[@xml:lang='vi']/text()") == [
        "Nội dung đã bị thay đổi sau khi ký."
    ]


@pytest.mark.parametrize("name", ["unsigned", "only a document time-stamp"])
def test_no_signature_is_never_a_passed_one(name: str) -> None:
    report = parsed(etsi_report(REPORTS[name]))
    path = "/vr:ValidationReport/vr:SignatureValidationReport//vr:MainIndication/text()"
    assert texts(report, path) == [NO_SIGNATURE]


def test_the_same_report_gives_the_same_bytes(judged: Judged) -> None:
    facts = signed_facts(judged.document)
    again = Report.from_json(judged.report.to_json())
    assert etsi_report(judged.report, facts) == etsi_report(judged.report, facts)
    assert b"vr:base64" not in etsi_report(again)  # without material there are digests only
