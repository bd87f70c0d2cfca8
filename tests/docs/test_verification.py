"""docs/verification.md and docs/report.schema.json say what the verifier says, no more, no less."""

from __future__ import annotations

import ast
import csv
import inspect
import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from certs.trust.anchors import AnchorClass, TrustStore
from exchange.texts import LANGUAGES, knows, sheet_text
from signer.creation.requests import Level
from signer.errors import DocumentRefused, SandboxFailed
from signer.leniencies import Leniency
from signer.reasons import VERDICTS, Reason
from signer.report import (
    Changes,
    Indication,
    Integrity,
    Report,
    RevisionContent,
    SignatureKind,
    SignatureLevel,
    SubIndication,
    Verdict,
)
from signer.validation.assessing import assess
from tests.support import attacks, pdfs
from tests.support.json_schema import complaints
from tests.support.office import Office

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
CORPUS = ROOT.parent / "shared" / "corpus"
# A judge like the others: skipped with its name where it is missing, an error in CI.
with_corpus = pytest.mark.judge(*(() if CORPUS.is_dir() else ("../shared/corpus",)))


def told(enumeration: type[StrEnum]) -> dict[str, str]:
    """What stands below each value of an enumeration, in one line."""
    body = ast.parse(inspect.getsource(enumeration)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for statement in body.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = " ".join(text.split())
    return found


def table(heading: str, rows: list[tuple[str, ...]]) -> str:
    columns = heading.count("|") - 1
    return "\n".join((heading, "|" + "---|" * columns, *(f"| {' | '.join(r)} |" for r in rows)))


def refusals() -> list[tuple[str, ...]]:
    classes = [*DocumentRefused.__subclasses__(), *SandboxFailed.__subclasses__()]
    return [
        (f"`{each.reason}`", "UNREADABLE", (each.__doc__ or "").strip().partition("\n")[0])
        for each in classes
    ]


EXPECTED = {
    "reasons": lambda: table(
        "| Code | Verdict | When |",
        [
            (f"`{reason}`", str(VERDICTS[reason]), text)
            for reason, text in ((Reason(name), text) for name, text in told(Reason).items())
        ]
        + refusals(),
    ),
    "sub-indications": lambda: table(
        "| Sub-indication | When |",
        [(f"`{name}`", text) for name, text in told(SubIndication).items()],
    ),
    "leniencies": lambda: table(
        "| Code | What is let pass, and why that is harmless |",
        [(f"`{name}`", text) for name, text in told(Leniency).items()],
    ),
}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_tables_of_the_page_are_those_of_the_code(name: str) -> None:
    wanted = EXPECTED[name]()
    assert wanted in PAGE, f"docs/verification.md, {name}:\n{wanted}"


def test_every_code_says_what_it_means_and_has_its_texts() -> None:
    for enumeration in (Reason, SubIndication, Leniency):
        assert set(told(enumeration)) == {each.name for each in enumeration}
    for language in LANGUAGES:
        assert all(knows(str(reason), language) for reason in Reason)
        assert all(sheet_text(f"leniency.{each}", language) for each in Leniency)


def test_the_steps_that_the_page_numbers_stand_in_the_code() -> None:
    steps = set(re.findall(r"^\| (§5\.[0-9.]+)", PAGE, re.MULTILINE))
    assert len(steps) > 8
    code = "".join(path.read_text("utf-8") for path in (ROOT / "signer").rglob("*.py"))
    assert {step for step in steps if step not in code} == set()


# The schema.


def test_the_schema_names_every_value_of_every_enumeration() -> None:
    signature = SCHEMA["$defs"]["signature"]["properties"]
    assert SCHEMA["properties"]["verdict"]["enum"] == list(Verdict)
    assert signature["sub_indication"]["enum"] == [*SubIndication, None]
    for name, enumeration in {
        "kind": SignatureKind,
        "indication": Indication,
        "integrity": Integrity,
        "changes": Changes,
        "level": SignatureLevel,
    }.items():
        assert signature[name]["enum"] == list(enumeration), name
    assert signature["leniencies"]["items"]["enum"] == list(Leniency)
    assert signature["anchor_class"]["enum"] == ["", *AnchorClass]
    revision = SCHEMA["$defs"]["revision"]["properties"]
    assert revision["changes"]["items"]["enum"] == list(RevisionContent)


def fits(report: Report) -> None:
    values = json.loads(json.dumps(report.to_json()))
    assert complaints(values, SCHEMA) == []
    assert complaints({"file": "a.pdf", **values}, SCHEMA) == []
    again = Report.from_json(values)
    assert again == report


def test_reports_of_every_verdict_fit_the_schema(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    person = office.person()
    plain = pdfs.one_page()
    signed = office.sign(plain, person, Level.B_T)
    archived = office.with_document_timestamp(office.with_store(signed, person.certificate))
    evidence = office.evidence(person.certificate)
    reports = [
        office.judge(document, evidence)
        for document in (plain, signed, archived, attacks.with_replaced_content(signed), b"no PDF")
    ]
    reports.append(office.judge(signed))
    assert {each.verdict for each in reports} == set(Verdict)
    assert reports[-1].missing
    for report in reports:
        fits(report)


def test_what_does_not_fit_the_schema_is_seen(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    person = office.person()
    values = office.judge(office.sign(pdfs.one_page(), person)).to_json()
    for spoilt in (
        {**values, "verdict": "FINE"},
        {**values, "another": 1},
        {**values, "judged_at": "yesterday"},
        {key: value for key, value in values.items() if key != "policy"},
        {**values, "signatures": [{**values["signatures"][0], "level": 3}]},
    ):
        assert complaints(spoilt, SCHEMA)


@with_corpus
def test_reports_on_documents_of_others_fit_the_schema() -> None:
    with (CORPUS / "expected.tsv").open(encoding="utf-8", newline="") as rows:
        files = [row["file"] for row in csv.DictReader(rows, delimiter="\t")]
    for file in files:
        document = (CORPUS / "pdf" / file).read_bytes()
        if len(document) < 400_000:
            fits(assess(document, store=TrustStore(), at=datetime.now(UTC)))
