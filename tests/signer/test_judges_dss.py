"""EU DSS as a judge can say no, and knows nothing but what it is handed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from certs.keys.file import FileKey
from certs.practice.authority import PracticeAuthority
from certs.revocation.evidence import RevocationEvidence
from tests.support import attacks
from tests.support.java_judges import REPORTS, JavaJudges
from tests.support.practice import Practice, file_key, utc_now
from tests.support.verification import Desk

pytestmark = pytest.mark.judge("dss")


def test_it_trusts_nobody_but_the_root_that_it_is_given(
    java_judges: JavaJudges, signed: bytes, evidence: RevocationEvidence, tmp_path: Path
) -> None:
    other = PracticeAuthority.create(
        tmp_path / "other", base_url="http://127.0.0.1:9", clock=utc_now
    )
    [said] = java_judges.dss(signed, other.root, evidence=evidence).signatures
    assert (said.indication, said.sub_indication) == (
        "INDETERMINATE",
        "NO_CERTIFICATE_CHAIN_FOUND",
    )


def test_it_fetches_nothing(java_judges: JavaJudges, signed: bytes, practice: Practice) -> None:
    """The practice authority's OCSP answers on loopback, and would say good."""
    [said] = java_judges.dss(signed, practice.authority.root).signatures
    assert said.indication == "INDETERMINATE"
    assert any("revocation" in error.lower() for error in said.errors), said


def test_it_finds_a_revoked_certificate(
    java_judges: JavaJudges, practice: Practice, desk: Desk, one_page_pdf: bytes
) -> None:
    issued = practice.authority.issue_person("Lê Văn Cường", organisation="UBND", key="p256")
    key: FileKey = file_key(issued)
    document = desk.sign(one_page_pdf, key)
    practice.authority.revoke(issued.certificate)
    crls = (practice.authority.crl(), practice.authority.root_crl())
    [said] = java_judges.dss(
        document, practice.authority.root, evidence=RevocationEvidence(crls=crls)
    ).signatures
    assert not said.passed
    assert "REVOKED" in said.sub_indication


def test_it_tells_of_a_page_that_was_replaced_after_signing(
    java_judges: JavaJudges, signed: bytes, practice: Practice, evidence: RevocationEvidence
) -> None:
    """It only warns, which is why our verifier has rules of its own (signer.validation.changes)."""
    [said] = java_judges.dss(
        attacks.with_replaced_content(signed), practice.authority.root, evidence=evidence
    ).signatures
    assert said.undefined_changes > 0
    assert said.warnings


def test_its_own_reports_are_kept(
    java_judges: JavaJudges, signed: bytes, practice: Practice, evidence: RevocationEvidence
) -> None:
    folder = REPORTS / "kept"
    shutil.rmtree(folder, ignore_errors=True)
    java_judges.dss(signed, practice.authority.root, evidence=evidence, reports="kept")
    assert {each.name for each in folder.iterdir()} == {
        *("simple.xml", "detailed.xml", "diagnostic.xml", "etsi.xml")
    }
    assert "TOTAL_PASSED" in (folder / "simple.xml").read_text(encoding="utf-8")
