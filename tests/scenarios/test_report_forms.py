"""A kept report in other forms: sheet, PDF, ETSI report and evidence, for who may see it."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]
import pytest
from lxml import etree

from certs.keys.file import FileKey
from congvan.v1 import verification_pb2
from tests.support.clients import WAIT, Client, refused_with
from tests.support.practice import Practice, one_page
from tests.support.service import COMMUNE, PROVINCE
from tests.support.verification import Desk
from tests.support.verifying_calls import request_for

Report = verification_pb2.VerificationReport


@pytest.fixture(scope="module")
def judged(clients: dict[str, Client], practice: Practice, leader_key: FileKey) -> Report:
    """The report on a signed document, which the province asked for."""
    client = clients[PROVINCE]
    document = Desk(practice).sign(one_page("Forms"), leader_key)
    request = request_for(sha256=client.upload(document).sha256)
    return client.verification.VerifyDocument(request, timeout=WAIT)


def in_form(client: Client, name: str, form: int) -> Report:
    request = verification_pb2.GetVerificationReportRequest(name=name)
    request.form = form  # type: ignore[assignment]
    return client.verification.GetVerificationReport(request, timeout=WAIT)


def test_each_form_tells_the_same_judgement(clients: dict[str, Client], judged: Report) -> None:
    client = clients[PROVINCE]
    forms = {form: in_form(client, judged.name, form) for form in range(6)}
    assert forms[0].rendering == b""
    assert json.loads(forms[1].rendering) == json.loads(judged.json)
    sheet = forms[2].rendering.decode()
    assert judged.document.sha256 in sheet
    assert "data:image/" in sheet  # the document was uploaded, so its pages can be drawn
    assert "Không có hình trang" not in sheet
    with pypdfium2.PdfDocument(forms[3].rendering) as opened:
        assert "PHIẾU KIỂM TRA" in opened[0].get_textpage().get_text_range()
    assert etree.fromstring(forms[4].rendering).tag.endswith("ValidationReport")
    with zipfile.ZipFile(BytesIO(forms[5].rendering)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        held = {name.rpartition("/")[2].partition(".")[0] for name in archive.namelist()}
    assert manifest["document"]["sha256"] == judged.document.sha256
    # What the judgement rested on was kept with it, and is what the report names.
    [signature] = json.loads(judged.json)["signatures"]
    assert signature["chain"]
    assert signature["evidence"]
    assert {each["sha256"] for each in signature["chain"] + signature["evidence"]} <= held
    assert [forms[form].rendering_media_type for form in range(6)] == [
        "", "application/json", "text/html; charset=utf-8", "application/pdf", "application/xml",
        "application/zip",
    ]  # fmt: skip


def test_without_the_document_the_sheet_says_where_pictures_can_be_had(
    clients: dict[str, Client], practice: Practice, leader_key: FileKey
) -> None:
    client = clients[PROVINCE]
    document = Desk(practice).sign(one_page("Not kept"), leader_key)
    report = client.verification.VerifyDocument(request_for(document), timeout=WAIT)
    sheet = in_form(client, report.name, verification_pb2.REPORT_FORM_HTML).rendering.decode()
    assert "data:image/" not in sheet
    assert "Không có hình trang trên phiếu này: văn bản không được lưu ở nơi lập phiếu" in sheet
    assert "congvan verify --html" in sheet


def test_no_form_is_shown_to_others_and_unknown_ones_are_refused(
    clients: dict[str, Client], judged: Report
) -> None:
    with refused_with("REPORT_UNKNOWN"):
        in_form(clients[COMMUNE], judged.name, verification_pb2.REPORT_FORM_PDF)
    with refused_with("ARGUMENT_INVALID"):
        in_form(clients[PROVINCE], judged.name, 99)


def test_a_report_given_again_has_the_same_material(
    clients: dict[str, Client], judged: Report
) -> None:
    document = clients[PROVINCE].download(judged.document.sha256)
    request = request_for(sha256=clients[COMMUNE].upload(document).sha256)
    again = clients[COMMUNE].verification.VerifyDocument(request, timeout=WAIT)
    assert again.judged_at == judged.judged_at
    first, second = (
        in_form(client, name, verification_pb2.REPORT_FORM_EVIDENCE).rendering
        for client, name in (
            (clients[PROVINCE], judged.name),
            (clients[COMMUNE], again.name),
        )
    )
    assert first == second
