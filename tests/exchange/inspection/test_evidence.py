"""The evidence as a ZIP file: whole, listed, read by others, and without a stranger's names."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from exchange.inspection.composing import Circumstances
from exchange.inspection.evidence import DOCUMENT, MANIFEST, READ_ME, evidence_archive
from exchange.inspection.inspecting import Inspection, inspect, render
from signer.report import Report
from signer.sandbox.pool import Sandbox
from signer.sandbox.process import SandboxLimits
from signer.verdicts import Verdict
from tests.exchange.inspection.conftest import Judged
from tests.support.reports import good_signature, report_on


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(workers=1) as opened:
        yield opened


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


async def test_all_forms_and_all_material_are_in_it_and_listed(
    judged: Judged, sandbox: Sandbox
) -> None:
    inspection = await inspect(
        judged.report,
        sandbox=sandbox,
        document=judged.document,
        beside=Circumstances(file_name="../../công văn.pdf"),
    )
    assert inspection.sheet.without_pictures is None
    archive = await render(inspection, "evidence", sandbox=sandbox, document=judged.document)
    files = files_of(archive)
    manifest = json.loads(files[MANIFEST])
    listed = {each["name"]: each["sha256"] for each in manifest["files"]}
    assert listed == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != MANIFEST
    }
    assert {"report.json", "report.html", "report.pdf", "report.xml", READ_ME} <= files.keys()
    assert files[DOCUMENT] == judged.document
    assert Report.from_json(json.loads(files["report.json"])) == judged.report
    material = judged.report.material
    assert {c for n, c in files.items() if n.startswith("certificates/")} == set(
        material.certificates
    )
    for signature in manifest["signatures"]:
        for each in (*signature["certificates"], *signature["evidence"]):
            assert each["included"], each
            assert Path(each["name"]).stem == hashlib.sha256(files[each["name"]]).hexdigest()
    assert all(re.fullmatch(r"[A-Za-z-]+(?:/[0-9a-f]{64})?\.[a-z]+", name) for name in files)


def test_the_document_is_in_it_only_where_that_is_wanted(judged: Judged) -> None:
    without = evidence_archive(judged.report, renderings={})
    assert DOCUMENT not in files_of(without)
    assert not json.loads(files_of(without)[MANIFEST])["document"]["included"]


def test_what_a_kept_report_lacks_is_said() -> None:
    files = files_of(evidence_archive(report_on(good_signature()), renderings={}))
    manifest = json.loads(files[MANIFEST])
    assert manifest["signatures"][0]["certificates"][0]["included"] is False
    assert "không được lưu cùng báo cáo" in files[READ_ME].decode()


def test_the_same_evidence_gives_the_same_bytes(judged: Judged) -> None:
    first, second = (evidence_archive(judged.report, renderings={"a.txt": b"a"}) for _ in range(2))
    assert first == second


@pytest.mark.judge("openssl", "unzip")
def test_others_read_what_is_in_it(judged: Judged, tmp_path: Path) -> None:
    archive = tmp_path / "evidence.zip"
    archive.write_bytes(evidence_archive(judged.report, renderings={}))
    subprocess.run(["unzip", "-tq", archive], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["unzip", "-q", archive, "-d", tmp_path], check=True)
    for kind, command in (("certificates/*.cer", "x509"), ("crls/*.crl", "crl")):
        found = list(tmp_path.glob(kind))
        assert found
        for file in found:
            asked = ["openssl", command, "-inform", "DER", "-in", str(file), "-noout", "-issuer"]
            told = subprocess.run(asked, check=True, capture_output=True, text=True)
            assert "issuer" in told.stdout


async def test_a_document_that_cannot_be_drawn_has_its_sheet_all_the_same(
    sandbox: Sandbox,
) -> None:
    report = report_on(verdict=Verdict.UNREADABLE, reason="NOT_A_PDF", revisions=())
    inspection = await inspect(report, sandbox=sandbox, document=b"no PDF")
    assert "không vẽ được trang nào" in (await render(inspection, "html", sandbox=sandbox)).decode()


async def test_what_takes_too_long_to_draw_is_said_too(judged: Judged) -> None:
    slow = SandboxLimits(wall_seconds=0.001)
    async with Sandbox(workers=1, limits=slow) as sandbox:
        inspection: Inspection = await inspect(
            judged.report, sandbox=sandbox, document=judged.document
        )
        told = await render(inspection, "html", sandbox=sandbox)
    assert "vượt quá giới hạn an toàn" in told.decode()
    assert inspection.facts == ()


async def test_without_the_document_the_sheet_says_so(sandbox: Sandbox) -> None:
    inspection = await inspect(replace(report_on(good_signature())), sandbox=sandbox)
    assert (
        "không được lưu ở nơi lập phiếu"
        in (await render(inspection, "html", sandbox=sandbox)).decode()
    )
